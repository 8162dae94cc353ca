r"""The default monitor: bets against "nothing rose above its baseline", with a false-alarm budget that holds.

For every score (surprisal, misaligned share, their mirrors, each category) the null says that the conditional mean of
the clipped step mean is at most the baseline's, m (:mod:`secondlaw.drift.monitors.baseline`). Bettors stake against
it once a step (:mod:`secondlaw.drift.monitors.bets`); their average capital is the evidence, lowered by what the
baseline leaves in doubt (:mod:`secondlaw.drift.monitors.candidates`), and :math:`1/\alpha` of it is the alarm. Steps
may be clustered in any way: only the step is taken to be a unit.

After Shin, Ramdas & Rinaldo 2024 (e-detectors, arXiv 2203.03532) and Waudby-Smith & Ramdas 2024 (arXiv 2010.09686).
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from secondlaw.drift.monitors import verdicts
from secondlaw.drift.monitors.baseline import Baseline, gains, learn_baseline, standardised
from secondlaw.drift.monitors.bets import Bets, seed_capital
from secondlaw.drift.monitors.decision import Decision
from secondlaw.drift.monitors.settings import BettingSettings
from secondlaw.drift.monitors.steps import first_skipped, next_step, step_counts, version_change
from secondlaw.errors import InvalidInput, NotEnoughData

__all__ = ["STATE_VERSION", "BettingMonitor"]

STATE_VERSION = 2
"""Version of the state; 2 since the baseline's doubt is bounded cell by cell."""


class BettingMonitor:
    """Watches one stream of steps, each the counts of its responses by category.

    Parameters
    ----------
    settings : BettingSettings
        Scores, promise, budget. The first ``settings.baseline_steps`` steps are learnt from.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> monitor = BettingMonitor(BettingSettings.standard([False, True]))
    >>> before, after = rng.multinomial(100, [0.95, 0.05], size=150), rng.multinomial(100, [0.85, 0.15], size=50)
    >>> found = [decision for decision in map(monitor.update, [*before, *after]) if decision.alarm]
    >>> [(decision.step, decision.score, decision.change_point) for decision in found]
    [(158, 'surprisal', 149)]
    """

    def __init__(self, settings: BettingSettings) -> None:
        self.settings = settings
        self.baseline: Baseline | None = None
        self._rows: list[NDArray[np.float64]] = []
        self._bets = Bets(settings, 1)
        self._waiting: NDArray[np.float64] | None = None
        self._bet, self._run, self._baselines = 0, 1, 0
        self._evidence = -math.inf
        self._leader = 0
        self._last: int | None = None
        self._width: int | None = None
        self._empty_since: int | None = None
        self._since: int | None = None
        self._change_point: int | None = None
        self._version: str | None = None
        self._ended = False

    @property
    def log_threshold(self) -> float:
        """Where the log evidence raises an alarm in the present run."""
        return -math.log(self.settings.alpha_of_run(self._run))

    @property
    def spent(self) -> dict[str, float]:
        """The budget: alpha and delta as promised, what this run may use, and how often run and baseline began."""
        return {
            "alpha": self.settings.alpha,
            "alpha_of_run": self.settings.alpha_of_run(self._run),
            "run": self._run,
            "delta": self.settings.delta,
            "baselines": self._baselines,
        }

    def update(self, values: ArrayLike, /, *, step: int | None = None, version: str | None = None) -> Decision:
        """Take one step.

        Parameters
        ----------
        values : array
            Counts (K,) by category; with ``settings.bounds`` the values (n,) of the step's responses. All 0, or no
            values, is a step at which nothing was seen: an alarm of its own.
        step : int, optional
            By default one more than the last. Steps left out count as empty.
        version : str, optional
            Version of the classifier. A new one is a change point by construction: a new baseline is learnt.

        Returns
        -------
        Decision

        Raises
        ------
        InvalidInput
            If counts are negative, a value is out of bounds, a step comes twice or out of order, or the stream ended.
        """
        return self.update_counts(step_counts(values, self.settings), step=step, version=version)

    def update_counts(
        self, counts: NDArray[np.float64], /, *, step: int | None = None, version: str | None = None
    ) -> Decision:
        """Take one step of counts that were checked: what :func:`~secondlaw.drift.monitors.steps.step_counts` gives."""
        now = next_step(step, self._last, ended=self._ended)
        width = self._width if self._width is not None else len(counts)
        if len(counts) != width:
            raise InvalidInput(f"step {now} has {len(counts)} categories, those before it had {width}")
        self._width = width
        skipped = first_skipped(now, self._last)
        self._last = now
        n = round(sum(counts.tolist()))
        before, self._empty_since = self._empty_since, None
        if n == 0:
            self._empty_since = verdicts.empty_since(before, now, skipped)
            return verdicts.missing(now, self._empty_since, before is None, self._evidence, self.log_threshold)
        change = version_change(version, self._version)
        self._version = version if version is not None else self._version
        if change is not None:
            self.relearn()
        decision = self._learn(now, n, counts) if self.baseline is None else self._monitor(now, n, counts)
        if change is not None:
            return verdicts.changed(decision, f"{change}, a new baseline is learnt")
        return decision if before is not None else verdicts.after_gap(decision, skipped)  # an empty stretch alarms once

    def restart(self) -> None:
        """Begin a new run on the same baseline, after an alarm was dealt with: the run's own budget applies."""
        self._run += 1
        self._bets.restart()
        self._bet, self._evidence, self._waiting = 0, -math.inf, None
        self._since = self._change_point = None

    def share(self, alpha: float) -> None:
        """Go on with less of the budget, since other series came up (e-SR: a part may shrink at any step).

        Raises
        ------
        InvalidInput
            If it is more than before, or the promise is no e-SR.
        """
        if self.settings.promise != "e-SR" or alpha > self.settings.alpha:
            raise InvalidInput(
                f"a share of an e-SR budget can only shrink, got {alpha:g} after {self.settings.alpha:g} "
                f"({self.settings.promise})"
            )
        self.settings = replace(self.settings, alpha=alpha)

    def name_categories(self, keys: Sequence[str]) -> None:
        """Call the scores of single categories by these keys: a state that was written without them goes on."""
        self.settings = self.settings.named(keys)

    def relearn(self) -> None:
        """Forget the baseline and learn a new one from the next steps: a new run, and delta, if any, is risked anew."""
        if self.baseline is not None:
            self.restart()
        self.baseline, self._rows = None, []

    def end(self) -> Decision:
        """Say that the stream ended: the last word on it; responses still waiting for a bet are dropped."""
        if self._last is None:
            raise NotEnoughData("the stream ended before its first step: nothing can be said of it")
        self._ended = True
        if self.baseline is None:
            seen = len(self._rows)
            words = (
                f"the stream ended at step {self._last} with {seen} of {self.settings.baseline_steps} baseline steps"
            )
            return replace(verdicts.learning(self._last, 0, seen, self.log_threshold, self.settings), reason=words)
        decision = self._speak(self._last, 0)
        return replace(decision, alarm=False, reason=f"the stream ended at step {self._last}; {decision.reason}")

    def to_state(self) -> dict[str, Any]:
        """Return the whole state as plain JSON values."""
        return {
            "monitor": "betting",
            "state_version": STATE_VERSION,
            "settings": self.settings.to_dict(),
            "baseline": None if self.baseline is None else self.baseline.to_dict(),
            "rows": [row.tolist() for row in self._rows],
            "bets": self._bets.to_state(),
            "waiting": None if self._waiting is None else self._waiting.tolist(),
            "evidence": self._evidence if self._evidence > -math.inf else None,
            **{name: getattr(self, f"_{name}") for name in _PLAIN},
        }

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Self:
        """Go on from a state: the decisions are those of a monitor that never stopped.

        Raises
        ------
        InvalidInput
            If the state belongs to another monitor, or to a version that bets otherwise.
        """
        if state.get("monitor") != "betting":
            raise InvalidInput(f"this is the state of {state.get('monitor')!r}, a betting monitor cannot go on from it")
        written = state.get("state_version", 1)
        if written != STATE_VERSION:
            raise InvalidInput(
                f"this state of a betting monitor has version {written}, this program bets by version {STATE_VERSION}: "
                "begin a new monitor and give it the recorded steps again"
            )
        found = cls(BettingSettings.from_dict(state["settings"]))
        found.baseline = None if state["baseline"] is None else Baseline.from_dict(state["baseline"])
        found._rows = [np.array(row, dtype=np.float64) for row in state["rows"]]
        found._bets.load(state["bets"])
        found._waiting = None if state["waiting"] is None else np.array(state["waiting"], dtype=np.float64)
        found._evidence = -math.inf if state["evidence"] is None else state["evidence"]
        for name in _PLAIN:
            setattr(found, f"_{name}", state[name])
        return found

    def _learn(self, step: int, n: int, counts: NDArray[np.float64]) -> Decision:
        self._rows.append(counts)
        seen = len(self._rows)
        if seen >= self.settings.baseline_steps:
            try:
                self.baseline = learn_baseline(np.array(self._rows)[:, :, None], self.settings)
            except NotEnoughData:
                return verdicts.learning(step, n, seen, self.log_threshold, self.settings)
            self._rows = []
            self._baselines += 1
        return verdicts.learning(step, n, seen, self.log_threshold, self.settings)

    def _monitor(self, step: int, n: int, counts: NDArray[np.float64]) -> Decision:
        baseline = self.baseline
        assert baseline is not None  # noqa: S101
        if self._since is not None and self.settings.restarts:
            self.restart()
        if self._waiting is not None:
            counts = counts + self._waiting
        if sum(counts.tolist()) < baseline.step_size[0]:
            self._waiting = counts
            return self._speak(step, n)
        self._waiting = None
        self._bet += 1
        gain = gains(standardised(counts[:, None], baseline), baseline)
        seed = seed_capital(self._bet, self.settings)
        parts = self._bets.take(gain, baseline.weight, seed, float(step), earlier=baseline.doubts)
        self._leader = int(parts[:, 0].argmax())
        self._evidence = float(np.log(parts.cumsum(axis=0)[-1, 0]))
        if self._since is None and self._evidence >= self.log_threshold:
            self._since = step
            self._change_point = int(self._bets.begin[self._leader, 0])
        return self._speak(step, n)

    def _speak(self, step: int, n: int) -> Decision:
        score = self.settings.scores[self._leader].name
        return verdicts.monitored(step, n, self._evidence, self.log_threshold, self._since, score, self._change_point)


_PLAIN = (
    "baselines", "bet", "change_point", "empty_since", "ended", "last", "leader", "run", "since", "version",
    "width",
)  # fmt: skip
