"""Logged trajectories from JSON lines: one row an episode, or one row a step."""

from collections.abc import Iterator, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

from secondlaw.alignment.goals.episodes import Episode, Episodes
from secondlaw.alignment.goals.tabular import TabularMDP
from secondlaw.errors import FileFormatError, NotEnoughData, SourceError
from secondlaw.formats import BadRow, Row, read_rows

__all__ = ["read_episodes"]


def read_episodes(path: str | Path, mdp: TabularMDP) -> Episodes:
    """Read episodes, and check that they can happen in a world.

    Parameters
    ----------
    path : str or Path
        JSON lines, also compressed, or CSV or Parquet for rows of steps. *An episode a row*: ``agent``, ``states``
        (list), ``actions`` (list), optionally ``episode``. *A step a row*, in order: ``agent``, ``state``, ``action``,
        optionally ``episode``, ``step`` (sorted by it) and ``next_state``; the last row of an episode may lack the
        action. Either may say ``ended``: true where the agent stopped because it was done, false where it was cut off.
        States and actions are numbers or names; a cell of a grid may also be ``[row, column]``.
    mdp : TabularMDP

    Returns
    -------
    Episodes

    Raises
    ------
    SourceError
        If the file cannot be opened.
    FileFormatError
        If a row cannot be read, or names a state, action or transition that the world does not have.
    NotEnoughData
        If there is no action.

    Examples
    --------
    >>> import tempfile
    >>> from secondlaw.alignment.goals import grid_world
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = Path(f"{folder}/x.jsonl").write_text('{"agent": "a", "states": ["0,1", "0,0"], "actions": ["left"]}')
    ...     read_episodes(f"{folder}/x.jsonl", grid_world(["A..B"])).states.tolist()
    [[1, 0]]
    """
    path = Path(path)
    if not path.exists():
        raise SourceError(f"{path} cannot be opened: there is no file of this name")
    states = {name: k for k, name in enumerate(mdp.states)}
    actions = {name: k for k, name in enumerate(mdp.actions)}
    names = (states, actions)
    whole: list[Episode] = []
    steps: dict[tuple[str, str], list[tuple[float, Row]]] = {}
    for row in _rows(path):
        if "states" in row.value or "actions" in row.value:
            whole.append(_whole(row, path.name, names, len(whole)))
        elif "state" in row.value:
            key = str(_given(row, "agent", path.name)), str(row.value.get("episode", ""))
            order = row.value.get("step", len(steps.get(key, ())))
            if isinstance(order, bool) or not isinstance(order, int | float):
                raise FileFormatError(f"{path.name}, line {row.line}: step must be a number, got {order!r}")
            steps.setdefault(key, []).append((float(order), row))
        else:
            raise FileFormatError(
                f"{path.name}, line {row.line}: a row needs states and actions (an episode), or state and action (a "
                f"step); got {', '.join(map(str, list(row.value)[:6])) or 'nothing'}"
            )
    joined = [_stepped(agent, name, rows, path.name, names) for (agent, name), rows in steps.items()]
    if not whole and not joined:
        raise NotEnoughData(f"{path.name} holds no row: give one row an episode, or one a step")
    found = Episodes.of([*whole, *joined])
    found.check(mdp)
    return found


Names = tuple[Mapping[str, int], Mapping[str, int]]


def _rows(path: Path) -> Iterator[Row]:
    for row in read_rows(path):
        if isinstance(row, BadRow):
            raise FileFormatError(f"{path.name}, line {row.line}: {row.reason}; mend the line or take it out")
        yield row


def _given(row: Row, name: str, file: str) -> Any:  # noqa: ANN401 - JSON
    if row.value.get(name) is None:
        raise FileFormatError(f"{file}, line {row.line}: the row lacks {name!r}")
    return row.value[name]


def _whole(row: Row, file: str, names: Names, number: int) -> Episode:
    found = []
    for part, known, what in (("states", names[0], "state"), ("actions", names[1], "action")):
        given = _given(row, part, file)
        if not isinstance(given, list):
            raise FileFormatError(f"{file}, line {row.line}: {part} must be a list, got {given!r}")
        found.append([_number(one, known, what, file, row.line) for one in given])
    if len(found[0]) - len(found[1]) not in (0, 1):
        raise FileFormatError(
            f"{file}, line {row.line}: {len(found[1])} actions need as many states or one more, got {len(found[0])}"
        )
    return Episode(
        str(_given(row, "agent", file)), str(row.value.get("episode", number)), found[0], found[1], _ended(row, file)
    )


def _ended(row: Row, file: str) -> bool | None:
    said = row.value.get("ended")
    if said is not None and not isinstance(said, bool):
        raise FileFormatError(f"{file}, line {row.line}: ended must be true or false, got {said!r}")
    return said


def _stepped(agent: str, name: str, rows: list[tuple[float, Row]], file: str, names: Names) -> Episode:
    rows = sorted(rows, key=lambda one: one[0])
    for (before, _), (step, row) in pairwise(rows):
        if step == before:
            raise FileFormatError(
                f"{file}, line {row.line}: agent {agent} has two rows of step {step:g}: tell its episodes apart "
                "(episode), or take one out"
            )
    ordered = [row for _, row in rows]
    states = [_number(row.value["state"], names[0], "state", file, row.line) for row in ordered]
    last = ordered[-1]
    acting = ordered[:-1] if last.value.get("action") is None else ordered
    actions = [_number(_given(row, "action", file), names[1], "action", file, row.line) for row in acting]
    if len(actions) == len(states) and last.value.get("next_state") is not None:
        states.append(_number(last.value["next_state"], names[0], "state", file, last.line))
    return Episode(agent, name, states, actions, _ended(last, file))


def _number(given: object, known: Mapping[str, int], what: str, file: str, line: int) -> int:
    """Return the number of a state or an action that is given by number or name."""
    if isinstance(given, list | tuple):
        name = ",".join(str(one) for one in given)
    elif isinstance(given, float) and given.is_integer():
        name = str(int(given))
    else:
        name = str(given)
    if name in known:
        return known[name]
    if not isinstance(given, bool | list | tuple) and name.isdecimal() and int(name) < len(known):
        return int(name)
    shown = ", ".join(list(known)[:6]) + (" ..." if len(known) > 6 else "")
    raise FileFormatError(
        f"{file}, line {line}: the world has no {what} {given!r}; it has {shown}, numbered from 0 to {len(known) - 1}"
    )
