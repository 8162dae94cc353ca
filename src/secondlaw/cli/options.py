"""Options that several commands share, each defined once."""

from pathlib import Path
from typing import Annotated, Literal

import typer

__all__ = [
    "AssumeUtc",
    "BadRows",
    "ClassifierName",
    "Confusion",
    "Engine",
    "Every",
    "Examples",
    "FileFormat",
    "Groups",
    "HarmfulShare",
    "Json",
    "Level",
    "MaxBad",
    "MinN",
    "Partial",
    "Permutations",
    "Quiet",
    "Report",
    "Requests",
    "Resamples",
    "Seed",
    "TaxonomyName",
    "Unfinished",
    "Workers",
    "option",
]

_READING = "Reading"
_NUMBERS = "Numbers"
_OUTPUT = "Output"


def option(name: str, words: str, panel: str, least: int | None = None) -> typer.models.OptionInfo:
    """Return an option in one line: its name, what it is, the panel of the help where it stands, its least value."""
    found: typer.models.OptionInfo = typer.Option(name, help=words, rich_help_panel=panel, min=least)
    return found


Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.", rich_help_panel=_OUTPUT)]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress bars.", rich_help_panel=_OUTPUT)]
Report = Annotated[
    Path | None, typer.Option("--report", help="Write a self-contained HTML report here.", rich_help_panel=_OUTPUT)
]
Examples = Annotated[
    bool,
    typer.Option("--examples/--no-examples", help="Show example texts in the report.", rich_help_panel=_OUTPUT),
]
Level = Annotated[
    float | None, typer.Option("--level", help="Coverage of intervals (default: .95).", rich_help_panel=_NUMBERS)
]
Resamples = Annotated[
    int | None, typer.Option("--resamples", help="Bootstrap replicates (default: 1000).", rich_help_panel=_NUMBERS)
]
Permutations = Annotated[
    int | None, typer.Option("--permutations", help="Permutations of a test (default: 2000).", rich_help_panel=_NUMBERS)
]
Seed = Annotated[int | None, typer.Option("--seed", help="Seed of every draw (default: 0).", rich_help_panel=_NUMBERS)]
MinN = Annotated[
    int | None,
    typer.Option(
        "--min-n", help="Cells with fewer responses count as insufficient (default: 1).", rich_help_panel=_NUMBERS
    ),
]
Engine = Annotated[
    str | None,
    typer.Option(
        "--engine",
        help="What labels responses: embedded, embedded-large, judge, a folder of secondlaw classifier train, "
        "OWNER/NAME@COMMIT where a hub has one, or MODULE:FUNCTION (default: embedded).",
        rich_help_panel=_READING,
    ),
]
HarmfulShare = Annotated[
    str | None,
    typer.Option(
        "--harmful-share",
        metavar="SHARE|auto|prior",
        help="Share of harmful requests among those whose intent is not stated, where you know it; auto (default of "
        "the engines that ship) reads it off all of them together, in classify and evaluate those of each source; "
        "prior takes two thirds (embedded engines).",
        rich_help_panel=_READING,
    ),
]
TaxonomyName = Annotated[
    str | None,
    typer.Option("--taxonomy", help="five, three, or a TOML or JSON file (default: five).", rich_help_panel=_READING),
]
Every = Annotated[
    str | None,
    typer.Option("--every", help="Turn ts into steps of this length: 15m, 1h, 1d.", rich_help_panel=_READING),
]
Groups = Annotated[
    Literal["auto", "prompt"] | None,
    typer.Option(
        "--groups",
        help="Unit of resampling: prompt, or auto (default; the conversation where a row names one).",
        rich_help_panel=_READING,
    ),
]
MaxBad = Annotated[
    int | None,
    typer.Option("--max-bad", help="Stop (exit 13) when more rows than this are bad.", rich_help_panel=_READING),
]
BadRows = Annotated[
    Path | None,
    typer.Option("--bad-rows", help="Where bad rows go (default: FILE.bad.jsonl).", rich_help_panel=_READING),
]
AssumeUtc = Annotated[
    bool | None,
    typer.Option("--assume-utc", help="Read clocks without a zone as UTC.", rich_help_panel=_READING),
]
FileFormat = Annotated[
    Literal["jsonl", "csv", "parquet", "inspect"] | None,
    typer.Option("--format", help="Where the name does not tell.", rich_help_panel=_READING),
]
Partial = Annotated[
    bool,
    typer.Option("--partial", help="Use the rows before the damage of a damaged file.", rich_help_panel=_READING),
]
Unfinished = Annotated[
    bool,
    typer.Option(
        "--unfinished",
        help="Read Inspect logs that were cancelled, failed or still run, too.",
        rich_help_panel=_READING,
    ),
]
Requests = Annotated[
    list[Path] | None,
    typer.Option(
        "--requests",
        help="Input file of an OpenAI batch, whose output holds no prompts (matched by custom_id); one, or one a FILE.",
        rich_help_panel=_READING,
    ),
]
ClassifierName = Annotated[
    str | None,
    typer.Option("--classifier", help="Use the labels of this classifier only.", rich_help_panel=_NUMBERS),
]
Confusion = Annotated[
    Path | None,
    typer.Option(
        "--confusion",
        help="JSON file with the classifier's confusion counts, to correct by.",
        rich_help_panel=_NUMBERS,
    ),
]
Workers = Annotated[
    int | None,
    typer.Option(
        "--workers", help="Processes that classify (default: one per core, at most 4).", rich_help_panel=_NUMBERS
    ),
]
