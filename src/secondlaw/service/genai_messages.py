"""Messages as the conventions write them: what was said, and whether a message without text is a tool call or empty.

Shapes read: ``parts`` (OpenTelemetry GenAI: ``{"type": "text", "content": ...}``), ``content`` (OpenAI's chat messages,
a text or a list of parts), and either of them as a JSON text. Reasoning is not part of the answer; images, sounds and
files have no text.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import orjson

from secondlaw.formats import text_of

__all__ = ["Choice", "Texts", "Why", "choices_of", "content_text", "last_prompt", "message_list", "said"]

Why = Literal["text", "hidden", "tool", "media", "empty", "unreadable"]
"""What a choice holds: a text; nothing because content is not captured; a tool call, an image or sound, or nothing at
all; or something that cannot be read (cut off by a length limit)."""

_TOOL_PARTS = ("tool_call", "server_tool_call", "tool_use", "function_call")
_MEDIA_PARTS = ("blob", "file", "uri", "image", "image_url", "audio", "input_audio", "output_audio", "video")


@dataclass(frozen=True, slots=True)
class Choice:
    """One answer of a call.

    Parameters
    ----------
    index : int
        Its number among the answers of the call.
    text : str or None
        What was said.
    why : {"text", "hidden", "tool", "media", "empty", "unreadable"}
        Why there is no text; ``"text"`` if there is.
    """

    index: int
    text: str | None
    why: Why


@dataclass(frozen=True, slots=True)
class Texts:
    """What a record says of prompt and answers; `choices` is empty where it says nothing of the answers."""

    prompt: str | None = None
    choices: tuple[Choice, ...] = ()


def message_list(value: object) -> list[Mapping[str, Any]] | None:
    """Return messages from a list, or from its JSON text; None if it is neither (a text cut off by a length limit).

    Examples
    --------
    >>> message_list('[{"role": "user", "content": "Hi"}]')
    [{'role': 'user', 'content': 'Hi'}]
    """
    if isinstance(value, str | bytes):
        try:
            value = orjson.loads(value)
        except orjson.JSONDecodeError:
            return None
    if isinstance(value, Mapping):
        value = [value]
    if not isinstance(value, list) or not all(isinstance(item, Mapping) for item in value):
        return None
    return value


def said(message: Mapping[str, Any]) -> tuple[str | None, Why]:
    """Return the text of a message and what it holds.

    Examples
    --------
    >>> said({"role": "assistant", "parts": [{"type": "text", "content": "Hello."}]})
    ('Hello.', 'text')
    >>> said({"role": "assistant", "content": None, "tool_calls": [{"id": "1"}]})
    (None, 'tool')
    """
    parts = _as_parts(message.get("parts"))
    if parts is None:
        parts = _as_parts(message.get("content"))
    if parts is not None:
        texts = [text for part in parts if (text := _part_text(part)) is not None]
        text = "\n".join(texts) if texts else text_of({"content": None, "refusal": message.get("refusal")})
    else:
        text = text_of(dict(message))
    if text:
        return text, "text"
    if message.get("tool_calls") or message.get("function_call") or _holds(parts, _TOOL_PARTS):
        return None, "tool"
    return None, "media" if _holds(parts, _MEDIA_PARTS) else "empty"


def content_text(content: object) -> str | None:
    """Return the text of a content that some instrumentations write as JSON of its parts; any other text as it is.

    Examples
    --------
    >>> content_text('[{"type": "text", "text": "What is this?"}, {"type": "image_url"}]')
    'What is this?'
    >>> content_text("[1, 2]")
    '[1, 2]'
    """
    if isinstance(content, str) and content.startswith("[{"):
        parts = message_list(content)
        if parts and all(isinstance(part.get("type"), str) for part in parts):
            return said({"parts": parts})[0]
    return said({"content": content})[0]


def last_prompt(messages: Sequence[Mapping[str, Any]]) -> str | None:
    """Return the text of the last message of a user, as the readers of files do."""
    for message in reversed(messages):
        if message.get("role") == "user" and not _holds(_as_parts(message.get("parts")), ("tool_call_response",)):
            return said(message)[0]
    return None


def choices_of(messages: Sequence[Mapping[str, Any]]) -> tuple[Choice, ...]:
    """Return one choice for every message."""
    return tuple(Choice(index, *said(message)) for index, message in enumerate(messages))


def _as_parts(value: object) -> list[Any] | None:
    return value if isinstance(value, list) else None


def _part_text(part: object) -> str | None:
    if isinstance(part, Mapping) and part.get("type", "text") == "text" and isinstance(part.get("content"), str):
        return str(part["content"])
    return text_of({"content": [dict(part) if isinstance(part, Mapping) else part]})


def _holds(parts: list[Any] | None, kinds: tuple[str, ...]) -> bool:
    return any(isinstance(part, Mapping) and part.get("type") in kinds for part in parts or ())
