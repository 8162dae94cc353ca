"""What a backtest says: the values, as plain as they are printed and written."""

import math
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from secondlaw.behavior.taxonomy import Taxonomy
from secondlaw.drift.attribution_results import Attribution, PartChange
from secondlaw.drift.injection_results import Budget, Trials
from secondlaw.drift.monitoring import SeriesKey, StreamDecision
from secondlaw.drift.monitoring_budget import alpha_words
from secondlaw.drift.monitoring_plan import MonitorPlan
from secondlaw.statistics.change_points import ChangePoint
from secondlaw.types import Insufficient

__all__ = ["SCHEMA", "Alarm", "Backtest", "SeriesHistory"]

SCHEMA = "secondlaw/backtest/1"
Outcome = Literal["quiet", "alarm", "missing", "not-enough"]
EXIT_CODES: dict[Outcome, int] = {"quiet": 0, "alarm": 10, "missing": 12, "not-enough": 12}
DETAILED_STEPS = 5000
"""Steps of a series that are written one by one; of longer ones evenly chosen ones, and every alarm."""


@dataclass(frozen=True, slots=True)
class Alarm:
    """An alarm that would have been raised, and what moved.

    Parameters
    ----------
    said : StreamDecision
    change_point : ChangePoint, Insufficient or None
        When it began, from the steps up to the alarm; None where nothing drifts (missing data, another classifier).
    attribution : Attribution, Insufficient or None
        What changed between the steps before the change point and those from it to the alarm; parts are intents.
    prompt_sets : tuple of PartChange
        The same by prompt set.
    """

    said: StreamDecision
    change_point: ChangePoint | Insufficient | None = None
    attribution: Attribution | Insufficient | None = None
    prompt_sets: tuple[PartChange, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return the alarm as plain JSON values."""
        return {
            **self.said.to_dict(),
            "began": None if self.change_point is None else self.change_point.to_dict(),
            "attribution": None if self.attribution is None else self.attribution.to_dict(),
            "prompt_sets": [part.to_dict() for part in self.prompt_sets],
        }


@dataclass(frozen=True, slots=True, eq=False)
class SeriesHistory:
    """One series as it was watched.

    Parameters
    ----------
    key : SeriesKey
    counts : array of float (T, K)
        Counts by category; of a score within bounds (T, 2), as the monitor counts it.
    outside : array of int (T,)
    decisions : tuple of StreamDecision (T,)
    dispersion : float
        Design effect of a step over the quiet steps: how much more its shares vary than independent responses.
    alarms : tuple of Alarm
    quiet : array of int
        Places of the steps without drift, which are resampled.
    """

    key: SeriesKey
    counts: NDArray[np.float64]
    outside: NDArray[np.int64]
    decisions: tuple[StreamDecision, ...]
    dispersion: float
    alarms: tuple[Alarm, ...]
    quiet: NDArray[np.int64]

    @property
    def watched(self) -> int:
        """Steps after the baseline, empty ones included."""
        return sum(one.decision.verdict != "baseline" for one in self.decisions)

    @property
    def responses(self) -> int:
        """Responses in a category (or with a score)."""
        return round(float(self.counts.sum()))

    def to_dict(self) -> dict[str, Any]:
        """Return the series as plain JSON values."""
        places = range(len(self.decisions))
        if len(self.decisions) > DETAILED_STEPS:
            chosen = np.linspace(0, len(self.decisions) - 1, DETAILED_STEPS).astype(int).tolist()
            raised = [i for i in places if self.decisions[i].decision.alarm][:DETAILED_STEPS]
            places = sorted({*chosen, *raised})  # type: ignore[assignment]
        return {
            "stream": self.key.stream,
            "model": self.key.model,
            "part": self.key.part,
            "steps": len(self.decisions),
            "watched": self.watched,
            "alpha_stream": self.decisions[-1].alpha,
            "responses": self.responses,
            "dispersion": self.dispersion,
            "drift_alarms": sum(a.said.decision.verdict == "drifting" for a in self.alarms),
            "alarms": [alarm.to_dict() for alarm in self.alarms],
            "history": [
                {
                    "step": one.decision.step,
                    "label": one.label,
                    "n": one.decision.n,
                    "verdict": one.decision.verdict,
                    "log_evidence": one.decision.log_evidence if math.isfinite(one.decision.log_evidence) else None,
                    "log_threshold": one.decision.log_threshold,
                }
                for one in (self.decisions[i] for i in places)
            ],
        }


@dataclass(frozen=True, slots=True, eq=False)
class Backtest:
    """A log replayed through its monitors.

    Parameters
    ----------
    source : str
    taxonomy : Taxonomy
    plan : MonitorPlan
    steps_are : str
        What a step is, in words.
    rows : mapping of str to int
        What became of the rows.
    series : tuple of SeriesHistory
    budgets : tuple of Budget
        The plan's own first.
    trials : Trials, Insufficient or None
    warnings : tuple of str
    seed : int
    level : float
    """

    source: str
    taxonomy: Taxonomy
    plan: MonitorPlan
    steps_are: str
    rows: dict[str, int]
    series: tuple[SeriesHistory, ...]
    budgets: tuple[Budget, ...]
    trials: Trials | Insufficient | None
    warnings: tuple[str, ...]
    seed: int
    level: float

    @property
    def threshold_words(self) -> str:
        """Where a series alarms, once all have come up; empty without a guarantee."""
        return alpha_words(self.plan, seen=len(self.series))

    @property
    def alarms(self) -> tuple[Alarm, ...]:
        """Alarms of all series by step; those of the same step in the order of the series."""
        return tuple(sorted((a for one in self.series for a in one.alarms), key=lambda alarm: alarm.said.decision.step))

    @property
    def outcome(self) -> Outcome:
        """A drift or a change of the classifier; else a series never watched; else missing data; else quiet."""
        verdicts = {alarm.said.decision.verdict for alarm in self.alarms}
        if verdicts & {"drifting", "changed"}:
            return "alarm"
        if any(not one.watched for one in self.series):
            return "not-enough"
        return "missing" if "missing" in verdicts else "quiet"

    @property
    def exit_code(self) -> int:
        """0 quiet, 10 alarm, 12 missing or not enough data."""
        return EXIT_CODES[self.outcome]

    def to_dict(self) -> dict[str, Any]:
        """Return the backtest as plain JSON values."""
        return {
            "schema": SCHEMA,
            "source": self.source,
            "taxonomy": self.taxonomy.to_dict(),
            "plan": self.plan.to_dict(),
            "promise": self.plan.promise_words,
            "threshold": self.threshold_words,
            "guaranteed": self.plan.is_guaranteed,
            "steps_are": self.steps_are,
            "rows": dict(self.rows),
            "outcome": self.outcome,
            "exit_code": self.exit_code,
            "series": [one.to_dict() for one in self.series],
            "budgets": [one.to_dict() for one in self.budgets],
            "trials": None if self.trials is None else self.trials.to_dict(),
            "warnings": list(self.warnings),
            "seed": self.seed,
            "level": self.level,
        }
