"""What a stream's page shows: one series of it over a period, with all that explains it."""

from dataclasses import dataclass

from secondlaw.behavior.taxonomy import OUTSIDE, Taxonomy
from secondlaw.reports.stream_charts import ChartFrame, Stretch
from secondlaw.service.evaluation_settings import EvaluationSettings
from secondlaw.service.numbers import WindowNumbers
from secondlaw.service.states import StreamState
from secondlaw.storage import Alarm, DecisionRecord, Stream

__all__ = ["Budget", "Came", "StreamView", "category_names"]

LOG_E_VALUE = ("betting", "universal")
"""Detectors whose evidence is a log e-value."""


@dataclass(frozen=True, slots=True)
class Budget:
    """What is promised of false alarms, and how much of it was spent.

    Parameters
    ----------
    promise : str
        In one sentence.
    alpha : float or None
        This series' part.
    spent : float or None
        False alarms expected so far at most (e-SR).
    watched : int
        Windows since the baseline was full.
    runs : int
        How often the series was watched anew.
    """

    promise: str
    alpha: float | None
    spent: float | None
    watched: int
    runs: int


@dataclass(frozen=True, slots=True)
class Came:
    """What came in the period: events, of them without text, late, and put aside; and those that wait now."""

    received: int
    no_text: int
    late: int
    poisoned: int
    waiting: int


@dataclass(frozen=True, slots=True)
class StreamView:
    """One series of a stream over a period.

    Parameters
    ----------
    stream : Stream
    taxonomy : Taxonomy
    settings : EvaluationSettings
    state : StreamState
    since, reason, began : str
        In words.
    choice : str
        The period's name.
    choices : tuple of str
    period : range
    period_words : str
    series : str
        Name of the monitor without its prefix; empty where nothing is monitored yet.
    all_series : tuple of str
    model : str
    numbers : tuple of (Stretch, WindowNumbers or None)
    decisions : tuple of DecisionRecord
    frame : ChartFrame
    alarms : tuple of Alarm
        Of the series, newest first.
    budget : Budget or None
    came : Came
    classifiers : tuple of (str, str)
        Each classifier with its first window in the period.
    """

    stream: Stream
    taxonomy: Taxonomy
    settings: EvaluationSettings
    state: StreamState
    since: str
    reason: str
    began: str
    choice: str
    choices: tuple[str, ...]
    period: range
    period_words: str
    series: str
    all_series: tuple[str, ...]
    model: str
    numbers: tuple[tuple[Stretch, WindowNumbers | None], ...]
    decisions: tuple[DecisionRecord, ...]
    frame: ChartFrame
    alarms: tuple[Alarm, ...]
    budget: Budget | None
    came: Came
    classifiers: tuple[tuple[str, str], ...]

    @property
    def stretches(self) -> tuple[Stretch, ...]:
        """What is drawn."""
        return tuple(stretch for stretch, _ in self.numbers)

    @property
    def log_threshold(self) -> float | None:
        """Where the evidence raises an alarm, as of the latest decision."""
        return next((one.log_threshold for one in reversed(self.decisions) if one.log_threshold is not None), None)

    @property
    def is_log_scale(self) -> bool:
        """Whether the evidence is a log e-value."""
        return self.settings.detector in LOG_E_VALUE

    @property
    def corrections(self) -> tuple[str, ...]:
        """What corrects the numbers of the period."""
        return tuple(dict.fromkeys(one.correction if one.labels != "human" else "people" for _, one in self.numbers
                                   if one is not None))  # fmt: skip

    @property
    def explained(self) -> Alarm | None:
        """The newest alarm that was explained."""
        return next((one for one in self.alarms if (one.details.get("explanation") or {}).get("attribution")), None)


def category_names(taxonomy: Taxonomy) -> dict[str, str]:
    """Return the names of the categories by key, *outside* included."""
    return {one.key: one.name for one in taxonomy.categories} | {OUTSIDE: "outside the taxonomy"}
