"""From stored counts to measured numbers: the measurement of ``secondlaw measure`` where no rows were kept.

Counts say how often each prompt got each label; labels of people, where there are some, say what single responses
were. Both are turned into the cells that every measurement starts from. Probabilities were not kept, so that what
corrects for the classifier is its labels' known error (:mod:`secondlaw.drift.coarse_error`), or the labels of people.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from secondlaw.behavior.counts import HUMAN, Counts
from secondlaw.behavior.observations import UNNAMED
from secondlaw.behavior.taxonomy import INTENTS, OUTSIDE, Taxonomy
from secondlaw.behavior.windows import Windows
from secondlaw.drift.cells import CellRows
from secondlaw.drift.coarse_error import coarse_error, coarse_probabilities
from secondlaw.drift.results import Measurement, RowSummary
from secondlaw.errors import InvalidInput
from secondlaw.pipeline.cells import CellKey, CellSource, outside_table
from secondlaw.pipeline.measuring import MeasureOptions, measure_cells

__all__ = ["HumanPair", "measure_counts"]


class HumanPair(NamedTuple):
    """A person's label of a response that the counts hold under the machine's.

    Parameters
    ----------
    stream, model : str
    window : int
    intent : str
    cluster : int
        Hash of its prompt or conversation.
    machine, human : str
        Category keys or ``"outside"``.
    inclusion : float
        Probability with which it was chosen to be labelled.
    """

    stream: str
    model: str
    window: int
    intent: str
    cluster: int
    machine: str
    human: str
    inclusion: float


def measure_counts(
    counts: Counts,
    options: MeasureOptions,
    *,
    taxonomy: Taxonomy,
    pairs: Sequence[HumanPair] = (),
    together: bool = False,
    cells_only: bool = False,
    source: str = "store",
) -> Measurement:
    """Measure stored counts.

    Parameters
    ----------
    counts : Counts
        Of the taxonomy's categories.
    options : MeasureOptions
        `errors` may be those of the classifiers with probabilities; what is used of them fits labels.
    taxonomy : Taxonomy
    pairs : sequence of HumanPair
        Each of a response that is among the counts.
    together : bool
        Measure all windows as one cell: a period, with all labels that people gave in it.
    cells_only : bool
        See :func:`~secondlaw.pipeline.measuring.measure_cells`.
    source : str
        Name of what is measured.

    Returns
    -------
    Measurement

    Raises
    ------
    NotEnoughData
        If nothing can be measured.
    InvalidInput
        If the categories differ, or a pair is of no response in the counts.

    Examples
    --------
    >>> from secondlaw.behavior.taxonomy import FIVE
    >>> row = {"stream": "s", "model": "m", "window": 7, "classifier": "c 1", "intent": "benign"}
    >>> rows = [row | {"cluster": f"{i:x}", "counts": {"g1": 9, "g4": 1}} for i in range(1, 11)]
    >>> found = measure_counts(Counts.from_rows(rows, keys=FIVE.keys), MeasureOptions(), taxonomy=FIVE)
    >>> found.cells[0].n, found.cells[0].step, round(found.cells[0].shares["g4"].value, 2)
    (100, 7, 0.1)
    """
    if counts.keys != taxonomy.keys:
        raise InvalidInput(f"counts of {counts.keys} are not of the taxonomy {taxonomy.name!r}, {taxonomy.keys}")
    first = 0 if counts.every is None or not len(counts) else int(counts.windows.min())
    keys, groups = np.unique(counts.clusters, return_inverse=True)
    steps = np.zeros(len(counts), dtype=np.int64) if together else counts.windows - first
    tables = {name: coarse_probabilities(error) for name, error in options.errors.items()}
    places = _places(counts, steps)
    known: dict[CellKey, list[HumanPair]] = {}
    for pair in pairs:
        known.setdefault(CellKey(pair.stream, pair.model, 0 if together else pair.window - first), []).append(pair)
    stray = known.keys() - places.keys()
    if stray:
        raise InvalidInput(f"a person labelled a response of {min(stray)}, of which there are no counts")
    sources = [
        _cell(key, counts, rows, groups, keys, known.get(key, ()), tables, options.min_n)
        for key, rows in sorted(places.items())
    ]
    total = counts.total
    windows = None if counts.every is None or together else Windows(counts.every, first)
    errors = {name: coarse_error(error) for name, error in options.errors.items()}
    return measure_cells(
        sources,
        keys,
        replace(options, errors=errors),
        taxonomy=taxonomy,
        windows=windows,
        source=source,
        rows=RowSummary(read=total, used=total, bad=0, duplicates=0, quarantine=None),
        cells_only=cells_only,
    )


def _places(counts: Counts, steps: NDArray[np.int64]) -> dict[CellKey, NDArray[np.int64]]:
    """Return the rows of every stream, model and step, ascending."""
    if not len(counts):
        return {}
    cells = np.column_stack([counts.codes[:, :2], steps])
    order = np.lexsort(cells.T[::-1])
    begins = np.flatnonzero((np.diff(cells[order], axis=0) != 0).any(axis=1)) + 1
    found = {}
    for rows in np.split(order, begins):
        stream, model, step = cells[rows[0]].tolist()
        found[CellKey(counts.names[0][stream], counts.names[1][model], step)] = rows
    return found


def _cell(
    key: CellKey,
    counts: Counts,
    rows: NDArray[np.int64],
    groups: NDArray[np.int64],
    keys: NDArray[np.uint64],
    pairs: Sequence[HumanPair],
    tables: Mapping[str | None, NDArray[np.float64] | None],
    min_n: int,
) -> CellSource:
    """Return one cell: a row for every response that was counted, those that people labelled last."""
    intents = np.array([INTENTS.index(name) for name in counts.names[3]], dtype=np.int64)
    table = counts.table[rows].copy()
    width = table.shape[1]
    strata, cluster = intents[counts.codes[rows, 3]], groups[rows]
    codes = {name: code for code, name in enumerate((*counts.keys, OUTSIDE))}
    for pair in pairs:
        _take_one(table, strata, keys[cluster], pair, codes)
    times = table.ravel()
    label = np.concatenate([np.repeat(np.tile(np.arange(width), len(rows)), times), [codes[p.machine] for p in pairs]])
    judged = np.searchsorted(keys, np.array([p.cluster for p in pairs], dtype=np.uint64)).tolist()
    cells = CellRows(
        groups=_with(np.repeat(np.repeat(cluster, width), times), judged),
        label=label.astype(np.int64),
        human=_with(np.full(times.sum(), -1), [codes[p.human] for p in pairs]),
        strata=_with(np.repeat(np.repeat(strata, width), times), [INTENTS.index(p.intent) for p in pairs]),
        inclusion=np.concatenate([np.full(times.sum(), np.nan), [p.inclusion for p in pairs]]) if pairs else None,
    )
    names = {counts.names[4][code] for code in np.unique(counts.codes[rows, 4]).tolist()}
    if names == {HUMAN}:
        cells = replace(cells, human=cells.label, label=np.full(len(cells), -1))
    classifiers = sorted(names - {HUMAN})
    who = None if len(classifiers) != 1 or classifiers == [UNNAMED] else classifiers[0]
    coarse = tables.get(who)
    if coarse is not None:
        found = np.full((len(cells), width - 1), np.nan)
        inside = cells.label < width - 1
        found[inside] = coarse[cells.strata[inside], cells.label[inside]]
        cells = replace(cells, probabilities=found)
    best = np.where(cells.human >= 0, cells.human, cells.label)
    inside_n = int((best < width - 1).sum())
    problem = None
    if len(names) > 1:
        problem = f"labels of {len(names)} classifiers ({', '.join(sorted(names))}) are never pooled"
    elif inside_n < max(min_n, 1):
        problem = f"{inside_n} labelled responses in the cell, {max(min_n, 1)} needed"
    total = np.bincount(best, minlength=width).tolist()
    outside = outside_table(best, cells.groups, width - 1)
    return CellSource(key, cells, outside, dict(zip(codes, total, strict=True)), who, problem)


def _take_one(
    table: NDArray[np.int64],
    strata: NDArray[np.int64],
    clusters: NDArray[np.uint64],
    pair: HumanPair,
    codes: Mapping[str, int],
) -> None:
    """Take the response of a pair out of the counts, since it comes back with both labels."""
    mine = np.nonzero((clusters == np.uint64(pair.cluster)) & (strata == INTENTS.index(pair.intent)))[0]
    code = codes[pair.machine]
    holds = mine[table[mine, code] > 0]
    if not len(holds):
        raise InvalidInput(f"a person labelled a response ({pair}) that the counts do not hold")
    table[holds[0], code] -= 1


def _with(some: NDArray[np.int64], more: Sequence[int]) -> NDArray[np.int64]:
    return np.concatenate([some, np.array(more, dtype=np.int64)]).astype(np.int64)
