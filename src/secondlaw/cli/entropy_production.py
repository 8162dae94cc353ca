"""``secondlaw entropy-production``: a lower bound that held-out data support, from trajectories."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from secondlaw.cli.guard import guarded
from secondlaw.cli.options import Json, Level, Quiet, Report, Resamples, Seed

if TYPE_CHECKING:
    from secondlaw.trajectories.inference_results import Inference

__all__ = ["entropy_production"]

_READING = "Reading"
_NUMBERS = "Numbers"
_OUTPUT = "Output"


@guarded
def entropy_production(
    file: Annotated[
        Path,
        typer.Argument(help="Trajectories: .npy, .npz, CSV, Parquet, HDF5 or zarr; spikes as events with --bin."),
    ],
    estimator: Annotated[
        str,
        typer.Option(
            "--estimator",
            help="auto, maxent, tur, tur-log, plug-in, currents, neep, classifier, flips.",
            rich_help_panel=_NUMBERS,
        ),
    ] = "auto",
    dt: Annotated[
        float | None,
        typer.Option("--dt", help="Time between steps: values are then per unit of time.", rich_help_panel=_READING),
    ] = None,
    lag: Annotated[int, typer.Option("--lag", min=1, help="Steps of a transition.", rich_help_panel=_NUMBERS)] = 1,
    order: Annotated[
        int,
        typer.Option("--order", min=1, max=3, help="Variables that an observable combines.", rich_help_panel=_NUMBERS),
    ] = 2,
    window: Annotated[
        int,
        typer.Option(
            "--window", min=2, help="States of a window, for processes with memory; 2: steps.", rich_help_panel=_NUMBERS
        ),
    ] = 2,
    odd: Annotated[
        str | None,
        typer.Option(
            "--odd", help="Variables odd under time reversal, by commas: velocities.", rich_help_panel=_NUMBERS
        ),
    ] = None,
    blocks: Annotated[
        int,
        typer.Option(
            "--blocks", min=20, help="Stretches of few trajectories; longer than the memory.", rich_help_panel=_NUMBERS
        ),
    ] = 100,
    group: Annotated[
        str | None, typer.Option("--group", help="Column that names the trajectory.", rich_help_panel=_READING)
    ] = None,
    time: Annotated[
        str | None, typer.Option("--time", help="Column of time; gives --dt.", rich_help_panel=_READING)
    ] = None,
    columns: Annotated[
        str | None,
        typer.Option("--columns", help="Columns of variables, by commas; default: all.", rich_help_panel=_READING),
    ] = None,
    key: Annotated[
        str | None, typer.Option("--key", help="Array of a file that holds several.", rich_help_panel=_READING)
    ] = None,
    bin_width: Annotated[
        float | None,
        typer.Option("--bin", help="The file holds spikes (time, neuron); width of a bin.", rich_help_panel=_READING),
    ] = None,
    gaps: Annotated[
        Literal["refuse", "cut"],
        typer.Option("--gaps", help="Missing values or steps: refuse, or cut there.", rich_help_panel=_READING),
    ] = "refuse",
    lags: Annotated[
        str | None,
        typer.Option("--lags", help="More lags to fit, by commas (with --report: 2,4,8).", rich_help_panel=_NUMBERS),
    ] = None,
    orders: Annotated[
        bool | None,
        typer.Option(
            "--orders/--no-orders", help="Also fit lower orders (default with --report).", rich_help_panel=_NUMBERS
        ),
    ] = None,
    truth: Annotated[
        Path | None,
        typer.Option("--truth", help="True couplings, (N, N) .npy, for the report.", rich_help_panel=_OUTPUT),
    ] = None,
    exact: Annotated[
        float | None, typer.Option("--exact", help="Known value, drawn in the report.", rich_help_panel=_OUTPUT)
    ] = None,
    as_json: Json = False,
    report: Report = None,
    quiet: Quiet = False,
    level: Level = None,
    resamples: Resamples = None,
    seed: Seed = None,
) -> None:
    """Infer a lower bound on the entropy production of a process from recorded trajectories.

    The value comes from held-out rows; its interval from resampled trajectories or stretches; a p-value from random
    sign flips. A rate per unit of time if --dt or --time is given, else nats a step. A value of 0 does not show
    reversibility. Exit code 12 where data are too few, missing, or never move.
    """
    from secondlaw.cli.output import check_outputs, print_json
    from secondlaw.cli.progress import progress_bars
    from secondlaw.pipeline.inferring import infer, true_couplings
    from secondlaw.pipeline.settings import load_settings
    from secondlaw.trajectories import read_recording
    from secondlaw.trajectories.methods import Asked

    check_outputs(report)
    settings = load_settings(level=level, resamples=resamples, seed=seed)
    more = _numbers(lags) if lags is not None else ((2, 4, 8) if report is not None and window == 2 else ())
    asked = Asked(order=order, lag=lag, window=window, odd=_names(odd), level=settings.level,
                  resamples=settings.resamples, blocks=blocks)  # fmt: skip
    recording = read_recording(
        file, key=key, variables=_names(columns), group=group, time=time, dt=dt, bin_width=bin_width, gaps=gaps
    )
    if truth is not None:
        recording = true_couplings(recording, truth)
    with progress_bars(quiet=quiet) as bars:
        found = infer(
            recording, source=str(file), estimator=estimator, asked=asked, seed=settings.seed,
            orders=orders if orders is not None else report is not None, lags=more, progress=bars("fitting"),
        )  # fmt: skip
    if report is not None:
        _write_report(found, report, exact)
    if as_json:
        print_json({"schema": "secondlaw/entropy-production/1", **found.to_dict()})
        return
    from rich.console import Console

    from secondlaw.reports.inference_text import render_inference_text

    Console().print(render_inference_text(found))
    if report is not None:
        typer.echo(f"report: {report}")


def _names(said: str | None) -> tuple[str, ...]:
    return () if said is None else tuple(one.strip() for one in said.split(",") if one.strip())


def _numbers(said: str) -> tuple[int, ...]:
    from secondlaw.errors import InvalidInput

    try:
        found = tuple(int(one) for one in _names(said))
    except ValueError:
        raise InvalidInput(f"--lags are whole numbers of steps with commas between, got {said!r}") from None
    if any(one < 1 for one in found):
        raise InvalidInput(f"--lags are 1 or more, got {said!r}")
    return found


def _write_report(found: "Inference", report: Path, exact: float | None) -> None:
    from datetime import UTC, datetime

    import secondlaw
    from secondlaw.reports.inference_page import write_inference_page

    write_inference_page(found, report, created=datetime.now(UTC), version=secondlaw.__version__, exact=exact)
