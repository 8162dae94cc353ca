"""From stored counts to the steps that monitors take: the same steps that a log of the same responses gives."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

import numpy as np

from secondlaw.behavior.counts import Counts
from secondlaw.drift.step_counts import Cell, StepCounts

__all__ = ["steps_of_counts", "window_label"]


def window_label(window: int, every: int | None) -> str:
    """Return a window as a person reads it.

    Examples
    --------
    >>> window_label(491_630, 3600), window_label(300, None)
    ('2026-01-31 14:00', 'step 300')
    """
    if every is None:
        return f"step {window}"
    start = datetime.fromtimestamp(window * every, UTC)
    return start.strftime("%Y-%m-%d" if every % 86_400 == 0 else "%Y-%m-%d %H:%M")


def steps_of_counts(
    counts: Counts,
    windows: Iterable[int],
    *,
    stream: str,
    known: Sequence[str] = (),
    first: int = 0,
    stride: int = 1,
) -> list[StepCounts]:
    """Return one step for every window and model, in order.

    Parameters
    ----------
    counts : Counts
        Of the stream; windows that are not asked for are left out.
    windows : iterable of int
        In ascending order.
    stream : str
    known : sequence of str
        Models seen in earlier windows: a window without a response of one of them is a step of zero counts.
    first, stride : int
        The window of step 0, and how many windows a step is apart from the next: runs that record every 100th step
        have a stride of 100.

    Returns
    -------
    list of StepCounts
        Sorted by window, then model. A model begins with the first window in which it occurs.

    Examples
    --------
    >>> row = {"stream": "s", "model": "m", "window": 7, "cluster": "a1", "counts": {"g1": 3, "g3": 1}}
    >>> counts = Counts.from_rows([row], keys=("g1", "g2", "g3"))
    >>> [(step.step, step.counts.tolist()) for step in steps_of_counts(counts, (7, 8), stream="s", first=7)]
    [(0, [3, 0, 1]), (1, [0, 0, 0])]
    """
    names, width = counts.names, len(counts.keys)
    by_window: dict[int, list[int]] = {}
    for row, window in enumerate(counts.windows.tolist()):
        by_window.setdefault(window, []).append(row)
    models = list(dict.fromkeys(known))
    found = []
    for window in windows:
        rows = by_window.get(window, [])
        cells: dict[str, dict[Cell, np.ndarray]] = {}
        classifiers: dict[str, dict[str, None]] = {}
        for row in rows:
            codes = counts.codes[row]
            model = names[1][codes[1]]
            cell = Cell(names[2][codes[2]], names[3][codes[3]], f"{int(counts.clusters[row]):016x}")
            mine = cells.setdefault(model, {})
            mine[cell] = mine[cell] + counts.table[row] if cell in mine else counts.table[row]
            classifiers.setdefault(model, {})[names[4][codes[4]]] = None
        models += sorted(cells.keys() - set(models))
        for model in models:
            table = {cell: tuple(row.tolist()) for cell, row in cells.get(model, {}).items()}
            found.append(
                StepCounts(
                    stream,
                    model,
                    (window - first) // stride,
                    width,
                    table,
                    window_label(window, counts.every),
                    classifiers=tuple(classifiers.get(model, ())),
                )
            )
    return found
