"""``secondlaw entropy-production``: a lower bound that held-out data support, from trajectories."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from secondlaw.cli.guard import guarded
from secondlaw.cli.options import Json, Level, Quiet, Report, Resamples, Seed

__all__ = ["entropy_production"]

_READING = "Reading"
_NUMBERS = "Numbers"
_FIELD = "Currents of a diffusion"
_DISCRETE = "States and jumps"
_OUTPUT = "Output"


@guarded
def entropy_production(
    file: Annotated[
        Path,
        typer.Argument(
            help="Trajectories: .npy, .npz, CSV, Parquet, HDF5, zarr; spikes as events with --bin, jumps with --jumps."
        ),
    ],
    estimator: Annotated[
        str,
        typer.Option(
            "--estimator",
            help="auto (says why it took what it did), maxent, tur, tur-log, plug-in, currents, linear-model, neep, "
            "classifier, logistic, flips, jumps, waiting-times.",
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
    penalty: Annotated[
        Literal["ridge", "l1"],
        typer.Option(
            "--penalty",
            help="What holds parameters back; l1 where few of many observables matter.",
            rich_help_panel=_NUMBERS,
        ),
    ] = "ridge",
    memory: Annotated[
        str,
        typer.Option(
            "--memory",
            help="Steps of memory of plug-in: 1, 2, ... or auto, by held-out likelihood.",
            rich_help_panel=_DISCRETE,
        ),
    ] = "1",
    edges: Annotated[
        str | None,
        typer.Option(
            "--edges",
            help="Visible jumps for waiting-times, as a:b,b:c; both directions. Default: all.",
            rich_help_panel=_DISCRETE,
        ),
    ] = None,
    bins: Annotated[int, typer.Option("--bins", min=1, help="Bins of waiting times.", rich_help_panel=_DISCRETE)] = 6,
    basis: Annotated[
        Literal["linear", "polynomial", "radial", "network"],
        typer.Option(
            "--basis",
            help="Of the field; linear suits linear dynamics alone, network needs torch.",
            rich_help_panel=_FIELD,
        ),
    ] = "linear",
    degree: Annotated[
        int | None,
        typer.Option("--degree", min=0, max=9, help="Of a polynomial field, 3 by default.", rich_help_panel=_FIELD),
    ] = None,
    diffusion: Annotated[
        Literal["constant", "state"],
        typer.Option("--diffusion", help="Whether the noise depends on the state.", rich_help_panel=_FIELD),
    ] = "constant",
    periods: Annotated[
        str | None,
        typer.Option(
            "--periods",
            help="Variables that wrap around, with their periods: angle=2pi,phase=1.",
            rich_help_panel=_FIELD,
        ),
    ] = None,
    time_degree: Annotated[
        int | None,
        typer.Option(
            "--time-degree",
            min=0,
            help="Protocols: degree of the field in time; 20 or more realisations.",
            rich_help_panel=_FIELD,
        ),
    ] = None,
    stencil: Annotated[
        int,
        typer.Option(
            "--stencil",
            min=1,
            max=2,
            help="2: no term of first order in dt, for coarse steps.",
            rich_help_panel=_FIELD,
        ),
    ] = 1,
    measurement_noise: Annotated[
        bool,
        typer.Option("--measurement-noise", help="Allow for errors of measurement.", rich_help_panel=_FIELD),
    ] = False,
    blocks: Annotated[
        int,
        typer.Option(
            "--blocks", min=20, help="Stretches of few trajectories; longer than the memory.", rich_help_panel=_NUMBERS
        ),
    ] = 100,
    group: Annotated[
        str | None, typer.Option("--group", help="Column or axis that names the trajectory.", rich_help_panel=_READING)
    ] = None,
    time: Annotated[
        str | None, typer.Option("--time", help="Column or axis of time; gives --dt.", rich_help_panel=_READING)
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
    jumps: Annotated[
        bool,
        typer.Option(
            "--jumps", help="One row a jump: the time, and the state that is entered.", rich_help_panel=_READING
        ),
    ] = False,
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
    device: Annotated[
        str | None,
        typer.Option(
            "--device", help="cuda or cpu in torch, for flips and for --basis network.", rich_help_panel=_NUMBERS
        ),
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
    from secondlaw.cli.comma_lists import names
    from secondlaw.cli.entropy_settings import asked_edges, asked_field, asked_lags, asked_memory
    from secondlaw.cli.output import check_outputs, show, write_html
    from secondlaw.cli.progress import progress_bars
    from secondlaw.pipeline.inferring import infer, true_couplings
    from secondlaw.pipeline.settings import load_settings
    from secondlaw.reports.inference_page import render_inference_page
    from secondlaw.reports.inference_text import render_inference_text
    from secondlaw.trajectories import read_recording
    from secondlaw.trajectories.asked import Asked

    check_outputs(report)
    settings = load_settings(level=level, resamples=resamples, seed=seed)
    more = asked_lags(lags) if lags is not None else ((2, 4, 8) if report is not None and window == 2 else ())
    field = asked_field(
        basis=basis, degree=degree, diffusion=diffusion, time_degree=time_degree, stencil=stencil,
        measurement_noise=measurement_noise, periods=periods,
    )  # fmt: skip
    asked = Asked(
        order=order, lag=lag, window=window, odd=names(odd), penalty=penalty, memory=asked_memory(memory), field=field,
        edges=asked_edges(edges), bins=bins, device=device, level=settings.level, resamples=settings.resamples,
        blocks=blocks,
    )  # fmt: skip
    recording = read_recording(
        file, key=key, variables=names(columns), group=group, time=time, dt=dt, bin_width=bin_width, jumps=jumps,
        gaps=gaps,
    )  # fmt: skip
    recording = recording if truth is None else true_couplings(recording, truth)
    with progress_bars(quiet=quiet) as bars:
        found = infer(
            recording, source=str(file), estimator=estimator, asked=asked, seed=settings.seed,
            orders=orders if orders is not None else report is not None, lags=more, progress=bars("fitting"),
        )  # fmt: skip
    write_html(found, render_inference_page, report, exact=exact)
    schema = "secondlaw/entropy-production/1"
    show(found, render_inference_text, as_json=as_json, written={"report": report}, schema=schema)
