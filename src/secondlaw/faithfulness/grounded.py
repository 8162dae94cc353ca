"""How an answer is supported by its context, as a value: sentence by sentence, and on the whole."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from secondlaw.types import Insufficient, Measured

__all__ = ["GroundedSentence", "Grounding"]


@dataclass(frozen=True, slots=True)
class GroundedSentence:
    """A sentence of an answer and what supports it.

    Parameters
    ----------
    text : str
    support : float
        Cosine with `source`, -1 to 1.
    source : str
        The context sentence most like it.
    source_index : int
        Its place among the context's sentences.
    bigrams, bigrams_found : int
        Word pairs, and how many of them the context has.
    novel_numbers, novel_names : tuple of str
    judged : float or None
        The judge's value, where there is one.
    """

    text: str
    support: float
    source: str
    source_index: int
    bigrams: int
    bigrams_found: int
    novel_numbers: tuple[str, ...]
    novel_names: tuple[str, ...]
    judged: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {
            "text": self.text,
            "support": self.support,
            "source": self.source,
            "source_index": self.source_index,
            "bigrams": self.bigrams,
            "bigrams_found": self.bigrams_found,
            "novel_numbers": list(self.novel_numbers),
            "novel_names": list(self.novel_names),
            "judged": self.judged,
        }


@dataclass(frozen=True, slots=True)
class Grounding:
    """How an answer is supported by its context.

    Parameters
    ----------
    support, bigram_precision : Estimate or Insufficient
    judged : Estimate, Insufficient or None
        Mean of the judge's values; None without a judge.
    sentences : tuple of GroundedSentence
        Empty where answer or context holds none.
    """

    support: Measured
    bigram_precision: Measured
    judged: Measured | None
    sentences: tuple[GroundedSentence, ...]

    @property
    def mean_support(self) -> float | None:
        """Mean support of the sentences, None without any: a number for ranking, without interval."""
        return float(np.mean([one.support for one in self.sentences])) if self.sentences else None

    @property
    def least_support(self) -> float | None:
        """Least support of any sentence, None without any."""
        return min((one.support for one in self.sentences), default=None)

    @property
    def bigram_share(self) -> float | None:
        """Share of word pairs found in the context, None without any: a number for ranking, without interval."""
        pairs = sum(one.bigrams for one in self.sentences)
        return sum(one.bigrams_found for one in self.sentences) / pairs if pairs else None

    @property
    def novel_numbers(self) -> tuple[str, ...]:
        """Numbers of the answer that neither context nor question has."""
        return tuple(dict.fromkeys(number for one in self.sentences for number in one.novel_numbers))

    @property
    def novel_names(self) -> tuple[str, ...]:
        """Names of the answer that neither context nor question has."""
        return tuple(dict.fromkeys(name for one in self.sentences for name in one.novel_names))

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {
            "support": self.support.to_dict(),
            "bigram_precision": self.bigram_precision.to_dict(),
            "judged": (self.judged or Insufficient("no judge was given")).to_dict(),
            "novel_numbers": list(self.novel_numbers),
            "novel_names": list(self.novel_names),
            "sentences": [one.to_dict() for one in self.sentences],
        }
