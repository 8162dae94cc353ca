"""``secondlaw simulate``: the models of goals under noise, gaming and alignment work."""

from pathlib import Path
from typing import Annotated

import typer

from secondlaw.cli.guard import guarded
from secondlaw.cli.options import Json, Level, Quiet, Report, Seed, option

__all__ = ["simulate"]

_RUN, _PUBLISHED, _GOALS = "Run", "Model published", "Models diffusion and random-energy"


@guarded
def simulate(
    model: Annotated[str | None, typer.Option("--model", help="published, diffusion or random-energy.")] = None,
    settings: Annotated[
        Path | None, typer.Option("--settings", help="TOML or JSON file with the options; those given here win.")
    ] = None,
    work: Annotated[float | None, option("--work", "Alignment work gamma.", _RUN)] = None,
    steps: Annotated[int | None, option("--steps", "Steps of a trial.", _RUN)] = None,
    trials: Annotated[int | None, option("--trials", "Trials, or agents.", _RUN)] = None,
    dt: Annotated[float | None, option("--dt", "Time of a step.", _RUN)] = None,
    tolerance: Annotated[
        float | None, option("--tolerance", "Tolerated entropy, nats: finds the least work that holds it.", _RUN)
    ] = None,
    sweep: Annotated[
        bool, typer.Option("--sweep", help="Sweep gamma at three sizes: is there a transition?", rich_help_panel=_RUN)
    ] = False,
    sweep_trials: Annotated[int, option("--sweep-trials", "Agents at every point of a sweep.", _RUN)] = 2000,
    proxy: Annotated[str | None, option("--proxy", "Proxy goals q, shares by commas.", _GOALS)] = None,
    intended: Annotated[str | None, option("--intended", "Intended goals p*, shares by commas.", _GOALS)] = None,
    start: Annotated[
        str | None, option("--start", "First goal distribution by commas; published: first S, nats.", _GOALS)
    ] = None,
    gaming: Annotated[float | None, option("--gaming", "Rate kappa at which the proxy pulls.", _GOALS)] = None,
    diffusion: Annotated[float | None, option("--diffusion", "D of the logits.", _GOALS)] = None,
    goals: Annotated[int | None, option("--goals", "Number of goals G (random-energy).", _GOALS)] = None,
    preference: Annotated[
        float | None, option("--preference", "h for the intended goal; default: 1.25 ln G (random-energy).", _GOALS)
    ] = None,
    reading: Annotated[str | None, option("--reading", "stated, per-parameter or fitted.", _PUBLISHED)] = None,
    terms: Annotated[str | None, option("--terms", "neither, noise, gaming or both.", _PUBLISHED)] = None,
    noise_trace: Annotated[float | None, option("--noise-trace", "Tr Sigma.", _PUBLISHED)] = None,
    divergence: Annotated[
        float | None, option("--divergence", "KL of the proxy from the intended goals, nats.", _PUBLISHED)
    ] = None,
    spread: Annotated[float | None, option("--spread", "Noise on S, nats a step.", _PUBLISHED)] = None,
    learning_rate: Annotated[float | None, option("--learning-rate", "eta.", _PUBLISHED)] = None,
    largest_eigenvalue: Annotated[
        float | None, option("--largest-eigenvalue", "lambda_max of the Fisher information.", _PUBLISHED)
    ] = None,
    parameters: Annotated[float | None, option("--parameters", "N.", _PUBLISHED)] = None,
    clipped: Annotated[
        bool | None, typer.Option("--clipped/--unclipped", help="Hold S at 0 or above.", rich_help_panel=_PUBLISHED)
    ] = None,
    scaled_work: Annotated[
        bool | None,
        typer.Option("--scaled-work/--plain-work", help="Take eta gamma from S a step.", rich_help_panel=_PUBLISHED),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", help="Write the paths: .csv, .npz or .parquet.", rich_help_panel="Output"),
    ] = None,
    as_json: Json = False,
    report: Report = None,
    quiet: Quiet = False,
    level: Level = None,
    seed: Seed = None,
) -> None:
    """Simulate entropy over goals under noise, a mis-specified reward and alignment work.

    Prints E[S(p)], S(E[p]) and their gap with intervals, beside the exact values where there are any. Exit code 2 for
    negative rates, one goal or probabilities that do not sum to 1; 12 for too few trials; 13 for a settings file that
    cannot be read.
    """
    from secondlaw.alignment.simulations import SimulationSettings, read_settings, write_paths
    from secondlaw.alignment.simulations import simulate as run
    from secondlaw.alignment.simulations.path_files import check_suffix
    from secondlaw.cli.output import check_outputs, show, write_html
    from secondlaw.cli.progress import progress_bars
    from secondlaw.pipeline.settings import load_settings
    from secondlaw.reports.simulation_page import render_simulation_page
    from secondlaw.reports.simulation_text import render_simulation_text

    check_outputs(report, out)
    check_suffix(out)
    common = load_settings(level=level, seed=seed)
    said = {
        "model": model, "work": work, "steps": steps, "trials": trials, "dt": dt, "gaming": gaming,
        "diffusion": diffusion, "goals": goals, "preference": preference, "reading": reading, "terms": terms,
        "noise_trace": noise_trace, "divergence": divergence, "spread": spread, "learning_rate": learning_rate,
        "largest_eigenvalue": largest_eigenvalue, "parameters": parameters, "clipped": clipped,
        "scaled_work": scaled_work, "proxy": _shares(proxy, "--proxy"), "intended": _shares(intended, "--intended"),
        "start": _shares(start, "--start"),
    }  # fmt: skip
    given = read_settings(settings) if settings is not None else {}
    given |= {name: value for name, value in said.items() if value is not None}
    asked = SimulationSettings.of(given)
    with progress_bars(quiet=quiet) as bars:
        found = run(
            asked, seed=common.seed, level=common.level, tolerance=tolerance, sweep=sweep, sweep_trials=sweep_trials,
            progress=bars("sweeping") if sweep else None,
        )  # fmt: skip
    if out is not None:
        write_paths(found.paths, out)
    write_html(found, render_simulation_page, report)
    written = {"paths": out, "report": report}
    show(found, render_simulation_text, as_json=as_json, written=written, schema="secondlaw/simulation/1")


def _shares(said: str | None, name: str) -> list[float] | float | None:
    from secondlaw.cli.comma_lists import numbers
    from secondlaw.errors import InvalidInput

    if said is None:
        return None
    found = list(numbers(said))
    if not found:
        raise InvalidInput(f"{name} is numbers with commas between, got {said!r}")
    return found[0] if name == "--start" and len(found) == 1 else found
