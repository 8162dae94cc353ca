"""From settings to a plan of monitors, and from rows to labelled responses without text: for files and for tails."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from secondlaw.behavior.classifiers import Classifier
from secondlaw.behavior.rows import plain_rows, to_transcript
from secondlaw.behavior.taxonomy import OUTSIDE, Taxonomy
from secondlaw.behavior.transcripts import Transcript
from secondlaw.drift.monitoring_plan import MonitorPlan, ScoreField
from secondlaw.drift.step_counts import NO_CATEGORY, StepRow
from secondlaw.errors import InvalidInput
from secondlaw.formats import BadRow, Row, excerpt_of
from secondlaw.pipeline.engines import engine_warnings, open_engine
from secondlaw.pipeline.settings import Settings

__all__ = ["StepRowReader", "plan_of"]

Advance = Callable[[int, int], None]


def plan_of(
    settings: Settings,
    taxonomy: Taxonomy,
    *,
    streams: int = 1,
    more_streams: bool = False,
    score: ScoreField | None = None,
    restarts: bool = False,
) -> MonitorPlan:
    """Return the plan that the settings ask for.

    Parameters
    ----------
    settings : Settings
        Of which those that begin with ``monitor_`` are used.
    taxonomy : Taxonomy
    streams, more_streams, score, restarts
        See :class:`~secondlaw.drift.monitoring_plan.MonitorPlan`.

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
        more_streams=more_streams,
        by=settings.monitor_by,
        restarts=restarts,
    )


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
    progress : callable, optional
        Called with (rows labelled, rows to label) of a batch.

    Attributes
    ----------
    labelled, bad : int
        Rows that the engine labelled, and rows that could not be used.

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
        progress: Advance | None = None,
    ) -> None:
        self.settings, self.taxonomy, self.score, self.classifier = settings, taxonomy, score, classifier
        self.labelled = self.bad = 0
        self.progress = progress
        self._take_bad = bad
        self._engine: Classifier | None = None
        self._keys = taxonomy.keys
        self._codes = {key: code for code, key in enumerate((*taxonomy.keys, OUTSIDE))}

    def read(self, rows: Sequence[Row | BadRow]) -> list[StepRow]:
        """Return the sound rows of a batch, in order.

        Raises
        ------
        InvalidInput
            If a score is missing, no number or out of its bounds: a row left out for its value would bend the watch.
        """
        found: list[StepRow] = []
        waiting: list[tuple[int, Transcript]] = []
        for row in plain_rows(rows):
            if isinstance(row, BadRow):
                self._set_aside(row)
                continue
            try:
                transcript = to_transcript(row.value, taxonomy=self.taxonomy, assume_utc=self.settings.assume_utc)
            except InvalidInput as error:
                self._set_aside(BadRow(row.line, str(error), excerpt_of(row.value)))
                continue
            one = StepRow.of(
                transcript,
                self._keys,
                stated_id=transcript.id if row.value.get("id") is not None else None,
                value=None if self.score is None else _value_of(row, self.score),
            )
            if self.classifier is not None and one.classifier != self.classifier:
                one = one._replace(category=NO_CATEGORY, classifier=None)
            elif one.category == NO_CATEGORY and self.score is None and (transcript.prompt or transcript.response):
                waiting.append((len(found), transcript))
            found.append(one)
        self._label(found, waiting)
        return found

    def warnings(self) -> list[str]:
        """Return what the reader of the engine's labels must know."""
        return [] if self._engine is None else engine_warnings(self._engine)

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


def _value_of(row: Row, score: ScoreField) -> float:
    value: Any = row.value.get(score.name)
    if value is None:
        raise InvalidInput(
            f"line {row.line} has no score {score.name!r}: every row needs one; leave out the rows that have none"
        )
    if isinstance(value, str):  # CSV
        with suppress(ValueError):
            value = float(value)
    try:
        return score.checked(value)
    except InvalidInput as error:
        raise InvalidInput(f"line {row.line}: {error}") from None
