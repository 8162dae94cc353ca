"""A growing log under monitors: what has come is labelled, cut into steps and decided, and the place is remembered.

The decisions are those of :mod:`secondlaw.drift.monitoring`, which a backtest of the same log gives too. The state
file holds the place in the log, the open steps and the monitors. It is written whole after decisions were handed out,
so that a kill loses none: at worst the last ones are handed out again, the same.
"""

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from secondlaw.drift.monitoring import MonitorSet, StreamDecision
from secondlaw.drift.monitoring_explanation import explained, moved_words
from secondlaw.drift.monitoring_plan import MonitorPlan
from secondlaw.drift.step_counts import StepCounts
from secondlaw.drift.step_counts_builder import StepBuilder
from secondlaw.errors import InvalidInput
from secondlaw.formats import BadRow, FollowedFile, FollowedStream, Quarantine, Row
from secondlaw.pipeline.monitoring import StepRowReader
from secondlaw.pipeline.settings import Settings
from secondlaw.pipeline.watch_cutting import how_cut, policy_of
from secondlaw.pipeline.watch_states import WatchState, read_watch_state

__all__ = ["Decided", "Watch"]

LOOKED_BACK = 400
"""Steps of a series that are kept to say what moved."""


@dataclass(frozen=True, slots=True)
class Decided:
    """A step that was closed, what the monitors said of it, and at a drift alarm what moved, by series."""

    step: StepCounts
    decisions: tuple[StreamDecision, ...]
    moved: Mapping[str, str] = field(default_factory=dict)


class Watch:
    """Monitors on the end of a log.

    Parameters
    ----------
    open_log : callable
        Takes the remembered place, or None, and gives the followed file or stream.
    reader : StepRowReader
        Labels what has no label; it leaves out the rows of other models.
    plan : MonitorPlan
    settings : Settings
        How steps are cut: rows_per_step, else the step that rows state, else `every`; lateness.
    bad_rows : Quarantine or None
        Where the reader's bad rows go: the state tells up to where, so that none is lost and none is there twice.
    state : Path or None
        Where the state is kept; None: nowhere.
    stride : int
        By how much stated steps grow.
    recent : int
        Closed steps of each stream and model that are kept for whoever shows them.

    Attributes
    ----------
    recent : dict of (str, str) to deque of Decided
        By stream and model.
    alarms : list of StreamDecision
        Raised since the start of this process.
    verdicts : dict of str to str
        The latest of every series, those before a restart included.
    resumed : bool
        Whether a state was gone on from.
    is_replayed : bool
        Whether a state was there that another version wrote, and that could not be gone on from.
    unplaced : int
        Rows since the start of this process without the step, or the time, by which the log is cut: in no step.

    Raises
    ------
    InvalidInput
        If the state is of a watch with other settings.
    FileFormatError
        If the state cannot be read.
    """

    def __init__(
        self,
        open_log: Callable[[Mapping[str, Any] | None], FollowedFile | FollowedStream],
        *,
        reader: StepRowReader,
        plan: MonitorPlan,
        settings: Settings,
        bad_rows: Quarantine | None = None,
        state: Path | None = None,
        stride: int = 1,
        recent: int = 60,
    ) -> None:
        self.plan = plan
        self.recent: dict[tuple[str, str], deque[Decided]] = {}
        self.alarms: list[StreamDecision] = []
        self.verdicts: dict[str, str] = {}
        self._past: dict[tuple[str, str], deque[StepCounts]] = {}
        self.resumed, self.is_replayed = False, False
        self.unplaced = 0
        self._kept, self._bad_rows = recent, bad_rows
        self._reader, self._settings, self._state, self._stride = reader, settings, state, stride
        self._cut = how_cut(settings, model=reader.model, stride=stride)
        self._builder: StepBuilder | None = None
        self.monitors = MonitorSet(plan)
        place = self._restore()
        self.log = open_log(place)

    @property
    def rows(self) -> int:
        """Rows that were taken so far, those before a restart included."""
        return 0 if self._builder is None else self._builder.tallies.rows

    @property
    def left_out(self) -> list[str]:
        """Which sound rows are in no count, in words, those before a restart included."""
        if self._builder is None:
            return []
        policy, scored = self._builder.policy, self.plan.score is not None
        return self._builder.tallies.words(scored=scored, rows_per_step=policy.rows)

    @property
    def replayed_words(self) -> str:
        """What a state of another version means, in one sentence; empty where there is none."""
        if not self.is_replayed:
            return ""
        again = "the log is read again from its beginning, and its alarms are told again"
        if isinstance(self.log, FollowedStream):
            again = "a new baseline is learnt from what comes"
        return f"another version wrote {self._state}, and this one cannot go on from it: {again}"

    @property
    def budget_words(self) -> list[str]:
        """What is promised of false alarms, and where a series alarms now."""
        budget = self.monitors.budget
        return [words for words in (budget["promise"], budget["threshold"]) if words]

    @property
    def bad(self) -> int:
        """Rows that could not be used, since the last start."""
        return self._reader.bad

    @property
    def notes(self) -> list[str]:
        """What whoever reads the decisions must know beside them."""
        without = [f"{self.unplaced} rows state no step, or no time, by which the log is cut: they are in no step"]
        return [*self.log.notes, *self.left_out, *(without if self.unplaced else []), *self._reader.warnings()]

    @property
    def waits_for_first_row(self) -> bool:
        """Whether there has been no row at all."""
        return self._builder is None

    def poll(self) -> tuple[list[Decided], bool]:
        """Take what has come; return the steps that it closed, and whether anything came."""
        found = self.log.poll()
        return self._take(found), bool(found)

    def advance(self, now: float) -> list[Decided]:
        """Say what time it is: windows that passed are closed, those without a row too, where steps are windows."""
        return [] if self._builder is None else self._decide(self._builder.advance(now))

    def end(self) -> list[Decided]:
        """Close what is open, since nothing more will come."""
        return [] if self._builder is None else self._decide(self._builder.end())

    def save(self) -> None:
        """Write the state; call it once what was decided has been handed on."""
        if self._state is None or (self._builder is None and not self.bad):
            return
        bad_rows = None if self._bad_rows is None else self._bad_rows.place
        place = self.log.position
        WatchState(self._cut, place, bad_rows, self._builder, self.monitors, self.verdicts).write(self._state)

    def _take(self, rows: Sequence[Row | BadRow]) -> list[Decided]:
        kept = self._reader.read(rows) if rows else []
        if not kept:
            return []
        if self._builder is None:
            policy = policy_of(self._settings, kept[0], stride=self._stride)
            width = len(self._reader.taxonomy.keys)
            self._builder = StepBuilder(policy, width=width, scored=self.plan.score is not None)
        kind = self._builder.policy.kind
        placed = [row for row in kept if kind == "rows" or (row.step if kind == "step" else row.time) is not None]
        self.unplaced += len(kept) - len(placed)  # one such row must not end a watch that runs for months
        return self._decide(self._builder.add_all(placed))

    def _decide(self, steps: Sequence[StepCounts]) -> list[Decided]:
        found = []
        for step in steps:
            past = self._past.setdefault((step.stream, step.model), deque(maxlen=LOOKED_BACK))
            past.append(step)
            said = tuple(self.monitors.observe(step))
            drifts = [each for each in said if each.decision.alarm and each.decision.verdict == "drifting"]
            one = Decided(step, said, {str(each.series): self._moved(each) for each in drifts})
            self.alarms += [said for said in one.decisions if said.decision.alarm]
            self.verdicts |= {str(said.series): said.decision.verdict for said in one.decisions}
            self.recent.setdefault((step.stream, step.model), deque(maxlen=self._kept)).append(one)
            found.append(one)
        return found

    def _moved(self, said: StreamDecision) -> str:
        """Say what moved up to an alarm; from the steps since the last start alone."""
        steps = list(self._past[said.series.stream, said.series.model])
        versions = [step.version for step in steps if step.n]
        steps = [step for step in steps if not step.n or step.version == versions[-1]]
        if self.plan.by is not None:
            steps = [step.part(self.plan.by, said.series.part) for step in steps]
        if self.plan.score is not None or len(steps) < self.plan.baseline_steps:
            return ""
        watched_from = steps[min(self.plan.baseline_steps, len(steps) - 1)].step
        _, attribution, sets = explained(
            steps,
            watched_from=watched_from,
            change_point_hint=said.decision.change_point,
            categories=self._reader.taxonomy.keys,
            rng=np.random.default_rng(self._settings.seed),
            level=self._settings.level,
        )
        return moved_words(attribution, sets)

    def _restore(self) -> Mapping[str, Any] | None:
        try:
            found = None if self._state is None else read_watch_state(self._state)
        except InvalidInput:  # the log has its steps: they are decided anew
            self.is_replayed = True
            return None
        if self._state is None or found is None:
            return None
        if (found.cut, found.monitors.plan) != (self._cut, self.plan):
            raise InvalidInput(
                f"{self._state} is of a watch with other settings; give the same ones, another --state, or begin anew "
                "with --fresh"
            )
        self._builder, self.monitors, self.verdicts = found.builder, found.monitors, dict(found.verdicts)
        self.monitors.name_categories(self.plan.categories)
        self.resumed = True
        if self._bad_rows is not None:
            self._bad_rows.resume(found.bad_rows)
        return found.place
