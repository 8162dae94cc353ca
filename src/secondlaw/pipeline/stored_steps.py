"""From stored counts to the steps that monitors take: the same steps that a log of the same responses gives."""

from collections.abc import Iterable, Sequence
from operator import add

from secondlaw.behavior.counts import Counts
from secondlaw.behavior.windows import window_label
from secondlaw.drift.step_counts import Cell, StepCounts

__all__ = ["steps_of_counts"]

_Row = tuple[list[int], int, list[int]]
"""Codes of the names, cluster, counts."""


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
    by_window: dict[int, list[_Row]] = {}
    rows = zip(counts.codes.tolist(), counts.clusters.tolist(), counts.table.tolist(), strict=True)
    for window, row in zip(counts.windows.tolist(), rows, strict=True):
        by_window.setdefault(window, []).append(row)
    names, models = counts.names, list(dict.fromkeys(known))
    found = []
    for window in windows:
        cells: dict[str, dict[Cell, tuple[int, ...]]] = {}
        classifiers: dict[str, dict[str, None]] = {}
        for (_, model_code, prompt_set, intent, classifier), cluster, table in by_window.get(window, ()):
            model = names[1][model_code]
            cell = Cell(names[2][prompt_set], names[3][intent], f"{cluster:016x}")
            mine = cells.setdefault(model, {})
            mine[cell] = tuple(map(add, mine[cell], table)) if cell in mine else tuple(table)
            classifiers.setdefault(model, {})[names[4][classifier]] = None
        models += sorted(cells.keys() - set(models))
        for model in models:
            found.append(
                StepCounts(
                    stream,
                    model,
                    (window - first) // stride,
                    len(counts.keys),
                    cells.get(model, {}),
                    window_label(window, counts.every),
                    classifiers=tuple(classifiers.get(model, ())),
                )
            )
    return found
