"""A question, its context and an answer, read by the field names of ragas, LangChain, LlamaIndex and DeepEval."""

import ast
import json
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from secondlaw.errors import InvalidInput

__all__ = ["ANSWER_FIELDS", "CONTEXT_FIELDS", "QUESTION_FIELDS", "Example", "example_of"]

QUESTION_FIELDS = ("question", "user_input", "query", "prompt", "input")
CONTEXT_FIELDS = (
    "context", "contexts", "retrieved_contexts", "retrieval_context", "source_documents", "source_nodes", "documents",
    "context_str",
)  # fmt: skip
ANSWER_FIELDS = ("answer", "response", "actual_output", "result", "output", "summary")
"""The first field that a row has, and that is not empty, is taken. ragas: user_input, retrieved_contexts, response
(older: question, contexts, answer); LangChain: query or input, source_documents or context, result or answer;
LlamaIndex: query, source_nodes, response; DeepEval: input, retrieval_context, actual_output."""
_TEXT_KEYS = ("page_content", "text", "content")
_WRAPPED = ("node", "kwargs")
"""Of a document inside: LlamaIndex's scored nodes, LangChain's serialised documents."""
_LONGEST_LIST = 10_000_000
"""Characters of a text that is tried as a written-out list."""


@dataclass(frozen=True, slots=True)
class Example:
    """One answer with its question and context.

    Parameters
    ----------
    id : str
        The row's ``id``, else its number.
    question : str
        Empty where the row has none: a summary.
    contexts : tuple of str
        Passages in order; empty where the row has none.
    answer : str
    group : str
        What answers are paired and resampled by: the row's ``group`` or ``prompt_id``, else question and context.
    fields : mapping
        The row's other fields.
    """

    id: str
    question: str
    contexts: tuple[str, ...]
    answer: str
    group: str
    fields: Mapping[str, Any]


def example_of(row: Mapping[str, Any], *, number: int) -> Example:
    """Return the example that a row holds.

    Parameters
    ----------
    row : mapping
    number : int
        Of the row in its file, the id where the row has none.

    Returns
    -------
    Example

    Raises
    ------
    InvalidInput
        If there is no answer, neither question nor context, or a field is of the wrong kind.

    Examples
    --------
    >>> row = {"user_input": "Who?", "retrieved_contexts": ["Ada wrote it."], "response": "Ada."}
    >>> example_of(row, number=1).contexts
    ('Ada wrote it.',)
    >>> example_of({"query": "Who?", "source_documents": [{"page_content": "Ada."}], "result": "Ada."}, number=2).answer
    'Ada.'
    """
    question_field, answer_field = _first(row, QUESTION_FIELDS), _first(row, ANSWER_FIELDS)
    context_field = _first(row, CONTEXT_FIELDS)
    if answer_field is None:
        if empty := [name for name in ANSWER_FIELDS if name in row]:
            raise InvalidInput(f"{empty[0]} is null: leave the row out, or give an empty text for an empty answer")
        raise InvalidInput(f"the row has no answer: name it {', '.join(ANSWER_FIELDS)}; it has {_some(row)}")
    if question_field is None and context_field is None:
        raise InvalidInput(f"the row has neither question nor context, got {_some(row)}; name one question or context")
    question = "" if question_field is None else _text(row[question_field], question_field)
    contexts = () if context_field is None else _passages(row[context_field], context_field)
    used = {question_field, context_field, answer_field}
    group = next((str(row[key]) for key in ("group", "prompt_id") if row.get(key) is not None), None)
    return Example(
        id=str(row["id"]) if row.get("id") is not None else str(number),
        question=question,
        contexts=contexts,
        answer=_text(row[answer_field], answer_field),
        group="\x1f".join((question, *contexts)) if group is None else group,
        fields={key: value for key, value in row.items() if key not in used},
    )


def _first(row: Mapping[str, Any], names: tuple[str, ...]) -> str | None:
    """Return the first field that holds something, else the first that is there."""
    there = [name for name in names if row.get(name) is not None]
    return next((name for name in there if row[name] not in ("", [], ())), there[0] if there else None)


def _some(row: Mapping[str, Any]) -> str:
    shown = ", ".join(sorted(str(key)[:40] for key in row)[:8])
    return f"the fields {shown}" if shown else "no field"


def _text(value: object, field: str) -> str:
    """Return a text: a number as it is written, of a conversation what the person said last."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    if isinstance(value, list):
        said = [one["content"] for one in value if isinstance(one, Mapping) and _is_persons(one)]
        if said:
            return str(said[-1])
    if not isinstance(value, str):
        raise InvalidInput(f"{field} is a text, got {type(value).__name__}")
    return value


def _is_persons(message: Mapping[str, Any]) -> bool:
    return message.get("type", message.get("role")) in ("human", "user") and isinstance(message.get("content"), str)


def _passages(value: object, field: str) -> tuple[str, ...]:
    if isinstance(value, str):
        listed = _written_out(value)
        return (value,) if listed is None else listed
    if not isinstance(value, list):
        raise InvalidInput(f"{field} is a text or a list of texts, got {type(value).__name__}")
    found: list[str] = []
    for passage in value:
        if isinstance(passage, list):
            found += _passages(passage, field)
            continue
        text = _text_of_document(passage) if isinstance(passage, Mapping) else passage
        if not isinstance(text, str):
            raise InvalidInput(
                f"{field} holds texts or documents with {', '.join(_TEXT_KEYS)}, got {type(passage).__name__}"
            )
        found.append(text)
    return tuple(found)


def _text_of_document(document: Mapping[str, Any]) -> str | None:
    for one in (document, *(document[key] for key in _WRAPPED if isinstance(document.get(key), Mapping))):
        for key in _TEXT_KEYS:
            if isinstance(one.get(key), str):
                return str(one[key])
    return None


def _written_out(text: str) -> tuple[str, ...] | None:
    """Return the texts of a list that a table wrote out, as CSV files of ragas have them; None if it is none."""
    stripped = text.strip()
    if not (stripped.startswith("[") and stripped.endswith("]")) or len(stripped) > _LONGEST_LIST:
        return None
    try:
        found = json.loads(stripped)
    except (ValueError, RecursionError):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # backslashes that begin nothing stay as they are
                found = ast.literal_eval(stripped)
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            return None
    if not isinstance(found, list) or not all(isinstance(one, str) for one in found):
        return None
    return tuple(found)
