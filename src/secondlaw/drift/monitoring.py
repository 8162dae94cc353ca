"""All monitors of a source: steps of many streams in, decisions out, one budget for all of them.

One series is monitored for each stream and model (and, if the plan says so, for each prompt set or intent). A series'
monitor is made when its first step comes. With the promise *e-SR* and for the universal detector each series has its
part of alpha; with *e-process* e-Benjamini-Hochberg decides over the evidence of all series at every step.

The state is plain JSON; decisions after a restart are those of monitors that never stopped.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple, Self

import numpy as np

from secondlaw.drift.monitoring_mix import MixChange, MixMemory
from secondlaw.drift.monitoring_plan import MonitorPlan, StreamMonitor
from secondlaw.drift.monitors import BettingMonitor, Decision, UniversalMonitor, Verdict, drifting_streams
from secondlaw.drift.step_counts import StepCounts, Strata
from secondlaw.errors import InvalidInput, NotEnoughData

__all__ = ["MonitorSet", "SeriesKey", "StreamDecision", "series_of"]


class SeriesKey(NamedTuple):
    """What one monitor watches: a stream, a model, and where told apart a prompt set or intent (else ``""``)."""

    stream: str
    model: str
    part: str = ""

    def __str__(self) -> str:
        return "/".join(self if self.part else self[:2])


@dataclass(frozen=True, slots=True)
class StreamDecision:
    """What the monitor of one series said at one step.

    Parameters
    ----------
    series : SeriesKey
    label : str
        The step as a person reads it.
    decision : Decision
    is_guaranteed : bool
        Whether the detector's false alarms are bounded.
    mix : MixChange or None
        At a drift alarm: how the mix of prompts changed. A changed mix moves the shares without any drift of the model.
    """

    series: SeriesKey
    label: str
    decision: Decision
    is_guaranteed: bool
    mix: MixChange | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the decision as plain JSON values."""
        mix = None
        if self.mix is not None:
            names = sorted({*self.mix.before, *self.mix.after})
            mix = {
                "total_variation": self.mix.total_variation,
                "parts": [
                    {"prompt_set": one, "intent": two, "before": self.mix.before.get((one, two), 0.0),
                     "after": self.mix.after.get((one, two), 0.0)}
                    for one, two in names
                ],
            }  # fmt: skip
        return {
            "stream": self.series.stream,
            "model": self.series.model,
            "part": self.series.part,
            "label": self.label,
            **self.decision.to_dict(),
            "guaranteed": self.is_guaranteed,
            "mix": mix,
        }


@dataclass(slots=True)
class _Series:
    monitor: StreamMonitor
    weight: float
    label: str = ""
    evidence: float = -math.inf
    last: Decision | None = None
    since: int | None = None  # where e-Benjamini-Hochberg chose it
    began: int | None = None
    mix: MixMemory = field(default_factory=MixMemory)


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
        self._series: dict[SeriesKey, _Series] = {}

    @property
    def series(self) -> tuple[SeriesKey, ...]:
        """What is monitored so far."""
        return tuple(self._series)

    @property
    def budget(self) -> dict[str, Any]:
        """The budget as promised, and what each series may spend of it now."""
        return {
            "promise": self.plan.promise_words,
            "guaranteed": self.plan.is_guaranteed,
            "alpha": self.plan.alpha,
            "delta": self.plan.delta,
            "series": {
                str(key): one.monitor.spent if isinstance(one.monitor, BettingMonitor | UniversalMonitor) else None
                for key, one in self._series.items()
            },
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
        one = self._known(key)
        one.since = one.began = None
        one.evidence = -math.inf
        one.monitor.restart()

    def relearn(self, key: SeriesKey) -> None:
        """Forget the baseline of a series and learn it anew from the next steps."""
        one = self._known(key)
        one.since = one.began = None
        one.evidence = -math.inf
        one.mix = MixMemory()
        one.monitor.relearn()

    def to_state(self) -> dict[str, Any]:
        """Return the state as plain JSON values."""
        return {
            "plan": self.plan.to_dict(),
            "series": [
                {
                    "key": list(key),
                    "monitor": one.monitor.to_state(),
                    "label": one.label,
                    "evidence": one.evidence if one.evidence > -math.inf else None,
                    "last": None if one.last is None else one.last.to_dict(),
                    "since": one.since,
                    "began": one.began,
                    "mix": one.mix.to_state(),
                }
                for key, one in self._series.items()
            ],
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
                one = _Series(found.plan.load_monitor(values["monitor"]), found.plan.weight_of(place), values["label"])
                one.evidence = -math.inf if values["evidence"] is None else values["evidence"]
                one.last = None if values["last"] is None else _decision(values["last"])
                one.since, one.began = values["since"], values["began"]
                one.mix = MixMemory.from_state(values["mix"])
                found._series[SeriesKey(*values["key"])] = one
        except (KeyError, TypeError) as error:
            raise InvalidInput(f"the state of the monitors is incomplete ({error}): begin anew") from error
        return found

    def _known(self, key: SeriesKey) -> _Series:
        if key not in self._series:
            names = ", ".join(map(str, self._series)) or "none yet"
            raise InvalidInput(f"there is no series {key}; there are: {names}")
        return self._series[key]

    def _observe(self, key: SeriesKey, step: StepCounts) -> StreamDecision:
        one = self._series.get(key)
        if one is None:
            place = len(self._series)
            one = self._series[key] = _Series(self.plan.new_monitor(place), self.plan.weight_of(place))
        if one.since is not None and self.plan.restarts and self.plan.shares_discoveries:
            self.restart(key)
        decision = _take(one.monitor, step, self.plan)
        one.label, one.evidence, one.last = step.label, decision.log_evidence, decision
        one.mix.take(step, decision)
        return self._said(key, one, decision)

    def _said(self, key: SeriesKey, one: _Series, decision: Decision) -> StreamDecision:
        mix = one.mix.change() if decision.alarm and decision.verdict == "drifting" else None
        return StreamDecision(key, one.label, decision, self.plan.is_guaranteed, mix)

    def _together(self, said: list[StreamDecision]) -> list[StreamDecision]:
        """Let e-Benjamini-Hochberg decide over all series; it alone raises drift alarms then."""
        logs, runs = [], []
        for one in self._series.values():
            # Weights sum to 1, so that w L e are e-values on average, for L series.
            logs.append(one.evidence + math.log(one.weight * len(self._series)))
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

    def _held(self, one: _Series, decision: Decision) -> Decision:
        """Return a decision with the verdict of all series together."""
        if not self.plan.shares_discoveries or decision.verdict not in ("quiet", "drifting"):
            return decision
        # Where it stands alone; with others beside it e-Benjamini-Hochberg asks for less.
        run = int(one.monitor.spent["run"]) if isinstance(one.monitor, BettingMonitor) else 1
        alone = math.log(run * (run + 1.0) / (self.plan.alpha * one.weight))
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


def series_of(step: StepCounts, by: Strata | None, known: Iterable[SeriesKey]) -> list[tuple[SeriesKey, StepCounts]]:
    """Return the series of a step; those known from before that are not in it come with counts of zero."""
    whole = SeriesKey(step.stream, step.model)
    if by is None:
        return [(whole, step)]
    before = [key.part for key in known if key[:2] == whole[:2]]
    names = dict.fromkeys([*before, *(getattr(cell, by) for cell in (*step.cells, *step.values))])
    return [(whole._replace(part=name), step.part(by, name)) for name in names]


def _take(monitor: StreamMonitor, step: StepCounts, plan: MonitorPlan) -> Decision:
    if plan.score is not None:  # a score of the user's is not the classifier's
        values: Any = plan.value_of(step) if plan.watches_value else np.array(step.scores, dtype=np.float64)
        found = replace(monitor.update(values, step=step.step), n=len(step.scores))
        return replace(found, score=plan.score.name) if plan.watches_value else found
    if plan.watches_value:
        found = monitor.update(plan.value_of(step), step=step.step, version=step.version)
        return replace(found, n=step.n, score="misaligned")
    return monitor.update(step.counts, step=step.step, version=step.version)


def _decision(values: Mapping[str, Any]) -> Decision:
    known = dict(values)
    for name in ("log_evidence", "log_threshold"):
        known[name] = -math.inf if known[name] is None else known[name]
    return Decision(**known)
