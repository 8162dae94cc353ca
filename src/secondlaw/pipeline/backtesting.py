"""The whole way of a backtest: read, cut, replay, explain, and try known drifts on resampled history."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import numpy as np

from secondlaw.behavior import load_taxonomy
from secondlaw.drift.injection import Injection, parse_injection
from secondlaw.drift.injection_results import Trials
from secondlaw.drift.injection_trials import TrialSettings
from secondlaw.drift.monitoring_history import histories
from secondlaw.drift.monitoring_plan import MonitorPlan, ScoreField
from secondlaw.drift.monitoring_replay import replay_steps, split_series
from secondlaw.drift.monitoring_results import Backtest, SeriesHistory
from secondlaw.drift.step_counts import StepCounts
from secondlaw.errors import InvalidInput, NotEnoughData
from secondlaw.formats import Format
from secondlaw.pipeline.backtest_budgets import budgets_tried
from secondlaw.pipeline.monitoring import plan_of
from secondlaw.pipeline.monitoring_files import RecordedSteps, read_steps
from secondlaw.pipeline.settings import Settings
from secondlaw.pipeline.sources import Source
from secondlaw.types import Insufficient

__all__ = ["ALPHAS", "BacktestOptions", "backtest"]

ALPHAS = (1e-2, 1e-3, 1e-4)
"""Budgets that are compared, beside the plan's own."""
CLUSTERED = 1.5
"""Design effect of a step from which its responses are not taken as independent."""
MANY_STEPS = 50
"""Quiet steps from which resampled runs differ enough from each other."""
Progress = Callable[[str], Callable[[int, int], None]]


@dataclass(frozen=True, slots=True)
class BacktestOptions:
    """What a backtest does beside the settings.

    Parameters
    ----------
    score : ScoreField or None
    streams : int
        See :class:`~secondlaw.drift.monitoring_plan.MonitorPlan`.
    inject : str or None
        A drift as :func:`~secondlaw.drift.injection.parse_injection` reads it.
    ramp : int
        Steps over which it grows.
    alphas : tuple of float
        Budgets beside that of the settings.
    trials : TrialSettings
    restarts : bool
    classifier, file_format, bad_rows, partial, unfinished, as_arrived, mix_rows
        See :func:`~secondlaw.pipeline.monitoring_files.read_steps`.
    """

    score: ScoreField | None = None
    streams: int = 1
    inject: str | None = None
    ramp: int = 1
    alphas: tuple[float, ...] = ALPHAS
    trials: TrialSettings = field(default_factory=TrialSettings)
    restarts: bool = False
    classifier: str | None = None
    file_format: Format | None = None
    bad_rows: Path | None = None
    partial: bool = False
    unfinished: bool = False
    as_arrived: bool = False
    mix_rows: bool = False


def backtest(
    source: Source, settings: Settings, options: BacktestOptions, *, progress: Progress | None = None
) -> Backtest:
    """Replay a log through its monitors, and try known drifts on its quiet steps drawn anew.

    Parameters
    ----------
    source : Source
    settings : Settings
    options : BacktestOptions
    progress : callable, optional

    Returns
    -------
    Backtest

    Raises
    ------
    NotEnoughData
        If there is no row, or no series has a step after its baseline.
    InvalidInput
        If settings do not go together, or the drift cannot be injected.
    """
    taxonomy = load_taxonomy(settings.taxonomy)
    plan = plan_of(settings, taxonomy, streams=options.streams, score=options.score, restarts=options.restarts)
    wanted = _injection(options, taxonomy.keys)
    recorded = read_steps(
        source,
        settings,
        score=options.score,
        classifier=options.classifier,
        file_format=options.file_format,
        bad_rows=options.bad_rows,
        partial=options.partial,
        unfinished=options.unfinished,
        as_arrived=options.as_arrived,
        mix_rows=options.mix_rows,
        progress=progress,
    )
    steps = list(recorded.steps)
    lengths = {str(one.key): len(one.steps) for one in split_series(steps, plan)}
    _refuse_short(lengths, plan, source.path)
    said = replay_steps(steps, plan)
    keys = taxonomy.keys
    rng = np.random.default_rng([settings.seed, 3])
    series = histories(steps, said, plan, categories=keys, rng=rng, level=settings.level)
    trials = replace(options.trials, level=settings.level)
    budgets, tried = budgets_tried(
        series, steps, said, plan, wanted=wanted, alphas=options.alphas, trials=trials, categories=keys,
        seed=settings.seed, advance=progress("resampling") if progress else None,
    )  # fmt: skip
    return Backtest(
        source=source.path,
        taxonomy=taxonomy,
        plan=plan,
        steps_are=_words(recorded),
        rows=_rows(recorded),
        series=series,
        budgets=budgets,
        trials=tried,
        warnings=(*recorded.warnings, *_warnings(series, plan, steps), *_thin(tried)),
        seed=settings.seed,
        level=settings.level,
    )


def _injection(options: BacktestOptions, keys: Sequence[str]) -> Injection | None:
    if options.inject is None:
        return None
    wanted = parse_injection(options.inject, keys, ramp=options.ramp)
    if (wanted.source is None) != (options.score is not None):
        said = "a score is watched: write '+0.05'" if options.score else "categories are watched: write '0.05 g1->g2'"
        raise InvalidInput(f"{said}, got {options.inject!r}")
    return wanted


def _refuse_short(lengths: dict[str, int], plan: MonitorPlan, path: str) -> None:
    needed = {"adwin": 0, "paper": 1}.get(plan.detector, plan.baseline_steps)
    if not lengths or max(lengths.values()) > needed:
        return
    longest = max(lengths, key=lambda name: lengths[name])
    raise NotEnoughData(
        f"{path}: the longest series, {longest}, has {lengths[longest]} steps, the baseline takes "
        f"{plan.baseline_steps}: nothing is left to watch; give a longer log, smaller steps (--rows-per-step, --every) "
        "or a shorter --baseline (20 at least)"
    )


def _words(recorded: RecordedSteps) -> str:
    policy = recorded.policy
    if policy.kind == "rows":
        return f"{policy.rows} responses each"
    if policy.kind == "time":
        return f"windows of {policy.every:,} seconds"
    return "the steps that rows state" + (f", one in {policy.stride}" if policy.stride > 1 else "")


def _rows(recorded: RecordedSteps) -> dict[str, int]:
    return {
        "read": recorded.read,
        "bad": recorded.bad,
        **{name: n for name, n in asdict(recorded.tallies).items() if name != "rows"},
        "labelled": recorded.labelled,
        "out_of_order": recorded.out_of_order,
    }


def _thin(tried: Trials | Insufficient | None) -> list[str]:
    if not isinstance(tried, Trials) or tried.pool >= MANY_STEPS:
        return []
    return [
        f"resampled runs come from {tried.pool} quiet steps alone: what they say of false alarms and delays is rough; "
        f"{MANY_STEPS} or more are better"
    ]


def _warnings(series: Sequence[SeriesHistory], plan: MonitorPlan, steps: Sequence[StepCounts]) -> list[str]:
    said = []
    if not plan.is_guaranteed:
        said.append(f"{plan.promise_words}: its alarms are no evidence of drift at any stated level")
    if plan.detector == "universal":
        clustered = [str(one.key) for one in series if one.dispersion > CLUSTERED]
        if clustered:
            said.append(
                f"responses of one step resemble each other in {', '.join(clustered[:3])}: the promise of the "
                "universal detector holds for independent responses alone; use betting"
            )
    short = [str(one.key) for one in series if not one.watched]
    if short:
        said.append(f"never watched, all steps went into the baseline: {', '.join(short[:5])}")
    outside = sum(step.outside for step in steps)
    counted = sum(step.n for step in steps) + outside
    if outside:
        said.append(
            f"{outside:,} of {counted:,} responses are outside the categories and in no count that is watched "
            f"({100 * outside / counted:.1f} %)"
        )
    return said
