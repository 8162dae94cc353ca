"""Texts of OpenInference spans (Arize Phoenix): ``llm.input_messages.{i}.message.*``, else ``input.value``.

Source: OpenInference specification, "LLM Spans" and "Semantic Conventions". Content is captured by default; what
``OPENINFERENCE_HIDE_OUTPUTS`` and the like hide is written as ``__REDACTED__``.
"""

from collections.abc import Mapping
from typing import Any

import orjson

from secondlaw.service.genai_flattened import unflattened
from secondlaw.service.genai_messages import Choice, Texts, choices_of, content_text, last_prompt, message_list

__all__ = ["KIND", "openinference_texts"]

KIND = "openinference.span.kind"
REDACTED = "__REDACTED__"


def openinference_texts(attributes: Mapping[str, Any]) -> Texts:
    """Return prompt and answers of a span of kind LLM; no choices where it does not state them.

    Examples
    --------
    >>> openinference_texts({"llm.output_messages.0.message.content": "Hello."}).choices[0].text
    'Hello.'
    """
    asked = [_message(entry) for entry in unflattened(attributes, "llm.input_messages")]
    answered = [_message(entry) for entry in unflattened(attributes, "llm.output_messages")]
    prompt = last_prompt(asked) if asked else _plain_input(attributes)
    choices = tuple(map(_unredacted, choices_of(answered))) if answered else _plain_output(attributes)
    return Texts(None if prompt == REDACTED else prompt, choices)


def _message(entry: Mapping[str, Any]) -> dict[str, Any]:
    """Return a flattened message as a chat message."""
    contents = unflattened(entry, "message.contents")
    parts = [
        {"type": part.get("message_content.type", "text"), "content": part.get("message_content.text")}
        for part in contents
    ]
    return {
        "role": entry.get("message.role", "assistant"),
        "content": entry.get("message.content"),
        "parts": parts or None,
        "tool_calls": unflattened(entry, "message.tool_calls") or entry.get("message.function_call_name"),
    }


def _unredacted(choice: Choice) -> Choice:
    return Choice(choice.index, None, "hidden") if choice.text == REDACTED else choice


def _plain_input(attributes: Mapping[str, Any]) -> str | None:
    """Return ``input.value``: a text, or the JSON of a request with its messages."""
    value = attributes.get("input.value")
    if not isinstance(value, str) or not _is_json(attributes.get("input.mime_type")):
        return value if isinstance(value, str) else None
    stated = _parsed(value)
    messages = message_list(stated.get("messages")) if isinstance(stated, dict) else message_list(stated)
    return last_prompt(messages) if messages else None


def _plain_output(attributes: Mapping[str, Any]) -> tuple[Choice, ...]:
    """Return ``output.value``: a text, or the JSON of an answer with its choices."""
    value = attributes.get("output.value")
    if not isinstance(value, str):
        return ()
    if value == REDACTED:
        return (Choice(0, None, "hidden"),)
    if not _is_json(attributes.get("output.mime_type")):
        text = content_text(value)
        return (Choice(0, text, "text" if text else "empty"),)
    stated = _parsed(value)
    choices = stated.get("choices") if isinstance(stated, dict) else None
    if not isinstance(choices, list) or not choices:
        return (Choice(0, None, "unreadable"),)
    messages = [choice.get("message") if isinstance(choice, dict) else None for choice in choices]
    return choices_of([message if isinstance(message, dict) else {} for message in messages])


def _is_json(mime_type: object) -> bool:
    return isinstance(mime_type, str) and mime_type.startswith("application/json")


def _parsed(value: str) -> Any:  # noqa: ANN401 - any JSON
    try:
        return orjson.loads(value)
    except orjson.JSONDecodeError:
        return None
