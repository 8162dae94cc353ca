"""All monitors of a source: steps of many streams in, decisions out, one budget for all of them.

One series is monitored for each stream and model (and, if the plan says so, for each prompt set or intent). A series'
monitor is made when its first step comes. With the promise *e-SR* and for the universal detector each series has its
part of alpha (:mod:`secondlaw.drift.monitoring_budget`); with *e-process* e-Benjamini-Hochberg decides over the
evidence of all series at every step.

The state is plain JSON; decisions after a restart are those of monitors that never stopped.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Self

import numpy as np

from secondlaw.drift.monitored_series import MonitoredSeries
from secondlaw.drift.monitoring_budget import alpha_words
from secondlaw.drift.monitoring_plan import MonitorPlan, StreamMonitor
from secondlaw.drift.monitoring_series import SeriesKey, StreamDecision, series_of
from secondlaw.drift.monitors import BettingMonitor, Decision, Verdict, drifting_streams
from secondlaw.drift.step_counts import StepCounts
from secondlaw.errors import InvalidInput, NotEnoughData

__all__ = ["MonitorSet", "SeriesKey", "StreamDecision", "series_of"]


class MonitorSet:
    """The monitors of all series of a source.

    Parameters
    ----------
    plan : MonitorPlan

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> monitors = MonitorSet(MonitorPlan((False, True), baseline_steps=50))
    >>> counts = [*rng.multinomial(100, [0.95, 0.05], size=80), *rng.multinomial(100, [0.8, 0.2], size=20)]
    >>> steps = [StepCounts.of_counts(row, step=i) for i, row in enumerate(counts)]
    >>> [found.decision.verdict for step in steps for found in monitors.observe(step) if found.decision.alarm]
    ['drifting']
    """

    def __init__(self, plan: MonitorPlan) -> None:
        self.plan = plan
        self._settings = plan.betting_settings(0)
        self._series: dict[SeriesKey, MonitoredSeries] = {}

    @property
    def series(self) -> tuple[SeriesKey, ...]:
        """What is monitored so far."""
        return tuple(self._series)

    @property
    def budget(self) -> dict[str, Any]:
        """The budget as promised, and what each series may spend of it now.

        Of a series ``alpha`` is its part now; ``allowed`` the false alarms that e-SR has allowed it by now.
        """
        return {
            "promise": self.plan.promise_words,
            "threshold": alpha_words(self.plan, seen=len(self._series)),
            "guaranteed": self.plan.is_guaranteed,
            "alpha": self.plan.alpha,
            "delta": self.plan.delta,
            "series": {str(key): one.budget(self.plan) for key, one in self._series.items()},
        }

    def observe(self, step: StepCounts) -> list[StreamDecision]:
        """Take one step of a stream and model.

        Returns
        -------
        list of StreamDecision
            One of each of its series; with e-Benjamini-Hochberg also those of other series that this step's evidence
            lets join.

        Raises
        ------
        InvalidInput
            If the step came twice or out of order, or is of a series that the budget is not for.
        """
        said = [self._observe(key, part) for key, part in series_of(step, self.plan.by, self._series)]
        return self._together(said) if self.plan.shares_discoveries else said

    def observe_all(self, steps: Iterable[StepCounts]) -> list[StreamDecision]:
        """Take steps one after the other."""
        return [decision for step in steps for decision in self.observe(step)]

    def end(self) -> list[StreamDecision]:
        """Say the last word on every series: its stream ended."""
        said = []
        for key, one in self._series.items():
            if isinstance(one.monitor, BettingMonitor):
                try:
                    decision = one.monitor.end()
                except NotEnoughData:
                    continue
                said.append(self._said(key, one, self._held(one, decision)))
            elif one.last is not None:
                reason = f"the stream ended at step {one.last.step}; {one.last.reason}"
                said.append(self._said(key, one, replace(one.last, alarm=False, reason=reason)))
        return said

    def restart(self, key: SeriesKey) -> None:
        """Begin a new run of a series on the same baseline, after its alarm was dealt with."""
        self._known(key).restart()

    def relearn(self, key: SeriesKey) -> None:
        """Forget the baseline of a series and learn it anew from the next steps."""
        self._known(key).relearn()

    def name_categories(self, keys: Sequence[str]) -> None:
        """Call categories by these keys: a state that was written without them goes on, deciding the same."""
        self.plan = self.plan.with_(categories=tuple(keys))
        self._settings = self.plan.betting_settings(0)
        for one in self._series.values():
            if isinstance(one.monitor, BettingMonitor):
                one.monitor.name_categories(keys)

    def to_state(self) -> dict[str, Any]:
        """Return the state as plain JSON values."""
        return {
            "plan": self.plan.to_dict(),
            "series": [{"key": list(key)} | one.to_state() for key, one in self._series.items()],
        }

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Self:
        """Go on from a state.

        Raises
        ------
        InvalidInput
            If the state is incomplete.
        """
        try:
            found = cls(MonitorPlan.from_dict(state["plan"]))
            for place, values in enumerate(state["series"]):
                found._series[SeriesKey(*values["key"])] = MonitoredSeries.from_state(values, found.plan, place)
        except (KeyError, TypeError) as error:
            raise InvalidInput(f"the state of the monitors is incomplete ({error}): begin anew") from error
        return found

    def _known(self, key: SeriesKey) -> MonitoredSeries:
        if key not in self._series:
            names = ", ".join(map(str, self._series)) or "none yet"
            raise InvalidInput(f"there is no series {key}; there are: {names}")
        return self._series[key]

    def _observe(self, key: SeriesKey, step: StepCounts) -> StreamDecision:
        one = self._series.get(key)
        if one is None:
            place = len(self._series)
            one = self._series[key] = MonitoredSeries(self.plan.new_monitor(place), place)
        if one.since is not None and self.plan.restarts and self.plan.shares_discoveries:
            self.restart(key)
        alpha = self.plan.alpha_of(one.place, seen=len(self._series))
        if isinstance(one.monitor, BettingMonitor) and self.plan.shares_by_step:
            if alpha != one.monitor.settings.alpha:
                one.monitor.share(alpha)
            one.spent += 0.0 if one.monitor.baseline is None else alpha
        decision = _take(one.monitor, step, self.plan)
        one.label, one.evidence, one.last = step.label, decision.log_evidence, decision
        one.mix.take(step, decision)
        return self._said(key, one, decision)

    def _said(self, key: SeriesKey, one: MonitoredSeries, decision: Decision) -> StreamDecision:
        alpha = self.plan.alpha_of(one.place, seen=len(self._series)) if self.plan.is_guaranteed else None
        return StreamDecision(key, one.label, decision, self.plan.is_guaranteed, one.mix.change_at(decision), alpha)

    def _together(self, said: list[StreamDecision]) -> list[StreamDecision]:
        """Let e-Benjamini-Hochberg decide over all series; it alone raises drift alarms then."""
        logs, runs = [], []
        for one in self._series.values():
            # Parts sum to 1, so that w L e are e-values on average, for L series.
            logs.append(one.evidence + math.log(self.plan.weight_of(one.place) * len(self._series)))
            runs.append(one.monitor.spent["run"] if isinstance(one.monitor, BettingMonitor) else 1)
        chosen = np.zeros(len(logs), dtype=bool)
        if max(logs) >= -math.log(self.plan.alpha):  # below it nothing can be chosen
            chosen = drifting_streams(np.array(logs), self._settings, runs=[int(run) for run in runs])
        found = {decision.series: decision for decision in said}
        for (key, one), is_chosen in zip(self._series.items(), chosen.tolist(), strict=True):
            new = is_chosen and one.since is None
            if new and one.last is not None:
                one.since, one.began = one.last.step, one.last.change_point
            if key in found:
                held = self._held(one, found[key].decision)
                found[key] = self._said(key, one, replace(held, alarm=True) if new else held)
            elif new and one.last is not None:
                found[key] = self._said(key, one, replace(self._held(one, one.last), alarm=True))
        return list(found.values())

    def _held(self, one: MonitoredSeries, decision: Decision) -> Decision:
        """Return a decision with the verdict of all series together."""
        if not self.plan.shares_discoveries or decision.verdict not in ("quiet", "drifting"):
            return decision
        # Where it stands alone; with others beside it e-Benjamini-Hochberg asks for less.
        run = int(one.monitor.spent["run"]) if isinstance(one.monitor, BettingMonitor) else 1
        alone = math.log(run * (run + 1.0) / self.plan.alpha_of(one.place))
        verdict: Verdict = "quiet" if one.since is None else "drifting"
        reason = "monitored, no drift found among all series"
        if one.since is not None:
            reason = f"{decision.score} has left its baseline: alarm at step {one.since}, among all series"
        return replace(
            decision,
            alarm=False,
            log_threshold=alone,
            verdict=verdict,
            since=one.since,
            change_point=one.began if one.since is not None else None,
            reason=reason,
        )


def _take(monitor: StreamMonitor, step: StepCounts, plan: MonitorPlan) -> Decision:
    if plan.score is not None:  # a score of the user's is not the classifier's
        values: Any = plan.value_of(step) if plan.watches_value else np.array(step.scores, dtype=np.float64)
        found = replace(monitor.update(values, step=step.step), n=len(step.scores))
        return replace(found, score=plan.score.name) if plan.watches_value else found
    if plan.watches_value:
        found = monitor.update(plan.value_of(step), step=step.step, version=step.version)
        return replace(found, n=step.n, score="misaligned")
    return monitor.update(step.counts, step=step.step, version=step.version)
