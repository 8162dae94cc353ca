"""From observations to measured cells: every (stream, model, step) on one resampling design."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from secondlaw.behavior.classifiers.protocol import KNOWN_INTENTS
from secondlaw.behavior.observations import Observations
from secondlaw.behavior.taxonomy import INTENTS, Taxonomy
from secondlaw.drift.cells import CellRows, ClassifierError, MeasuredCell
from secondlaw.drift.design import Design
from secondlaw.drift.measuring import measure_cell
from secondlaw.errors import NotEnoughData
from secondlaw.statistics.pair_confusion import TOO_OFTEN, confused_pairs

__all__ = ["CONFUSED", "CellKey", "CellSource", "cell_sources", "measure_sources", "outside_table"]

Progress = Callable[[int, int], None]


class CellKey(NamedTuple):
    """Which cell: stream, model, step."""

    stream: str
    model: str
    step: int


@dataclass(frozen=True, slots=True)
class CellSource:
    """The rows of a cell before they are measured.

    Parameters
    ----------
    key : CellKey
    rows : CellRows
        All of them; a code of K is outside the taxonomy.
    outside : ndarray of int, shape (g, 2)
        By group: responses inside and outside the taxonomy.
    counts : mapping of category key to int
        Labels as counted, ``outside`` included.
    classifier : str or None
        Who labelled.
    problem : str or None
        Why the cell must not be measured.
    """

    key: CellKey
    rows: CellRows
    outside: NDArray[np.int64]
    counts: Mapping[str, int]
    classifier: str | None
    problem: str | None = None

    def of_groups(self, groups: NDArray[np.int64]) -> "CellSource":
        """Return the part of the cell that belongs to some groups."""
        keep = np.isin(self.rows.groups, groups)
        return replace(self, rows=self.rows.take(keep))


def cell_sources(observations: Observations, *, min_n: int = 1) -> list[CellSource]:
    """Return the cells of some observations, with the reason where one must not be measured."""
    return [
        _source(observations, cell.stream, cell.model, cell.step, cell.rows, min_n) for cell in observations.cells()
    ]


def _source(
    observations: Observations, stream: str, model: str, step: int, rows: NDArray[np.int64], min_n: int
) -> CellSource:
    taxonomy = observations.taxonomy
    outside = len(taxonomy.keys)
    label = observations.label[rows].astype(np.int64)
    human = observations.human_label[rows].astype(np.int64)
    best = np.where(human >= 0, human, label)
    inside = (best >= 0) & (best < outside)
    probabilities = _normalised(observations.label_probs, rows)
    inclusion = observations.inclusion_probability
    mixed = observations.mixed_versions(rows)
    versions = observations.classifier_versions(rows)
    found = CellRows(
        groups=observations.group[rows].astype(np.int64),
        label=label,
        human=human,
        strata=observations.intent[rows].astype(np.int64),
        probabilities=probabilities,
        inclusion=None if inclusion is None else inclusion[rows].astype(np.float64),
    )
    counts = np.bincount(best[best >= 0], minlength=outside + 1)
    problem = mixed.reason if mixed is not None and not (human >= 0).all() else None
    if problem is None and inside.sum() < max(min_n, 1):
        problem = f"{int(inside.sum())} labelled responses in the cell, {max(min_n, 1)} needed"
    return CellSource(
        CellKey(stream, model, step),
        found,
        outside_table(best, observations.group[rows], outside),
        dict(zip((*taxonomy.keys, "outside"), counts.tolist(), strict=True)),
        versions[0] if len(versions) == 1 else None,
        problem,
    )


def _normalised(probabilities: NDArray[np.float32] | None, rows: NDArray[np.int64]) -> NDArray[np.float64] | None:
    """Return the rows' probabilities, which files hold rounded, as distributions; NaN where there is no mass."""
    if probabilities is None:
        return None
    found = probabilities[rows].astype(np.float64)
    mass = found.sum(axis=1, keepdims=True)
    return np.asarray(np.divide(found, mass, out=np.full_like(found, np.nan), where=mass > 0.0))


def outside_table(best: NDArray[np.int64], groups: NDArray[np.integer], outside: int) -> NDArray[np.int64]:
    """Return by group how many responses are inside and outside the taxonomy, of those with a label."""
    known = best >= 0
    ids, inverse = np.unique(groups[known], return_inverse=True)
    flat = np.bincount(inverse * 2 + (best[known] == outside), minlength=2 * len(ids))
    return flat.reshape(len(ids), 2).astype(np.int64)


def measure_sources(
    sources: list[CellSource],
    design: Design,
    *,
    taxonomy: Taxonomy,
    errors: Mapping[str | None, ClassifierError],
    progress: Progress | None = None,
) -> dict[CellKey, MeasuredCell | str]:
    """Measure every cell that can be measured; the others come with the reason.

    Parameters
    ----------
    sources : list of CellSource
    design : Design
    taxonomy : Taxonomy
    errors : mapping of classifier name to ClassifierError
        What is known of each classifier.
    progress : callable, optional
        Called with (cells done, cells in all).
    """
    measured: dict[CellKey, MeasuredCell | str] = {}
    misaligned = np.array(taxonomy.misaligned)
    reachable = np.array([taxonomy.reachable(intent) for intent in INTENTS])
    for number, source in enumerate(sources, start=1):
        if source.problem is not None:
            measured[source.key] = source.problem
        else:
            try:
                error = errors.get(source.classifier)
                cell = measure_cell(source.rows, design, misaligned=misaligned, error=error, reachable=reachable)
                measured[source.key] = _flagged(cell, source.rows, error, taxonomy)
            except NotEnoughData as short:
                measured[source.key] = str(short)
        if progress is not None:
            progress(number, len(sources))
    return measured


CONFUSED = "where the intent is not stated, the classifier takes"
"""How the note on such confusion begins."""


def _flagged(cell: MeasuredCell, rows: CellRows, error: ClassifierError | None, taxonomy: Taxonomy) -> MeasuredCell:
    """Add what the paper asks to be told: answers to benign and to harmful requests confused above 5 %.

    Where the prompts' intent is stated they cannot be.
    """
    unknown = rows.strata == INTENTS.index("unknown")
    if error is None or cell.labels == "human" or not unknown.any():
        return cell
    table = error.confusion_in(rows.strata[unknown])
    if table is None:
        return cell
    pair = tuple(taxonomy.keys.index(taxonomy.category_of(intent, "comply")) for intent in KNOWN_INTENTS)
    if pair[0] == pair[1]:
        return cell
    notes = [
        f"{CONFUSED} {taxonomy.keys[one.first]} and "
        f"{taxonomy.keys[one.second]} for one another in {one.rate:.0%} [{one.low:.0%}, {one.high:.0%}] of {one.n:.0f} "
        f"known responses, above {TOO_OFTEN:.0%}: state the intent of the prompts ({int(unknown.sum())} responses here "
        "lack it), or label some responses by hand"
        for one in confused_pairs(table, pairs=[(pair[0], pair[1])])
    ]
    return replace(cell, notes=(*cell.notes, *notes)) if notes else cell
