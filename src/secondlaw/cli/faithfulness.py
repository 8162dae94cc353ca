"""``secondlaw faithfulness``: how the answers of a file follow question and context, and what supports them."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from secondlaw.cli.guard import guarded
from secondlaw.cli.options import BadRows, FileFormat, Json, Level, MaxBad, Quiet, Report, Seed, Workers

if TYPE_CHECKING:
    from secondlaw.faithfulness import Scored

__all__ = ["faithfulness"]

STREAM = "In a stream"
TRAIN = "A combined score"


@guarded
def faithfulness(
    file: Annotated[
        str,
        typer.Argument(
            help="Question, context (or contexts) and answer a row; field names of ragas and LangChain are read."
        ),
    ],
    compare: Annotated[
        str | None, typer.Option("--compare", help="Another system's answers to the same questions and contexts.")
    ] = None,
    shared: Annotated[
        bool, typer.Option("--shared-topics", help="One clustering for all rows, so that topics can be followed.")
    ] = False,
    judge: Annotated[
        str | None,
        typer.Option("--judge", help="MODULE:FUNCTION of (sentence, evidence), 0 to 1: an NLI model, a judge."),
    ] = None,
    draws: Annotated[int, typer.Option("--draws", min=20, help="Resamples, and deals of the null.")] = 200,
    smoothing: Annotated[float, typer.Option("--smoothing", help="Pseudo-count of every topic, above 0.")] = 0.5,
    spread: Annotated[bool, typer.Option("--spread/--no-spread", help="Measure levels under other choices.")] = True,
    scores: Annotated[
        Path | None,
        typer.Option("--scores", help="Write plain scores a row, for secondlaw watch --score.", rich_help_panel=STREAM),
    ] = None,
    train: Annotated[
        Path | None,
        typer.Option("--train", help="Fit a combined score to labelled rows and write it here.", rich_help_panel=TRAIN),
    ] = None,
    label: Annotated[
        str,
        typer.Option("--label", help="Field with true or false: is the answer faithful?", rich_help_panel=TRAIN),
    ] = "faithful",
    combined: Annotated[
        Path | None,
        typer.Option("--combined", help="Give rows the score of --train, too.", rich_help_panel=TRAIN),
    ] = None,
    topics: Annotated[
        Path | None, typer.Option("--topics", help="Topics of --topics-out, for all rows.", rich_help_panel=STREAM)
    ] = None,
    topics_out: Annotated[
        Path | None,
        typer.Option("--topics-out", help="Find topics of all rows and write them here.", rich_help_panel=STREAM),
    ] = None,
    stream: Annotated[
        Path | None,
        typer.Option(
            "--stream", help="Write labelled rows for watch, backtest and the service.", rich_help_panel=STREAM
        ),
    ] = None,
    of: Annotated[
        str,
        typer.Option(
            "--of",
            help="What --stream follows: support, bigram_precision, semantic_faithfulness, topics.",
            rich_help_panel=STREAM,
        ),
    ] = "support",
    as_json: Json = False,
    report: Report = None,
    quiet: Quiet = False,
    max_bad: MaxBad = None,
    bad_rows: BadRows = None,
    file_format: FileFormat = None,
    level: Level = None,
    seed: Seed = None,
    workers: Workers = None,
) -> None:
    """Measure topics and grounding of answers: semantic faithfulness with its null, and each sentence's support.

    With --json one object a row, one a line. SF is no detector of hallucination; the sentences' support, novel numbers
    and names are what to read for a single answer.
    """
    from secondlaw.cli.faithfulness_text import say_comparison, say_results
    from secondlaw.cli.output import check_outputs, print_json
    from secondlaw.cli.progress import progress_bars
    from secondlaw.errors import InvalidInput
    from secondlaw.faithfulness import Scoring
    from secondlaw.pipeline.engines import embedder_of
    from secondlaw.pipeline.faithfulness import compare_files, open_judge, read_examples, score_file
    from secondlaw.pipeline.faithfulness_streams import (
        NEED_TOPICS,
        STREAMED,
        load_topics,
        save_topics,
        write_scores,
        write_stream,
    )
    from secondlaw.pipeline.faithfulness_training import combined_scores, load_combined, save_combined, train_combined
    from secondlaw.pipeline.settings import load_settings

    check_outputs(report, bad_rows, scores, topics_out, stream, train)
    given = None if combined is None else load_combined(combined)
    if of not in STREAMED:
        raise InvalidInput(f"--of is {', '.join(STREAMED)}, got {of!r}")
    if stream is not None and of in NEED_TOPICS and topics is None and topics_out is None:
        raise InvalidInput(f"--of {of} needs the same topics every day: --topics FILE, or --topics-out FILE to make it")
    if topics is not None and (topics_out is not None or shared):
        raise InvalidInput("--topics takes topics that are there; leave --topics-out and --shared-topics out")
    if not smoothing > 0:
        raise InvalidInput(f"--smoothing is a pseudo-count above 0, got {smoothing}")
    written = (report, scores, stream, topics, topics_out, train, combined)
    if compare is not None and any(one is not None for one in written):
        raise InvalidInput("--compare prints a comparison alone; other files are made of one file without it")
    if train is not None and combined is not None:
        raise InvalidInput("--train makes a combined score and --combined uses one; give one of them")
    settings = load_settings(max_bad=max_bad, level=level, seed=seed, workers=workers)
    scoring = Scoring(
        seed=settings.seed,
        draws=draws,
        smoothing=smoothing,
        level=settings.level,
        judge=None if judge is None else open_judge(judge),
        spread=spread,
    )
    examples, warnings = read_examples(file, bad_rows=bad_rows, max_bad=settings.max_bad, file_format=file_format)
    with embedder_of(settings) as embedder:
        if compare is not None:
            others, more = read_examples(compare, max_bad=settings.max_bad, file_format=file_format)
            sides = (file, examples), (compare, others)
            compared = compare_files(*sides, embedder, scoring=scoring, warnings=[*warnings, *more])
            if as_json:
                print_json({"schema": "secondlaw/faithfulness-comparison/1", **compared.to_dict()})
            else:
                say_comparison(compared)
            return
        with progress_bars(quiet=quiet) as bars:
            results, common = score_file(
                examples, embedder, scoring=scoring, shared=shared or topics_out is not None,
                topics=None if topics is None else load_topics(topics), progress=bars("scoring"),
            )  # fmt: skip
    if topics_out is not None and common is not None:
        save_topics(common, topics_out)
    if stream is not None:
        left_out = write_stream(results, stream, of=of, topics=common)
        if left_out:
            warnings.append(f"{left_out:,} answers have no {of} and are not in {stream}")
    if train is not None:
        given, unlabelled = train_combined(results, field=label, seed=settings.seed, level=settings.level)
        save_combined(given, train)
        if unlabelled:
            warnings.append(f"{unlabelled:,} answers have no label or no context and were not trained on")
    added = None if given is None else combined_scores(results, given)
    if scores is not None:
        write_scores(results, scores, combined=added)
    if report is not None:
        _write_report(results, report, file, warnings)
    for warning in warnings:
        typer.echo(f"warning: {warning}", err=True)
    if as_json:
        _print_rows(results, added)
    else:
        say_results(results, report, combined=added, model=given)


def _print_rows(results: "list[Scored]", combined: list[float | None] | None) -> None:
    import orjson

    for place, one in enumerate(results):
        row = {"schema": "secondlaw/faithfulness/1", **one.to_dict()}
        if combined is not None:
            value = combined[place]
            row["combined"] = {"insufficient": "answer or context holds no sentence"} if value is None else value
        typer.echo(orjson.dumps(row).decode())


def _write_report(results: "list[Scored]", report: Path, file: str, warnings: list[str]) -> None:
    from datetime import UTC, datetime

    import secondlaw
    from secondlaw.reports.faithfulness_page import write_faithfulness_page

    write_faithfulness_page(
        results, report, source=file, warnings=warnings, created=datetime.now(UTC), version=secondlaw.__version__
    )
