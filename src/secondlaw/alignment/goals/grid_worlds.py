"""Grid worlds: drawn as text, with walls, slips and goals that are cells to reach."""

from collections.abc import Mapping, Sequence

import numpy as np

from secondlaw.alignment.goals.tabular import DISCOUNT, TabularMDP, reaching
from secondlaw.errors import InvalidInput

__all__ = ["ACTIONS", "grid_world"]

ACTIONS = ("up", "right", "down", "left", "stay")
_MOVES = ((-1, 0), (0, 1), (1, 0), (0, -1), (0, 0))
WALL, FREE = "#", ". "


def grid_world(
    rows: Sequence[str],
    *,
    goals: Mapping[str, Sequence[tuple[int, int]]] | None = None,
    slip: float = 0.0,
    stay: bool = False,
    cost: float = 1.0,
    discount: float = DISCOUNT,
) -> TabularMDP:
    """Return a grid world.

    Parameters
    ----------
    rows : sequence of str
        ``#`` is a wall, ``.`` or a space a free cell; every other character is a free cell and, without `goals`, names
        a goal: all cells of one character fulfil it.
    goals : mapping of str to sequence of (row, column), optional
        Cells that fulfil each goal, counted from 0 at the upper left.
    slip : float
        Probability that a move goes sideways instead, half to each side. A move into a wall or over the edge stays.
    stay : bool
        Whether staying is an action.
    cost, discount : float
        As for :func:`~secondlaw.alignment.goals.reaching`.

    Returns
    -------
    TabularMDP
        States are named ``"row,column"``; walls are no states.

    Raises
    ------
    InvalidInput
        If the rows differ in length, a goal lies in a wall, or the slip is no probability.

    Examples
    --------
    >>> world = grid_world(["A..", "#.#", "..B"])
    >>> world.goals, world.states[3], world.size
    (('A', 'B'), '1,1', (2, 7, 4))
    """
    lines = [str(row) for row in rows]
    if not lines or not lines[0] or len({len(row) for row in lines}) != 1:
        raise InvalidInput(f"a grid needs rows of one length, got {sorted({len(row) for row in lines})}")
    if not 0.0 <= slip <= 1.0:
        raise InvalidInput(f"slip is a probability, got {slip}")
    places = {
        (row, column): number
        for number, (row, column) in enumerate(
            (r, c) for r, line in enumerate(lines) for c, sign in enumerate(line) if sign != WALL
        )
    }
    if not places:
        raise InvalidInput("a grid needs a cell that is no wall")
    named = _lettered(lines) if goals is None else goals
    targets = {name: [_cell(places, name, cell) for cell in cells] for name, cells in named.items()}
    number = len(ACTIONS) if stay else len(ACTIONS) - 1
    return reaching(
        _transitions(places, number, slip), targets, cost=cost, discount=discount,
        states=[f"{row},{column}" for row, column in places], actions=ACTIONS[:number],
    )  # fmt: skip


def _lettered(lines: Sequence[str]) -> dict[str, list[tuple[int, int]]]:
    found: dict[str, list[tuple[int, int]]] = {}
    for row, line in enumerate(lines):
        for column, sign in enumerate(line):
            if sign != WALL and sign not in FREE:
                found.setdefault(sign, []).append((row, column))
    return dict(sorted(found.items()))


def _cell(places: Mapping[tuple[int, int], int], name: str, cell: Sequence[int]) -> int:
    row, column = cell
    if (row, column) not in places:
        raise InvalidInput(f"goal {name!r} lies at {row},{column}, which is a wall or outside the grid")
    return places[row, column]


def _transitions(places: Mapping[tuple[int, int], int], actions: int, slip: float) -> list[np.ndarray]:
    size = len(places)
    after = np.empty((len(_MOVES), size), dtype=np.int64)  # where each direction leads
    for (row, column), here in places.items():
        for move, (down, right) in enumerate(_MOVES):
            after[move, here] = places.get((row + down, column + right), here)
    out, every = [], np.arange(size)
    for action in range(actions):
        matrix = np.zeros((size, size))
        if action == len(ACTIONS) - 1:
            matrix[every, every] = 1.0
        else:
            for move, share in ((action, 1.0 - slip), ((action + 1) % 4, slip / 2.0), ((action + 3) % 4, slip / 2.0)):
                np.add.at(matrix, (every, after[move]), share)
        out.append(matrix)
    return out
