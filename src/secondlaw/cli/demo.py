"""``secondlaw demo``: the main job on a recorded run of a real model, or on a small one sampled now."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from secondlaw.cli.guard import guarded
from secondlaw.cli.options import Json, Quiet, Seed, Workers
from secondlaw.cli.service_store import open_service_store, require_service

if TYPE_CHECKING:
    from secondlaw.pipeline.settings import Settings

__all__ = ["demo"]

REPLAY_STEPS = 1000


@guarded
def demo(
    report: Annotated[Path, typer.Option("--report", help="Where the HTML report goes.")] = Path("secondlaw-demo.html"),
    live: Annotated[
        bool, typer.Option("--live", help="Sample a small run from the local model first (extra local-model).")
    ] = False,
    serve: Annotated[
        bool,
        typer.Option("--serve", help="End in the service with its dashboard, on this run and on simulated streams."),
    ] = False,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port of the dashboard.")] = 8321,
    as_json: Json = False,
    quiet: Quiet = False,
    seed: Seed = None,
    workers: Workers = None,
) -> None:
    """Measure a real language model, plain (base) and with an aligned preamble (tuned), under growing pressure.

    The responses were recorded with `secondlaw sample` from gemma-3-270m on an ordinary machine. They are classified,
    measured and compared now; the report shows the result.
    """
    from secondlaw.cli.output import show_measurement
    from secondlaw.cli.progress import progress_bars
    from secondlaw.pipeline.inputs import Source
    from secondlaw.pipeline.live_demo import recorded_run, sample_live
    from secondlaw.pipeline.measuring import MeasureOptions
    from secondlaw.pipeline.runs import measure_sources
    from secondlaw.pipeline.settings import load_settings

    if serve:
        require_service()
    settings = load_settings(seed=seed, workers=workers)
    with progress_bars(quiet=quiet or as_json) as progress:
        if live:
            path = sample_live(report.with_suffix(".jsonl"), seed=settings.seed, progress=progress)
        else:
            path = recorded_run()
        if not as_json:
            typer.echo(f"measuring {path.name}: a base model against the same model with an aligned preamble")
        measured = measure_sources(
            [Source(str(path))],
            settings,
            MeasureOptions.of(settings, replay_steps=REPLAY_STEPS),
            bad_rows=report.with_suffix(".bad.jsonl"),
            name=path.name,
            progress=progress,
        )
    show_measurement(measured, as_json=as_json, report=report, examples=True)
    if serve:
        _serve(path, report.with_suffix(".db"), port, settings)


def _serve(path: Path, database: Path, port: int, settings: "Settings") -> None:
    """Show the run, and simulated streams, in the dashboard."""
    from datetime import UTC, datetime

    import numpy as np

    from secondlaw.service.demonstration import DEMO_MONITOR, fill_with_recorded, fill_with_simulated
    from secondlaw.service.serving import run_service
    from secondlaw.service.settings import load_service_settings

    for old in (database, Path(f"{database}-wal"), Path(f"{database}-shm")):
        old.unlink(missing_ok=True)
    service = load_service_settings(store=f"sqlite:///{database}", port=port, monitor=DEMO_MONITOR)
    with open_service_store(service) as store:
        sent = fill_with_recorded(store, path)
        fill_with_simulated(store, now=datetime.now(UTC), rng=np.random.default_rng(settings.seed))
        typer.echo(f"{sent} recorded responses wait to be labelled; beside them three simulated streams")
        typer.echo(f"dashboard: http://127.0.0.1:{port} (Ctrl-C ends it)")
        run_service(store, service, settings, log_level="warning")
