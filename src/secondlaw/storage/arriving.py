"""Events as they come, made ready to be stored: hashed, masked, measured; all that needs no database."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from secondlaw.behavior.hashing import GroupHashes
from secondlaw.behavior.transcripts import Transcript
from secondlaw.errors import InvalidInput
from secondlaw.storage.identities import event_hash, signed
from secondlaw.storage.instants import micros_of
from secondlaw.storage.masking import Mask
from secondlaw.storage.plain_text import plain_text
from secondlaw.storage.settings import Texts

__all__ = ["COMPLETES", "Arriving", "arriving_event", "kept_event"]

NAME_CHARACTERS = 300
"""Of models, prompt sets, classifiers and annotators."""
IDENTITIES = ("prompt_set", "trace_id", "span_id", "response_id")
"""Fields of an event that are never masked: a number in them is part of a name."""
COMPLETES = "completes"
"""Field of an event: the id under which it may have come without its text before."""
EXTRA_CHARACTERS = 200
"""Longer fields of an event that have no meaning here are not kept."""
_MISSING = ""


@dataclass(frozen=True, slots=True)
class Arriving:
    """An event ready to be stored; texts are masked, `cluster` is signed, `at` in microseconds or None."""

    hash: bytes
    stream: str
    model: str
    prompt_set: str
    intent: str
    classifier: str
    label: str | None
    label_probs: str | None
    human_label: str | None
    annotator: str
    inclusion_probability: float | None
    cluster: int
    at: int | None
    step: int | None
    event_id: str
    prompt: str
    response: str
    event: str | None
    """The whole as JSON text, if it has a text and no label."""
    masked: bool = True
    completes: bytes | None = None
    """The event without text, if it had another id, that this one is the text of."""

    @property
    def is_bare(self) -> bool:
        """Whether it says nothing but that there was an answer."""
        return self.label is None and self.human_label is None and self.event is None

    @property
    def has_text(self) -> bool:
        """Whether there is something to read."""
        return bool(self.prompt or self.response)


def arriving_event(
    transcript: Transcript, *, mask: Mask | None, hashes: GroupHashes, texts: Texts | None = None
) -> Arriving:
    """Make an event ready.

    Parameters
    ----------
    transcript : Transcript
    mask : callable or None
        Applied to prompt and response.
    hashes : GroupHashes
        Remembers the hashes of groups.
    texts : {"none", "sample", "all"}, optional
        What the stream keeps, where it is known: what is not kept need not be masked, and of what is sampled only the
        few that are kept are masked, later (`masked` is False then).

    Raises
    ------
    InvalidInput
        If a name is too long.
    """
    t = transcript
    labelled = t.label is not None
    prompt, response = ("", "") if labelled and texts == "none" else (plain_text(t.prompt), plain_text(t.response))
    masked = not (labelled and texts == "sample")
    if mask is not None and masked:
        prompt, response = mask(prompt) if prompt else "", mask(response) if response else ""
    at = None if t.ts is None else micros_of(t.ts)
    names = [_name(value, what) for value, what in (
        (t.model, "model"), (t.extra.get("prompt_set") or "", "prompt_set"), (t.classifier or "unnamed", "classifier"),
        (t.annotator or _MISSING, "annotator"),
    )]  # fmt: skip
    waits = t.label is None and bool(prompt or response)
    return Arriving(
        hash=event_hash(t.id),
        stream=t.stream,
        model=names[0],
        prompt_set=names[1],
        intent=t.intent,
        classifier=names[2] if t.label is not None else "",
        label=t.label,
        label_probs=None if t.label_probs is None else json.dumps(dict(t.label_probs)),
        human_label=t.human_label,
        annotator=names[3],
        inclusion_probability=t.inclusion_probability,
        cluster=signed(hashes[t.group]),
        at=at,
        step=t.step,
        event_id=plain_text(t.id),
        prompt=prompt,
        response=response,
        event=_event_text(t, prompt, response, mask) if waits else None,
        masked=masked,
        completes=event_hash(completes) if isinstance(completes := t.extra.get(COMPLETES), str) else None,
    )


def kept_event(text: str) -> Transcript:
    """Return the event of a text that was kept while it waited."""
    values = json.loads(text)
    if values.get("ts") is not None:
        values["ts"] = datetime.fromisoformat(values["ts"])
    return Transcript(**values)


def _name(value: object, what: str) -> str:
    name = plain_text(str(value))
    if len(name) > NAME_CHARACTERS:
        raise InvalidInput(f"{what} is a name of at most {NAME_CHARACTERS} characters, got {len(name)}")
    return name


def _event_text(t: Transcript, prompt: str, response: str, mask: Mask | None) -> str:
    values: dict[str, Any] = {
        "id": t.id, "prompt_id": t.prompt_id, "stream": t.stream, "model": t.model, "prompt": prompt,
        "response": response, "conversation_id": t.conversation_id, "step": t.step,
        "ts": None if t.ts is None else t.ts.isoformat(), "intent": t.intent, "extra": _small(t.extra, mask),
    }  # fmt: skip
    return json.dumps({key: value for key, value in values.items() if value is not None}, separators=(",", ":"))


def _small(extra: Mapping[str, Any], mask: Mask | None) -> dict[str, Any]:
    """Return the fields that are numbers or short texts: messages and the like would keep texts unmasked."""
    kept: dict[str, Any] = {}
    for key, value in extra.items():
        if key == COMPLETES:
            continue
        if isinstance(value, str) and len(value) <= EXTRA_CHARACTERS:
            kept[key] = value if mask is None or key in IDENTITIES else mask(value)
        elif isinstance(value, (bool, int, float)) and value == value:
            kept[key] = value
    return kept
