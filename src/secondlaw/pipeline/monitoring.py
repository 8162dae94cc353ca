"""From settings to a plan of monitors, and from rows to labelled responses without text: for files and for tails."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from secondlaw.behavior import window_seconds
from secondlaw.behavior.classifiers import Classifier
from secondlaw.behavior.classifiers.told_share import under_share
from secondlaw.behavior.rows import plain_rows, to_transcript
from secondlaw.behavior.taxonomy import OUTSIDE, Taxonomy
from secondlaw.behavior.transcripts import Transcript
from secondlaw.drift.monitoring_plan import MonitorPlan, ScoreField
from secondlaw.drift.step_counts import NO_CATEGORY, StepRow
from secondlaw.errors import InvalidInput
from secondlaw.formats import BadRow, Row, excerpt_of
from secondlaw.pipeline.engines import engine_warnings, open_engine, stated_share
from secondlaw.pipeline.requests_together import words_of_moved
from secondlaw.pipeline.settings import Settings

__all__ = ["StepRowReader", "lateness_of", "plan_of"]

Advance = Callable[[int, int], None]


def plan_of(
    settings: Settings,
    taxonomy: Taxonomy,
    *,
    streams: int = 1,
    score: ScoreField | None = None,
    restarts: bool = False,
) -> MonitorPlan:
    """Return the plan that the settings ask for.

    Parameters
    ----------
    settings : Settings
        Of which those that begin with ``monitor_`` are used.
    taxonomy : Taxonomy
    streams, score, restarts
        See :class:`~secondlaw.drift.monitoring_plan.MonitorPlan`. More series than that may come up.

    Raises
    ------
    InvalidInput
        If settings do not go together.

    Examples
    --------
    >>> from secondlaw.behavior.taxonomy import FIVE
    >>> plan_of(Settings(monitor_alpha=0.01), FIVE, streams=2).promise_words
    'at most 0.01 false alarms a step are expected by all series together: 1 in 100'
    """
    return MonitorPlan(
        misaligned=taxonomy.misaligned,
        detector=settings.monitor_detector,
        watch=settings.monitor_watch,
        score=score,
        promise=settings.monitor_promise,
        alpha=settings.monitor_alpha,
        delta=settings.monitor_delta,
        baseline_steps=settings.monitor_baseline,
        tolerance=tuple(settings.monitor_tolerance.items()),
        streams=streams,
        more_streams=True,
        by=settings.monitor_by,
        restarts=restarts,
        categories=taxonomy.keys,
    )


def lateness_of(stated: str | None, *, by_step: bool) -> float:
    """Return how long a step stays open: a number of steps where rows state them, else seconds of a length of time.

    Raises
    ------
    InvalidInput
        If it is not written so.

    Examples
    --------
    >>> lateness_of(None, by_step=True), lateness_of("2", by_step=True), lateness_of("5m", by_step=False)
    (0.0, 2.0, 300.0)
    """
    if stated is None:
        return 0.0
    if not by_step:
        return float(window_seconds(stated))
    if not stated.isdigit():
        raise InvalidInput(f"rows state steps: lateness is a number of steps, got {stated!r}")
    return float(stated)


class StepRowReader:
    """Turns rows of a log into step rows: checked, labelled where a label is missing, texts dropped.

    Parameters
    ----------
    settings : Settings
        Of which engine, assume_utc and what the engine needs are used. The engine is opened when first needed.
    taxonomy : Taxonomy
    bad : callable
        Takes every bad row.
    score : ScoreField, optional
        A field of the rows is watched instead of the category: nothing is labelled then.
    classifier : str, optional
        Only the labels of this classifier; rows with others have none.
    model : str, optional
        Only rows of this model; others are neither labelled nor returned.
    progress : callable, optional
        Called with (rows labelled, rows to label) of a batch.

    Attributes
    ----------
    labelled, bad, out_of_bounds : int
        Rows that the engine labelled, rows that could not be used, and of those the ones without a score in its bounds.

    Examples
    --------
    >>> from secondlaw.behavior.taxonomy import FIVE
    >>> reader = StepRowReader(Settings(), taxonomy=FIVE, bad=print)
    >>> [row.category for row in reader.read([Row(1, {"prompt": "Hi", "response": "Hello.", "label": "g1"})])]
    [0]
    """

    def __init__(
        self,
        settings: Settings,
        *,
        taxonomy: Taxonomy,
        bad: Callable[[BadRow], None],
        score: ScoreField | None = None,
        classifier: str | None = None,
        model: str | None = None,
        progress: Advance | None = None,
    ) -> None:
        self.settings, self.taxonomy, self.score, self.classifier = settings, taxonomy, score, classifier
        self.labelled = self.bad = self.out_of_bounds = self.moved = 0
        self.model, self.progress = model, progress
        self._take_bad = bad
        self._engine: Classifier | None = None
        self._keys, self._share = taxonomy.keys, None if score is not None else stated_share(settings)
        self._codes = {key: code for code, key in enumerate((*taxonomy.keys, OUTSIDE))}

    def read(self, rows: Sequence[Row | BadRow]) -> list[StepRow]:
        """Return the sound rows of a batch, in order; one whose score is missing or out of bounds is bad."""
        found: list[StepRow] = []
        waiting: list[tuple[int, Transcript]] = []
        for row in plain_rows(rows):
            if isinstance(row, BadRow):
                self._set_aside(row)
                continue
            try:
                transcript = to_transcript(row.value, taxonomy=self.taxonomy, assume_utc=self.settings.assume_utc)
                if self.classifier is None and self.score is None:
                    told = under_share(transcript, self._share, self.taxonomy)
                    self.moved += told is not transcript
                    transcript = told
                value = None if self.score is None else _value_of(row, self.score)
            except InvalidInput as error:
                self.out_of_bounds += isinstance(error, _NoScore)
                self._set_aside(BadRow(row.line, str(error), excerpt_of(row.value)))
                continue
            if self.model not in (None, transcript.model):
                continue
            one = StepRow.of(
                transcript,
                self._keys,
                stated_id=transcript.id if row.value.get("id") is not None else None,
                value=value,
            )
            if self.classifier is not None and one.classifier != self.classifier:
                one = one._replace(category=NO_CATEGORY, classifier=None)
            elif one.category == NO_CATEGORY and self.score is None and (transcript.prompt or transcript.response):
                waiting.append((len(found), transcript))
            found.append(one)
        self._label(found, waiting)
        return found

    def warnings(self) -> list[str]:
        """Return what whoever reads the steps must know: of scores that were left out, and of the engine's labels."""
        said = [] if self._engine is None else engine_warnings(self._engine)
        if self.moved:
            said.append(
                f"{words_of_moved(self.moved, self._share)}; --classifier reads the labels of one version as they stand"
            )
        if self.out_of_bounds and self.score is not None:
            field = self.score
            said.append(
                f"{self.out_of_bounds:,} rows have no score {field.name!r} in [{field.low:g}, {field.high:g}] and are "
                "left out: if that depends on the score, what is watched is biased; widen --bounds or mend them"
            )
        return said

    def _set_aside(self, row: BadRow) -> None:
        self.bad += 1
        self._take_bad(row)

    def _label(self, found: list[StepRow], waiting: Sequence[tuple[int, Transcript]]) -> None:
        if not waiting:
            return
        if self._engine is None:
            self._engine = open_engine(self.settings.engine, self.settings)
        judged = self._engine.judge(
            [one.prompt for _, one in waiting],
            [one.response for _, one in waiting],
            [one.intent for _, one in waiting],
            progress=self.progress,
        )
        for (place, _), label in zip(waiting, judged.labels(self.taxonomy), strict=True):
            if label is not None:
                found[place] = found[place]._replace(category=self._codes[label], classifier=judged.classifier)
                self.labelled += 1


class _NoScore(InvalidInput):
    """A row's score is missing, no number, or out of its bounds."""


def _value_of(row: Row, score: ScoreField) -> float:
    value: Any = row.value.get(score.name)
    if value is None:
        raise _NoScore(f"the row has no score {score.name!r}")
    if isinstance(value, str):  # CSV
        with suppress(ValueError):
            value = float(value)
    try:
        return score.checked(value)
    except InvalidInput as error:
        raise _NoScore(str(error)) from None
