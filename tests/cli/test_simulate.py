"""``secondlaw simulate``: every model beside its exact values, sweeps, files, JSON by its schema, bad input."""

import csv
import re
from pathlib import Path

import numpy as np
import pytest
from printed_json import printed, refusal

pytestmark = pytest.mark.unit


def simulated(run, *words):
    found = printed(run, "simulation", "simulate", *words)
    return found | {one["name"]: one for one in found["quantities"]}


def refused(run, code, *words):
    return refusal(run, code, "simulate", *words)


def test_model_a_lies_beside_its_exact_values(run):
    found = simulated(run, "--model", "diffusion", "--work", 1, "--steps", 8000, "--trials", 300, "--tolerance", 1.0814)
    for name in ("mean_entropy", "entropy_of_mean", "gap"):
        one = found[name]
        assert one["measured"]["low"] - 0.02 < one["exact"] < one["measured"]["high"] + 0.02
    assert found["mean_entropy"]["exact"] == pytest.approx(1.1893, abs=1e-4)
    assert found["gap"]["exact"] == pytest.approx(found["entropy_of_mean"]["exact"] - found["mean_entropy"]["exact"])
    assert found["operating_point"]["work"] == pytest.approx(3.0, abs=0.01)
    assert found["path"]["mean"][0] == pytest.approx(np.log(6))
    assert all(
        a - 1e-9 <= m <= b + 1e-9 for a, m, b in zip(*(found["path"][k] for k in ("low", "mean", "high")), strict=True)
    )


def test_a_run_that_is_too_short_is_warned_of(run):
    found = simulated(run, "--model", "diffusion", "--steps", 200)
    assert "the slowest goal forgets its start" in found["warnings"][0]


def test_model_b_has_its_share_exactly_and_its_transition(run):
    found = simulated(
        run, "--model", "random-energy", "--goals", 50, "--sweep", "--sweep-trials", 400, "--tolerance", 2.2
    )
    share = found["intended_share"]
    assert share["measured"]["low"] - 0.02 < share["exact"] < share["measured"]["high"] + 0.02
    assert found["mean_entropy"]["exact"] is None
    sweep = found["sweep"]
    assert sweep["verdict"]["kind"] != "threshold"  # so few trials may not resolve the transition
    assert sweep["verdict"]["growth"]["low"] > 0.0
    assert (sweep["sizes"], sweep["reference"]) == ([30, 300, 3000], "gamma_crit")
    assert sweep["means"][0][0] > sweep["means"][2][0]  # the curves of more goals begin below
    assert sweep["means"][0][-1] < sweep["means"][2][-1]  # and end above
    at = simulated(run, "--model", "random-energy", "--goals", 50, "--work", found["operating_point"]["work"])
    assert at["entropy_of_mean"]["exact"] == pytest.approx(2.2, abs=1e-3)


def test_the_published_equation_reproduces_and_has_a_threshold_only(run):
    found = simulated(run, "--model", "published", "--trials", 200, "--sweep", "--tolerance", 0.5)
    assert found["mean_entropy"]["measured"]["low"] < 1.69 < found["mean_entropy"]["measured"]["high"]
    assert found["mean_entropy"]["exact"] == pytest.approx(1.69)
    assert "no goal distribution" in found["gap"]["measured"]["insufficient"]
    assert found["sweep"]["verdict"]["kind"] == "threshold"
    low, high = found["sweep"]["verdict"]["floor"]
    assert low <= 1.0 <= high
    assert found["operating_point"]["work"] == pytest.approx(1.37e-4 - (0.5 - 0.32) / 10_000)
    held = simulated(run, "--model", "published", "--work", 20.4, "--clipped")
    assert held["mean_entropy"]["measured"]["value"] == 0.0


def test_model_a_is_a_crossover(run):
    words = ("--proxy", "0.5,0.3,0.2", "--intended", "0.1,0.8,0.1", "--sweep", "--sweep-trials", 300, "--steps", 50)
    found = simulated(run, "--model", "diffusion", *words)
    assert found["sweep"]["verdict"]["kind"] == "crossover"
    assert found["sweep"]["sizes"] == [3, 21, 201]
    exact = found["sweep"]["entropies"]
    assert exact["S(E[p])"][0] > exact["E[S(p)]"][0]


def test_options_win_over_the_settings_file(run, tmp_path):
    (tmp_path / "s.toml").write_text('model = "published"\nsteps = 100\ntrials = 7\nlearning-rate = 1e-3\n')
    found = simulated(run, "--settings", tmp_path / "s.toml", "--steps", 50, "--seed", 3)["settings"]
    assert (found["steps"], found["trials"], found["learning_rate"], found["seed"]) == (50, 7, 0.001, 3)
    (tmp_path / "s.json").write_text('{"model": "diffusion", "proxy": [0.5, 0.5], "intended": [0.9, 0.1], "steps": 40}')
    assert simulated(run, "--settings", tmp_path / "s.json")["settings"]["proxy"] == [0.5, 0.5]


def test_paths_are_written_in_every_format(run, tmp_path):
    words = ("--model", "diffusion", "--steps", 40, "--trials", 6)
    mean = simulated(run, *words)["path"]["mean"]
    simulated(run, *words, "--out", tmp_path / "x.npz")
    with np.load(tmp_path / "x.npz") as arrays:
        assert arrays["S"].shape == (41, 6)
        assert arrays["shares"].shape == (41, 6, 6)
        assert arrays["S"].mean(axis=1) == pytest.approx(mean)
    simulated(run, *words, "--out", tmp_path / "x.csv")
    with (tmp_path / "x.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["trial", "time", "S", "p1", "p2", "p3", "p4", "p5", "p6"]
    assert np.mean([float(row["S"]) for row in rows if row["time"] == "0.8"]) == pytest.approx(mean[-1])
    parquet = pytest.importorskip("pyarrow.parquet")
    simulated(run, *words, "--out", tmp_path / "x.parquet")
    assert parquet.read_table(tmp_path / "x.parquet").column_names == list(rows[0])
    assert "ends in one of" in refused(run, 2, *words, "--out", tmp_path / "x.txt")


def test_text_and_report_say_the_same(run, tmp_path):
    page = tmp_path / "page.html"
    words = ("--model", "diffusion", "--steps", 100, "--sweep", "--sweep-trials", 200, "--tolerance", 1.2)
    result = run("simulate", *words, "--report", page)
    assert result.exit_code == 0
    text = " ".join(result.stdout.split())
    for said in (
        "E[S(p)]: how undecided one agent is",
        "the least alignment work that holds E[S(p)] at 1.2 nats is 0.8988",
        "crossover",
    ):
        assert said in text
    html = page.read_text(encoding="utf-8")
    assert html.count("<svg") == 3
    assert "<script" not in html
    assert "0.8988" in html


def test_the_operating_point_names_its_entropy(run):
    quick = ("--steps", 50, "--trials", 20)
    of_a = simulated(run, "--model", "diffusion", *quick, "--tolerance", 1.2)
    assert of_a["operating_point"]["entropy"] == "E[S(p)]"
    of_b = simulated(run, "--model", "random-energy", *quick, "--tolerance", 2.5)["operating_point"]
    assert of_b["entropy"] == "S(E[p])"
    held = simulated(run, "--model", "random-energy", *quick, "--work", of_b["work"])
    assert held["entropy_of_mean"]["exact"] == pytest.approx(2.5, abs=1e-3)
    published = simulated(run, "--model", "published", "--tolerance", 0.3)["operating_point"]
    assert published["entropy"] == "E[S]"
    after = simulated(run, "--model", "published", "--work", published["work"])
    assert after["mean_entropy"]["exact"] == pytest.approx(0.3)


def test_no_least_work_where_noise_is_held_at_zero(run):
    found = simulated(run, "--model", "published", "--clipped", "--tolerance", 0.3, "--trials", 200)
    assert found["operating_point"] is None
    assert "no closed form" in found["warnings"][0]
    # What the formula without a floor says leaves three times as much.
    held = simulated(run, "--model", "published", "--clipped", "--work", 0.000139, "--trials", 200)
    assert held["mean_entropy"]["measured"]["low"] > 0.6


def test_intervals_stay_within_what_a_quantity_can_be(run):
    found = simulated(run, "--model", "random-energy", "--goals", 300, "--trials", 5, "--work", 0.2)
    assert found["intended_share"]["measured"]["low"] == 0.0
    found = simulated(run, "--model", "published", "--clipped", "--work", 0.001, "--trials", 5)
    assert found["mean_entropy"]["measured"]["low"] == 0.0


def test_entropies_below_zero_are_warned_of(run):
    assert "S falls below 0 in" in simulated(run, "--model", "published")["warnings"][0]
    assert simulated(run, "--model", "published", "--clipped")["warnings"] == []


def test_a_sweep_without_noise_says_so(run, tmp_path):
    page = tmp_path / "page.html"
    result = run("simulate", "--model", "published", "--sweep", "--quiet", "--report", page)
    assert "1,000,000 steps, noise on S left out: threshold" in " ".join(result.stdout.split())
    html = page.read_text(encoding="utf-8")
    assert "Without noise on S, at three sizes" in html
    assert "simulated, without noise on S." in html


def test_a_long_step_is_warned_of(run):
    rates = ("--model", "diffusion", "--work", 0.5, "--steps", 600, "--trials", 20)
    assert any("lower --dt to 0.2" in one for one in simulated(run, *rates, "--dt", 0.9)["warnings"])
    assert not any("--dt" in one for one in simulated(run, *rates, "--dt", 0.1)["warnings"])


def test_exact_shares_have_the_unit_of_simulated_ones(run):
    result = run("simulate", "--model", "random-energy", "--quiet")
    line = next(one for one in result.stdout.splitlines() if "E[p_1]" in one)
    assert line.count("%") == 2
    assert "preference h = 5.756" in " ".join(result.stdout.split())


@pytest.mark.parametrize(
    ("code", "message", "words"),
    [
        (2, "--model is one of published, diffusion, random-energy, got none", ()),
        (2, "gaming is a rate and must be 0 or more, got -1", ("--model", "diffusion", "--gaming", -1)),
        (2, "work is a rate and must be 0 or more, got -0.5", ("--model", "diffusion", "--work", -0.5)),
        (2, "diffusion must be a positive number, got -0.1", ("--model", "diffusion", "--diffusion", -0.1)),
        (2, "work is a rate and must be 0 or more, got -2", ("--model", "published", "--work", -2)),
        (2, "tolerance must be a positive number, got nan", ("--model", "published", "--tolerance", "nan")),
        (2, "tolerance must be a positive number, got nan", ("--model", "random-energy", "--tolerance", "nan")),
        (2, "dt must be a positive number, got nan", ("--model", "random-energy", "--dt", "nan")),
        (2, "preference must lie between", ("--model", "random-energy", "--preference", 1e308)),
        (2, "variance of a logit and at most", ("--model", "random-energy", "--work", 1e-9)),
        (2, "in memory: ask for fewer", ("--model", "random-energy", "--goals", 100_000_000)),
        (2, "in memory: ask for fewer", ("--model", "diffusion", "--trials", 100_000_000)),
        (2, "in memory: ask for fewer", ("--model", "published", "--steps", 100_000_000)),
        (2, "goal 2 of 2 is favored by neither", ("--model", "diffusion", "--proxy", "1,0", "--intended", "1,0")),
        (2, "noise_trace is a rate", ("--model", "published", "--noise-trace", -2)),
        (2, "proxy needs at least two goals", ("--model", "diffusion", "--proxy", "1", "--intended", "1")),
        (2, "proxy must sum to 1, got 0.9", ("--model", "diffusion", "--proxy", "0.5,0.4")),
        (2, "proxy has 2 goals and intended 6", ("--model", "diffusion", "--proxy", "0.5,0.5")),
        (2, "proxy must hold probabilities, got -0.5", ("--model", "diffusion", "--proxy", "1.5,-0.5")),
        (2, "--proxy is numbers with commas between", ("--model", "diffusion", "--proxy", "a,b")),
        (2, "start needs 6 positive shares", ("--model", "diffusion", "--start", "0.5,0.5")),
        (2, "goals must be a whole number of at least 2, got 1", ("--model", "random-energy", "--goals", 1)),
        (2, "has no parameter goals", ("--model", "diffusion", "--goals", 5)),
        (2, "reading is one of stated", ("--model", "published", "--reading", "mine")),
        (2, "terms is one of neither", ("--model", "published", "--terms", "all")),
        (2, "dt must be at most", ("--model", "diffusion", "--dt", 9)),
        (2, "steps must be a whole number of at least 1, got 0", ("--model", "diffusion", "--steps", 0)),
        (2, "ask for a tolerance above that", ("--model", "diffusion", "--tolerance", 0.5, "--steps", 20)),
        (2, "nothing produces entropy", ("--model", "published", "--terms", "neither", "--sweep")),
        (2, "wins at no work", ("--model", "random-energy", "--preference", 1, "--sweep")),
        (12, "at least 5, got 2", ("--model", "diffusion", "--trials", 2)),
        (12, "at least 100 trials a point, got 9", ("--model", "random-energy", "--sweep", "--sweep-trials", 9)),
        (13, "cannot be opened", ("--settings", "none.toml")),
    ],
)
def test_bad_input_ends_with_its_exit_code(run, code, message, words):
    assert message in refused(run, code, *words)


def test_settings_files_that_are_none_are_refused(run, tmp_path):
    for name, content, code, message in (
        ("a.toml", "model = ", 13, "a.toml is no TOML"),
        ("b.json", "[1]", 13, "must hold names and values"),
        ("c.toml", 'model = "diffusion"\ngamming = 1.0', 2, "has no parameter gamming; did you mean gaming?"),
        ("d.toml", 'model = "diffusion"\nwork = "much"', 2, "work must be a number, got 'much'"),
        ("e.toml", 'model = "diffusion"\nproxy = ["a", "b"]', 2, "proxy is a list of probabilities"),
        ("g.json", '{"model": "published", "clipped": "no"}', 2, "clipped must be true or false, got 'no'"),
        ("h.json", '{"model": "random-energy", "goals": 10.5}', 2, "goals must be a whole number, got 10.5"),
        ("f.toml", 'model = "diffusion"\nsteps = 1.5', 2, "steps must be a whole number, got 1.5"),
    ):
        (tmp_path / name).write_text(content)
        assert message in refused(run, code, "--settings", tmp_path / name)


def test_the_settings_file_of_the_documentation_runs(run, tmp_path):
    page = (Path(__file__).parents[2] / "docs/alignment.md").read_text(encoding="utf-8")
    (tmp_path / "run.toml").write_text(re.search(r"```toml\n(.*?)```", page, re.DOTALL).group(1))
    found = simulated(run, "--settings", tmp_path / "run.toml", "--steps", 100)
    assert found["settings"]["intended"] == [0.1, 0.8, 0.1]
    for line in re.findall(r"^secondlaw simulate (.*)$", page, re.MULTILINE):
        options = re.findall(r"--[a-z-]+", line)
        help_text = run("simulate", "--help").stdout
        assert all(option in help_text for option in options)
