"""Responses as columns: what every number of ``measure`` is computed from, a million rows in tens of megabytes.

A row is a response. Names (streams, models, classifiers) are codes into tables; groups, the units of resampling, are
codes into a table of 64-bit hashes, so that a million different prompts cost eight megabytes and no text is kept.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from secondlaw.behavior.classifier_identity import KEEP_PROBS, split_identity
from secondlaw.behavior.examples import Example, ExampleReservoir
from secondlaw.behavior.taxonomy import INTENTS, Intent, Taxonomy
from secondlaw.behavior.windows import Windows, steps_of
from secondlaw.errors import InvalidInput
from secondlaw.types import Insufficient

__all__ = ["NO_CODE", "Cell", "GroupCounts", "Observations", "PendingBatch"]

NO_CODE = -1
"""Code of what a row does not have: no label, no classifier, no human label, no annotator, no prompt set."""
UNNAMED = "unnamed"
"""Shown for labels whose row names no classifier."""


class Cell(NamedTuple):
    """The rows of one stream, model and step."""

    stream: str
    model: str
    step: int
    rows: NDArray[np.int64]


class PendingBatch(NamedTuple):
    """Rows that need a label: their numbers, texts and intents."""

    rows: NDArray[np.int64]
    prompts: list[str]
    responses: list[str]
    intents: list[Intent]


class GroupCounts(NamedTuple):
    """How often each category occurs in each group.

    Parameters
    ----------
    groups : int32 array, shape (g,)
        Codes of the groups that occur, ascending.
    counts : int64 array, shape (g, K)
        Responses in each category.
    outside : int64 array, shape (g,)
        Responses in no category.
    """

    groups: NDArray[np.int32]
    counts: NDArray[np.int64]
    outside: NDArray[np.int64]


@dataclass(slots=True)
class Observations:
    """Responses as columns; built by :class:`secondlaw.behavior.ObservationsBuilder`.

    Parameters
    ----------
    taxonomy : Taxonomy
        K categories; a label is a code in their order, K is *outside*, `NO_CODE` is none.
    streams, models, classifiers, annotators, prompt_sets : tuple of str
        Names that the codes point to.
    group_hashes : uint64 array, shape (groups,)
        The groups' stable hashes, in the order in which the groups first occurred.
    stream, model, group, classifier, annotator, prompt_set : int32 arrays, shape (rows,)
        Codes.
    step : int64 array, shape (rows,)
        Stated step, -1 for none until :meth:`in_windows` was called.
    micros : int64 array, shape (rows,), or None
        Times in microseconds since 1970 (`windows.NO_TIME` for none); None if no row has a time.
    intent : int8 array, shape (rows,)
        Codes into `INTENTS`.
    label, human_label : int16 arrays, shape (rows,)
        The machine's and a person's category.
    label_probs : float32 array, shape (rows, K), or None
        The machine's probabilities, NaN where a row has none; None if no row has any.
    inclusion_probability : float32 array, shape (rows,), or None
        NaN where a row has none.
    line : int64 array, shape (rows,)
        Place in the file.
    windows : Windows or None
        What steps mean where times were cut into windows.
    """

    taxonomy: Taxonomy
    streams: tuple[str, ...]
    models: tuple[str, ...]
    classifiers: tuple[str, ...]
    annotators: tuple[str, ...]
    prompt_sets: tuple[str, ...]
    group_hashes: NDArray[np.uint64]
    stream: NDArray[np.int32]
    model: NDArray[np.int32]
    group: NDArray[np.int32]
    classifier: NDArray[np.int32]
    annotator: NDArray[np.int32]
    prompt_set: NDArray[np.int32]
    step: NDArray[np.int64]
    micros: NDArray[np.int64] | None
    intent: NDArray[np.int8]
    label: NDArray[np.int16]
    human_label: NDArray[np.int16]
    label_probs: NDArray[np.float32] | None
    inclusion_probability: NDArray[np.float32] | None
    line: NDArray[np.int64]
    windows: Windows | None = None
    reservoir: ExampleReservoir | None = None
    pending_rows: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    pending_prompts: list[str] = field(default_factory=list)
    pending_responses: list[str] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.label)

    @property
    def needs_labels(self) -> int:
        """How many rows have no machine label and a text that can be classified."""
        return int((self.label[self.pending_rows] == NO_CODE).sum())

    def in_windows(self, every: str | None = None) -> "Observations":
        """Return the observations with a step in every row; see :func:`secondlaw.behavior.windows.steps_of`."""
        step, windows = steps_of(self.step, self.micros, every=every)
        return replace(self, step=step, windows=windows)

    def cells(self) -> Iterator[Cell]:
        """Yield the rows of every (stream, model, step), in the order of the tables and of the steps."""
        if not len(self):
            return
        order = np.lexsort((self.step, self.model, self.stream))
        stream, model, step = self.stream[order], self.model[order], self.step[order]
        new = (np.diff(stream) != 0) | (np.diff(model) != 0) | (np.diff(step) != 0)
        for rows in np.split(order, np.nonzero(new)[0] + 1):
            i = rows[0]
            yield Cell(self.streams[self.stream[i]], self.models[self.model[i]], int(self.step[i]), rows)

    def select(
        self,
        *,
        stream: str | None = None,
        model: str | None = None,
        step: int | range | None = None,
        classifier: str | None = None,
    ) -> "Observations":
        """Return the rows of a stream, a model, a step (or a range of them) or a classifier; tables and groups stay.

        With `classifier`, rows that a person labelled stay, without the labels of other classifiers.

        Raises
        ------
        InvalidInput
            If the name does not occur; the message names those that do.
        """
        keep = np.ones(len(self), dtype=bool)
        if stream is not None:
            keep &= self.stream == _code(stream, self.streams, "stream")
        if model is not None:
            keep &= self.model == _code(model, self.models, "model")
        if isinstance(step, range):
            keep &= np.isin(self.step, np.asarray(step))
        elif step is not None:
            keep &= self.step == step
        chosen = self
        if classifier is not None:
            other = self.classifier != _code(classifier, self.classifiers, "classifier")
            keep &= ~other | (self.human_label != NO_CODE)
            chosen = self._without_labels(other & (self.human_label != NO_CODE))
        return chosen.take(np.nonzero(keep)[0])

    def take(self, rows: NDArray[np.int64]) -> "Observations":
        """Return the observations of some rows, ascending; examples stay with the whole."""
        number_of = np.full(len(self), -1, dtype=np.int64)
        number_of[rows] = np.arange(len(rows))
        pending = [i for i, row in enumerate(self.pending_rows.tolist()) if number_of[row] >= 0]
        columns: dict[str, Any] = {name: _part(getattr(self, name), rows) for name in _COLUMNS}
        return replace(
            self,
            **columns,
            reservoir=None,
            pending_rows=number_of[self.pending_rows[pending]],
            pending_prompts=[self.pending_prompts[i] for i in pending],
            pending_responses=[self.pending_responses[i] for i in pending],
        )

    def pending(self, *, size: int = 4096) -> Iterator[PendingBatch]:
        """Yield the rows that have texts and no machine label yet, `size` at a time."""
        waiting = np.nonzero(self.label[self.pending_rows] == NO_CODE)[0]
        for start in range(0, len(waiting), size):
            part = waiting[start : start + size].tolist()
            rows = self.pending_rows[part]
            yield PendingBatch(
                rows,
                [self.pending_prompts[i] for i in part],
                [self.pending_responses[i] for i in part],
                [INTENTS[code] for code in self.intent[rows].tolist()],
            )

    def set_labels(
        self,
        batch: PendingBatch,
        labels: Sequence[int] | NDArray[np.integer[Any]],
        *,
        classifier: str,
        probs: NDArray[np.floating[Any]] | None = None,
    ) -> None:
        """Give the rows of a batch their labels, in place.

        Parameters
        ----------
        batch : PendingBatch
            Rows from :meth:`pending`.
        labels : int array, shape (batch,)
            Codes in the order of the taxonomy; K is *outside*.
        classifier : str
            Name and version of what labelled them.
        probs : float array, shape (batch, K), optional
            Probabilities.
        """
        codes = np.asarray(labels, dtype=np.int16)
        if codes.shape != batch.rows.shape or codes.min(initial=0) < 0 or codes.max(initial=0) > self._outside:
            raise InvalidInput(
                f"labels are {len(batch.rows)} codes from 0 to {self._outside}, got {codes[:10].tolist()}"
            )
        if classifier not in self.classifiers:
            self.classifiers = (*self.classifiers, classifier)
        self.label[batch.rows] = codes
        self.classifier[batch.rows] = self.classifiers.index(classifier)
        if probs is not None:
            if self.label_probs is None:
                self.label_probs = np.full((len(self), self._outside), np.nan, dtype=np.float32)
            self.label_probs[batch.rows] = probs
        if self.reservoir is not None:
            human = self.human_label[batch.rows]
            keys = np.where(human == NO_CODE, self._example_key(batch.rows, codes), NO_CODE)
            self.reservoir.offer(keys, first_row=0, rows=batch.rows, prompts=batch.prompts, responses=batch.responses)

    def replace_labels(
        self, rows: NDArray[np.integer[Any]], labels: NDArray[np.integer[Any]], *, classifier: str,
        probs: NDArray[np.floating[Any]] | None = None,
    ) -> None:  # fmt: skip
        """Give labelled rows the labels of another classifier, or of another version of theirs, in place.

        Parameters
        ----------
        rows : int array, shape (n,)
        labels : int array, shape (n,)
            Codes in the order of the taxonomy; K is *outside*.
        classifier : str
            Name and version of what labels them now.
        probs : float array, shape (n, K), optional
            Probabilities; without it those that stand there stay.
        """
        if classifier not in self.classifiers:
            self.classifiers = (*self.classifiers, classifier)
        self.label[rows] = labels
        self.classifier[rows] = self.classifiers.index(classifier)
        if probs is not None and self.label_probs is not None:
            self.label_probs[rows] = probs
        if self.reservoir is not None:
            moved = np.zeros(len(self), dtype=np.bool_)
            moved[rows] = self.human_label[rows] == NO_CODE
            self.reservoir.rekey(lambda row: self._key_of(row) if moved[row] else None)

    def examples(self, model: str, category: str) -> list[Example]:
        """Return the examples kept of a model's responses in a category (or ``"outside"``)."""
        if self.reservoir is None:
            return []
        keys = (*self.taxonomy.keys, "outside")
        return self.reservoir.of(_code(model, self.models, "model") * len(keys) + _code(category, keys, "category"))

    def classifier_versions(self, rows: NDArray[np.int64]) -> tuple[str, ...]:
        """Return the classifiers that labelled some of the rows; labels without a name are from ``"unnamed"``."""
        codes = np.unique(self.classifier[rows][self.label[rows] != NO_CODE])
        return tuple(UNNAMED if code == NO_CODE else self.classifiers[code] for code in codes.tolist())

    def mixed_versions(self, rows: NDArray[np.int64]) -> Insufficient | None:
        """Return None if one classifier labelled the rows, else why their labels must not be pooled."""
        versions = self.classifier_versions(rows)
        if len(versions) < 2:
            return None
        told = {split_identity(version)[0] for version in versions}
        if len(told) == 1:
            return Insufficient(
                f"labels of {told.pop()} in one cell are under several shares of harmful requests "
                f"({', '.join(versions)}), and without label_probs they cannot be brought under one: {KEEP_PROBS}"
            )
        return Insufficient(
            f"labels of {len(versions)} classifiers in one cell ({', '.join(versions)}) are never pooled: "
            f"choose one with --classifier NAME, or label all rows again"
        )

    def group_counts(self, rows: NDArray[np.int64], *, human: bool = False) -> GroupCounts:
        """Count the categories within each group of some rows, by the machine's labels or by people's."""
        label = (self.human_label if human else self.label)[rows]
        labelled = label != NO_CODE
        groups, inverse = np.unique(self.group[rows][labelled], return_inverse=True)
        width = self._outside + 1
        flat = np.bincount(inverse * width + label[labelled], minlength=len(groups) * width)
        table = flat.reshape(len(groups), width).astype(np.int64)
        return GroupCounts(groups, table[:, :-1], table[:, -1])

    @property
    def _outside(self) -> int:
        return len(self.taxonomy.keys)

    def _example_key(self, rows: NDArray[np.int64], codes: NDArray[np.int16]) -> NDArray[np.int64]:
        return self.model[rows].astype(np.int64) * (self._outside + 1) + codes

    def _key_of(self, row: int) -> int:
        return int(self._example_key(np.array([row]), self.label[[row]])[0])

    def _without_labels(self, rows: NDArray[np.bool_]) -> "Observations":
        """Return the observations with the machine's labels of some rows taken away."""
        probs = self.label_probs
        if probs is not None:
            probs = probs.copy()
            probs[rows] = np.nan
        label, classifier = self.label.copy(), self.classifier.copy()
        label[rows] = NO_CODE
        classifier[rows] = NO_CODE
        return replace(self, label=label, classifier=classifier, label_probs=probs)


_COLUMNS = (
    "stream", "model", "group", "classifier", "annotator", "prompt_set", "step", "micros", "intent", "label",
    "human_label", "label_probs", "inclusion_probability", "line",
)  # fmt: skip


def _part(column: NDArray[Any] | None, rows: NDArray[np.int64]) -> NDArray[Any] | None:
    return None if column is None else column[rows]


def _code(name: str, names: tuple[str, ...], what: str) -> int:
    if name not in names:
        raise InvalidInput(f"there is no {what} {name!r}; there are: {', '.join(names) or 'none'}")
    return names.index(name)
