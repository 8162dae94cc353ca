"""The numbers that pages, the API and alerts show: S(t), shares, misaligned share, each with its interval.

They are those of ``secondlaw measure``, from the stored counts. What is known of the classifier's error corrects them,
or the labels that people gave in the period; a number that nothing corrects says so. Counts of a closed window seldom
change, so what was measured is remembered until they do.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from secondlaw.drift.cells import ClassifierError
from secondlaw.drift.results import CellResult
from secondlaw.drift.step_counts import StepCounts
from secondlaw.errors import NotEnoughData
from secondlaw.pipeline.measuring import MeasureOptions
from secondlaw.pipeline.stored_cells import HumanPair, measure_counts
from secondlaw.service.evaluation_settings import taxonomy_of
from secondlaw.service.remembering import Remembered
from secondlaw.storage import HumanLabel, LabelledSample, Store, Stream, Totals
from secondlaw.types import Insufficient, Measured

__all__ = ["Numbers", "WindowNumbers", "agreed_labels", "basis_of"]

REMEMBERED = 512
"""Measurements kept."""
AFFORDABLE = 400_000
"""Responses of a request that are measured at full length; with more there are fewer replicates."""


@dataclass(frozen=True, slots=True)
class WindowNumbers:
    """What a window of one model shows.

    Parameters
    ----------
    window : int
    model : str
    n, n_prompts : int
    entropy : Measured
        S in nats, pooled over the prompts.
    within : Measured
        Mean S of single prompts.
    misaligned : Measured
    shares : mapping of category to Measured
    counts : mapping of label to int
        As counted, ``outside`` included.
    correction, labels : str
        What corrects the numbers; whose labels they are read off.
    classifier : str or None
    notes : tuple of str
    """

    window: int
    model: str
    n: int
    n_prompts: int
    entropy: Measured
    within: Measured
    misaligned: Measured
    shares: Mapping[str, Measured]
    counts: Mapping[str, int]
    correction: str
    labels: str
    classifier: str | None
    notes: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {
            "window": self.window,
            "model": self.model,
            "n": self.n,
            "n_prompts": self.n_prompts,
            "entropy": self.entropy.to_dict(),
            "within": self.within.to_dict(),
            "misaligned": self.misaligned.to_dict(),
            "shares": {key: share.to_dict() for key, share in self.shares.items()},
            "counts": dict(self.counts),
            "correction": self.correction,
            "labels": self.labels,
            "classifier": self.classifier,
            "notes": list(self.notes),
        }


class Numbers:
    """Measures what a store holds.

    Parameters
    ----------
    store : Store
    errors : mapping of classifier to ClassifierError
        What is known of the classifiers that labelled.
    level : float
        Coverage of intervals.
    resamples : int
        Bootstrap replicates.

    Examples
    --------
    >>> import tempfile
    >>> from secondlaw.behavior import Transcript
    >>> from secondlaw.storage import StreamSettings, open_store
    >>> with tempfile.TemporaryDirectory() as folder, open_store(f"sqlite:///{folder}/store.db") as store:
    ...     stream = store.streams.create("chat", StreamSettings(every=None))
    ...     _ = store.events.add([Transcript("", "", str(i), f"p{i % 9}", stream="chat", step=1, label="g1",
    ...                                      classifier="c 1") for i in range(90)])
    ...     (found,) = Numbers(store).windows(stream, range(0, 5))
    >>> found.n, found.shares["g1"].value
    (90, 1.0)
    """

    def __init__(
        self,
        store: Store,
        *,
        errors: Mapping[str | None, ClassifierError] | None = None,
        level: float = 0.95,
        resamples: int = 400,
    ) -> None:
        self._store, self._errors = store, dict(errors or {})
        self._level, self._resamples = level, resamples
        self._known = Remembered[tuple[WindowNumbers, ...]](REMEMBERED)

    def of_step(self, stream: Stream, step: StepCounts, window: int) -> WindowNumbers | None:
        """Return the numbers of one model's window."""
        return next((one for one in self.windows(stream, range(window, window + 1)) if one.model == step.model), None)

    def windows(self, stream: Stream, windows: range) -> tuple[WindowNumbers, ...]:
        """Return the numbers of every window and model, by model and window."""
        totals = self._store.counts.totals(stream.name, windows)
        return self._measured(stream, windows, totals, together=False)

    def period(self, stream: Stream, windows: range) -> tuple[WindowNumbers, ...]:
        """Return the numbers of every model over all windows together, with the labels that people gave in them."""
        totals = self._store.counts.totals(stream.name, windows)
        return self._measured(stream, windows, totals, together=True)

    def _measured(self, stream: Stream, windows: range, totals: Totals, *, together: bool) -> tuple[WindowNumbers, ...]:
        labels = self._store.labels.sample(stream.name, windows) if together else None
        n = int(totals.table.sum())
        if not n:
            return ()
        return self._known.of(
            (stream.name, windows, together),
            lambda: self._made(stream, windows, labels, n, together=together),
            made_from=(*basis_of(stream, windows, totals), None if labels is None else _said(labels)),
        )

    def _made(
        self, stream: Stream, windows: range, labels: LabelledSample | None, n: int, *, together: bool
    ) -> tuple[WindowNumbers, ...]:
        resamples = self._resamples if n <= AFFORDABLE else max(100, self._resamples * AFFORDABLE // n)
        options = MeasureOptions(level=self._level, resamples=resamples, errors=self._errors)
        pairs = [] if labels is None else agreed_labels(labels.labels, labels.inclusion_probability)
        kept = range(_kept_from(stream, windows), windows.stop)
        pairs = [pair for pair in pairs if pair.window in kept]
        counts, taxonomy = self._store.counts.read(stream.name, kept), taxonomy_of(stream.settings)
        try:
            found = measure_counts(counts, options, taxonomy=taxonomy, pairs=pairs, together=together, cells_only=True)
        except NotEnoughData:
            return ()
        if together:
            return tuple(_numbers(cell, windows.start) for cell in found.cells)
        first = 0 if counts.every is None else int(counts.windows.min())  # windows of time count from their first
        return tuple(_numbers(cell, cell.step + first) for cell in found.cells)


def basis_of(stream: Stream, windows: range, totals: Totals) -> tuple[object, ...]:
    """Return what numbers of some windows are made from, beside the labels of people: others, other numbers.

    A stream that was deleted and made again under its name has another number; a taxonomy of its own may be changed;
    and counts that were compacted no longer know their prompts.

    Parameters
    ----------
    stream : Stream
    windows : range
    totals : Totals
        Of these windows.
    """
    taxonomy = stream.settings.extra.get("taxonomy")  # where the categories are of none that ships
    return stream.number, stream.created_at, taxonomy, _kept_from(stream, windows), totals.fingerprint


def _kept_from(stream: Stream, windows: range) -> int:
    """Return the first of some windows whose counts know their prompts; those before it may be half deleted."""
    before = stream.compacted_before
    return windows.start if before is None else min(max(windows.start, before), windows.stop)


def _said(labels: LabelledSample) -> tuple[object, ...]:
    """Return what matters of the labels that people gave."""
    said = tuple((one.event, one.annotator, one.label, one.machine_label) for one in labels.labels)
    return labels.inclusion_probability, hash(said)


def agreed_labels(labels: tuple[HumanLabel, ...], inclusion: float) -> list[HumanPair]:
    """Return one label of people for each response that a machine labelled too: what most say; of equals the first.

    Parameters
    ----------
    labels : tuple of HumanLabel
        Of a uniform sample. Annotators who could not say are left out.
    inclusion : float
        Probability with which each response came into it.
    """
    by_event: dict[str, list[HumanLabel]] = {}
    for one in sorted(labels, key=lambda label: label.id):
        if one.label is not None and one.machine_label is not None:
            by_event.setdefault(one.event, []).append(one)
    found = []
    for said in by_event.values():
        votes = [one.label for one in said]
        best = max(dict.fromkeys(votes), key=votes.count)
        one = said[0]
        found.append(
            HumanPair(
                one.stream, one.model, one.window, one.intent, one.cluster & (2**64 - 1), str(one.machine_label),
                str(best), inclusion,
            )
        )  # fmt: skip
    return found


def _numbers(cell: CellResult, window: int) -> WindowNumbers:
    entropy = cell.entropy
    none = Insufficient("not measured")
    return WindowNumbers(
        window,
        cell.model,
        cell.n,
        cell.n_prompts,
        entropy.get("pooled", none),
        entropy.get("within", none),
        cell.misaligned_share,
        cell.shares,
        cell.counts,
        cell.correction,
        cell.labels,
        cell.classifier,
        cell.notes,
    )
