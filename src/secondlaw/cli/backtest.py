"""``secondlaw backtest``: what would have alarmed, when, at which budget; and how soon a known drift would be found."""

from typing import Annotated

import typer

from secondlaw.cli.guard import guarded
from secondlaw.cli.monitor_options import (
    Alpha,
    Baseline,
    Bounds,
    By,
    Delta,
    DetectorName,
    Lateness,
    PromiseName,
    RowsPerStep,
    Score,
    Streams,
    Tolerances,
    Watch,
)
from secondlaw.cli.options import (
    AssumeUtc,
    BadRows,
    ClassifierName,
    Engine,
    Every,
    FileFormat,
    Json,
    Level,
    MaxBad,
    Partial,
    Quiet,
    Report,
    Seed,
    TaxonomyName,
    Unfinished,
    Workers,
)

__all__ = ["backtest"]

_TRIALS = "Known drifts"
_STEPS = "Steps"


@guarded
def backtest(
    file: Annotated[
        str,
        typer.Argument(
            metavar="FILE", help="JSONL, CSV, Parquet or Inspect log; FILE#MODEL for one model; - for stdin."
        ),
    ],
    inject: Annotated[
        str | None,
        typer.Option(
            help="Drift to try, such as '0.05 g1->g2': 5 points of all responses move; for a score '+0.05'.",
            rich_help_panel=_TRIALS,
        ),
    ] = None,
    ramp: Annotated[int, typer.Option(help="Steps over which it grows; 1 is at once.", rich_help_panel=_TRIALS)] = 1,
    inject_at: Annotated[
        int | None,
        typer.Option(help="Watched steps before it begins (default: random, up to 50).", rich_help_panel=_TRIALS),
    ] = None,
    horizon: Annotated[int, typer.Option(help="Steps it is watched.", min=1, rich_help_panel=_TRIALS)] = 200,
    runs: Annotated[int, typer.Option(help="Resampled runs.", min=20, rich_help_panel=_TRIALS)] = 200,
    block: Annotated[
        int | None,
        typer.Option(
            help="Steps drawn together (default: cube root of the quiet steps).", min=1, rich_help_panel=_TRIALS
        ),
    ] = None,
    budgets: Annotated[
        str | None,
        typer.Option(help="Other budgets to compare (default: .01,.001,.0001).", rich_help_panel=_TRIALS),
    ] = None,
    detector: DetectorName = None,
    watch: Watch = None,
    promise: PromiseName = None,
    alpha: Alpha = None,
    delta: Delta = None,
    baseline: Baseline = None,
    tolerance: Tolerances = None,
    by: By = None,
    streams: Streams = 1,
    score: Score = None,
    bounds: Bounds = None,
    restarts: Annotated[
        bool,
        typer.Option("--restarts", help="Watch on after an alarm, in a fresh run.", rich_help_panel="Watching"),
    ] = False,
    rows_per_step: RowsPerStep = None,
    mix_rows: Annotated[
        bool,
        typer.Option(
            "--mix-rows",
            help="With --rows-per-step: put the rows of a stated step in random order first.",
            rich_help_panel=_STEPS,
        ),
    ] = False,
    as_arrived: Annotated[
        bool,
        typer.Option(
            "--as-arrived",
            help="Take rows in the order of the file, as a live watch would (default: sorted by step or time).",
            rich_help_panel=_STEPS,
        ),
    ] = False,
    lateness: Lateness = None,
    every: Every = None,
    engine: Engine = None,
    classifier: ClassifierName = None,
    taxonomy: TaxonomyName = None,
    max_bad: MaxBad = None,
    bad_rows: BadRows = None,
    assume_utc: AssumeUtc = None,
    file_format: FileFormat = None,
    partial: Partial = False,
    unfinished: Unfinished = False,
    level: Level = None,
    seed: Seed = None,
    workers: Workers = None,
    report: Report = None,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Replay a recorded log through the monitors: what would have alarmed, when, and at which budget.

    Every alarm comes with when it began and what moved. The log's quiet steps, drawn anew in blocks, tell how many
    false alarms a budget costs and how soon a drift of known size is found.

    Exit codes: 0 no alarm, 10 drift alarm or another classifier, 12 missing data or too short a baseline.
    """
    from secondlaw.cli.monitor_options import score_field, tolerances
    from secondlaw.cli.output import check_outputs, show, write_html
    from secondlaw.cli.progress import progress_bars
    from secondlaw.drift.injection_trials import TrialSettings
    from secondlaw.errors import InvalidInput
    from secondlaw.pipeline.backtesting import ALPHAS, BacktestOptions
    from secondlaw.pipeline.backtesting import backtest as replay
    from secondlaw.pipeline.inputs import parse_source
    from secondlaw.pipeline.settings import load_settings
    from secondlaw.reports.backtest_page import render_backtest_page
    from secondlaw.reports.backtest_text import render_backtest

    check_outputs(report, bad_rows)
    if inject is None and (inject_at is not None or ramp != 1):
        raise InvalidInput("--inject-at and --ramp say how a drift begins: name it with --inject '0.05 g1->g2'")
    if inject_at is not None and inject_at < 0:
        raise InvalidInput(f"a drift begins 0 or more watched steps after the baseline, got --inject-at {inject_at}")
    if lateness is not None and not as_arrived:
        raise InvalidInput(f"--lateness {lateness} goes with --as-arrived: in a log that is sorted no row is late")
    settings = load_settings(
        monitor_detector=detector, monitor_watch=watch, monitor_promise=promise, monitor_alpha=alpha,
        monitor_delta=delta, monitor_baseline=baseline, monitor_tolerance=tolerances(tolerance), monitor_by=by,
        rows_per_step=rows_per_step, lateness=lateness, every=every, engine=engine, taxonomy=taxonomy, max_bad=max_bad,
        assume_utc=assume_utc, level=level, seed=seed, workers=workers,
    )  # fmt: skip
    options = BacktestOptions(
        score=score_field(score, bounds),
        streams=streams,
        inject=inject,
        ramp=ramp,
        alphas=ALPHAS if budgets is None else _alphas(budgets),
        trials=TrialSettings(runs=runs, horizon=horizon, begin=inject_at, block=block),
        restarts=restarts,
        classifier=classifier,
        file_format=file_format,
        bad_rows=bad_rows,
        partial=partial,
        unfinished=unfinished,
        as_arrived=as_arrived,
        mix_rows=mix_rows,
    )
    with progress_bars(quiet=quiet or as_json) as progress:
        found = replay(parse_source(file), settings, options, progress=progress)
    write_html(found, render_backtest_page, report)
    show(found, render_backtest, as_json=as_json, written={"report": report})
    raise typer.Exit(found.exit_code)


def _alphas(stated: str) -> tuple[float, ...]:
    from secondlaw.cli.comma_lists import numbers
    from secondlaw.errors import InvalidInput

    found = numbers(stated)
    if not found or not all(0.0 < alpha < 1.0 for alpha in found):
        raise InvalidInput(f"budgets are numbers between 0 and 1, such as .01,.001, got {stated!r}")
    return found
