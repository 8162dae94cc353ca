"""``secondlaw compare``: two runs, or two models of one, on the prompts they share."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from secondlaw.cli.guard import guarded
from secondlaw.cli.options import (
    AssumeUtc,
    Every,
    Examples,
    FileFormat,
    Groups,
    Json,
    Level,
    MaxBad,
    Partial,
    Permutations,
    Quiet,
    Report,
    Resamples,
    Seed,
    TaxonomyName,
    Workers,
)

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
    assume_utc: AssumeUtc = None,
    file_format: FileFormat = None,
    partial: Partial = False,
    level: Level = None,
    resamples: Resamples = None,
    permutations: Permutations = None,
    seed: Seed = None,
    workers: Workers = None,
) -> None:
    """Compare two runs: effective alignment work, levels of S and of the misaligned share, and any difference at all.

    Prompts that both runs answered at the same step are matched. P-values come from swapping the two within prompts, so
    they hold however few or many responses a prompt has.
    """
    from dataclasses import replace

    from secondlaw.cli.output import show_measurement
    from secondlaw.cli.progress import progress_bars
    from secondlaw.drift.gates import judge
    from secondlaw.errors import InvalidInput, NotEnoughData
    from secondlaw.pipeline.inputs import parse_source
    from secondlaw.pipeline.measuring import MeasureOptions
    from secondlaw.pipeline.runs import measure_sources
    from secondlaw.pipeline.settings import load_settings
    from secondlaw.reports import junit_xml

    if junit is not None and not junit.parent.is_dir():
        raise InvalidInput(f"{junit.parent} is no folder; make it first")
    if junit is not None and gate is None:
        raise InvalidInput("--junit writes a gate's verdict: give --gate distribution, misaligned or entropy")
    settings = load_settings(
        taxonomy=taxonomy, every=every, groups=groups, max_bad=max_bad, assume_utc=assume_utc, level=level,
        resamples=resamples, permutations=permutations, seed=seed, workers=workers, tolerance=tolerance, alpha=alpha,
    )  # fmt: skip
    sources = [
        replace(parse_source(one), stream="compare", name=name) for one, name in ((base, "base"), (tuned, "tuned"))
    ]
    with progress_bars(quiet=quiet or as_json) as progress:
        measured = measure_sources(
            sources,
            settings,
            MeasureOptions.of(settings, pairs=(("base", "tuned"),)),
            file_format=file_format,
            partial=partial,
            examples=5 if report is not None and examples else 0,
            progress=progress,
        )
    if not measured.comparisons:
        short = NotEnoughData(f"{base} and {tuned} have no step in common that could be measured in both")
        if junit is not None and gate is not None:
            junit.write_text(junit_xml(gate, "no-data", str(short)), encoding="utf-8")
        raise short
    verdict = judge(measured.comparisons[0], gate, alpha=settings.alpha, tolerance=settings.tolerance) if gate else None
    extra = {"verdict": verdict.to_dict()} if verdict else None
    show_measurement(measured, as_json=as_json, report=report, examples=examples, extra=extra)
    if verdict is None:
        return
    if not as_json:
        typer.echo(f"gate {verdict.gate}: {verdict.verdict}: {verdict.message}")
    if junit is not None:
        junit.write_text(junit_xml(verdict.gate, verdict.verdict, verdict.message), encoding="utf-8")
    raise typer.Exit(verdict.exit_code)
