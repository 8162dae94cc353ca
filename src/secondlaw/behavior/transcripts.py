"""A transcript: one response of a language model with its prompt, identity and labels."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from secondlaw.behavior.taxonomy import INTENTS, Intent
from secondlaw.errors import InvalidInput

__all__ = ["Transcript", "content_id"]

ID_DIGITS = 16
"""Hexadecimal digits of a derived id: 64 bits, so that a million rows collide with probability below 3e-8."""


def content_id(*parts: str) -> str:
    """Derive a stable id from content.

    Examples
    --------
    >>> content_id("How do I boil an egg?") == content_id("How do I boil an egg?")
    True
    """
    digest = hashlib.blake2b(digest_size=ID_DIGITS // 2)
    for part in parts:
        encoded = part.encode("utf-8", "surrogatepass")
        digest.update(len(encoded).to_bytes(8, "little"))
        digest.update(encoded)
    return digest.hexdigest()


@dataclass(frozen=True, slots=True)
class Transcript:
    """One response with its prompt and identity.

    Parameters
    ----------
    prompt, response : str
        Texts. `prompt` is the last thing the model was asked.
    id, prompt_id : str
        Identities; ``prompt_id`` is the unit of resampling. Derived from content where the row has none.
    stream, model : str
        Where the response comes from: a deployment or run, and the model in it.
    conversation_id : str or None
        The conversation, where responses are turns of one.
    step : int or None
        Position in the run, where the row states it.
    ts : datetime or None
        Instant of the response, in UTC.
    intent : {"benign", "harmful", "unknown"}
        Whether the request should be refused, where the prompt set says so.
    label, classifier, label_probs
        A machine's category, who gave it (name and version), and its probabilities by category key.
    human_label, annotator, inclusion_probability
        A person's category, who gave it, and the probability with which the row was chosen for labelling.
    extra : mapping
        Every other field of the row, kept as it was.
    """

    prompt: str
    response: str
    id: str
    prompt_id: str
    stream: str = "default"
    model: str = "unknown"
    conversation_id: str | None = None
    step: int | None = None
    ts: datetime | None = None
    intent: Intent = "unknown"
    label: str | None = None
    classifier: str | None = None
    label_probs: Mapping[str, float] | None = None
    human_label: str | None = None
    annotator: str | None = None
    inclusion_probability: float | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.intent not in INTENTS:
            raise InvalidInput(f"intent is one of {', '.join(INTENTS)}, got {self.intent!r}")
        if self.ts is not None and self.ts.tzinfo is None:
            raise InvalidInput(f"ts needs a zone, got {self.ts.isoformat()}; write 2026-01-31T12:00:00Z")
        if self.step is not None and self.step < 0:
            raise InvalidInput(f"step counts from 0, got {self.step}")
        p = self.inclusion_probability
        if p is not None and not 0.0 < p <= 1.0:
            raise InvalidInput(f"inclusion_probability lies in (0, 1], got {p}")

    @property
    def group(self) -> str:
        """The unit of resampling: the conversation where there is one, else the prompt."""
        return self.conversation_id if self.conversation_id is not None else self.prompt_id
