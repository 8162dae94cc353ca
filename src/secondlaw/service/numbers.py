"""The numbers that pages, the API and alerts show: S(t), shares, misaligned share, each with its interval.

They are those of ``secondlaw measure``, from the stored counts. What is known of the classifier's error corrects them,
or the labels that people gave in the period; a number that nothing corrects says so. Counts of a closed window seldom
change, so what was measured is remembered until they do.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from secondlaw.drift.cells import ClassifierError
from secondlaw.drift.results import CellResult, Measurement
from secondlaw.drift.step_counts import StepCounts
from secondlaw.errors import NotEnoughData
from secondlaw.pipeline.measuring import MeasureOptions
from secondlaw.pipeline.stored_cells import HumanPair, measure_counts
from secondlaw.service.evaluation_settings import taxonomy_of
from secondlaw.service.remembering import Remembered
from secondlaw.storage import HumanLabel, LabelledSample, Store, Stream, Totals
from secondlaw.types import Insufficient, Measured

__all__ = ["Numbers", "WindowNumbers", "agreed_labels"]

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
        self._known = Remembered[Measurement | None](REMEMBERED)

    def of_step(self, stream: Stream, step: StepCounts, window: int) -> WindowNumbers | None:
        """Return the numbers of one model's window."""
        return next((one for one in self.windows(stream, range(window, window + 1)) if one.model == step.model), None)

    def windows(self, stream: Stream, windows: range) -> tuple[WindowNumbers, ...]:
        """Return the numbers of every window and model, by model and window."""
        totals = self._store.counts.totals(stream.name, windows)
        measured = self._measured(stream, windows, totals, together=False)
        if measured is None:
            return ()
        offset = 0 if stream.settings.every is None else int(totals.windows.min())
        return tuple(_numbers(cell, cell.step + offset) for cell in measured.cells)

    def period(self, stream: Stream, windows: range) -> tuple[WindowNumbers, ...]:
        """Return the numbers of every model over all windows together, with the labels that people gave in them."""
        totals = self._store.counts.totals(stream.name, windows)
        measured = self._measured(stream, windows, totals, together=True)
        return () if measured is None else tuple(_numbers(cell, windows.start) for cell in measured.cells)

    def _measured(self, stream: Stream, windows: range, totals: Totals, *, together: bool) -> Measurement | None:
        labels = self._store.labels.sample(stream.name, windows) if together else None
        n = int(totals.table.sum())
        key = (
            stream.name,
            (windows.start, windows.stop),
            together,
            n,
            hash(totals.table.tobytes()),
            0 if labels is None else hash(tuple((one.event, one.annotator, one.label) for one in labels.labels)),
        )
        return self._known.of(key, lambda: self._made(stream, windows, labels, n, together=together)) if n else None

    def _made(
        self, stream: Stream, windows: range, labels: LabelledSample | None, n: int, *, together: bool
    ) -> Measurement | None:
        resamples = self._resamples if n <= AFFORDABLE else max(100, self._resamples * AFFORDABLE // n)
        options = MeasureOptions(level=self._level, resamples=resamples, errors=self._errors)
        pairs = [] if labels is None else agreed_labels(labels.labels, labels.inclusion_probability)
        kept_from = stream.compacted_before  # before it, counts no longer know their prompts
        pairs = [pair for pair in pairs if kept_from is None or pair.window >= kept_from]
        counts, taxonomy = self._store.counts.read(stream.name, windows), taxonomy_of(stream.settings)
        try:
            return measure_counts(counts, options, taxonomy=taxonomy, pairs=pairs, together=together, cells_only=True)
        except NotEnoughData:
            return None


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
