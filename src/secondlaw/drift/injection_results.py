"""What resampled runs say: false alarms without drift, detection and delay with it, for budgets and sizes of drift."""

from dataclasses import asdict, dataclass
from typing import Any

from secondlaw.drift.injection import Injection
from secondlaw.drift.monitoring_series import SeriesKey
from secondlaw.types import Estimate, Insufficient, Measured

__all__ = ["Budget", "Detection", "FalseAlarms", "Trials"]


@dataclass(frozen=True, slots=True)
class FalseAlarms:
    """Alarms in resampled runs without drift.

    Parameters
    ----------
    runs, steps : int
        How many, and steps watched in each.
    alarmed : Estimate
        Share of the runs with an alarm.
    per_step : Estimate
        First alarms a watched step.
    promised : float or None
        What `alarmed` must not exceed by the promise; None where nothing is promised.
    promised_per_step : float or None
        What `per_step` must not exceed, where the promise speaks of steps (e-SR).
    """

    runs: int
    steps: int
    alarmed: Estimate
    per_step: Estimate
    promised: float | None
    promised_per_step: float | None = None

    @property
    def is_kept(self) -> bool | None:
        """Whether the measured share allows the promise; None where nothing is promised."""
        return None if self.promised is None else self.alarmed.low <= self.promised

    def to_dict(self) -> dict[str, Any]:
        """Return the values as plain JSON values."""
        return asdict(self) | {"kept": self.is_kept}


@dataclass(frozen=True, slots=True)
class Detection:
    """How a drift of one size was found.

    Parameters
    ----------
    injection : Injection
    runs : int
        Runs without an alarm before the drift began; only these count.
    horizon : int
        Steps watched since its begin.
    detected : Estimate or Insufficient
        Share of the runs with an alarm within the horizon.
    delay : Estimate or Insufficient
        Median number of drifted steps up to and including the alarm, over all runs, those without one beyond the
        horizon.
    delays : tuple of (float, int or None)
        Quantiles of the delay; None: beyond the horizon.
    """

    injection: Injection
    runs: int
    horizon: int
    detected: Measured
    delay: Measured
    delays: tuple[tuple[float, int | None], ...]

    def to_dict(self) -> dict[str, Any]:
        """Return the values as plain JSON values."""
        return {
            "injection": {**asdict(self.injection), "words": str(self.injection)},
            "runs": self.runs,
            "horizon": self.horizon,
            "detected": self.detected.to_dict(),
            "delay": self.delay.to_dict(),
            "delays": [{"quantile": quantile, "steps": steps} for quantile, steps in self.delays],
        }


@dataclass(frozen=True, slots=True)
class Trials:
    """Resampled runs without and with drift.

    Parameters
    ----------
    series : SeriesKey
        Whose quiet steps were resampled.
    pool, block, runs : int
        Quiet steps, steps drawn together, repetitions.
    sizes : tuple of Detection
        Drifts of several sizes at the budget of the plan.
    """

    series: SeriesKey
    pool: int
    block: int
    runs: int
    sizes: tuple[Detection, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return the values as plain JSON values."""
        return {
            "series": str(self.series),
            "pool": self.pool,
            "block": self.block,
            "runs": self.runs,
            "sizes": [one.to_dict() for one in self.sizes],
        }


@dataclass(frozen=True, slots=True)
class Budget:
    """What one budget would have cost and caught.

    Parameters
    ----------
    alpha : float or None
        None for detectors without a budget.
    promise : str
    first_alarms : tuple of (SeriesKey, str, int)
        First drift alarm of each series that would have had one in the history: its label and step.
    false_alarms : FalseAlarms, Insufficient
    detection : Detection, Insufficient or None
        None where no drift was injected.
    """

    alpha: float | None
    promise: str
    first_alarms: tuple[tuple[SeriesKey, str, int], ...]
    false_alarms: FalseAlarms | Insufficient
    detection: Detection | Insufficient | None

    def to_dict(self) -> dict[str, Any]:
        """Return the values as plain JSON values."""
        return {
            "alpha": self.alpha,
            "promise": self.promise,
            "first_alarms": [
                {"series": str(key), "label": label, "step": step} for key, label, step in self.first_alarms
            ],
            "false_alarms": self.false_alarms.to_dict(),
            "detection": None if self.detection is None else self.detection.to_dict(),
        }
