"""What ``POST /v1/events`` takes, for the OpenAPI document; docs/row-format.md has every shape of a row."""

from typing import Any

__all__ = ["request_body"]

_NAME = {"type": ["string", "integer", "null"]}
_TEXT = {"type": ["string", "null"]}
_EVENT: dict[str, Any] = {
    "type": "object",
    "description": "An event in the row format: a prompt with its response, or a label alone. Other fields are kept.",
    "properties": {
        "id": _NAME | {"description": "One for each response; an event sent again with its id is counted once."},
        "stream": _NAME | {"description": "Deployment or run."},
        "model": _NAME,
        "prompt_id": _NAME | {"description": "The prompt: the unit of resampling."},
        "conversation_id": _NAME | {"description": "The conversation: the unit of resampling where given."},
        "prompt": {"description": "Text, or a list of messages."},
        "response": {"description": "Text, or a message."},
        "step": {"type": ["integer", "null"], "minimum": 0, "maximum": 2**53, "description": "Position in the run."},
        "ts": {"type": ["string", "number", "null"], "description": "RFC 3339 with a zone, or seconds since 1970."},
        "intent": {"enum": ["benign", "harmful", "unknown", None]},
        "label": _TEXT | {"description": "A machine's category; without one the service labels the text."},
        "classifier": _NAME | {"description": "Name and version of what gave the label."},
        "human_label": _TEXT | {"description": "A person's category."},
        "annotator": _NAME,
    },
}


def request_body() -> dict[str, Any]:
    """Return the body of a request for OpenAPI.

    Examples
    --------
    >>> list(request_body()["content"])
    ['application/json', 'application/x-ndjson']
    """
    several = {"type": "array", "items": _EVENT}
    wrapped = {"type": "object", "properties": {"events": several}, "required": ["events"]}
    return {
        "required": True,
        "content": {
            "application/json": {"schema": {"anyOf": [_EVENT, several, wrapped]}},
            "application/x-ndjson": {"schema": {"type": "string", "description": "One event a line."}},
        },
    }
