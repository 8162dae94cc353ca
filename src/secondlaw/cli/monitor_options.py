"""Options of the commands that monitor, each defined once."""

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from secondlaw.errors import InvalidInput

if TYPE_CHECKING:
    from secondlaw.drift.monitoring_plan import ScoreField

__all__ = [
    "Alpha",
    "Baseline",
    "Bounds",
    "By",
    "Delta",
    "DetectorName",
    "Lateness",
    "PromiseName",
    "RowsPerStep",
    "Score",
    "Streams",
    "Tolerances",
    "Watch",
    "score_field",
    "tolerances",
]

_WATCHING = "Watching"
_STEPS = "Steps"

DetectorName = Annotated[
    Literal["betting", "universal", "cusum", "page-hinkley", "adwin", "paper"] | None,
    typer.Option(
        "--detector",
        help="betting (default; false alarms bounded), universal (bounded for independent responses); cusum, "
        "page-hinkley, adwin, paper: no guarantee.",
        rich_help_panel=_WATCHING,
    ),
]
Watch = Annotated[
    Literal["all", "rises", "surprisal", "misaligned", "entropy"] | None,
    typer.Option(
        "--watch",
        help="all (default): surprisal and misaligned share, rises and falls, and a rise of each category; rises: of "
        "the two alone; surprisal; misaligned; entropy.",
        rich_help_panel=_WATCHING,
    ),
]
PromiseName = Annotated[
    Literal["e-SR", "e-process"] | None,
    typer.Option(
        "--promise",
        help="What alpha bounds: false alarms a step (e-SR, default), or the chance of ever one (e-process).",
        rich_help_panel=_WATCHING,
    ),
]
Alpha = Annotated[
    float | None,
    typer.Option("--alpha", help="Budget of all series together (default: .0001).", rich_help_panel=_WATCHING),
]
Delta = Annotated[
    float | None,
    typer.Option("--delta", help="Risk taken on the baselines (default: 0).", rich_help_panel=_WATCHING),
]
Baseline = Annotated[
    int | None,
    typer.Option("--baseline", help="Steps learnt from before watching (default: 100).", rich_help_panel=_WATCHING),
]
Tolerances = Annotated[
    list[str] | None,
    typer.Option(
        "--tolerance",
        help="Rise that is no drift: surprisal=.05 (nats), misaligned=.01 (share, of each category too), g4=.01.",
        rich_help_panel=_WATCHING,
    ),
]
By = Annotated[
    Literal["prompt_set", "intent"] | None,
    typer.Option("--by", help="One monitor for each, with one budget for all.", rich_help_panel=_WATCHING),
]
Streams = Annotated[
    int,
    typer.Option(
        "--streams",
        min=1,
        help="Series expected to share alpha; others that come up share it too.",
        rich_help_panel=_WATCHING,
    ),
]
Score = Annotated[
    str | None,
    typer.Option("--score", help="Watch this field of the rows instead of categories.", rich_help_panel=_WATCHING),
]
Bounds = Annotated[
    tuple[float, float] | None,
    typer.Option("--bounds", help="LOW HIGH of the score (default: 0 1).", rich_help_panel=_WATCHING),
]
RowsPerStep = Annotated[
    int | None,
    typer.Option(
        "--rows-per-step",
        help="Cut the log into steps of so many responses, in its order; else by its steps or --every.",
        rich_help_panel=_STEPS,
    ),
]
Lateness = Annotated[
    str | None,
    typer.Option(
        "--lateness",
        help="How long a step stays open for late rows: 5m, or a number of steps (default: 0).",
        rich_help_panel=_STEPS,
    ),
]


def tolerances(stated: list[str] | None) -> dict[str, float] | None:
    """Read ``NAME=VALUE``; None where nothing is said.

    Raises
    ------
    InvalidInput
        If one is not written so.

    Examples
    --------
    >>> tolerances(["surprisal=0.05"])
    {'surprisal': 0.05}
    """
    if not stated:
        return None
    found = {}
    for one in stated:
        name, _, value = one.partition("=")
        try:
            found[name.strip()] = float(value)
        except ValueError:
            raise InvalidInput(f"a tolerance is NAME=VALUE, such as surprisal=0.05, got {one!r}") from None
    return found


def score_field(name: str | None, bounds: tuple[float, float] | None) -> "ScoreField | None":
    """Return the score that is watched, None for categories.

    Raises
    ------
    InvalidInput
        If bounds are given without a score, or are no range.
    """
    if name is None:
        if bounds is not None:
            raise InvalidInput("--bounds are those of a score: name its field with --score")
        return None
    from secondlaw.drift.monitoring_plan import ScoreField

    return ScoreField(name, *(bounds or (0.0, 1.0)))
