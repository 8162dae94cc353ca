"""The shapes in which rows state a prompt and its response; the first that a row states in full is taken.

==================  ==========================================================================================
shape               fields
==================  ==========================================================================================
prompt / response   ``prompt``, ``response``
input / output      ``input``, ``output``
chat                ``messages``: the last assistant message is the response, the last user message the prompt
OpenAI batch        ``response.body.choices`` or ``.output``: one row for every answer, see :func:`expand_batch_row`
no text             ``label`` or ``human_label`` with ``prompt_id`` or ``conversation_id``: text need not be kept
==================  ==========================================================================================

A prompt (or input) may itself be a list of messages, a response (or output) a message or a list of them.
"""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from secondlaw.behavior.row_fields import parsed_json, shown
from secondlaw.errors import InvalidInput
from secondlaw.formats import BadRow, Row, last_text, read_rows, text_of

__all__ = ["Texts", "batch_requests", "expand_batch_row", "is_batch_row", "texts_of"]


class Texts(NamedTuple):
    """The texts of a row and the fields that stated them."""

    prompt: str
    response: str
    fields: tuple[str, ...]


def texts_of(row: Mapping[str, Any]) -> Texts:
    """Return prompt and response of a row.

    Raises
    ------
    InvalidInput
        If the row has no shape that states them, or a text is missing.

    Examples
    --------
    >>> texts_of({"input": "Hi", "output": "Hello."}).response
    'Hello.'
    """
    wrong: InvalidInput | None = None
    # Messages say more than an answer whose question is only named by its group.
    for shape in (_asked(_prompt_response), _asked(_input_output), _messages, _prompt_response, _input_output):
        try:
            texts = shape(row)
        except InvalidInput as error:
            wrong = wrong or error
            continue
        if texts is not None:
            return texts
    if wrong is not None:
        raise wrong
    if _has_group(row) and (row.get("label") is not None or row.get("human_label") is not None):
        return Texts("", "", ())
    fields = ", ".join([name for name in row if name not in ("stream", "model")][:12]) or "none"
    raise InvalidInput(
        "the row states no prompt and response; it needs prompt and response, input and output, or messages "
        f"(or a label with prompt_id), its fields beside stream and model "
        f"are: {fields}"
    )


def _asked(shape: Callable[[Mapping[str, Any]], Texts | None]) -> Callable[[Mapping[str, Any]], Texts | None]:
    """Return the shape for rows that state the question itself."""
    field = "prompt" if shape is _prompt_response else "input"
    return lambda row: shape(row) if row.get(field) is not None else None


def _prompt_response(row: Mapping[str, Any]) -> Texts | None:
    return _pair(row, "prompt", "response")


def _input_output(row: Mapping[str, Any]) -> Texts | None:
    return _pair(row, "input", "output")


def _pair(row: Mapping[str, Any], asked: str, answered: str) -> Texts | None:
    """Return the texts of two fields; the prompt's may be missing where the row names its group."""
    prompt, response = row.get(asked), row.get(answered)
    if response is None or (prompt is None and not _has_group(row)):
        return None
    text = "" if prompt is None else _text(prompt, asked, "user")
    return Texts(text, _text(response, answered, "assistant"), (asked, answered))


def _messages(row: Mapping[str, Any]) -> Texts | None:
    messages = row.get("messages")
    return None if messages is None else _chat(parsed_json(messages, "messages"))


def _has_group(row: Mapping[str, Any]) -> bool:
    return row.get("prompt_id") is not None or row.get("conversation_id") is not None


def _text(value: object, field: str, role: str) -> str:
    text = last_text(value, role=role) if isinstance(value, list) else text_of(value)
    if text is None:
        raise InvalidInput(f"{field} has no text, got {shown(value)}; give a text, or leave the row out")
    return text


def _chat(messages: object) -> Texts:
    if not isinstance(messages, list) or not messages:
        raise InvalidInput(f"messages is a list of messages with role and content, got {shown(messages)}")
    last = _last_answer(messages)
    if last is None:
        raise InvalidInput("messages holds no assistant message, so there is no response to measure")
    asked = messages[: len(messages) - messages[::-1].index(last) - 1]
    prompt, response = last_text(asked, role="user"), text_of(last)
    if prompt is None:
        raise InvalidInput("messages holds no text of a user before the last assistant message; add the prompt")
    if response is None:
        raise InvalidInput("the last assistant message has no text (a tool call?); leave the row out")
    return Texts(prompt, response, ("messages",))


def _last_answer(messages: list[Any]) -> dict[str, Any] | None:
    return next((m for m in reversed(messages) if isinstance(m, dict) and m.get("role") == "assistant"), None)


def is_batch_row(row: Mapping[str, Any]) -> bool:
    """Whether a row is a line of an OpenAI batch output."""
    return "custom_id" in row and "response" in row and not isinstance(row["response"], str)


def expand_batch_row(
    row: Mapping[str, Any], requests: Mapping[str, Mapping[str, Any]] | None = None
) -> list[dict[str, Any]]:
    """Turn a line of an OpenAI batch output into plain rows, one for every choice.

    Answers of chat completions and completions (``choices``) are read, and those of ``/v1/responses`` (``output``).

    The output does not repeat the prompt: it comes from `requests` (see :func:`batch_requests`), else from the row's
    own ``prompt``; without either the text is empty and ``custom_id`` names the prompt.

    Raises
    ------
    InvalidInput
        If the request failed or the answer holds no text.
    """
    custom_id = str(row["custom_id"])
    answer = row["response"] if isinstance(row["response"], dict) else {}
    if row.get("error") or answer.get("status_code", 200) != 200:
        reason = row.get("error") or f"status {answer.get('status_code')}"
        raise InvalidInput(f"the request {custom_id} failed in the batch ({shown(reason)}); ask it again")
    body = answer.get("body")
    choices = _choices(body) if isinstance(body, dict) else None
    if not isinstance(body, dict) or not isinstance(choices, list) or not choices:
        raise InvalidInput(f"the answer to {custom_id} holds no choices and no output, got {shown(body)}")
    prompt = row.get("prompt") or _asked_in_batch((requests or {}).get(custom_id, {}))
    stated: dict[str, Any] = {k: v for k, v in row.items() if k not in ("id", "response", "error", "prompt")}
    stated.setdefault("model", body.get("model"))
    stated.setdefault("ts", body.get("created", body.get("created_at")))
    stated |= {"prompt": prompt} if isinstance(prompt, str) else {"prompt_id": row.get("prompt_id", custom_id)}
    rows = []
    for index, choice in enumerate(choices):
        message = choice.get("message", choice.get("text")) if isinstance(choice, dict) else None
        text = _text(message, f"choice {index} of {custom_id}", "assistant")
        identity = custom_id if len(choices) == 1 else f"{custom_id}/{index}"
        plain = {"id": identity, **stated, "response": text}
        rows.append({key: value for key, value in plain.items() if value is not None})
    return rows


def _choices(body: Mapping[str, Any]) -> object:
    """Return the choices of a completion, or the message of a ``/v1/responses`` answer as the only one."""
    output = body.get("output")
    if "choices" in body or not isinstance(output, list):
        return body.get("choices")
    return [{"message": _last_answer(output)}] if output else None


def _asked_in_batch(request: Mapping[str, Any]) -> object:
    """Return what a batch request asks: of chat completions, ``/v1/responses`` (a text or messages), completions."""
    asked = request.get("input")
    return (
        last_text(request.get("messages"), role="user")
        or (asked if isinstance(asked, str) else last_text(asked, role="user"))
        or request.get("prompt")
    )


def batch_requests(path: str | Path) -> dict[str, dict[str, Any]]:
    """Return the bodies of an OpenAI batch's request file by ``custom_id``.

    Raises
    ------
    InvalidInput
        If a line is no request.
    """
    requests: dict[str, dict[str, Any]] = {}
    for row in _sound(read_rows(path), path):
        body = row.value.get("body")
        if "custom_id" not in row.value or not isinstance(body, dict):
            raise InvalidInput(
                f"{path}, line {row.line}: a batch request has custom_id and body; name the request file"
            )
        requests[str(row.value["custom_id"])] = body
    return requests


def _sound(rows: Iterator[Row | BadRow], path: str | Path) -> Iterator[Row]:
    for row in rows:
        if isinstance(row, BadRow):
            raise InvalidInput(f"{path}, line {row.line}: {row.reason}")
        yield row
