"""``secondlaw faithfulness``: how the answers of a file follow question and context, and what supports them."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from secondlaw.cli.faithfulness_options import (
    Combined,
    Compare,
    Draws,
    Embedding,
    Judge,
    Label,
    Of,
    Paraphrases,
    Scores,
    SecondEmbedding,
    SharedTopics,
    Smoothing,
    SpreadOf,
    Stream,
    TopicsIn,
    TopicsOut,
    Train,
)
from secondlaw.cli.guard import guarded
from secondlaw.cli.options import BadRows, FileFormat, Json, Level, MaxBad, Quiet, Report, Seed, Workers

if TYPE_CHECKING:
    from secondlaw.faithfulness import CombinedScore, Embedder, Example, NamedEmbedder, Scored, Scoring
    from secondlaw.pipeline.settings import Settings

__all__ = ["faithfulness"]


@guarded
def faithfulness(
    file: Annotated[
        str,
        typer.Argument(
            help="Question, context (or contexts) and answer a row; field names of ragas and LangChain are read."
        ),
    ],
    compare: Compare = None,
    paraphrases: Paraphrases = False,
    shared: SharedTopics = False,
    judge: Judge = None,
    draws: Draws = 200,
    smoothing: Smoothing = 0.5,
    spread: SpreadOf = True,
    embedding: Embedding = "minilm",
    second_embedding: SecondEmbedding = None,
    scores: Scores = None,
    train: Train = None,
    label: Label = "faithful",
    combined: Combined = None,
    topics: TopicsIn = None,
    topics_out: TopicsOut = None,
    stream: Stream = None,
    of: Of = "support",
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
    from secondlaw.cli.faithfulness_outputs import Outputs
    from secondlaw.cli.output import check_outputs
    from secondlaw.cli.progress import progress_bars
    from secondlaw.errors import InvalidInput
    from secondlaw.faithfulness import Scoring
    from secondlaw.pipeline.faithfulness import open_judge, read_examples, score_file
    from secondlaw.pipeline.settings import load_settings

    check_outputs(bad_rows)
    outputs = Outputs(report, scores, stream, of, topics, topics_out, train, label, combined)
    outputs.check(shared=shared)
    if not smoothing > 0:
        raise InvalidInput(f"--smoothing is a pseudo-count above 0, got {smoothing}")
    _check_alone(compare, paraphrases, others=outputs.any_given or shared, judged=judge is not None)
    if second_embedding is not None and (compare is not None or not spread):
        raise InvalidInput("--second-embedding is for the spread of levels, which --compare and --no-spread leave out")
    score = outputs.given_score()
    settings = load_settings(max_bad=max_bad, level=level, seed=seed, workers=workers)
    read = partial(read_examples, max_bad=settings.max_bad, file_format=file_format)
    examples, warnings = read(file, bad_rows=bad_rows)
    with _embeddings(embedding, second_embedding, settings) as (embedder, second), progress_bars(quiet=quiet) as bars:
        scoring = Scoring(
            seed=settings.seed, draws=draws, smoothing=smoothing, level=settings.level, spread=spread,
            judge=None if judge is None else open_judge(judge), embedding=embedder.name, second=second,
        )  # fmt: skip
        if compare is not None:
            others, more = read(compare)
            _compare((file, examples), (compare, others), embedder, scoring, [*warnings, *more], as_json=as_json)
            return
        progress = bars("scoring")
        if paraphrases:
            _paraphrases(examples, embedder, scoring, warnings, as_json=as_json, progress=progress)
            return
        results, common = score_file(
            examples, embedder, scoring=scoring, shared=shared or topics_out is not None,
            topics=outputs.given_topics(), progress=progress,
        )  # fmt: skip
    score, added = outputs.write(results, common, score, settings, source=file, warnings=warnings)
    _say(results, warnings, added, score, as_json=as_json, report=report)


def _check_alone(compare: str | None, paraphrases: bool, *, others: bool, judged: bool) -> None:
    from secondlaw.errors import InvalidInput

    if compare is not None and (others or paraphrases):
        raise InvalidInput("--compare prints a comparison alone; other files are made of one file without it")
    if paraphrases and (others or judged):
        raise InvalidInput("--paraphrases prints its metrics alone; leave other files, topics and --judge out")


@contextmanager
def _embeddings(
    first: str, second: str | None, settings: "Settings"
) -> "Iterator[tuple[NamedEmbedder, NamedEmbedder | None]]":
    from secondlaw.errors import InvalidInput
    from secondlaw.pipeline.faithfulness_embeddings import open_embedding

    if first == second:
        raise InvalidInput(f"--second-embedding is another one than --embedding, got {second!r} for both")
    with open_embedding(first, settings) as embedder:
        if second is None:
            yield embedder, None
            return
        with open_embedding(second, settings, option="--second-embedding") as other:
            yield embedder, other


def _compare(
    first: "tuple[str, list[Example]]",
    second: "tuple[str, list[Example]]",
    embedder: "Embedder",
    scoring: "Scoring",
    warnings: list[str],
    *,
    as_json: bool,
) -> None:
    from secondlaw.cli.faithfulness_text import say_comparison
    from secondlaw.cli.output import print_json
    from secondlaw.pipeline.faithfulness import compare_files

    compared = compare_files(first, second, embedder, scoring=scoring, warnings=warnings)
    if as_json:
        print_json({"schema": "secondlaw/faithfulness-comparison/1", **compared.to_dict()})
    else:
        say_comparison(compared)


def _paraphrases(
    examples: "list[Example]",
    embedder: "Embedder",
    scoring: "Scoring",
    warnings: list[str],
    *,
    as_json: bool,
    progress: Callable[[int, int], None],
) -> None:
    import orjson

    from secondlaw.cli.faithfulness_text import say_paraphrases
    from secondlaw.faithfulness import measure_paraphrases

    found, more = measure_paraphrases(examples, embedder, scoring=scoring, progress=progress)
    for warning in (*warnings, *more):
        typer.echo(f"warning: {warning}", err=True)
    if not as_json:
        say_paraphrases(found)
        return
    for one in found:
        typer.echo(orjson.dumps({"schema": "secondlaw/semantic-divergence/1", **one.to_dict()}).decode())


def _say(
    results: "list[Scored]",
    warnings: list[str],
    added: list[float | None] | None,
    score: "CombinedScore | None",
    *,
    as_json: bool,
    report: Path | None,
) -> None:
    import orjson

    from secondlaw.cli.faithfulness_text import say_results

    for warning in warnings:
        typer.echo(f"warning: {warning}", err=True)
    if not as_json:
        say_results(results, report, combined=added, model=score)
        return
    for place, one in enumerate(results):
        row = {"schema": "secondlaw/faithfulness/1", **one.to_dict()}
        if added is not None:
            value = added[place]
            row["combined"] = {"insufficient": "answer or context holds no sentence"} if value is None else value
        typer.echo(orjson.dumps(row).decode())
