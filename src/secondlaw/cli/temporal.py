"""``secondlaw temporal``: what the order of turns says that shares and S do not."""

from typing import TYPE_CHECKING, Annotated

import typer

from secondlaw.cli.guard import guarded
from secondlaw.cli.options import (
    AssumeUtc,
    BadRows,
    FileFormat,
    Json,
    Level,
    MaxBad,
    Permutations,
    Resamples,
    Seed,
    TaxonomyName,
)

if TYPE_CHECKING:
    from rich.table import Table

    from secondlaw.drift.temporal import TemporalComparison, TemporalResult
    from secondlaw.pipeline.conversations import Conversations

__all__ = ["temporal"]


@guarded
def temporal(
    file: Annotated[str, typer.Argument(help="Labelled conversations: FILE, or FILE#MODEL for one of its models.")],
    other: Annotated[
        str | None, typer.Argument(metavar="[OTHER]", help="A second run, which is compared with the first.")
    ] = None,
    human: Annotated[bool, typer.Option("--human", help="Read people's labels instead of the machine's.")] = False,
    as_json: Json = False,
    taxonomy: TaxonomyName = None,
    max_bad: MaxBad = None,
    bad_rows: BadRows = None,
    assume_utc: AssumeUtc = None,
    file_format: FileFormat = None,
    level: Level = None,
    resamples: Resamples = None,
    permutations: Permutations = None,
    seed: Seed = None,
) -> None:
    """Measure ordered turns: entropy rate, memory, entropy production with its null band, symmetry of the transitions.

    Rows of one conversation share conversation_id; their order is the field turn, else ts, else step, else that of the
    file. Answers to one prompt again and again are samples, not turns, and are left out. Whole conversations are
    resampled and permuted, never turns. Exit code 12 where nothing could be measured or compared.
    """
    from dataclasses import replace

    from secondlaw.cli.output import check_outputs, print_json
    from secondlaw.errors import NotEnoughData
    from secondlaw.pipeline.conversations import measure_conversations
    from secondlaw.pipeline.inputs import pair_names, parse_source
    from secondlaw.pipeline.settings import load_settings

    check_outputs(bad_rows)
    settings = load_settings(
        taxonomy=taxonomy, max_bad=max_bad, assume_utc=assume_utc, level=level, resamples=resamples,
        permutations=permutations, seed=seed,
    )  # fmt: skip
    sources = [parse_source(file)]
    if other is not None:
        names = pair_names(file, other)
        sources = [replace(parse_source(one), name=name) for one, name in zip((file, other), names, strict=True)]
    found = measure_conversations(
        sources, settings, human=human, compared=other is not None, file_format=file_format, bad_rows=bad_rows
    )
    if as_json:
        print_json({"schema": "secondlaw/temporal/1", **found.to_dict()})
    else:
        _say(found)
    if not found.is_measured:
        raise typer.Exit(NotEnoughData.exit_code)


def _say(found: "Conversations") -> None:
    for result in found.results:
        _say_result(result)
    if found.comparison is not None:
        _say_comparison(found.comparison)
    for note in found.notes:
        typer.echo(f"note: {note}")
    if found.repeated:
        typer.echo(f"note: {found.repeated} rows repeat another row's id and content and are counted once")


def _say_result(result: "TemporalResult") -> None:
    from secondlaw.statistics.permutation import p_text
    from secondlaw.types import Insufficient

    table = _table("quantity", "value", "observed", "without effect", "p")
    tested = {
        "memory beyond the last turn": result.memory,
        "entropy production": result.entropy_production,
        "entropy production, order 2": result.entropy_production_2,
    }
    for name, value in result.measured().items():
        against = tested.get(name)
        if against is None or isinstance(against, Insufficient):
            table.add_row(name, str(value), "", "", "")
            continue
        band = f"{against.null_mean:.4f} [{against.null_low:.4f}, {against.null_high:.4f}]"
        table.add_row(name, str(value), f"{against.observed:.4f}", band, p_text(against.p_value))
    _print(
        f"{result.stream}/{result.model}: {result.conversations} conversations, {result.turns} turns, {result.labels} "
        f"labels",
        table,
    )
    symmetry = result.symmetry
    said = (
        str(symmetry)
        if isinstance(symmetry, Insufficient)
        else f"chi-square {symmetry.statistic:.2f} on {symmetry.degrees}, {p_text(symmetry.p_value)} by conversation "
        f"(textbook, independent pairs: {p_text(symmetry.p_value_independent)})"
    )
    typer.echo(f"symmetry of the transitions (Bowker): {said}")
    for note in result.notes:
        typer.echo(f"note: {note}")


def _say_comparison(found: "TemporalComparison") -> None:
    from secondlaw.statistics.permutation import p_text

    table = _table("second minus first", "first", "second", "difference", "p", "p, all asked (Holm)")
    for one in found.differences:
        p_values = p_text(one.p_value), p_text(one.p_adjusted)
        table.add_row(one.name, f"{one.first:.4f}", f"{one.second:.4f}", str(one.difference), *p_values)
    _print(f"{found.first} -> {found.second}", table)
    for note in found.notes:
        typer.echo(f"note: {note}")


def _table(*columns: str) -> "Table":
    from rich.table import Table

    return Table(*columns)


def _print(title: str, table: "Table") -> None:
    from rich.console import Console

    console = Console()
    console.print(title, highlight=False, markup=False)
    console.print(table)
