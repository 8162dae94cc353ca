"""Texts of a model call, whichever convention wrote them: that which says most of the answers.

===========================  ==================================================================================
OpenTelemetry, now           ``gen_ai.input.messages``, ``gen_ai.output.messages``: structured, or as a JSON text
OpenTelemetry, to 1.27       ``gen_ai.prompt``, ``gen_ai.completion``, on the span or on its events
OpenTelemetry, to 1.36       ``gen_ai.user.message``, ``gen_ai.choice`` as events of the span (as log records: parts
                             of a call, see :mod:`secondlaw.service.genai_calls`)
OpenLLMetry                  ``gen_ai.prompt.{i}.*``, ``gen_ai.completion.{i}.*`` (earlier ``llm.prompts`` ...)
OpenInference                ``llm.output_messages.{i}.message.*``, ``output.value``
===========================  ==================================================================================
"""

from collections.abc import Mapping
from typing import Any

import orjson

from secondlaw.service.genai_flattened import unflattened
from secondlaw.service.genai_messages import Choice, Texts, choices_of, content_text, last_prompt, message_list, said
from secondlaw.service.openinference import KIND, openinference_texts
from secondlaw.service.otlp_records import Record

__all__ = ["event_body", "texts_of_record"]

INPUT, OUTPUT = "gen_ai.input.messages", "gen_ai.output.messages"
USER, CHOICE = "gen_ai.user.message", "gen_ai.choice"


def texts_of_record(record: Record) -> Texts:
    """Return prompt and answers that a record states.

    Examples
    --------
    >>> from secondlaw.service.otlp_records import Record
    >>> texts_of_record(Record("traces", "chat", attributes={"gen_ai.completion.0.content": "Hello."})).choices[0].text
    'Hello.'
    """
    prompt: str | None = None
    answers: tuple[Choice, ...] = ()
    for read in _READERS:
        texts = read(record)
        prompt = prompt or texts.prompt
        if _says(texts.choices) > _says(answers):
            answers = texts.choices
        if prompt and any(choice.text for choice in answers):
            break
    return Texts(prompt, answers)


def event_body(attributes: Mapping[str, Any], body: object) -> Mapping[str, Any]:
    """Return what a per-message event says: its body, or the attribute that some instrumentations put it into."""
    stated = body if body is not None else attributes.get("gen_ai.event.content")
    if isinstance(stated, str | bytes):
        try:
            stated = orjson.loads(stated)
        except orjson.JSONDecodeError:
            return {"content": stated}
    if isinstance(stated, Mapping):
        return stated
    return {name: attributes[name] for name in ("content", "index", "message", "finish_reason") if name in attributes}


def _says(choices: tuple[Choice, ...]) -> int:
    """Return how much is said of the answers: texts over other contents over nothing."""
    return 2 * any(choice.text for choice in choices) + bool(choices)


def _current(record: Record) -> Texts:
    stated: Mapping[str, Any] = record.attributes
    if OUTPUT not in stated and isinstance(record.body, Mapping):
        stated = record.body
    asked = message_list(stated.get(INPUT))
    prompt = last_prompt(asked) if asked else None
    if stated.get(OUTPUT) is None:
        return Texts(prompt)
    answered = message_list(stated[OUTPUT])
    return Texts(prompt, (Choice(0, None, "unreadable"),) if answered is None else choices_of(answered))


def _flattened(record: Record) -> Texts:
    attributes = record.attributes
    asked = unflattened(attributes, "gen_ai.prompt") or unflattened(attributes, "llm.prompts")
    answered = unflattened(attributes, "gen_ai.completion") or unflattened(attributes, "llm.completions")
    # A text completion states its prompt under the name of the role.
    messages = [{"role": "user", "content": entry["user"]} if "user" in entry else entry for entry in asked]
    users = [message for message in messages if message.get("role") == "user"]
    return Texts(
        content_text(users[-1].get("content")) if users else None,
        tuple(_flat_choice(index, entry) for index, entry in enumerate(answered)),
    )


def _flat_choice(index: int, entry: Mapping[str, Any]) -> Choice:
    has_tool = any(name.startswith(("tool_calls.", "function_call")) for name in entry)
    text, why = said({"content": entry.get("content"), "tool_calls": has_tool})
    hidden = why == "empty" and "content" not in entry
    return Choice(index, text, "hidden" if hidden else why)


def _single(record: Record) -> Texts:
    """Return the texts of single attributes that hold the JSON of all messages, on the span or on its events."""
    prompt = completion = None
    for attributes in (record.attributes, *(note.attributes for note in record.notes)):
        prompt = attributes.get("gen_ai.prompt", prompt)
        completion = attributes.get("gen_ai.completion", completion)
    return Texts(_single_prompt(prompt), _single_choices(completion))


def _single_prompt(value: object) -> str | None:
    messages = message_list(value)
    if messages is None:
        return value if isinstance(value, str) else None
    return last_prompt(messages) or (content_text(messages[-1].get("content")) if messages else None)


def _single_choices(value: object) -> tuple[Choice, ...]:
    messages = message_list(value)
    if messages is not None:
        return choices_of(messages)
    return (Choice(0, value, "text"),) if isinstance(value, str) and value else ()


def _openinference(record: Record) -> Texts:
    return openinference_texts(record.attributes) if KIND in record.attributes else Texts()


def _events_of_span(record: Record) -> Texts:
    prompt: str | None = None
    choices: list[Choice] = []
    for note in record.notes:
        if note.name == USER:
            prompt = said(event_body(note.attributes, None))[0] or prompt
        elif note.name == CHOICE:
            choices.append(choice_of_event(event_body(note.attributes, None), len(choices)))
    return Texts(prompt, tuple(choices))


def choice_of_event(body: Mapping[str, Any], position: int) -> Choice:
    """Return the choice of a ``gen_ai.choice`` event; without content, the instrumentation does not capture it."""
    index = body.get("index")
    number = index if isinstance(index, int) and not isinstance(index, bool) and index >= 0 else position
    message = body.get("message")
    stated = dict(message) if isinstance(message, Mapping) else {"content": message} if message else dict(body)
    if body.get("tool_calls"):
        stated["tool_calls"] = body["tool_calls"]
    text, why = said(stated)
    return Choice(number, text, "hidden" if why == "empty" else why)


_READERS = (_current, _flattened, _single, _events_of_span, _openinference)
