"""Answers to paraphrases of one question: rows put together, sentences clustered, semantic divergence measured.

Rows of one ``group`` are one question; rows with the same wording are answers to the same paraphrase. Contexts are not
looked at: the metrics compare what is asked with what is said (:mod:`secondlaw.faithfulness.paraphrase_divergence`).
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from secondlaw.errors import NotEnoughData
from secondlaw.faithfulness.embedded import Embedder
from secondlaw.faithfulness.examples import Example
from secondlaw.faithfulness.paraphrase_divergence import SemanticDivergence, semantic_divergence
from secondlaw.faithfulness.scoring import Scoring
from secondlaw.faithfulness.sentences import split_sentences
from secondlaw.faithfulness.spread import Spread, other_topics
from secondlaw.faithfulness.topics import Topics, udib
from secondlaw.statistics import jensen_shannon
from secondlaw.types import Insufficient

__all__ = ["Paraphrased", "measure_paraphrases"]

Ints = NDArray[np.int64]

FEWEST = 2
"""Paraphrases of a question from which there is something to compare."""


@dataclass(frozen=True, slots=True)
class Paraphrased:
    """One question in several wordings, with the metrics of its answers.

    Parameters
    ----------
    group : str
    wordings : tuple of str
        The paraphrases, in the order of the rows.
    answers : int
    sentences : (int, int)
        Of the paraphrases, and of the answers.
    topics : Topics
        Of all sentences together.
    found : SemanticDivergence
    spread : Spread or None
        The ensemble divergence under other choices of topics.
    scoring : Scoring
        The settings it was measured with.
    """

    group: str
    wordings: tuple[str, ...]
    answers: int
    sentences: tuple[int, int]
    topics: Topics
    found: SemanticDivergence
    spread: Spread | None
    scoring: Scoring

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        found = self.found
        no_instability = Insufficient("the paraphrases lie in one topic: their entropy, which divides, is 0")
        return {
            "group": self.group,
            "paraphrases": len(self.wordings),
            "answers": self.answers,
            "sentences": {"paraphrases": self.sentences[0], "answers": self.sentences[1]},
            "embedding": self.scoring.embedding,
            "topics": {"k": self.topics.k, "stability": self.topics.stability, "method": self.topics.method},
            "smoothing": self.scoring.smoothing,
            "ensemble_divergence": found.ensemble.to_dict(),
            "null": found.null.to_dict(),
            "p_value": found.p_value,
            "spread": Insufficient("not asked for").to_dict() if self.spread is None else self.spread.to_dict(),
            "semantic_exploration": found.exploration,
            "reverse_exploration": found.reverse,
            "global_divergence": found.global_divergence,
            "entropy_gap": found.entropy_gap,
            "wasserstein": found.distance,
            "instability": no_instability.to_dict() if found.instability is None else found.instability,
        }


def measure_paraphrases(
    examples: Sequence[Example],
    embedder: Embedder,
    *,
    scoring: Scoring | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[list[Paraphrased], list[str]]:
    """Measure how answers follow the paraphrases of each question.

    Parameters
    ----------
    examples : sequence of Example
        Those of one group are one question; those with the same question text are answers to one paraphrase.
    embedder : Embedder
    scoring : Scoring, optional
    progress : callable, optional
        Called with (questions done, questions in all).

    Returns
    -------
    list of Paraphrased, list of str
        One a question with two paraphrases or more, in the order of the rows; and what was left out.

    Raises
    ------
    NotEnoughData
        If no question has two paraphrases with answers.

    Examples
    --------
    >>> from secondlaw.faithfulness.examples import example_of
    >>> from secondlaw.language import SentenceEmbedder
    >>> asked = ["Who built the bridge?", "The bridge: built by whom?"]
    >>> rows = [{"group": "1", "question": one, "answer": "Ada built it. It took a year."} for one in asked]
    >>> found, _ = measure_paraphrases([example_of(row, number=1) for row in rows], SentenceEmbedder())
    >>> len(found[0].wordings), found[0].answers, found[0].sentences
    (2, 2, (2, 4))
    """
    wanted = scoring or Scoring()
    groups, left_out = _grouped(examples)
    usable = {name: one for name, one in groups.items() if len(one) >= FEWEST}
    if not usable:
        raise NotEnoughData(
            f"none of {len(groups)} questions has {FEWEST} paraphrases with answers: give rows that ask the same in "
            "other words the same `group`"
        )
    results = []
    for done, (name, wordings) in enumerate(usable.items(), 1):
        results.append(_measured(name, wordings, embedder, wanted))
        if progress is not None:
            progress(done, len(usable))
    warnings = []
    if left_out:
        warnings.append(f"{left_out:,} rows without a sentence in question or answer are left out")
    if len(usable) < len(groups):
        warnings.append(f"{len(groups) - len(usable):,} questions have one wording alone and are left out")
    return results, warnings


def _grouped(examples: Sequence[Example]) -> tuple[dict[str, dict[str, list[str]]], int]:
    """Return answers by group and wording, and how many rows hold no sentence on either side."""
    found: dict[str, dict[str, list[str]]] = {}
    left_out = 0
    for one in examples:
        if not split_sentences(one.question) or not split_sentences(one.answer):
            left_out += 1
            continue
        found.setdefault(one.group, {}).setdefault(one.question.strip(), []).append(one.answer)
    return found, left_out


def _measured(name: str, wordings: dict[str, list[str]], embedder: Embedder, wanted: Scoring) -> Paraphrased:
    asked = [split_sentences(one) for one in wordings]
    said = [[text for answer in answers for text in split_sentences(answer)] for answers in wordings.values()]
    sentences = [text for texts in (*asked, *said) for text in texts]
    m = len(wordings)
    owner = np.repeat(np.arange(2 * m), [len(texts) for texts in (*asked, *said)])  # prompts first, then answers
    rng = wanted.stream(*wordings, *(answer for answers in wordings.values() for answer in answers))
    vectors = np.asarray(embedder.embed(sentences), dtype=np.float64)
    topics = udib(vectors, rng=rng)
    counts = _counts(topics, owner, m)
    found = semantic_divergence(
        counts[:m], counts[m:, None], rng=rng, prompt_vectors=vectors[owner < m], answer_vectors=vectors[owner >= m],
        smoothing=wanted.smoothing, level=wanted.level, draws=wanted.draws,
    )  # fmt: skip
    spread = None
    if wanted.spread:
        choices = {f"UDIB, {topics.k} topics, as reported": _ensemble(counts)}
        choices |= dict(_otherwise(sentences, vectors, topics, owner, m, rng, wanted))
        spread = Spread(min(choices.values()), max(choices.values()), choices)
    sizes = int((owner < m).sum()), int((owner >= m).sum())
    answers = sum(map(len, wordings.values()))
    return Paraphrased(name, tuple(wordings), answers, sizes, topics, found, spread, wanted)


def _counts(topics: Topics, owner: Ints, m: int) -> Ints:
    """Return sentences by text and topic, shape (2 m, k): paraphrases, then their answers."""
    k = max(topics.k, 2)
    return np.bincount(owner * k + topics.labels, minlength=2 * m * k).reshape(2 * m, k)


def _ensemble(counts: Ints) -> float:
    m = len(counts) // 2
    return float(jensen_shannon(counts[:m], counts[m:]).mean())


def _otherwise(
    sentences: Sequence[str], vectors: NDArray[np.float64], topics: Topics, owner: Ints, m: int,
    rng: np.random.Generator, wanted: Scoring,
) -> Iterator[tuple[str, float]]:  # fmt: skip
    for name, other in other_topics(sentences, vectors, topics, rng=rng, second=wanted.second):
        yield name, _ensemble(_counts(other, owner, m))
