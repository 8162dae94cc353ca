"""World files: a grid, a gymnasium environment or a table of transitions, with its goals, as JSON."""

from collections.abc import Mapping, Sequence
from operator import index
from pathlib import Path
from typing import Any

import numpy as np
from scipy import sparse

from secondlaw.alignment.goals.grid_worlds import grid_world
from secondlaw.alignment.goals.gymnasium_worlds import gymnasium_world
from secondlaw.alignment.goals.tabular import DISCOUNT, TabularMDP, reaching_rewards, target_states
from secondlaw.errors import FileFormatError, InvalidInput, SourceError

__all__ = ["read_world", "world_of"]

KINDS = {
    "grid": {"grid", "goals", "slip", "stay", "cost", "discount"},
    "gymnasium": {"gymnasium", "options", "goals", "own_reward", "cost", "discount"},
    "transitions": {"transitions", "states", "actions", "goals", "cost", "discount"},
}


def read_world(path: str | Path) -> TabularMDP:
    """Read a world file.

    Raises
    ------
    SourceError
        If the file cannot be opened.
    FileFormatError
        If it is no JSON object.
    InvalidInput
        If it describes no world: see :func:`world_of`.
    """
    import orjson

    path = Path(path)
    try:
        content = orjson.loads(path.read_bytes())
    except OSError as error:
        raise SourceError(f"{path} cannot be opened: {error.strerror or error}") from error
    except orjson.JSONDecodeError as error:
        raise FileFormatError(f"{path.name} is no JSON: {error}") from error
    if not isinstance(content, dict):
        raise FileFormatError(f"{path.name} must hold a JSON object that describes a world")
    return world_of(content)


def world_of(content: Mapping[str, Any]) -> TabularMDP:
    """Return the world that the content of a world file describes.

    Parameters
    ----------
    content : mapping
        With ``grid``, ``gymnasium`` or ``transitions``; ``docs/goals.md`` lists the members of each.

    Raises
    ------
    InvalidInput
        If members are missing, unknown or wrong.

    Examples
    --------
    >>> world_of({"grid": ["A..B"], "slip": 0.1}).goals
    ('A', 'B')
    >>> stay, swap = [[1, 0], [0, 1]], [[0, 1], [1, 0]]
    >>> world_of({"transitions": [stay, swap], "goals": {"first": {"reach": [0]}, "second": {"reward": [0, 1]}}}).goals
    ('first', 'second')
    """
    kinds = [kind for kind in KINDS if kind in content]
    if len(kinds) != 1:
        raise InvalidInput(f"a world file has one of {', '.join(KINDS)}, got {', '.join(kinds) or 'none of them'}")
    kind = kinds[0]
    unknown = sorted(content.keys() - KINDS[kind])
    if unknown:
        raise InvalidInput(f"a world with {kind} has no member {unknown[0]!r}; it may have {_listed(kind)}")
    common = {name: _number(content, name) for name in ("cost", "discount") if name in content}
    if kind == "grid":
        return _grid(content, common)
    if kind == "gymnasium":
        targets = {name: _whole(cells, name) for name, cells in _mapping(content, "goals").items()}
        return gymnasium_world(
            str(content["gymnasium"]), targets,
            own_reward=None if content.get("own_reward") is None else str(content["own_reward"]),
            options=_mapping(content, "options") if "options" in content else None, **common,
        )  # fmt: skip
    return _table(content, common)


def _grid(content: Mapping[str, Any], common: dict[str, float]) -> TabularMDP:
    rows = content["grid"]
    if not isinstance(rows, list) or not all(isinstance(row, str) for row in rows):
        raise InvalidInput("grid is a list of texts, one for each row")
    goals = None
    if "goals" in content:
        goals = {}
        for name, cells in _mapping(content, "goals").items():
            try:
                goals[name] = [(index(row), index(column)) for row, column in cells]
            except (TypeError, ValueError):
                raise InvalidInput(f"goal {name!r} of a grid is a list of [row, column], got {cells!r}") from None
    slip = _number(content, "slip") if "slip" in content else 0.0
    return grid_world(rows, goals=goals, slip=slip, stay=_flag(content, "stay"), **common)


def _table(content: Mapping[str, Any], common: dict[str, float]) -> TabularMDP:
    names = {part: _names(content, part) for part in ("states", "actions")}
    matrices = _matrices(content["transitions"], names)
    size, actions = matrices[0].shape[0], len(matrices)
    numbers = {name: k for k, name in enumerate(names["states"])} | {str(k): k for k in range(size)}
    goals, cost = _mapping(content, "goals"), common.get("cost", 1.0)
    rewards, ends = np.zeros((len(goals), size, actions)), np.zeros((len(goals), size), dtype=bool)
    for k, (name, goal) in enumerate(goals.items()):
        if not isinstance(goal, dict) or not goal.keys() & {"reach", "reward"} or goal.keys() - {"reach", "reward"}:
            raise InvalidInput(f"goal {name!r} needs reach (states) or reward (a number for each state), got {goal!r}")
        if "reach" in goal:
            found = [_state(one, numbers, name) for one in _list(goal["reach"], name)]
            ends[k] = target_states({name: found}, size)[0]
            rewards[k] = reaching_rewards(ends[k : k + 1], cost, actions)[0]
        if "reward" in goal:
            try:
                given = np.asarray(goal["reward"], dtype=np.float64)
                rewards[k] += np.broadcast_to(given[:, None] if given.ndim == 1 else given, (size, actions))
            except (TypeError, ValueError):
                raise InvalidInput(f"the reward of goal {name!r} is {size} numbers, or {size} x {actions}") from None
    return TabularMDP(
        matrices, rewards, tuple(goals), common.get("discount", DISCOUNT), ends, tuple(names["states"]),
        tuple(names["actions"]),
    )  # fmt: skip


def _matrices(given: Any, names: dict[str, list[str]]) -> list[Any]:  # noqa: ANN401 - JSON
    """Return one matrix an action, from nested lists or from rows [state, action, next state, probability]."""
    try:
        if names["states"] and given and len(given[0]) == 4 and not isinstance(given[0][0], list):
            size, number = len(names["states"]), len(names["actions"])
            states = {name: k for k, name in enumerate(names["states"])}
            actions = {name: k for k, name in enumerate(names["actions"])}
            rows = [(states[str(s)], actions[str(a)], states[str(t)], float(p)) for s, a, t, p in given]
            out = [np.zeros((size, size)) for _ in range(number)]
            for state, action, later, probability in rows:
                out[action][state, later] += probability
            return [sparse.csr_array(one) for one in out]
        return [np.asarray(one, dtype=np.float64) for one in given]
    except KeyError as error:
        raise InvalidInput(f"transitions name {error}, which is no state or action of the file") from None
    except (TypeError, ValueError) as error:
        raise InvalidInput(
            "transitions are matrices, one an action, or rows [state, action, next state, probability] beside states "
            f"and actions: {error}"
        ) from None


def _state(name: object, numbers: Mapping[str, int], goal: str) -> int:
    if str(name) not in numbers:
        raise InvalidInput(f"goal {goal!r} is to reach {name!r}, which is no state")
    return numbers[str(name)]


def _mapping(content: Mapping[str, Any], name: str) -> dict[str, Any]:
    found = content.get(name)
    if not isinstance(found, dict):
        raise InvalidInput(f"{name} is a JSON object, got {type(found).__name__}")
    return found


def _list(given: Any, goal: str) -> list[Any]:  # noqa: ANN401 - JSON
    if not isinstance(given, list):
        raise InvalidInput(f"goal {goal!r} needs a list of states, got {given!r}")
    return given


def _whole(given: Any, goal: str) -> Sequence[int]:  # noqa: ANN401 - JSON
    try:
        return [index(one) for one in _list(given, goal)]
    except (TypeError, ValueError):
        raise InvalidInput(f"goal {goal!r} of an environment is a list of state numbers, got {given!r}") from None


def _number(content: Mapping[str, Any], name: str) -> float:
    found = content[name]
    if isinstance(found, bool) or not isinstance(found, int | float):
        raise InvalidInput(f"{name} must be a number, got {found!r}")
    return float(found)


def _flag(content: Mapping[str, Any], name: str) -> bool:
    found = content.get(name, False)
    if not isinstance(found, bool):
        raise InvalidInput(f"{name} must be true or false, got {found!r}")
    return found


def _names(content: Mapping[str, Any], part: str) -> list[str]:
    given = content.get(part, [])
    if not isinstance(given, list):
        raise InvalidInput(f"{part} is a list of names, got {given!r}")
    names = [str(one) for one in given]
    twice = next((one for k, one in enumerate(names) if one in names[:k]), None)
    if twice is not None:
        raise InvalidInput(f"{part} need different names, got {twice!r} twice")
    return names


def _listed(kind: str) -> str:
    return ", ".join(sorted(KINDS[kind] - {kind}))
