"""One step of a stream as monitors take it: counts by category, and what stands behind them.

A step is a number of the run, a window of time, or so many responses. Its counts are kept by *cell* (prompt set,
intent, prompt), so that after an alarm it can be said which of them moved, and so that a changed mix of prompts is seen
beside the alarm. Responses in no category (``outside``) are counted apart. No text is kept.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from sys import intern
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from secondlaw.behavior.taxonomy import OUTSIDE
from secondlaw.behavior.transcripts import Transcript
from secondlaw.errors import InvalidInput

__all__ = ["NO_CATEGORY", "Cell", "StepCounts", "StepRow", "Strata"]

Strata = Literal["prompt_set", "intent"]

NO_CATEGORY = -1
"""Category of a response that has no label."""
HUMAN = "human"


class Cell(NamedTuple):
    """What responses of a step have in common: prompt set (``""`` for none), intent, prompt or conversation."""

    prompt_set: str
    intent: str
    cluster: str


class StepRow(NamedTuple):
    """One response, without its text.

    Parameters
    ----------
    category : int
        0 to K - 1; K is outside, `NO_CATEGORY` is no label.
    time : float or None
        Seconds since 1970 in UTC.
    id : str or None
        As the row states it; rows with the same id are one response.
    value : float or None
        A score of the user's, where one is watched.
    """

    stream: str
    model: str
    category: int
    step: int | None = None
    time: float | None = None
    prompt_set: str = ""
    intent: str = "unknown"
    cluster: str = ""
    classifier: str | None = None
    id: str | None = None
    value: float | None = None

    @classmethod
    def of(
        cls, transcript: Transcript, keys: Sequence[str], *, stated_id: str | None = None, value: float | None = None
    ) -> "StepRow":
        """Return a transcript as a row: its machine label, else a person's; `keys` are those of the taxonomy.

        Examples
        --------
        >>> row = StepRow.of(Transcript("Hi", "Hello.", id="a", prompt_id="p", label="g2"), ("g1", "g2"))
        >>> row.category, row.cluster
        (1, 'p')
        """
        t = transcript
        label, classifier = (t.label, t.classifier) if t.label is not None else (t.human_label, HUMAN)
        if label is None:
            category, classifier = NO_CATEGORY, None
        else:
            category = len(keys) if label == OUTSIDE else keys.index(label)
        prompt_set = t.extra.get("prompt_set")
        return cls(  # names that come again and again are kept once
            intern(t.stream),
            intern(t.model),
            category,
            t.step,
            None if t.ts is None else t.ts.timestamp(),
            intern(prompt_set) if isinstance(prompt_set, str) else "",
            t.intent,
            intern(t.group),
            None if classifier is None else intern(classifier),
            stated_id,
            value,
        )


@dataclass(frozen=True, slots=True)
class StepCounts:
    """The responses of one step of one stream and model.

    Parameters
    ----------
    stream, model : str
    step : int
        Its number, as monitors take it: one more a step.
    width : int
        K, how many categories there are.
    cells : mapping of Cell to tuple of int (K + 1)
        Counts by category, last those outside. Empty: nothing was seen at this step.
    label : str
        The step as a person reads it: ``step 300``, ``2026-01-31 14:00``, ``rows 151-165``.
    begins, ends : float or None
        Earliest and latest time of its responses, seconds since 1970.
    classifiers : tuple of str
        Who labelled, in the order in which they first occur; one of them, unless the classifier changed within.
    duplicates, contradictions, late, unlabelled : int
        Rows that came meanwhile and are in no count: repeated another row's id, alike or not; belonged to a step that
        was closed already; had no label (or no score).
    values : mapping of Cell to tuple of float
        The user's score of each response, where one is watched.
    ids : mapping of (cluster, category) to tuple of str
        Some responses to read.

    Examples
    --------
    >>> step = StepCounts.of_counts([90, 10], step=7, outside=2)
    >>> step.counts.tolist(), step.n, step.outside
    ([90, 10], 100, 2)
    """

    stream: str
    model: str
    step: int
    width: int
    cells: Mapping[Cell, tuple[int, ...]] = field(default_factory=dict)
    label: str = ""
    begins: float | None = None
    ends: float | None = None
    classifiers: tuple[str, ...] = ()
    duplicates: int = 0
    contradictions: int = 0
    late: int = 0
    unlabelled: int = 0
    values: Mapping[Cell, tuple[float, ...]] = field(default_factory=dict)
    ids: Mapping[tuple[str, int], tuple[str, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        wrong = next((row for row in self.cells.values() if len(row) != self.width + 1), None)
        if wrong is not None:
            raise InvalidInput(f"a cell has counts of {self.width} categories and of outside, got {list(wrong)}")

    @classmethod
    def of_counts(
        cls,
        counts: Sequence[int],
        *,
        step: int,
        stream: str = "default",
        model: str = "unknown",
        outside: int = 0,
        classifier: str | None = None,
    ) -> "StepCounts":
        """Return a step of counts (K,) alone, whose prompts are not known."""
        row = (*(int(count) for count in counts), int(outside))
        cells = {Cell("", "unknown", ""): row} if any(row) else {}
        versions = () if classifier is None else (classifier,)
        return cls(stream, model, step, len(row) - 1, cells, f"step {step}", classifiers=versions)

    @property
    def counts(self) -> NDArray[np.int64]:
        """Counts by category (K,)."""
        return self._total()[:-1]

    @property
    def outside(self) -> int:
        """Responses in no category."""
        return int(self._total()[-1])

    @property
    def n(self) -> int:
        """Responses in a category."""
        return int(self.counts.sum())

    @property
    def version(self) -> str | None:
        """Who labelled, None if nobody is named; two within one step are joined: labels of two are never the same."""
        return " + ".join(self.classifiers) or None

    @property
    def scores(self) -> tuple[float, ...]:
        """The user's score of all responses."""
        return tuple(value for values in self.values.values() for value in values)

    def by(self, strata: Strata) -> dict[str, NDArray[np.int64]]:
        """Return the counts (K + 1,) of each prompt set or intent."""
        found: dict[str, NDArray[np.int64]] = {}
        for cell, row in self.cells.items():
            name = getattr(cell, strata)
            found[name] = found.get(name, np.zeros(self.width + 1, dtype=np.int64)) + np.array(row, dtype=np.int64)
        return found

    def part(self, strata: Strata, name: str) -> "StepCounts":
        """Return the step's responses to one prompt set or intent; what was left out stays with the whole."""
        keep = {cell for cell in (*self.cells, *self.values) if getattr(cell, strata) == name}
        clusters = {cell.cluster for cell in keep}
        return replace(
            self,
            cells={cell: row for cell, row in self.cells.items() if cell in keep},
            values={cell: row for cell, row in self.values.items() if cell in keep},
            ids={key: ids for key, ids in self.ids.items() if key[0] in clusters},
            duplicates=0,
            contradictions=0,
            late=0,
            unlabelled=0,
        )

    def _total(self) -> NDArray[np.int64]:
        return total_of(self.cells.values(), self.width)


def total_of(rows: Iterable[Sequence[int]], width: int) -> NDArray[np.int64]:
    """Return the sum of rows of counts (K + 1,)."""
    table = list(rows)
    return np.array(table, dtype=np.int64).sum(axis=0) if table else np.zeros(width + 1, dtype=np.int64)
