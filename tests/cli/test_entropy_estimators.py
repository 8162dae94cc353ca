"""``secondlaw entropy-production``: the estimator taken and why, options, convergence, tests of assumptions."""

import numpy as np
import pytest
from printed_json import printed, refusal

from secondlaw.systems import DrivenRing, JumpProcess, active_particle, heat_conducting_oscillators, spinning_particle
from secondlaw.trajectories.methods import METHODS

pytestmark = pytest.mark.unit

FAST = ("--resamples", "200")


def measured(run, *words):
    return printed(run, "entropy-production", "entropy-production", *words, *FAST)


def refused(run, code, *words):
    return refusal(run, code, "entropy-production", *words)


@pytest.fixture
def spun(tmp_path):
    """Fine steps of a particle that spins at 8 nats per unit of time."""
    rng = np.random.default_rng(0)
    np.save(tmp_path / "x.npy", spinning_particle().simulate(points=300, dt=0.01, trajectories=30, rng=rng))
    return tmp_path / "x.npy"


def jumps_file(path, states=("off", "on", "stuck")):
    """Jumps of a driven cycle with ln 2 nats per unit of time; the last row ends the observation."""
    path_of = JumpProcess([[0, 2, 1], [1, 0, 2], [2, 1, 0]]).simulate(duration=1500.0, rng=np.random.default_rng(0))[0]
    times = np.concatenate([[0.0], np.cumsum(path_of.waits)])
    names = [states[k] for k in (*path_of.states, path_of.states[-1])]
    rows = [f"{time:.6f},{name}" for time, name in zip(times, names, strict=True)]
    path.write_text("\n".join(["time,state", *rows]) + "\n", encoding="utf-8")
    return path


def test_currents_are_taken_for_fine_steps_of_a_diffusion_and_the_reason_is_told(run, spun):
    found = measured(run, spun, "--dt", 0.01)
    assert found["estimator"]["name"] == "currents"
    assert "steps are those of a diffusion" in found["estimator"]["reason"]
    assert found["low"] < 8.0 < found["high"]
    assert found["extrapolated"]["value"] > found["value"]
    assert [one["dt"] for one in found["by_lag"]] == pytest.approx([0.01, 0.02, 0.04])
    text = " ".join(run("entropy-production", spun, "--dt", 0.01, "-q").stdout.split())
    assert "steps are those of a diffusion" in text
    assert "the same field at dt of" in text


def test_without_a_dt_currents_are_per_step(run, spun):
    rate, step = measured(run, spun, "--dt", 0.01), measured(run, spun)
    assert (step["estimator"]["name"], step["unit"]) == ("currents", "nats/step")
    assert step["value"] == pytest.approx(0.01 * rate["value"])
    lags = measured(run, spun, "--lags", "2")["lags"]
    assert [one["unit"] for one in lags] == ["nats/step"] * 2
    assert lags[1]["value"] == pytest.approx(lags[0]["value"], rel=0.1)


def test_coarse_steps_go_to_maxent_and_options_of_a_field_to_currents(run, tmp_path):
    rng = np.random.default_rng(0)
    np.save(tmp_path / "x.npy", spinning_particle().simulate(points=100, dt=0.2, trajectories=30, rng=rng))
    found = measured(run, tmp_path / "x.npy", "--dt", 0.2)
    assert found["estimator"]["name"] == "maxent"
    assert "not those of a diffusion" in found["estimator"]["reason"]
    assert (found["extrapolated"], found["by_lag"]) == (None, [])
    asked = measured(run, tmp_path / "x.npy", "--dt", 0.2, "--stencil", 2)
    assert asked["estimator"]["name"] == "currents"
    assert asked["settings"]["field"]["stencil"] == 2


def test_observables_or_windows_that_are_asked_for_are_those_of_maxent(run, spun):
    assert measured(run, spun, "--order", 1)["estimator"]["name"] == "maxent"
    assert measured(run, spun, "--window", 3)["estimator"]["name"] == "maxent"


def test_odd_variables_go_to_the_linear_model(run, tmp_path):
    rng = np.random.default_rng(0)
    x = heat_conducting_oscillators().simulate(points=200, dt=0.2, trajectories=40, rng=rng)
    np.save(tmp_path / "x.npy", x)
    found = measured(run, tmp_path / "x.npy", "--dt", 0.2, "--odd", "x2,x3")
    assert found["estimator"]["name"] == "linear-model"
    assert "odd under time reversal" in found["estimator"]["reason"]
    assert found["low"] < 1.35 < found["high"]
    assert found["bound"] == "exact"


def test_an_angle_that_wraps_around_is_noticed_and_its_period_taken(run, tmp_path):
    ring = DrivenRing(force=2.0, height=1.0)
    x = ring.simulate(points=600, dt=0.02, trajectories=30, rng=np.random.default_rng(0)) % (2 * np.pi)
    np.save(tmp_path / "x.npy", x)
    without = measured(run, tmp_path / "x.npy", "--dt", 0.02)
    assert any("--periods x0=2pi" in one for one in without["warnings"])
    words = ("--dt", 0.02, "--periods", "x0=2pi", "--basis", "polynomial", "--degree", 2)
    found = measured(run, tmp_path / "x.npy", *words)
    assert not any("--periods" in one for one in found["warnings"])
    assert found["low"] < ring.entropy_production_rate() < found["high"]
    assert found["settings"]["field"]["periods"] == {"x0": pytest.approx(2 * np.pi)}


@pytest.mark.parametrize("estimator", ["neep", "classifier", "logistic"])
def test_learned_estimators_by_name(run, tmp_path, estimator):
    pytest.importorskip("torch" if estimator == "neep" else "sklearn")
    moves = np.random.default_rng(0).choice([1, -1, 0], p=[0.5, 0.2, 0.3], size=3000)
    np.save(tmp_path / "x.npy", np.cumsum(moves) % 3)
    found = measured(run, tmp_path / "x.npy", "--estimator", estimator)
    assert found["estimator"]["name"] == estimator
    assert 0.15 < found["value"] < 0.35


def test_every_estimator_is_named_in_the_help_and_in_the_refusal_of_a_name(run, spun):
    text = " ".join(run("entropy-production", "--help").stdout.split())
    message = refused(run, 2, spun, "--estimator", "nonsense")
    for name in METHODS:
        assert name in text
        assert name in message


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--estimator", "maxent", "--basis", "radial"), "settings of a field .* take currents"),
        (("--estimator", "currents", "--order", 3), "an order of observables: .* take maxent or tur"),
        (("--estimator", "currents", "--odd", "x1"), "odd variables: .*linear-model"),
        (("--estimator", "plug-in"), "reads states or binary data, not continuous: take maxent"),
        (("--estimator", "neep", "--memory", 2), "does not read a memory"),
        (("--edges", "a:b"), "visible transitions"),
        (("--degree", 2), "--degree is for --basis polynomial"),
        (("--periods", "x0"), "such as angle=2pi"),
        (("--periods", "y=1"), "a period must be positive and of one of x0, x1"),
        (("--memory", "much"), "1, 2, ... or auto"),
        (("--lags", "2,x"), "whole numbers"),
        (("--time-degree", 1, "--blocks", 10), "20"),
    ],
)
def test_options_that_do_not_fit_are_refused_with_the_remedy(run, spun, words, said):
    import re

    result = run("entropy-production", spun, "--dt", 0.01, *words, "--json", "--quiet")
    assert result.exit_code == 2, result.output
    assert re.search(said, result.output.replace("\n", " "))


def test_a_plug_in_shows_growing_memory_and_its_limit(run, tmp_path):
    moves = np.random.default_rng(0).choice([1, -1, 0], p=[0.5, 0.2, 0.3], size=(6000, 2))
    np.save(tmp_path / "x.npy", (np.cumsum(moves, axis=0) % 3).ravel())  # two cycles take turns
    page = tmp_path / "page.html"
    found = measured(run, tmp_path / "x.npy", "--memory", "auto", "--report", page)
    exact = 0.3 * np.log(2.5)
    assert found["estimator"]["name"] == "plug-in"
    assert found["diagnostics"]["order"] == 2
    assert [one["order"] for one in found["by_memory"]][:3] == [1, 2, 3]
    assert found["by_memory"][0]["high"] < exact / 2 < found["by_memory"][1]["low"]
    assert found["in_memory"]["low"] < exact < found["in_memory"]["high"]
    assert "Convergence in memory" in page.read_text(encoding="utf-8")
    warned = [one for one in found["warnings"] if "remember" in one or "still helps" in one]
    assert len(warned) == 1


def test_jumps_in_continuous_time_and_through_one_edge(run, tmp_path):
    file = jumps_file(tmp_path / "x.csv")
    full = measured(run, file, "--jumps")
    part = measured(run, file, "--jumps", "--edges", "off:on")
    assert (full["estimator"]["name"], part["estimator"]["name"]) == ("jumps", "waiting-times")
    assert (full["bound"], part["bound"]) == ("exact", "lower")
    assert full["low"] < np.log(2) < full["high"]
    assert part["low"] < np.log(2)
    assert part["low"] > 0.3
    assert full["data"] | {"steps": 0} == {
        "kind": "jumps", "trajectories": 1, "steps": 0, "variables": 1, "dt": None, "states": ["off", "on", "stuck"],
    }  # fmt: skip
    assert "no state 'of'" in refused(run, 2, file, "--jumps", "--edges", "of:on")
    assert "neither bins nor steps" in refused(run, 2, file, "--jumps", "--dt", 1)
    assert "not jumps" in refused(run, 2, file, "--jumps", "--estimator", "maxent")
    assert run("entropy-production", file, "--jumps", "--report", tmp_path / "p.html", "-q").exit_code == 0


def test_drift_and_memory_are_tested_and_the_remedies_named(run, tmp_path):
    rng = np.random.default_rng(0)
    x = active_particle().simulate(points=300, dt=0.2, trajectories=30, rng=rng)[:, :, :1]
    np.save(tmp_path / "x.npy", x)
    hidden = measured(run, tmp_path / "x.npy")
    assert hidden["checks"]["memory"]["hidden"] is True
    assert hidden["checks"]["stationarity"]["p_value"] > 0.01
    assert any("observe more, or take windows" in one for one in hidden["warnings"])
    np.save(tmp_path / "y.npy", x + np.linspace(0, 0.6, 300)[:, None])
    drifting = measured(run, tmp_path / "y.npy")
    assert drifting["checks"]["stationarity"]["p_value"] <= 0.01
    assert sum("stationary stretches" in one for one in drifting["warnings"]) == 1
    text = " ".join(run("entropy-production", tmp_path / "y.npy", "-q").stdout.split())
    assert "stationarity: p =" in text
    assert "memory beyond the last state" in text


def test_the_report_of_currents_draws_convergence_in_dt_and_lag(run, spun, tmp_path):
    page = tmp_path / "page.html"
    found = measured(run, spun, "--dt", 0.01, "--lags", "2,4", "--report", page, "--exact", 8)
    assert [one["at"] for one in found["lags"]] == [1, 2, 4]
    html = page.read_text(encoding="utf-8")
    for title in ("By variable", "Along a trajectory", "Convergence in dt", "Convergence in the lag"):
        assert title in html
    assert "By observable" not in html  # parts of currents are the variables
    assert "extrapolated; no bound" in html
