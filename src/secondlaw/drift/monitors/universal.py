r"""Universal-inference monitor: nothing is assumed known about normal, and responses must be independent.

Each step's counts go to a :class:`~secondlaw.statistics.universal_inference.ChangeProcess`, whose value is an e-process
under "all responses come independently from one unknown distribution". The promise: P(ever a false alarm) is at most
alpha + delta over all restarts, because the alarm of the k-th run needs :math:`E \ge 1 / \alpha_k` with
:math:`\sum_k \alpha_k \le \alpha`. The promise ends where independence ends: several responses to one prompt, or
turns of one conversation, in a step make it alarm far too often; use the betting monitor there.
"""

import math
from collections.abc import Mapping
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from secondlaw.drift.monitors.decision import Decision
from secondlaw.drift.monitors.steps import first_skipped, next_step, version_change
from secondlaw.drift.monitors.verdicts import after_gap, changed, empty_since, missing
from secondlaw.errors import InvalidInput
from secondlaw.statistics.e_values import spent_alpha
from secondlaw.statistics.universal_inference import NEARNESS, ChangeProcess

__all__ = ["UniversalMonitor"]

ALPHA = 1e-4
BASELINE_STEPS = 100


class UniversalMonitor:
    """Alarm when the evidence for a change, at an unknown time and from an unknown distribution, is large.

    Parameters
    ----------
    alpha : float
        Probability of ever raising a false alarm, restarts included, for independent responses.
    delta : float
        Part of the budget spent on the baseline, 0 by default; pays for long baselines.
    baseline_steps : int
        Steps with data before which no change is looked for.
    nearness : tuple of float
        Passed on to the process.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> monitor = UniversalMonitor(alpha=0.001)
    >>> before, after = rng.multinomial(100, [0.9, 0.1], size=150), rng.multinomial(100, [0.8, 0.2], size=30)
    >>> found = [decision for decision in map(monitor.update, [*before, *after]) if decision.alarm]
    >>> [(decision.step, decision.change_point) for decision in found]
    [(156, 151)]
    """

    kind: ClassVar[str] = "universal"

    def __init__(
        self,
        *,
        alpha: float = ALPHA,
        delta: float = 0.0,
        baseline_steps: int = BASELINE_STEPS,
        nearness: tuple[float, ...] = NEARNESS,
    ) -> None:
        if not 0.0 < alpha < 1.0:
            raise InvalidInput(f"alpha lies between 0 and 1, got {alpha}")
        if baseline_steps < 1:
            raise InvalidInput(f"the baseline has one step or more, got {baseline_steps}")
        self.alpha, self.delta, self.baseline_steps = alpha, delta, baseline_steps
        self._settings = {"nearness": nearness, "delta": delta}
        self._process = ChangeProcess(nearness=nearness, delta=delta)
        self._base: list[float] | None = None
        self._learnt = 0
        self._run = 1
        self._version: str | None = None
        self._seen = 0  # steps that the process saw after the baseline
        self._steps: dict[int, int] = {}  # number of the step at which each of its candidates began
        self._last: int | None = None
        self._since: int | None = None
        self._evidence = -math.inf
        self._missing: int | None = None

    @property
    def method(self) -> str:
        """What is promised, in words that are printed beside the verdict."""
        return (
            f"universal inference, P(ever a false alarm) <= {self.alpha + self.delta:g}, "
            "guaranteed for independent responses only"
        )

    @property
    def spent(self) -> float:
        """Part of alpha that the runs so far may use, the present one included."""
        return float(sum(spent_alpha(self.alpha, run) for run in range(1, self._run + 1)))

    @property
    def log_threshold(self) -> float:
        """Where the log evidence raises an alarm in the present run."""
        return -math.log(spent_alpha(self.alpha, self._run))

    def update(self, values: ArrayLike, /, *, step: int | None = None, version: str | None = None) -> Decision:
        """Take the counts (K,) of one step and say what they mean.

        Parameters
        ----------
        values : array, shape (K,)
            Counts by category; all 0 is a step at which nothing was seen: an alarm of its own.
        step : int, optional
            By default one more than the last. Steps left out count as empty.
        version : str, optional
            Version of the classifier. A new one is a change point by construction: a new baseline is learnt.

        Raises
        ------
        InvalidInput
            If steps repeat or go back, or the counts are none.
        """
        now = next_step(step, self._last)
        skipped = first_skipped(now, self._last)
        row = np.asarray(values, dtype=np.float64)
        n = float(row.sum())
        if n == 0.0:
            self._last = now
            first = self._missing is None
            self._missing = empty_since(self._missing, now, skipped)
            return missing(now, self._missing, first, self._evidence, self.log_threshold)
        change = version_change(version, self._version)
        self._version = version if version is not None else self._version
        if change is not None:
            self.relearn()
        decision = self._learn(row, now) if self._learnt < self.baseline_steps else self._judge(row, now)
        self._last, self._missing = now, None
        if change is not None:
            return changed(decision, f"{change}; {self.method}")
        return after_gap(decision, skipped)

    def _learn(self, row: NDArray[np.float64], now: int) -> Decision:
        self._process.learn(row)
        self._learnt += 1
        self._base = (row if self._base is None else np.asarray(self._base) + row).tolist()
        n, threshold = round(float(row.sum())), self.log_threshold
        return Decision(now, False, -math.inf, threshold, "baseline", None, "counts", n, None, self.method)

    def _judge(self, row: NDArray[np.float64], now: int) -> Decision:
        threshold = self.log_threshold
        self._evidence = self._process.update(row)
        self._steps[self._seen] = now
        self._steps = {place: self._steps[place] for place in self._process.places}
        self._seen += 1
        alarm = self._since is None and self._evidence >= threshold
        if alarm:
            self._since = now
        place = self._process.change_point if self._since is not None else None
        return Decision(
            step=now,
            alarm=alarm,
            log_evidence=self._evidence,
            log_threshold=threshold,
            verdict="quiet" if self._since is None else "drifting",
            since=self._since,
            score="counts",
            n=round(float(row.sum())),
            change_point=None if place is None else self._steps[place],
            reason=self.method,
        )

    def restart(self) -> None:
        """Begin a new run on the same baseline, after an alarm was dealt with, with what is left of alpha."""
        self._run += 1
        self._since, self._evidence = None, -math.inf
        self._seen, self._steps = 0, {}
        self._process = ChangeProcess(**self._settings)  # type: ignore[arg-type]
        if self._base is not None:
            self._process.learn(self._base)

    def relearn(self) -> None:
        """Forget the baseline and learn a new one from the next steps: a new run, and delta is risked anew."""
        self._base, self._learnt = None, 0
        self.restart()

    def to_state(self) -> dict[str, Any]:
        """Return the state as plain JSON values."""
        return {
            "monitor": self.kind,
            "settings": {
                "alpha": self.alpha,
                "delta": self.delta,
                "baseline_steps": self.baseline_steps,
                "nearness": list(self._process.nearness),
            },
            "process": self._process.to_state(),
            "base": self._base,
            "learnt": self._learnt,
            "run": self._run,
            "version": self._version,
            "seen": self._seen,
            "steps": list(self._steps.items()),
            "last": self._last,
            "since": self._since,
            "evidence": self._evidence if self._evidence > -math.inf else None,
            "missing": self._missing,
        }

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Self:
        """Go on from a state.

        Raises
        ------
        InvalidInput
            If the state belongs to another monitor or is incomplete.
        """
        if state.get("monitor") != cls.kind:
            raise InvalidInput(f"this is the state of {state.get('monitor')!r}, not of {cls.kind!r}")
        try:
            settings = dict(state["settings"])
            monitor = cls(**{**settings, "nearness": tuple(settings["nearness"])})
            monitor._process = ChangeProcess.from_state(state["process"])
            monitor._base, monitor._learnt = state["base"], state["learnt"]
            monitor._run, monitor._version = state["run"], state["version"]
            monitor._seen, monitor._last = state["seen"], state["last"]
            monitor._steps = {int(place): int(step) for place, step in state["steps"]}
            monitor._since, monitor._missing = state["since"], state["missing"]
            monitor._evidence = -math.inf if state["evidence"] is None else state["evidence"]
        except (KeyError, TypeError) as error:
            raise InvalidInput(f"the state of {cls.kind} is incomplete ({error}): start the monitor anew") from error
        return monitor
