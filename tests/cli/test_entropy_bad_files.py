"""``secondlaw entropy-production`` on bad files: which error, with which exit code and remedy, or which warning."""

import json

import numpy as np
import pytest

pytestmark = pytest.mark.unit

STEPS = 600


def circling():
    rng, x = np.random.default_rng(0), np.zeros((STEPS, 2))
    for t in range(1, STEPS):
        x[t] = np.array([[0.9, -0.2], [0.2, 0.9]]) @ x[t - 1] + rng.normal(size=2)
    return x


def write(path, header, *columns):
    rows = [",".join(map(str, row)) for row in zip(*columns, strict=True)]
    path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return path


def said(run, code, *words):
    result = run("entropy-production", *words, "--json", "--quiet", "--resamples", "100")
    assert result.exit_code == code, result.output
    found = json.loads(result.stdout)
    return found["error"]["message"] if code else found


T, X = np.arange(STEPS) * 0.5, circling()


@pytest.mark.parametrize(
    ("times", "code", "words"),
    [
        (np.where(np.arange(STEPS) == 77, T[76], T), 2, "1 rows have the same 't' as another.* leave out duplicates"),
        (np.where(np.arange(STEPS) == 300, -7.0, T), 12, "steps of 't' are missing; cut the trajectories there"),
        (T + np.random.default_rng(1).random(STEPS) * 0.3, 2, "are not equal: .* interpolate to equal steps"),
        (np.full(STEPS, 3.0), 2, "have the same 't'"),
    ],
    ids=["duplicate", "one goes back", "uneven", "constant"],
)
def test_clocks_that_are_none(run, tmp_path, times, code, words):
    import re

    file = write(tmp_path / "x.csv", "t,a,b", times, X[:, 0], X[:, 1])
    assert re.search(words, said(run, code, file, "--time", "t"))


def test_a_clock_that_runs_backwards_is_sorted_and_said(run, tmp_path):
    right = write(tmp_path / "x.csv", "t,a,b", T, X[:, 0], X[:, 1])
    turned = write(tmp_path / "y.csv", "t,a,b", T[::-1], X[::-1, 0], X[::-1, 1])
    one, other = (said(run, 0, file, "--time", "t") for file in (right, turned))
    assert one["value"] == other["value"] > 0.0
    assert any("599 rows did not stand in the order of 't'" in note for note in other["notes"])


def test_columns_that_nobody_has_named_are_not_taken_for_variables(run, tmp_path):
    file = write(tmp_path / "x.csv", "t,a,b", T, X[:, 0], X[:, 1])
    assert "looks like a clock: name it as time (--time t)" in said(run, 2, file)
    runs = write(tmp_path / "y.csv", "run,a,b", np.arange(STEPS) // 20, X[:, 0], X[:, 1])
    assert "looks like the number of a trajectory: name it as group (--group run)" in said(run, 2, runs)
    chosen = said(run, 0, runs, "--columns", "a,b")
    assert chosen["data"]["variables"] == 2


@pytest.mark.parametrize(
    ("rows", "code", "words"),
    [
        (0, 12, "holds no row"),
        (1, 12, "longest trajectory has 1 steps"),
        (2, 12, "too few"),
    ],
)
def test_files_without_enough_rows(run, tmp_path, rows, code, words):
    file = write(tmp_path / "x.csv", "a,b", X[:rows, 0], X[:rows, 1])
    assert words in said(run, code, file)


def test_empty_files_and_arrays(run, tmp_path):
    (tmp_path / "x.csv").write_text("", encoding="utf-8")
    assert "holds no row" in said(run, 12, tmp_path / "x.csv")
    for shape in ((0, 2), (5, 0, 2), (0,)):
        np.save(tmp_path / "x.npy", np.empty(shape))
        assert "no step" in said(run, 12, tmp_path / "x.npy")
    np.save(tmp_path / "x.npy", np.zeros((2, 3, 4, 5)))
    assert "one array (trajectory, time, variable)" in said(run, 2, tmp_path / "x.npy")
    np.save(tmp_path / "x.npy", X[:, 0] + 1j * X[:, 1])
    assert "must hold numbers" in said(run, 2, tmp_path / "x.npy")


@pytest.mark.parametrize(
    ("value", "code", "words"),
    [
        ("1e308", 2, "products overflow"),
        ("inf", 12, "missing or infinite"),
        ("", 12, "missing or infinite"),
        ("oops", 13, "'oops' in column 'b', which begins with numbers"),
    ],
)
def test_one_bad_cell(run, tmp_path, value, code, words):
    cells = [value if k == 5 else f"{one:.6f}" for k, one in enumerate(X[:, 1])]
    file = write(tmp_path / "x.csv", "a,b", X[:, 0], cells)
    assert words in said(run, code, file)


def test_a_text_column_beside_numbers(run, tmp_path):
    file = write(tmp_path / "x.csv", "a,label", X[:, 0], ["cat"] * STEPS)
    assert "holds text such as 'cat' beside other variables; choose" in said(run, 2, file)


def test_far_more_variables_than_steps_give_no_number(run, tmp_path):
    np.save(tmp_path / "x.npy", np.random.default_rng(0).normal(size=(50, 60)))
    found = said(run, 0, tmp_path / "x.npy")
    assert (found["value"], found["low"]) == (0.0, 0.0)
    assert "too few to predict" in found["checks"]["memory"]["insufficient"]
    assert any("fewer than 100 each" in one for one in found["warnings"])


@pytest.mark.parametrize(
    ("rows", "code", "words"),
    [
        (("0,a", "1,b", "1,a"), 2, "have the time 1; name the column"),
        (("0,a", "1,b", "2,a"), 12, "too few"),
        (("0,a", "1,a"), 12, "never changes"),
        (("zero,a", "one,b"), 2, "finite numbers, got 'zero'"),
        (("0,a", "1,", "2,b"), 2, "1 rows have no state"),
        ((), 12, "holds no row"),
    ],
)
def test_jumps_that_are_none(run, tmp_path, rows, code, words):
    (tmp_path / "x.csv").write_text("\n".join(["time,state", *rows]) + "\n", encoding="utf-8")
    assert words in said(run, code, tmp_path / "x.csv", "--jumps")


def test_jumps_need_to_know_their_columns(run, tmp_path):
    file = write(tmp_path / "x.csv", "t,a,b", T, X[:, 0] > 0, X[:, 1] > 0)
    assert "does not say which column holds the states" in said(run, 2, file, "--jumps")
    np.savez(tmp_path / "x.npz", time=np.arange(5.0), state=np.arange(4))
    assert "arrays of one length" in said(run, 2, tmp_path / "x.npz", "--jumps")


def test_a_dt_that_is_none(run, tmp_path):
    np.save(tmp_path / "x.npy", X)
    for dt in ("-1", "0", "nan"):
        assert "dt must be positive" in said(run, 2, tmp_path / "x.npy", "--dt", dt)
