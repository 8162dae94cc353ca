import numpy as np
import pytest

from secondlaw.errors import FileFormatError, InvalidInput, NotEnoughData, SourceError
from secondlaw.trajectories import Trajectories, Transitions, read_trajectories
from secondlaw.trajectories.layout import lay_out

pytestmark = pytest.mark.unit


def test_transitions_never_join_two_trajectories_of_unequal_lengths():
    pairs = Trajectories.of([np.arange(5.0), 10 + np.arange(3.0), [20.0]], dt=0.5).transitions(lag=2)
    assert pairs.x0[:, 0].tolist() == [0, 1, 2, 10]
    assert pairs.x1[:, 0].tolist() == [2, 3, 4, 12]
    assert pairs.groups.tolist() == [0, 0, 0, 1]
    assert pairs.dt == 1.0
    assert pairs.lag == 2


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (lambda: Trajectories.of([[1.0, np.nan]]), InvalidInput, "not finite, first at row 1"),
        (lambda: Trajectories.of([]), NotEnoughData, "no trajectory"),
        (lambda: Trajectories.of([np.zeros((4, 2)), np.zeros((4, 3))]), InvalidInput, "same variables"),
        (lambda: Trajectories.of(np.zeros(5)), InvalidInput, "axes"),
        (lambda: Trajectories.of([[1.0, 2.0]], dt=0.0), InvalidInput, "dt must be positive"),
        (lambda: Trajectories.of([[1.0, 2.0]]).transitions(lag=2), NotEnoughData, "longer than the data"),
        (lambda: Trajectories.of([["a", "b"]]), InvalidInput, "must hold numbers"),
        (lambda: Transitions.of(np.zeros(4), np.zeros(5)), InvalidInput, "one length"),
        (lambda: lay_out(Transitions.of(np.zeros(30), np.zeros(30)), blocks=20, folds=5), NotEnoughData, "too few"),
    ],
)
def test_bad_input_is_named(make, error, words):
    with pytest.raises(error, match=words):
        make()


@pytest.mark.parametrize("lengths", [[1000], [700, 300], [40] * 25, [5000] + [41] * 3])
def test_blocks_and_folds_cover_every_row_once_and_never_join_trajectories(lengths):
    pairs = Trajectories.of([np.arange(n, dtype=float) + 1e5 * k for k, n in enumerate(lengths)]).transitions()
    cut = lay_out(pairs, blocks=100, folds=5)
    assert sorted(cut.x0[:, 0]) == sorted(pairs.x0[:, 0])
    assert cut.fold_sizes.sum() == cut.n == len(pairs)
    assert (np.diff(cut.starts) > 0).all()
    for a, b in zip(cut.starts[:-1], cut.starts[1:], strict=True):
        assert len(set(cut.x0[a:b, 0] // 1e5)) == 1


def test_files_are_read_and_bad_ones_named(tmp_path):
    x = np.random.default_rng(0).normal(size=(3, 6, 2))
    np.save(tmp_path / "x.npy", x)
    np.savez(tmp_path / "x.npz", a=x[0], b=x[1])
    (tmp_path / "x.csv").write_text("run,u,v\nr1,1,2\nr1,3,4\nr2,5,6\n")
    assert len(read_trajectories(tmp_path / "x.npy")) == 3
    assert len(read_trajectories(tmp_path / "x.npz", dt=0.1)) == 2
    assert len(read_trajectories(tmp_path / "x.npz", key="a")) == 1
    table = read_trajectories(tmp_path / "x.csv", group="run")
    assert table.variables == ("u", "v")
    assert [len(series) for series in table.series] == [2, 1]
    (tmp_path / "bad.csv").write_text("u\n1\nx\n")
    (tmp_path / "bad.npz").write_bytes(b"no zip")
    with pytest.raises(FileFormatError, match="line 3"):
        read_trajectories(tmp_path / "bad.csv")
    with pytest.raises(FileFormatError, match=r"no \.npz"):
        read_trajectories(tmp_path / "bad.npz")
    with pytest.raises(SourceError, match="cannot be opened"):
        read_trajectories(tmp_path / "none.npy")
    with pytest.raises(InvalidInput, match="holds no array 'c'"):
        read_trajectories(tmp_path / "x.npz", key="c")
    with pytest.raises(InvalidInput, match="convert it"):
        read_trajectories(tmp_path / "x.mat")
