"""Every number of one answer, as a value and as plain JSON."""

from dataclasses import dataclass
from typing import Any

from secondlaw.faithfulness.divergence import SMOOTHING
from secondlaw.faithfulness.embedded import ANSWER, CONTEXT, QUESTION, Embedded
from secondlaw.faithfulness.grounded import Grounding
from secondlaw.faithfulness.measured_levels import Null
from secondlaw.faithfulness.spread import Spread
from secondlaw.faithfulness.topics import Topics
from secondlaw.language import MINILM_NAME
from secondlaw.types import Insufficient, Measured

__all__ = ["Scored"]


@dataclass(frozen=True, slots=True)
class Scored:
    """Every number of one answer.

    Parameters
    ----------
    embedded : Embedded
    topics : Topics or None
        None where there are no sentences to cluster.
    semantic_faithfulness, topic_divergence, off_support_mass : Estimate or Insufficient
    null : Null or None
    p_value : float or None
        Of topics that differ from the question's by more than chance.
    production : mapping of str to Estimate or Insufficient
        Relaxation and entropy change, our definitions.
    spread : Spread or None
        None where no level is given.
    grounding : Grounding
    notes : tuple of str
    smoothing : float
    plain : float or None
        SF without interval, for ranking and for streams, whose drift needs no level; None without topics.
    embedding : str
        What the sentences were embedded with.
    """

    embedded: Embedded
    topics: Topics | None
    semantic_faithfulness: Measured
    topic_divergence: Measured
    off_support_mass: Measured
    null: Null | None
    p_value: float | None
    production: dict[str, Measured]
    spread: Spread | None
    grounding: Grounding
    notes: tuple[str, ...] = ()
    smoothing: float = SMOOTHING
    plain: float | None = None
    embedding: str = MINILM_NAME

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        parts = self.embedded.parts
        level = self.semantic_faithfulness
        missing = {"insufficient": level.reason if isinstance(level, Insufficient) else "not asked for"}
        topics: dict[str, Any] = missing
        if self.topics is not None:
            topics = {"k": self.topics.k, "stability": self.topics.stability, "method": self.topics.method}
        return {
            "id": self.embedded.example.id,
            "embedding": self.embedding,
            "sentences": {
                "question": int((parts == QUESTION).sum()),
                "context": int((parts == CONTEXT).sum()),
                "answer": int((parts == ANSWER).sum()),
            },
            "topics": topics,
            "smoothing": self.smoothing,
            "semantic_faithfulness": level.to_dict(),
            "topic_divergence": self.topic_divergence.to_dict(),
            "off_support_mass": self.off_support_mass.to_dict(),
            "null": missing if self.null is None else self.null.to_dict(),
            "p_value": missing if self.p_value is None else self.p_value,
            "spread": missing if self.spread is None else self.spread.to_dict(),
            "entropy_production": {name: one.to_dict() for name, one in self.production.items()},
            "grounding": self.grounding.to_dict(),
            "notes": list(self.notes),
        }
