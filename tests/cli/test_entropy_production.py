"""``secondlaw entropy-production``: every kind of file and of bad input, JSON by its schema, text, report."""

import importlib.util

import numpy as np
import pytest
from printed_json import printed, refusal, valid

pytestmark = pytest.mark.unit

CYCLE = 0.3 * np.log(2.5)


def cycle(steps=8000, seed=0):
    moves = np.random.default_rng(seed).choice([1, -1, 0], p=[0.5, 0.2, 0.3], size=steps)
    return np.cumsum(moves) % 3


def circling(runs=30, steps=100, seed=0):
    """Linear dynamics that go round, in two variables; shape (runs, steps, 2)."""
    rng = np.random.default_rng(seed)
    turn = 0.8 * np.array([[np.cos(0.6), -np.sin(0.6)], [np.sin(0.6), np.cos(0.6)]])
    x = np.zeros((runs, steps + 20, 2))
    for t in range(1, steps + 20):
        x[:, t] = x[:, t - 1] @ turn.T + rng.normal(size=(runs, 2))
    return x[:, 20:]


def measured(run, *words):
    return printed(run, "entropy-production", "entropy-production", *words)


def refused(run, code, *words):
    return refusal(run, code, "entropy-production", *words)


def write_csv(path, header, columns):
    lines = [",".join(header), *(",".join(map(str, row)) for row in zip(*columns, strict=True))]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def test_states_as_numbers_in_npy(run, tmp_path):
    np.save(tmp_path / "x.npy", cycle())
    found = measured(run, tmp_path / "x.npy")
    assert found["low"] < CYCLE < found["high"]
    assert found["low"] > 0.15
    assert (found["unit"], found["bound"], found["data"]["kind"]) == ("nats/step", "lower", "states")
    assert found["data"]["states"] == ["0", "1", "2"]
    assert "3 states" in found["estimator"]["reason"]


def test_states_as_text_in_csv_with_groups_and_the_same_value_as_numbers(run, tmp_path):
    x = cycle(6000)
    names = np.array(["calm", "eager", "weary"])[x]
    groups = np.arange(len(x)) // 200
    found = measured(run, write_csv(tmp_path / "x.csv", ("run", "mood"), (groups, names)), "--group", "run")
    np.save(tmp_path / "x.npy", x.reshape(30, 200, 1))
    same = measured(run, tmp_path / "x.npy")
    assert found["value"] == same["value"]
    assert found["data"]["trajectories"] == 30
    assert {one["name"] for one in found["contributions"]} == {
        "calm -> eager", "calm -> weary", "eager -> weary",
    }  # fmt: skip


def test_time_gives_a_rate_and_columns_choose_variables(run, tmp_path):
    x = circling()
    runs = np.repeat(np.arange(30), 100)
    time = np.tile(np.arange(100) * 0.5, 30)
    columns = (runs, time, x[:, :, 0].ravel(), x[:, :, 1].ravel(), np.ones(3000))
    file = write_csv(tmp_path / "x.csv", ("run", "t", "a", "b", "junk"), columns)
    words = ("--group", "run", "--columns", "a,b")
    step = measured(run, file, *words)
    rate = measured(run, file, *words, "--time", "t")
    assert rate["value"] == pytest.approx(step["value"] / 0.5)
    assert (step["unit"], rate["unit"]) == ("nats/step", "nats per unit of time")
    assert measured(run, file, *words, "--dt", "0.5")["value"] == pytest.approx(rate["value"])
    assert rate["data"]["variables"] == 2


def test_parquet_and_npz_say_the_same(run, tmp_path):
    pq, pa = pytest.importorskip("pyarrow.parquet"), pytest.importorskip("pyarrow")
    x = circling()
    pq.write_table(
        pa.table({"run": np.repeat(np.arange(30), 100), "a": x[..., 0].ravel(), "b": x[..., 1].ravel()}),
        tmp_path / "x.parquet",
    )
    np.savez(tmp_path / "x.npz", **{f"run{k:02}": one for k, one in enumerate(x)})
    one = measured(run, tmp_path / "x.parquet", "--group", "run")
    other = measured(run, tmp_path / "x.npz")
    assert one["value"] == other["value"] > 0.1


@pytest.mark.skipif(importlib.util.find_spec("h5py") is None, reason="h5py is not installed")
def test_hdf5(run, tmp_path):
    import h5py

    x = circling()
    with h5py.File(tmp_path / "x.h5", "w") as file:
        file["group/x"] = x
        file["other"] = np.zeros((2, 3, 4, 5))
    assert "name one with key" in refused(run, 2, tmp_path / "x.h5")
    np.save(tmp_path / "x.npy", x)
    found = measured(run, tmp_path / "x.h5", "--key", "group/x")
    assert found["value"] == measured(run, tmp_path / "x.npy")["value"]


@pytest.mark.skipif(importlib.util.find_spec("h5py") is not None, reason="h5py is installed")
def test_hdf5_without_its_package_names_the_remedy(run, tmp_path):
    (tmp_path / "x.h5").write_bytes(b"\x89HDF\r\n\x1a\n")
    assert "pip install" in refused(run, 2, tmp_path / "x.h5")


def test_spikes_as_events_equal_the_raster_and_are_told_per_spike(run, tmp_path):
    rng = np.random.default_rng(0)
    raster = (rng.random((4000, 3)) < 0.2).astype(float)
    raster[1:, 1] = np.maximum(raster[1:, 1], raster[:-1, 0])  # neuron 1 follows neuron 0
    raster[[0, -1], 2] = 1.0
    times, neurons = np.nonzero(raster)
    file = write_csv(tmp_path / "x.csv", ("time", "neuron"), (times * 0.02, neurons))
    found = measured(run, file, "--bin", "0.02")
    np.save(tmp_path / "x.npy", raster)
    assert found["value"] == measured(run, tmp_path / "x.npy")["value"] > 0.0
    assert found["per_spike"]["value"] == pytest.approx(found["value"] / raster.sum(axis=1).mean())
    assert found["data"]["kind"] == "binary"


def test_flips_of_single_spins(run, tmp_path):
    rng = np.random.default_rng(0)
    spins = rng.choice([-1, 1], size=(2000, 4))
    np.savez(tmp_path / "x.npz", spins=spins, flipped=rng.random(spins.shape) < 0.5)
    found = measured(run, tmp_path / "x.npz")
    assert (found["estimator"]["name"], found["data"]["kind"], found["low"]) == ("flips", "flips", 0.0)
    assert "flips data" not in refused(run, 2, tmp_path / "x.npz", "--estimator", "nonsense")
    assert "not flips" in refused(run, 2, tmp_path / "x.npz", "--estimator", "maxent")


def test_the_pair_of_spins_that_act_unequally_is_named(run, tmp_path):
    rng = np.random.default_rng(1)
    spins, flipped = np.empty((12000, 3), dtype=np.int8), np.zeros((12000, 3), dtype=bool)
    now = np.ones(3, dtype=np.int8)
    for t in range(len(spins)):
        spins[t] = now
        k = t % 3
        field = 0.8 * now[1] if k == 0 else -0.8 * now[0] if k == 1 else 0.0  # spins 0 and 1 drive each other round
        flipped[t, k] = rng.random() < 1.0 / (1.0 + np.exp(2.0 * now[k] * field))
        now[k] *= -1 if flipped[t, k] else 1
    np.savez(tmp_path / "x.npz", spins=spins, flipped=flipped)
    report = tmp_path / "x.html"
    found = measured(run, tmp_path / "x.npz", "--report", report)
    first = found["pairs"][0]
    assert (first["one"], first["other"], len(found["pairs"])) == ("spin 0", "spin 1", 3)
    assert found["low"] > 0.0
    assert first["part"]["low"] > 0.0
    assert first["onto_one"] > 0.0 > first["onto_other"] or first["onto_one"] < 0.0 < first["onto_other"]
    assert "spin 0 and spin 1" in report.read_text()


@pytest.mark.parametrize("estimator", ["maxent", "tur", "tur-log", "plug-in"])
def test_estimators_by_name(run, tmp_path, estimator):
    np.save(tmp_path / "x.npy", cycle())
    found = measured(run, tmp_path / "x.npy", "--estimator", estimator)
    assert found["estimator"] | {"words": ""} == {"name": estimator, "words": "", "reason": "as asked"}
    assert 0.15 < found["value"] < 0.35


def test_text_says_value_cover_null_gap_and_warnings_in_this_order(run, tmp_path):
    np.save(tmp_path / "x.npy", circling(runs=1, steps=1000))
    text = " ".join(run("entropy-production", tmp_path / "x.npy", "--quiet").stdout.split())
    said = ("95 % interval", "the interval covers", "sign flips: p =", "the fit claims", "estimator maxent")
    places = [text.index(one) for one in said]
    assert places == sorted(places)


def test_report_holds_pictures_hierarchy_and_lags(run, tmp_path):
    np.save(tmp_path / "x.npy", circling())
    page = tmp_path / "page.html"
    result = run("entropy-production", tmp_path / "x.npy", "--report", page, "--lags", "2,4", "--exact", 1.0, "--json")
    found = valid("entropy-production", result.stdout)
    assert [one["at"] for one in found["lags"]] == [1, 2, 4]
    assert [one["at"] for one in found["orders"]] == [1, 2]
    assert found["orders"][1]["gain"]["low"] > 0.0  # circling is of order 2
    html = page.read_text(encoding="utf-8")
    assert html.count("<svg") == 5
    assert "<script" not in html
    assert "Convergence in the lag" in html


def test_one_trajectory_is_said_to_be_cut(run, tmp_path):
    np.save(tmp_path / "x.npy", circling(runs=1, steps=1000)[0])
    assert any("one trajectory" in note for note in measured(run, tmp_path / "x.npy")["notes"])


def test_unequal_lengths_are_said_and_short_ones_left_out(run, tmp_path):
    x = circling(runs=22)
    parts = {f"r{k:02}": one[: 100 - 2 * k] for k, one in enumerate(x)} | {"zz": x[0, :1]}
    np.savez(tmp_path / "x.npz", **parts)
    found = measured(run, tmp_path / "x.npz")
    assert any("1 of 23 trajectories" in warning for warning in found["warnings"])


def test_missing_values_are_refused_or_cut(run, tmp_path):
    x = circling()
    x[3, 50, 1] = np.nan
    np.save(tmp_path / "x.npy", x)
    assert "gaps: cut" in refused(run, 12, tmp_path / "x.npy")
    found = measured(run, tmp_path / "x.npy", "--gaps", "cut")
    assert found["data"]["trajectories"] == 31
    assert any("1 steps without a value" in note for note in found["notes"])


def test_missing_steps_are_refused_or_cut(run, tmp_path):
    x, time = cycle(3000), np.arange(3000) * 0.1
    kept = np.arange(3000) != 1500
    file = write_csv(tmp_path / "x.csv", ("t", "s"), (time[kept], x[kept]))
    assert "missing" in refused(run, 12, file, "--time", "t")
    assert measured(run, file, "--time", "t", "--gaps", "cut")["data"]["trajectories"] == 2
    uneven = write_csv(tmp_path / "y.csv", ("t", "s"), (np.sort(np.random.default_rng(0).random(3000)), x))
    assert "not equal" in refused(run, 2, uneven, "--time", "t")


def test_constant_columns_are_named_and_constant_data_refused(run, tmp_path):
    x = np.concatenate([circling(), np.ones((30, 100, 1))], axis=2)
    np.save(tmp_path / "x.npy", x)
    assert any("never change (x2)" in warning for warning in measured(run, tmp_path / "x.npy")["warnings"])
    np.save(tmp_path / "y.npy", np.ones((30, 100, 2)))
    assert "never move" in refused(run, 12, tmp_path / "y.npy")


def test_a_lag_longer_than_the_data_is_refused(run, tmp_path):
    np.save(tmp_path / "x.npy", circling())
    assert "longer than the data" in refused(run, 12, tmp_path / "x.npy", "--lag", 100)
    assert "longer than the data" in refused(run, 12, tmp_path / "x.npy", "--window", 102)


def test_states_never_revisited_are_refused(run, tmp_path):
    names = [f"s{k}" for k in range(500)]
    file = write_csv(tmp_path / "x.csv", ("state",), (names,))
    assert "ever visited twice" in refused(run, 12, file)


def test_states_seldom_visited_and_one_way_jumps_are_warned_of(run, tmp_path):
    one_way = np.tile([0, 1, 2], 300)
    np.save(tmp_path / "x.npy", one_way)
    assert any("never occur in reverse" in text for text in measured(run, tmp_path / "x.npy")["warnings"])
    np.save(tmp_path / "y.npy", np.tile([0, 1], 300))
    assert any("two states carry no current" in text for text in measured(run, tmp_path / "y.npy")["warnings"])


def test_no_file_and_unknown_columns(run, tmp_path):
    assert "there is no file" in refused(run, 13, tmp_path / "none.npy")
    file = write_csv(tmp_path / "x.csv", ("a", "b"), (range(50), range(50)))
    assert "no column 'c'" in refused(run, 2, file, "--columns", "c")
    text = write_csv(tmp_path / "y.csv", ("a", "b"), (["u"] * 50, range(50)))
    assert "holds text" in refused(run, 2, text)
    (tmp_path / "z.npy").write_bytes(b"nothing")
    assert "no array of NumPy" in refused(run, 13, tmp_path / "z.npy")


def test_true_couplings_are_drawn_beside_the_fitted(run, tmp_path):
    rng = np.random.default_rng(0)
    couplings = rng.normal(size=(4, 4)) * 0.4
    s = rng.choice([-1.0, 1.0], size=4)
    rows = []
    for _ in range(5000):
        s = np.where(rng.random(4) < (1 + np.tanh(couplings @ s)) / 2, 1.0, -1.0)
        rows.append(s)
    np.save(tmp_path / "x.npy", np.array(rows))
    np.save(tmp_path / "j.npy", couplings)
    page = tmp_path / "page.html"
    words = ("--truth", tmp_path / "j.npy", "--no-orders", "--lags", "1", "--report", page)
    assert run("entropy-production", tmp_path / "x.npy", *words).exit_code == 0
    html = page.read_text(encoding="utf-8")
    assert "Asymmetry of couplings" in html
    correlation = float(html.split("Correlation ")[1][:5])
    assert correlation > 0.9
