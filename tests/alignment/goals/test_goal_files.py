"""World files and logged trajectories: what is read, and what each mistake is told."""

import importlib.util
import json

import numpy as np
import pytest

from secondlaw.alignment.goals import grid_world, read_episodes, read_world, world_of
from secondlaw.errors import FileFormatError, InvalidInput, NotEnoughData, SourceError

pytestmark = pytest.mark.unit

WORLD = grid_world(["A...B"])
STAY, SWAP = [[1, 0], [0, 1]], [[0, 1], [1, 0]]
TABLE = {"transitions": [STAY, SWAP], "goals": {"first": {"reach": [0]}, "second": {"reward": [0, 1]}}}


def log(tmp_path, *rows):
    path = tmp_path / "x.jsonl"
    path.write_text("\n".join(row if isinstance(row, str) else json.dumps(row) for row in rows), encoding="utf-8")
    return path


def test_rows_of_episodes_and_rows_of_steps_say_the_same(tmp_path):
    whole = read_episodes(log(tmp_path, {"agent": "a", "episode": 1, "states": [2, 3, 4], "actions": [1, 1]}), WORLD)
    steps = [
        {"agent": "a", "episode": 1, "step": 1, "state": "0,3", "action": "right", "next_state": [0, 4]},
        {"agent": "a", "episode": 1, "step": 0, "state": [0, 2], "action": 1},
    ]
    stepped = read_episodes(log(tmp_path, *steps), WORLD)
    assert stepped.states.tolist() == whole.states.tolist() == [[2, 3, 4]]
    assert stepped.actions.tolist() == whole.actions.tolist() == [[1, 1]]
    last = read_episodes(log(tmp_path, {"agent": "a", "state": 2, "action": 1}, {"agent": "a", "state": 3}), WORLD)
    assert (last.states.tolist(), last.actions.tolist()) == ([[2, 3]], [[1]])


def test_how_an_episode_ended_is_read(tmp_path):
    row = {"agent": "a", "states": [2, 3, 4], "actions": [1, 1]}
    assert read_episodes(log(tmp_path, row), WORLD).ended is None
    assert read_episodes(log(tmp_path, row | {"ended": True}, row), WORLD).ended.tolist() == [True, False]
    steps = {"agent": "b", "state": 2, "action": 1}, {"agent": "b", "state": 3, "ended": False}
    assert read_episodes(log(tmp_path, row | {"ended": True}, *steps), WORLD).ended.tolist() == [True, False]
    with pytest.raises(FileFormatError, match="line 1: ended must be true or false, got 'yes'"):
        read_episodes(log(tmp_path, row | {"ended": "yes"}), WORLD)


def test_agents_and_episodes_are_kept_apart(tmp_path):
    rows = [{"agent": a, "episode": e, "states": [2, 3], "actions": ["right"]} for a in "ab" for e in (0, 1)]
    found = read_episodes(log(tmp_path, *rows), WORLD)
    assert found.agents == ("a", "b")
    assert found.per_agent().tolist() == [2, 2]
    without = read_episodes(log(tmp_path, *[{k: v for k, v in row.items() if k != "episode"} for row in rows]), WORLD)
    assert without.per_agent().tolist() == [2, 2]


def test_a_file_without_its_last_state_is_read(tmp_path):
    assert read_episodes(log(tmp_path, {"agent": "a", "states": [2], "actions": [1]}), WORLD).states.tolist() == [
        [2, -1]
    ]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"agent": "a", "states": [7], "actions": [1]}, "line 1: the world has no state 7; it has 0,0, 0,1"),
        ({"agent": "a", "states": ["9,9"], "actions": [1]}, "no state '9,9'"),
        ({"agent": "a", "states": [-1], "actions": [1]}, "no state -1"),
        ({"agent": "a", "states": [2], "actions": ["jump"]}, "no action 'jump'; it has up, right, down, left"),
        ({"agent": "a", "states": [2, 4], "actions": [1]}, "action right in state 0,2 never leads to 0,4"),
        ({"agent": "a", "states": [2, 3, 4, 4], "actions": [1]}, "1 actions need as many states or one more, got 4"),
        ({"agent": "a", "states": 2, "actions": [1]}, "states must be a list, got 2"),
        ({"states": [2, 3], "actions": [1]}, "the row lacks 'agent'"),
        ({"agent": "a", "states": [2, 3]}, "the row lacks 'actions'"),
        ({"agent": "a", "response": "hello"}, "a row needs states and actions .* got agent, response"),
        ({"agent": "a", "state": 2, "action": 1, "step": "first"}, "step must be a number, got 'first'"),
        ("{broken", "line 1: the line is no JSON"),
    ],
)
def test_rows_that_do_not_belong_to_the_world_are_refused(tmp_path, row, message):
    with pytest.raises(FileFormatError, match=message):
        read_episodes(log(tmp_path, row), WORLD)


def test_empty_files_and_no_files_are_told_apart(tmp_path):
    with pytest.raises(NotEnoughData, match="holds no row: give one row an episode"):
        read_episodes(log(tmp_path), WORLD)
    with pytest.raises(NotEnoughData, match="no action to infer a goal from"):
        read_episodes(log(tmp_path, {"agent": "a", "state": 2}), WORLD)
    with pytest.raises(SourceError, match="no file of this name"):
        read_episodes(tmp_path / "none.jsonl", WORLD)


def test_an_action_missing_in_the_middle_is_refused(tmp_path):
    rows = [{"agent": "a", "state": s, "action": a} for s, a in ((2, 1), (3, None), (4, 1))]
    with pytest.raises(FileFormatError, match="line 2: the row lacks 'action'"):
        read_episodes(log(tmp_path, *rows), WORLD)


def test_world_files_of_every_kind(tmp_path):
    (tmp_path / "w.json").write_text(json.dumps({"grid": ["A..B"], "slip": 0.1, "stay": True, "discount": 0.9}))
    grid = read_world(tmp_path / "w.json")
    assert (grid.goals, grid.size, grid.discount) == (("A", "B"), (2, 4, 5), 0.9)
    table = world_of(TABLE)
    assert table.rewards[0].tolist() == [[0.0, 0.0], [-1.0, -1.0]]
    assert table.rewards[1].tolist() == [[0.0, 0.0], [1.0, 1.0]]
    assert table.ends.tolist() == [[True, False], [False, False]]
    rows = {
        "states": ["here", "there"],
        "actions": ["stay", "go"],
        "transitions": [["here", "stay", "here", 1], ["there", "stay", "there", 1], ["here", "go", "there", 0.9],
                        ["here", "go", "here", 0.1], ["there", "go", "here", 1]],
        "goals": {"h": {"reach": ["here"]}, "t": {"reach": ["there"]}},
    }  # fmt: skip
    named = world_of(rows)
    assert named.states == ("here", "there")
    assert named.probability([0, 1], [1, 1], [1, 0]).tolist() == [0.9, 1.0]


@pytest.mark.skipif(importlib.util.find_spec("gymnasium") is None, reason="gymnasium is not installed")
def test_a_world_file_that_names_an_environment():
    lake = world_of({
        "gymnasium": "FrozenLake-v1", "options": {"is_slippery": False}, "goals": {"corner": [3], "goal": [15]},
        "own_reward": "its own",
    })  # fmt: skip
    assert lake.goals == ("corner", "goal", "its own")
    assert lake.probability([0], [2], [1]).tolist() == [1.0]


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"grid": ["A..B"]}, "one of grid, gymnasium, transitions, got grid, transitions"),
        ({"walls": 3}, "has no member 'walls'"),
        ({"goals": {"first": {"reach": [0]}}}, "at least two, got 1"),
        ({"goals": ["first"]}, "goals is a JSON object, got list"),
        ({"goals": {"a": {"reach": [0]}, "b": {"reach": [5]}}}, "goal 'b' is to reach 5, which is no state"),
        ({"goals": {"a": {"reach": [0]}, "b": {"wants": [1]}}}, "goal 'b' needs reach"),
        ({"goals": {"a": {"reach": [0]}, "b": {"reward": [1, 2, 3]}}}, "the reward of goal 'b' is 2 numbers"),
        ({"goals": {"a": {"reach": [0]}, "b": {"reward": [1, 1e999]}}}, "must be finite, got inf"),
        ({"transitions": [[[0.5, 0.4], [0, 1]], SWAP]}, r"after action 0 in state 0 sum to 0\.9"),
        ({"transitions": [STAY, [[1]]]}, "must have shape"),
        ({"discount": "high"}, "discount must be a number, got 'high'"),
        ({"discount": 2}, "discount must be at most 1, got 2"),
        ({"cost": -1}, "cost is a rate and must be 0 or more, got -1"),
    ],
)
def test_world_files_that_are_wrong_are_refused(changed, message):
    with pytest.raises(InvalidInput, match=message):
        world_of(TABLE | changed)


def test_files_that_are_no_world_are_refused(tmp_path):
    for content, message in (("[1]", "must hold a JSON object"), ('{"discount": NaN}', "is no JSON")):
        (tmp_path / "w.json").write_text(content)
        with pytest.raises(FileFormatError, match=message):
            read_world(tmp_path / "w.json")
    with pytest.raises(SourceError, match="cannot be opened"):
        read_world(tmp_path / "none.json")
    with pytest.raises(InvalidInput, match="got none of them"):
        world_of({})
    assert np.isfinite(world_of(TABLE).rewards).all()
