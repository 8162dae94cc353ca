"""What detectors of a single number share: S of a step, the order of steps, missing data and the alarm that stays.

Such a detector sees one number a step. By default this is the plug-in entropy S of the step's counts, in nats; with
``watches="value"`` it is whatever number the caller hands over. None of the detectors built on this class promises a
false-alarm rate, and each says so in every decision.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar, Literal, Self

import numpy as np
from numpy.typing import ArrayLike

from secondlaw.drift.monitors.decision import Decision, Verdict
from secondlaw.drift.monitors.steps import first_skipped, next_step, version_change
from secondlaw.drift.monitors.verdicts import after_gap, changed, empty_since, missing
from secondlaw.errors import InvalidInput

__all__ = ["StepValueMonitor", "Watches", "step_entropy"]

Watches = Literal["entropy", "value"]


def step_entropy(counts: ArrayLike) -> float:
    """Return the plug-in entropy of one step's counts; the short way for a single vector.

    Parameters
    ----------
    counts : array_like, shape (K,)
        Counts by category.

    Returns
    -------
    float
        In nats; NaN for a step without responses.

    Raises
    ------
    InvalidInput
        If a count is negative or not finite, or there are fewer than two categories.

    Examples
    --------
    >>> round(step_entropy([90, 3, 4, 1, 2]), 4)
    0.4531
    """
    row = np.asarray(counts, dtype=np.float64)
    if row.ndim != 1 or len(row) < 2:
        raise InvalidInput(f"a step's counts are one row of two or more categories, got shape {row.shape}")
    total = logs = 0.0
    for count in row.tolist():
        if not 0.0 <= count < math.inf:
            raise InvalidInput(f"counts must be finite and not negative, got {count}")
        if count:
            total += count
            logs += count * math.log(count)
    return max(0.0, math.log(total) - logs / total) if total else math.nan


class StepValueMonitor(ABC):
    """A detector that sees one number a step.

    Parameters
    ----------
    watches : {"entropy", "value"}
        What :meth:`update` receives: counts by category, whose plug-in entropy is watched, or the number itself.
    """

    kind: ClassVar[str]
    """Name of the detector in its state."""
    method: ClassVar[str]
    """What the detector is and what it does not promise, in words that are printed beside its verdict."""
    log_threshold: float
    """Where the evidence raises an alarm, in the detector's own scale."""

    def __init__(self, *, watches: Watches = "entropy") -> None:
        if watches not in ("entropy", "value"):
            raise InvalidInput(f"a detector watches 'entropy' (it is given counts) or 'value', got {watches!r}")
        self.watches: Watches = watches
        self._last: int | None = None
        self._since: int | None = None
        self._missing: int | None = None
        self._change: int | None = None
        self._evidence = -math.inf
        self._version: str | None = None

    def update(self, values: ArrayLike, /, *, step: int | None = None, version: str | None = None) -> Decision:
        """Take one step and say what it means.

        Parameters
        ----------
        values : array
            Counts (K,) of the step; with ``watches="value"`` one number, or NaN where nothing was seen.
        step : int, optional
            Number of the step, after the last one; by default one more. Steps left out count as empty:
            an alarm of their own.
        version : str, optional
            Version of the classifier. A new one is a change point by construction: all is learnt anew.

        Returns
        -------
        Decision
            In the detector's own scale of evidence.

        Raises
        ------
        InvalidInput
            If steps repeat or go back, or the values are no counts.
        """
        now = next_step(step, self._last)
        value, n = self._value(values)
        skipped = first_skipped(now, self._last)
        self._last = now
        if math.isnan(value):
            first = self._missing is None
            self._missing = empty_since(self._missing, now, skipped)
            return missing(now, self._missing, first, self._evidence, self.log_threshold)
        self._missing = None
        change = version_change(version, self._version)
        self._version = version if version is not None else self._version
        if change is not None:
            self.relearn()
        decision = self._judge(value, now, n)
        if change is not None:
            return changed(decision, f"{change}; {self.method}")
        return after_gap(decision, skipped)

    def _judge(self, value: float, now: int, n: int | None) -> Decision:
        fired, evidence = self._take(value, now)
        self._evidence = -math.inf if evidence is None else evidence
        alarm = fired and self._since is None
        if alarm:
            self._since, self._change = now, self._began(now)
        verdict: Verdict = "drifting" if self._since is not None else "baseline" if evidence is None else "quiet"
        return Decision(
            step=now,
            alarm=alarm,
            log_evidence=self._evidence,
            log_threshold=self.log_threshold,
            verdict=verdict,
            since=self._since,
            score="entropy" if self.watches == "entropy" else "value",
            n=n,
            change_point=self._change,
            reason=self.method,
        )

    def restart(self) -> None:
        """Go on watching after an alarm was dealt with; what was learnt as normal stays."""
        self._since = self._change = None
        self._evidence = -math.inf
        self._forget()

    def relearn(self) -> None:
        """Forget what was learnt as normal, and learn it anew from the next steps."""
        self._since = self._change = None
        self._evidence = -math.inf
        self._recall(type(self)(**self._settings())._memory())

    def to_state(self) -> dict[str, Any]:
        """Return the state as plain JSON values."""
        return {
            "monitor": self.kind,
            "settings": self._settings(),
            "last": self._last,
            "since": self._since,
            "missing": self._missing,
            "change": self._change,
            "evidence": self._evidence if self._evidence > -math.inf else None,
            "version": self._version,
            "memory": self._memory(),
        }

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Self:
        """Go on from a state.

        Raises
        ------
        InvalidInput
            If the state belongs to another detector or is incomplete.
        """
        if state.get("monitor") != cls.kind:
            raise InvalidInput(f"this is the state of {state.get('monitor')!r}, not of {cls.kind!r}")
        try:
            monitor = cls(**state["settings"])
            monitor._last, monitor._since = state["last"], state["since"]
            monitor._missing, monitor._change = state["missing"], state["change"]
            monitor._version = state["version"]
            monitor._evidence = -math.inf if state["evidence"] is None else state["evidence"]
            monitor._recall(state["memory"])
        except (KeyError, TypeError) as error:
            raise InvalidInput(f"the state of {cls.kind} is incomplete ({error}): start the detector anew") from error
        return monitor

    @abstractmethod
    def _take(self, value: float, step: int) -> tuple[bool, float | None]:
        """Take a number; return whether it fires and the evidence, None while the baseline is learnt."""

    @abstractmethod
    def _settings(self) -> dict[str, Any]: ...

    @abstractmethod
    def _memory(self) -> dict[str, Any]: ...

    @abstractmethod
    def _recall(self, memory: Mapping[str, Any]) -> None: ...

    def _forget(self) -> None:  # noqa: B027 - a detector without evidence has nothing to forget
        """Forget the evidence, keep the baseline."""

    def _began(self, at: int) -> int | None:
        return None

    def _value(self, values: ArrayLike) -> tuple[float, int | None]:
        if self.watches == "entropy":
            value = step_entropy(values)
            return value, None if math.isnan(value) else round(float(np.sum(values)))
        number = np.asarray(values, dtype=np.float64)
        if number.size != 1 or math.isinf(float(number.reshape(-1)[0])):
            raise InvalidInput(f"a watched value is one finite number a step (NaN for none), got {values!r}")
        return float(number.reshape(-1)[0]), None
