"""``secondlaw goals``: numbers, JSON by its schema, text, report, and every kind of bad input."""

import json
import re

import numpy as np
import pytest
from printed_json import printed, refusal

from secondlaw.alignment.goals import act, grid_world, soft_policies

pytestmark = pytest.mark.unit

GRID = ["A.....B", ".......", ".......", ".......", "C.....D"]
LISTED = {"A": [[0, 0]], "B": [[0, 6]], "C": [[4, 0]]}
MIXTURE = (0.6, 0.3, 0.1, 0.0)


def write_world(path, **changed):
    path.write_text(json.dumps({"grid": GRID, "slip": 0.1} | changed), encoding="utf-8")
    return path


def write_runs(path, mixture=MIXTURE, *, agents=30, episodes=3, steps=8, seed=0, switching=False):
    world = grid_world(GRID, slip=0.1)
    policies, rng = soft_policies(world, betas=[3.0]), np.random.default_rng(seed)
    whose = np.repeat(np.arange(agents), episodes)
    goals = rng.choice(4, p=mixture, size=len(whose) if switching else agents)
    goals = goals if switching else goals[whose]
    seen = act(policies, goals=goals, starts=world.states.index("2,3"), steps=steps, rng=rng, agent=whose)
    rows = []
    for k, n in enumerate(seen.lengths):
        states, actions = seen.states[k][: n + 1].tolist(), seen.actions[k][:n].tolist()
        rows.append({"agent": f"agent {whose[k]}", "episode": k, "states": states, "actions": actions})
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    return path


@pytest.fixture
def files(tmp_path):
    return write_runs(tmp_path / "runs.jsonl"), "--world", write_world(tmp_path / "world.json")


def inferred(run, *words):
    return printed(run, "goals", "goals", *words)


def refused(run, code, *words):
    return refusal(run, code, "goals", *words)


def test_the_population_is_found_and_recorded(run, files):
    found = inferred(run, *files)
    truth = -sum(p * np.log(p) for p in MIXTURE if p)
    assert found["entropy"]["low"] < truth < found["entropy"]["high"]
    for name, share in zip("ABCD", MIXTURE, strict=True):
        assert found["shares"][name]["low"] <= share <= found["shares"][name]["high"]
    assert found["data"]["agents"] == 30
    assert found["verdicts"] == {"explained": 30, "undecided": 0, "unexplained": 0}
    assert found["convergence"]["reached"]
    assert [one["name"] for one in found["naive"]] == ["mean_posterior", "map_counts", "mean_entropy"]
    assert found["settings"]["seed"] == 0
    assert sum(one["share"] for one in found["betas"]) == pytest.approx(1.0)
    assert inferred(run, *files) == found  # the same seed


def test_beta_level_and_seed_are_taken(run, files):
    known = inferred(run, *files, "--beta", 3, "--level", 0.8, "--seed", 4)
    assert known["betas"] == [{"beta": 3.0, "share": 1.0}]
    assert known["settings"] == {
        "betas": [3.0], "discount": 0.98, "horizon": None, "switching": False, "level": 0.8, "seed": 4,
    }  # fmt: skip
    wide = inferred(run, *files, "--beta", "1,3", "--horizon", 20)
    assert wide["entropy"]["low"] < known["entropy"]["low"]
    assert [one["beta"] for one in wide["betas"]] == [1.0, 3.0]


def test_agents_that_switch_have_an_entropy_of_their_own(run, tmp_path):
    runs = write_runs(tmp_path / "r.jsonl", (0.5, 0.5, 0, 0), agents=12, episodes=6, switching=True)
    world = write_world(tmp_path / "w.json")
    found = inferred(run, runs, "--world", world, "--switching")
    assert found["entropies"]["mean_entropy"]["low"] > 0.2
    assert all(one["own_entropy"]["value"] > 0.05 for one in found["agents"])
    assert "--switching" in " ".join(inferred(run, runs, "--world", world)["warnings"])
    text = run("goals", runs, "--world", world, "--switching").stdout
    assert "of one agent, on average:" in text
    assert "own entropy, nats" in text


def test_a_set_without_the_right_goal_gives_no_entropy(run, tmp_path):
    runs = write_runs(tmp_path / "r.jsonl", (0, 0, 0, 1))
    world = write_world(tmp_path / "w.json", goals=LISTED)
    found = inferred(run, runs, "--world", world)
    assert "none of the goals explains" in found["entropy"]["insufficient"]
    assert found["verdicts"]["unexplained"] > 25
    text = run("goals", runs, "--world", world).stdout
    assert "no number: none of the goals explains" in " ".join(text.split())
    assert "none of the goals" in text
    page = tmp_path / "page.html"
    assert run("goals", runs, "--world", world, "--report", page).exit_code == 0
    assert "No number" in page.read_text() or "no number" in page.read_text()


def test_text_says_entropy_goals_checks_and_agents(run, files):
    text = " ".join(run("goals", *files, "--quiet").stdout.split())
    said = (
        "entropy of the goals of",
        "the goals explain 30 agents",
        "R-hat",
        "share of the population",
        "not to be used",
        "agent 0",
    )
    places = [text.index(one) for one in said]
    assert places == sorted(places)


def test_the_report_holds_its_pictures(run, files, tmp_path):
    page = tmp_path / "page.html"
    assert run("goals", *files, "--report", page).exit_code == 0
    html = page.read_text(encoding="utf-8")
    assert html.count("<svg") == 6
    assert "<script" not in html
    assert "agent 0" in html
    assert len(set(re.findall(r'id="([^"]+)"', html))) == len(re.findall(r'id="([^"]+)"', html))


def test_one_agent_has_a_posterior_but_no_population(run, tmp_path):
    runs = write_runs(tmp_path / "r.jsonl", (1, 0, 0, 0), agents=1)
    found = inferred(run, runs, "--world", write_world(tmp_path / "w.json"))
    assert "at least 5 agents" in found["entropy"]["insufficient"]
    assert found["agents"][0]["posterior"]["A"] > 0.99
    assert found["agents"][0]["given_all"] is None


def test_bad_input_ends_with_its_exit_code(run, files, tmp_path):
    runs, world = files[0], files[2]
    empty = tmp_path / "empty.jsonl"
    empty.write_text("")
    assert "holds no row" in refused(run, 12, empty, "--world", world)
    assert "no file of this name" in refused(run, 13, tmp_path / "none.jsonl", "--world", world)
    assert "cannot be opened" in refused(run, 13, runs, "--world", tmp_path / "none.json")
    one_goal = write_world(tmp_path / "one.json", grid=["A..", "..."])
    assert "at least two, got 1" in refused(run, 2, runs, "--world", one_goal)
    other = write_world(tmp_path / "other.json", grid=["A.", ".B"])
    assert "the world has no state" in refused(run, 13, runs, "--world", other)
    sums = tmp_path / "sums.json"
    sums.write_text(
        json.dumps({"transitions": [[[0.5, 0.4], [0, 1]]], "goals": {"a": {"reach": [0]}, "b": {"reach": [1]}}})
    )
    assert "sum to 0.9" in refused(run, 2, runs, "--world", sums)
    for beta in ("-1", "fast", "1,1", ""):
        assert "--beta is a number of 0 or more" in refused(run, 2, runs, "--world", world, "--beta", beta)
    assert "setting level" in refused(run, 2, runs, "--world", world, "--level", 1.5)
    assert "is no folder" in refused(run, 2, runs, "--world", world, "--report", tmp_path / "no" / "page.html")
    for changed, message in (
        ({"stay": "no"}, "stay must be true or false, got 'no'"),
        ({"goals": {"a": [[0, 0]], "b": [[0, 1.7]]}}, "goal 'b' of a grid is a list of [row, column]"),
    ):
        assert message in refused(run, 2, runs, "--world", write_world(tmp_path / "wrong.json", **changed))
    both = {"goals": {"a": {"reach": ["x"]}, "b": {"reach": ["y"]}}, "actions": ["u"]}
    for states, message in ((5, "states is a list of names, got 5"), (["x", "x"], "got 'x' twice")):
        named = tmp_path / "named.json"
        named.write_text(json.dumps({"states": states, "transitions": [["x", "u", "x", 1]]} | both))
        assert message in refused(run, 2, runs, "--world", named)
    twice = tmp_path / "twice.jsonl"
    rows = [{"agent": "a", "state": [2, 3], "action": "left", "step": 0}] * 2
    twice.write_text("\n".join(map(json.dumps, rows)))
    assert "agent a has two rows of step 0" in refused(run, 13, twice, "--world", world)
    jump = tmp_path / "jump.jsonl"
    rows = [{"agent": "a", "state": [2, column], "action": "left", "step": column} for column in (0, 6)]
    jump.write_text("\n".join(map(json.dumps, rows)))
    assert "agent a, step 0: action left in state 2,0 never leads" in refused(run, 13, jump, "--world", world)
    walls = write_world(tmp_path / "walls.json", grid=["A.....B", ".......", ".......", "..###..", "C.....D"])
    assert "never leads to" in refused(run, 13, runs, "--world", walls)
