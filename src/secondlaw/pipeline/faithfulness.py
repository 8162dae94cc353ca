"""Faithfulness of the answers in a file, or of two files beside each other."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from secondlaw.errors import InvalidInput, NotEnoughData
from secondlaw.faithfulness import (
    AnswerDifference,
    Embedder,
    Example,
    Scored,
    Scoring,
    SystemDifference,
    TopicModel,
    compare_systems,
    embed_example,
    example_of,
    fit_topics,
    pair_rows,
    score_embedded,
    score_examples,
)
from secondlaw.faithfulness.grounding import Judge
from secondlaw.formats import BadRow, Format, Quarantine, excerpt_of, quarantine_path, read_rows
from secondlaw.pipeline.own_functions import import_function

__all__ = ["FileComparison", "compare_files", "open_judge", "read_examples", "score_file"]


@dataclass(frozen=True, slots=True)
class FileComparison:
    """Two systems' answers to the same questions.

    Parameters
    ----------
    first, second : str
        The files.
    pairs, unmatched : int
        Questions in both; answers left out because the other file has no partner for them.
    differences : tuple of SystemDifference
        Second less first, one a score.
    answers : tuple of (str, str, AnswerDifference)
        Ids of both answers to a question, and how their SF differs, second less first.
    warnings : tuple of str
    """

    first: str
    second: str
    pairs: int
    unmatched: int
    differences: tuple[SystemDifference, ...]
    answers: tuple[tuple[str, str, AnswerDifference], ...]
    warnings: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {
            "first": self.first,
            "second": self.second,
            "pairs": self.pairs,
            "unmatched": self.unmatched,
            "differences": [one.to_dict() for one in self.differences],
            "answers": [
                {"first": first, "second": second, "difference": apart.difference.to_dict(), "p_value": apart.p_value}
                for first, second, apart in self.answers
            ],
            "warnings": list(self.warnings),
        }


def read_examples(
    path: str, *, bad_rows: Path | None = None, max_bad: int | None = None, file_format: Format | None = None
) -> tuple[list[Example], list[str]]:
    """Read the examples of a file.

    Parameters
    ----------
    path : str
        JSON lines, CSV or Parquet: a question, a context (or contexts) and an answer a row; ``-`` is standard input.
    bad_rows : Path, optional
        Where bad rows go; beside the file by default.
    max_bad : int, optional
        More bad rows are an error.
    file_format : str, optional
        Where the name does not tell.

    Returns
    -------
    list of Example, list of str
        The examples, and what the reader must know.

    Raises
    ------
    NotEnoughData
        If no row can be used.
    TooManyBadRows
        If there are more bad rows than `max_bad`.
    """
    found: list[Example] = []
    read = 0
    with Quarantine(bad_rows or quarantine_path(path), max_bad=max_bad) as quarantine:
        for row in read_rows(path, file_format=file_format):
            read += 1
            if isinstance(row, BadRow):
                quarantine.add(row)
                continue
            try:
                found.append(example_of(row.value, number=row.line))
            except InvalidInput as wrong:
                quarantine.add(BadRow(row.line, str(wrong), excerpt_of(row.value)))
    if not found:
        if quarantine.first:
            first = quarantine.first[0]
            raise NotEnoughData(
                f"{path}: none of {read} rows can be used; the first bad one is line {first.line}: {first.reason}"
            )
        raise NotEnoughData(f"{path} is empty: give one question, context and answer a line")
    return found, [quarantine.describe()] if quarantine.count else []


def score_file(
    examples: Sequence[Example],
    embedder: Embedder,
    *,
    scoring: Scoring,
    shared: bool = False,
    topics: TopicModel | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[list[Scored], TopicModel | None]:
    """Score the examples of a file, in order.

    Parameters
    ----------
    examples : sequence of Example
    embedder : Embedder
    scoring : Scoring
    shared : bool
        Whether all answers share one clustering, found in them.
    topics : TopicModel, optional
        Topics found before, which all answers then share.
    progress : callable, optional
        Called with (answers done, answers in all).

    Returns
    -------
    list of Scored, TopicModel or None
        The topics are those that are shared.

    Raises
    ------
    InvalidInput
        If the topics were found with another embedding.
    """
    if topics is not None and topics.embedding != scoring.embedding:
        raise InvalidInput(
            f"the topics were found with the embedding {topics.embedding}, not {scoring.embedding}: give the same, or "
            "find topics anew with --topics-out"
        )
    advance = None if progress is None else lambda done: progress(done, len(examples))
    if not shared or topics is not None:
        scored = score_examples(examples, embedder, scoring=scoring, topics=topics, progress=advance)
        return list(scored), topics
    held = [embed_example(one, embedder) for one in examples]
    topics = fit_topics(held, rng=np.random.default_rng(scoring.seed), embedding=scoring.embedding)
    results = list(score_embedded(held, scoring=scoring, topics=topics, progress=advance))
    return results, topics.with_edges([one.plain for one in results if one.plain is not None])


def compare_files(
    first: tuple[str, Sequence[Example]],
    second: tuple[str, Sequence[Example]],
    embedder: Embedder,
    *,
    scoring: Scoring,
    warnings: Sequence[str] = (),
) -> FileComparison:
    """Compare two systems' answers, paired by question; see :func:`~secondlaw.faithfulness.pair_rows`.

    Parameters
    ----------
    first, second : (str, sequence of Example)
        Name and examples of each file.
    embedder : Embedder
    scoring : Scoring
    warnings : sequence of str
        What was said when they were read.

    Raises
    ------
    InvalidInput
        If the files share no question.
    """
    pairs = pair_rows(first[1], second[1])
    found = compare_systems(pairs, embedder, scoring=scoring)
    unmatched = len(first[1]) + len(second[1]) - 2 * len(pairs)
    said = list(warnings)
    if unmatched:
        said.append(f"{unmatched:,} answers have no partner in the other file and are left out")
    if other := sum(bool(one.contexts and two.contexts) and one.contexts != two.contexts for one, two in pairs):
        said.append(f"{other:,} pairs have different contexts: each answer is grounded in its own")
    said.append("five scores are asked at once: a single p-value near .05 is no finding")
    answers = tuple((one.id, another.id, apart) for (one, another), apart in zip(pairs, found.answers, strict=True))
    return FileComparison(first[0], second[0], len(pairs), unmatched, found.differences, answers, tuple(said))


def open_judge(spec: str) -> Judge:
    """Import a judge ``MODULE:FUNCTION``; see :func:`~secondlaw.pipeline.own_functions.import_function`."""
    judge: Judge = import_function(spec, option="--judge")
    return judge
