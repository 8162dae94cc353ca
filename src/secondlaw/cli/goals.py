"""``secondlaw goals``: which goals logged agents pursue, and the entropy of their population's goals."""

from pathlib import Path
from typing import Annotated

import typer

from secondlaw.cli.guard import guarded
from secondlaw.cli.options import Json, Level, Quiet, Report, Seed

__all__ = ["goals"]

_NUMBERS = "Numbers"


@guarded
def goals(
    file: Annotated[Path, typer.Argument(help="Trajectories as JSON lines: one row an episode, or one row a step.")],
    world: Annotated[
        Path, typer.Option("--world", help="JSON file with the world and its goals: a grid, transitions, gymnasium.")
    ],
    beta: Annotated[
        str | None,
        typer.Option(
            "--beta",
            help="Inverse temperature of the agents, if known, or values that it may have, by commas "
            "(default: 0.25,0.5,1,2,4,8).",
            rich_help_panel=_NUMBERS,
        ),
    ] = None,
    horizon: Annotated[
        int | None,
        typer.Option("--horizon", min=1, help="Steps of an episode, if agents know it.", rich_help_panel=_NUMBERS),
    ] = None,
    switching: Annotated[
        bool,
        typer.Option("--switching", help="Agents choose a goal for every episode, not once.", rich_help_panel=_NUMBERS),
    ] = False,
    as_json: Json = False,
    report: Report = None,
    quiet: Quiet = False,
    level: Level = None,
    seed: Seed = None,
) -> None:
    """Infer which goals agents pursue from their trajectories, and how much goals differ in their population.

    Doubt about an agent's goal is kept apart from differences between agents. Where no goal of the world explains the
    trajectories there is no entropy, but the reason. Exit code 2 for a world that is none, 12 for no trajectories,
    13 for trajectories that cannot happen in the world.
    """
    import numpy as np

    from secondlaw.alignment.goals import BETAS, infer_goals, read_episodes, read_world
    from secondlaw.cli.output import check_outputs, show, write_html
    from secondlaw.cli.progress import progress_bars
    from secondlaw.pipeline.settings import load_settings
    from secondlaw.reports.goals_page import render_goals_page
    from secondlaw.reports.goals_text import render_goals_text

    check_outputs(report)
    settings = load_settings(level=level, seed=seed)
    betas = BETAS if beta is None else _betas(beta)
    mdp = read_world(world)
    episodes = read_episodes(file, mdp)
    asked = {
        "betas": list(betas), "discount": mdp.discount, "horizon": horizon, "switching": switching,
        "level": settings.level, "seed": settings.seed,
    }  # fmt: skip
    with progress_bars(quiet=quiet) as bars:
        found = infer_goals(
            mdp, episodes, rng=np.random.default_rng(settings.seed), betas=betas, horizon=horizon, switching=switching,
            level=settings.level, source=str(file), world=str(world), settings=asked, progress=bars("inferring"),
        )  # fmt: skip
    write_html(found, render_goals_page, report)
    show(found, render_goals_text, as_json=as_json, written={"report": report}, schema="secondlaw/goals/1")


def _betas(said: str) -> tuple[float, ...]:
    from secondlaw.cli.comma_lists import numbers
    from secondlaw.errors import InvalidInput

    found = numbers(said)
    if not found or any(not 0.0 <= one < float("inf") for one in found) or len(set(found)) != len(found):
        raise InvalidInput(f"--beta is a number of 0 or more, or different ones with commas between, got {said!r}")
    return found
