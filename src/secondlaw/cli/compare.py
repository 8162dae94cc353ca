"""``secondlaw compare``: two runs, or two models of one, on the prompts they share."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from secondlaw.cli.guard import guarded
from secondlaw.cli.options import (
    AssumeUtc,
    BadRows,
    ClassifierName,
    Confusion,
    Engine,
    Every,
    Examples,
    FileFormat,
    Groups,
    HarmfulShare,
    Json,
    Level,
    MaxBad,
    MinN,
    Partial,
    Permutations,
    Quiet,
    Report,
    Requests,
    Resamples,
    Seed,
    TaxonomyName,
    Unfinished,
    Workers,
)

if TYPE_CHECKING:
    from secondlaw.reports import GateVerdict

__all__ = ["compare"]


@guarded
def compare(
    base: Annotated[str, typer.Argument(help="The first run: FILE, or FILE#MODEL for one of its models.")],
    tuned: Annotated[str, typer.Argument(help="The second run, which is compared with the first.")],
    gate: Annotated[
        Literal["distribution", "misaligned", "entropy"] | None,
        typer.Option(help="Exit 10 when this differs; of the misaligned share only a rise counts."),
    ] = None,
    tolerance: Annotated[
        float | None,
        typer.Option(help="Largest change that does not matter; what cannot be excluded beyond it exits 11."),
    ] = None,
    alpha: Annotated[float | None, typer.Option(help="Level of the gate's test (default: .05).")] = None,
    junit: Annotated[Path | None, typer.Option(help="Write the verdict as JUnit XML here.")] = None,
    report: Report = None,
    as_json: Json = False,
    examples: Examples = True,
    quiet: Quiet = False,
    taxonomy: TaxonomyName = None,
    every: Every = None,
    groups: Groups = None,
    max_bad: MaxBad = None,
    bad_rows: BadRows = None,
    assume_utc: AssumeUtc = None,
    file_format: FileFormat = None,
    partial: Partial = False,
    unfinished: Unfinished = False,
    requests: Requests = None,
    engine: Engine = None,
    harmful_share: HarmfulShare = None,
    classifier: ClassifierName = None,
    confusion: Confusion = None,
    level: Level = None,
    resamples: Resamples = None,
    permutations: Permutations = None,
    seed: Seed = None,
    min_n: MinN = None,
    workers: Workers = None,
) -> None:
    """Compare two runs: whether the mix of categories differs and by how much, the misaligned share, S, and the rates.

    Prompts that both runs answered at the same step are matched. Differences are second minus first. P-values come from
    swapping the two within prompts, so they hold however few or many responses a prompt has.
    """
    from dataclasses import replace

    from secondlaw.cli.output import check_outputs, show_measurement
    from secondlaw.cli.progress import progress_bars
    from secondlaw.drift.gates import judge
    from secondlaw.errors import InvalidInput, NotEnoughData, SourceError
    from secondlaw.pipeline.inputs import pair_names, parse_source
    from secondlaw.pipeline.measuring import MeasureOptions
    from secondlaw.pipeline.runs import measure_sources
    from secondlaw.pipeline.settings import load_settings
    from secondlaw.reports import junit_xml

    if junit is not None and gate is None:
        raise InvalidInput("--junit writes a gate's verdict: give --gate distribution, misaligned or entropy")
    check_outputs(report, junit, bad_rows)
    settings = load_settings(
        taxonomy=taxonomy, every=every, groups=groups, max_bad=max_bad, assume_utc=assume_utc, level=level,
        resamples=resamples, permutations=permutations, seed=seed, min_n=min_n, workers=workers, tolerance=tolerance,
        alpha=alpha, engine=engine, harmful_share=harmful_share,
    )  # fmt: skip
    names = pair_names(base, tuned)
    sources = [
        replace(parse_source(one), stream="compare", name=name) for one, name in zip((base, tuned), names, strict=True)
    ]

    def write_junit(verdict: "GateVerdict", message: str) -> None:
        if junit is not None and gate is not None:
            junit.write_text(junit_xml(gate, verdict, message), encoding="utf-8")

    try:
        with progress_bars(quiet=quiet or as_json) as progress:
            measured = measure_sources(
                sources,
                settings,
                MeasureOptions.of(settings, pairs=(names,)),
                file_format=file_format,
                bad_rows=bad_rows,
                partial=partial,
                unfinished=unfinished,
                examples=5 if report is not None and examples else 0,
                classifier=classifier,
                confusion=confusion,
                requests=requests or (),
                progress=progress,
            )
    except (NotEnoughData, SourceError) as failed:
        write_junit("no-data", str(failed))
        raise
    verdict, short = None, None
    if not measured.comparisons:
        short = NotEnoughData(f"{base} and {tuned} have no step in common that could be measured in both")
    elif gate is not None:
        try:
            verdict = judge(measured.comparisons[0], gate, alpha=settings.alpha, tolerance=settings.tolerance)
        except NotEnoughData as error:
            short = error
    said: dict[str, Any] | None = verdict.to_dict() if verdict else None
    if short is not None:
        write_junit("no-data", str(short))
        said = {"gate": gate, "verdict": "no-data", "exit_code": short.exit_code, "message": str(short)}
    show_measurement(
        measured, as_json=as_json, report=report, examples=examples, extra={"verdict": said} if said else None
    )
    if short is not None:
        typer.echo(f"secondlaw: {short}", err=True)
        raise typer.Exit(short.exit_code)
    if verdict is None:
        return
    write_junit(verdict.verdict, verdict.message)
    if not as_json:
        typer.echo(f"gate {verdict.gate}: {verdict.verdict}: {verdict.message}")
    raise typer.Exit(verdict.exit_code)
