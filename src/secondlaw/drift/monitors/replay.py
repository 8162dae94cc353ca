"""Replay of recorded streams through the betting monitor: the decisions of ``update``, many streams at a time.

Both use the same operations in the same order, element by element, so that evidence agrees bit for bit. Streams whose
every step holds enough responses for a bet go through together; a stream with empty or small steps is handed to
``update`` itself.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from secondlaw.drift.monitors import verdicts
from secondlaw.drift.monitors.baseline import gains, learn_baseline, standardised
from secondlaw.drift.monitors.bets import Bets, seed_capital
from secondlaw.drift.monitors.betting import BettingMonitor
from secondlaw.drift.monitors.decision import Decision
from secondlaw.drift.monitors.settings import BettingSettings
from secondlaw.errors import InvalidInput, NotEnoughData

__all__ = ["BettingReplay", "replay_betting"]

Floats = NDArray[np.float64]
STREAMS, STEPS = 256, 256  # a block's arrays stay in the processor's cache


@dataclass(frozen=True, slots=True)
class BettingReplay:
    """What the monitor would have said of recorded streams.

    Parameters
    ----------
    settings : BettingSettings
    steps : int
        Steps of every stream; numbered from 0.
    log_evidence : array (streams, steps)
        -inf while the baseline is learnt.
    alarm : array of bool (streams, steps)
        Drift alarms, one where each run's evidence first reached its threshold.
    leader : array of int (streams, steps)
        Index of the score with most evidence.
    begin : array of int (streams, steps)
        Where a drift that the leader shows probably began.
    updated : mapping of int to tuple of Decision
        Streams that went through ``update``, with all that it said.
    """

    settings: BettingSettings
    steps: int
    log_evidence: Floats
    alarm: NDArray[np.bool_]
    leader: NDArray[np.int16]
    begin: NDArray[np.int32]
    sizes: NDArray[np.int64]
    updated: dict[int, tuple[Decision, ...]]

    @property
    def first_alarm(self) -> NDArray[np.int64]:
        """Step of each stream's first drift alarm, -1 where there was none."""
        return np.where(self.alarm.any(axis=1), self.alarm.argmax(axis=1), -1)

    def decisions(self, stream: int = 0) -> tuple[Decision, ...]:
        """Return what ``update`` would have said at every step of a stream."""
        if stream in self.updated:
            return self.updated[stream]
        settings, out = self.settings, []
        learnt, run = settings.baseline_steps, 1
        since: int | None = None
        change_point: int | None = None
        for step in range(self.steps):
            size, threshold = int(self.sizes[stream, step]), -math.log(settings.alpha_of_run(run))
            if step < learnt:
                out.append(verdicts.learning(step, size, step + 1, threshold, settings))
                continue
            if since is not None and settings.restarts:
                run, since, change_point = run + 1, None, None
                threshold = -math.log(settings.alpha_of_run(run))
            if self.alarm[stream, step]:
                since, change_point = step, int(self.begin[stream, step])
            evidence = float(self.log_evidence[stream, step])
            score = settings.scores[self.leader[stream, step]].name
            out.append(verdicts.monitored(step, size, evidence, threshold, since, score, change_point))
        return tuple(out)


def replay_betting(counts: ArrayLike, settings: BettingSettings) -> BettingReplay:
    """Replay streams of counts.

    Parameters
    ----------
    counts : array (streams, steps, K) or (steps, K)
        Counts by category. The first ``settings.baseline_steps`` steps of each stream are its baseline. For a score of
        values, pass what :func:`~secondlaw.drift.monitors.steps.step_counts` makes of each step.
    settings : BettingSettings

    Returns
    -------
    BettingReplay

    Raises
    ------
    NotEnoughData
        If the streams have no step after the baseline.
    InvalidInput
        If counts are negative, not whole, or do not fit the scores.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> quiet = rng.multinomial(100, [0.9, 0.1], size=(20, 150))
    >>> found = replay_betting(quiet, BettingSettings.standard([False, True]))
    >>> found.first_alarm.max(), found.decisions(3)[-1].verdict
    (np.int64(-1), 'quiet')
    """
    found = np.asarray(counts)
    if found.ndim == 2:
        found = found[None]
    _check(found, settings)
    streams, steps, _ = found.shape
    sizes = found.sum(axis=2)
    out = BettingReplay(
        settings,
        steps,
        np.full((streams, steps), -math.inf),
        np.zeros((streams, steps), dtype=np.bool_),
        np.zeros((streams, steps), dtype=np.int16),
        np.zeros((streams, steps), dtype=np.int32),
        np.rint(sizes).astype(np.int64),
        {},
    )
    regular = _regular(sizes.astype(np.float64), settings)
    together = np.flatnonzero(regular)
    for start in range(0, len(together), STREAMS):
        some = together[start : start + STREAMS]
        _replay_block(np.ascontiguousarray(found[some].transpose(1, 2, 0), dtype=np.float64), some, out)
    for stream in np.flatnonzero(~regular):
        _replay_updates(found[stream], int(stream), out)
    return out


def _check(counts: NDArray[np.generic], settings: BettingSettings) -> None:
    if counts.ndim != 3 or counts.shape[2] < 2:
        raise InvalidInput(f"a replay takes counts (streams, steps, categories), got an array of shape {counts.shape}")
    if counts.shape[1] <= settings.baseline_steps:
        raise NotEnoughData(
            f"a replay needs steps after the baseline of {settings.baseline_steps}, got {counts.shape[1]} in all"
        )
    whole = np.issubdtype(counts.dtype, np.integer) or settings.bounds is not None
    numbers = counts.astype(np.float64, copy=False)
    if (
        not (numbers >= 0).all()
        or not np.isfinite(numbers).all()
        or not (whole or (numbers == np.floor(numbers)).all())
    ):
        raise InvalidInput("counts are whole numbers of 0 or more: a replay got a negative or broken one")


def _regular(sizes: Floats, settings: BettingSettings) -> NDArray[np.bool_]:
    """Say which streams' every step holds enough responses for a bet."""
    if settings.step_size is not None:
        return np.asarray((sizes >= settings.step_size).all(axis=1))
    half = np.ceil(np.median(sizes[:, : settings.baseline_steps], axis=1, keepdims=True) / 2.0)
    return np.asarray((sizes >= np.maximum(half, 1.0)).all(axis=1))


def _replay_block(counts: Floats, some: NDArray[np.intp], out: BettingReplay) -> None:
    """Replay regular streams, counts (steps, K, streams)."""
    settings = out.settings
    learnt, streams = settings.baseline_steps, len(some)
    baseline = learn_baseline(counts[:learnt], settings)
    bets = Bets(settings, streams)
    seeds = np.array([seed_capital(bet, settings) for bet in range(1, out.steps - learnt + 1)])
    bet, run = np.zeros(streams, dtype=np.intp), np.ones(streams, dtype=np.intp)
    threshold = np.full(streams, -math.log(settings.alpha_of_run(1)))
    drifting, columns = np.zeros(streams, dtype=np.bool_), np.arange(streams)
    for start in range(learnt, out.steps, STEPS):
        clipped = standardised(counts[start : start + STEPS], baseline)
        evidence = np.empty((len(clipped), streams))
        alarms = np.zeros((len(clipped), streams), dtype=np.bool_)
        leaders, begins = np.empty_like(alarms, dtype=np.int16), np.empty_like(alarms, dtype=np.int32)
        for i, z in enumerate(clipped):
            if settings.restarts and drifting.any():
                bets.restart(drifting)
                run[drifting] += 1
                bet[drifting] = 0
                threshold[drifting] = [-math.log(settings.alpha_of_run(int(one))) for one in run[drifting]]
                drifting[:] = False
            parts = bets.take(
                gains(z, baseline), baseline.weight, seeds[bet], float(start + i), earlier=baseline.doubts
            )
            bet += 1
            np.log(parts.cumsum(axis=0)[-1], out=evidence[i])
            leaders[i] = leader = parts.argmax(axis=0)
            begins[i] = bets.begin[leader, columns]
            np.greater(evidence[i] >= threshold, drifting, out=alarms[i])
            drifting |= alarms[i]
        at = slice(start, start + len(clipped))
        out.log_evidence[some, at], out.alarm[some, at] = evidence.T, alarms.T
        out.leader[some, at], out.begin[some, at] = leaders.T, begins.T


def _replay_updates(counts: NDArray[np.generic], stream: int, out: BettingReplay) -> None:
    monitor = BettingMonitor(out.settings)
    decisions = tuple(monitor.update_counts(row) for row in np.asarray(counts, dtype=np.float64))
    names = [score.name for score in out.settings.scores]
    for step, decision in enumerate(decisions):
        out.log_evidence[stream, step] = decision.log_evidence
        out.alarm[stream, step] = decision.alarm and decision.verdict == "drifting"
        out.leader[stream, step] = 0 if decision.score is None else names.index(decision.score)
        out.begin[stream, step] = decision.change_point or 0
    out.updated[stream] = decisions
