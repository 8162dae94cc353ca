"""Prompt sets: what a model is asked, with the intent that the set states.

The sets that ship were written for this project: *benign* requests, *borderline* ones (most sound harmful and are not;
a few are the reverse) and *harmful* ones stated without any detail that could help to carry them out.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any, cast

import orjson

from secondlaw.behavior.taxonomy import INTENTS, Intent
from secondlaw.behavior.transcripts import content_id
from secondlaw.errors import FileFormatError, InvalidInput, NotEnoughData

__all__ = ["PROMPT_SETS", "Prompt", "load_prompts"]

PROMPT_SETS = ("benign", "borderline", "harmful")
BYTE_ORDER_MARK = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Prompt:
    """One prompt with its identity, the intent that its set states, and its topic."""

    prompt_id: str
    text: str
    intent: Intent = "unknown"
    topic: str = ""
    prompt_set: str = ""

    @classmethod
    def from_row(cls, row: dict[str, Any], *, where: str) -> "Prompt":
        """Build a prompt from a row with ``prompt`` and, optionally, ``prompt_id``, ``intent``, ``topic``.

        Raises
        ------
        FileFormatError
            If the prompt is missing or empty, the intent is no intent, or a name is no text.
        """
        text = row.get("prompt")
        if not isinstance(text, str) or not text.strip():
            raise FileFormatError(f"{where}: a prompt row needs a non-empty text under 'prompt', got {text!r}")
        intent = "unknown" if row.get("intent") is None else row["intent"]
        if intent not in INTENTS:
            raise FileFormatError(f"{where}: intent is one of {', '.join(INTENTS)}, got {intent!r}")
        names = {name: _name(row.get(name), f"{where}: {name}") for name in ("prompt_id", "topic", "prompt_set")}
        return cls(
            names["prompt_id"] or content_id(text), text, cast(Intent, intent), names["topic"], names["prompt_set"]
        )


def _name(value: object, what: str) -> str:
    """Return a name: a text or a whole number, or an empty text where there is none."""
    if value is None:
        return ""
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise FileFormatError(f"{what} is a text, got {value!r}")
    return str(value)


def load_prompts(
    source: str | Path = "all", *, per_set: int | None = None, sets: Sequence[str] = PROMPT_SETS
) -> list[Prompt]:
    """Load the prompts that ship, or a user's own JSONL file.

    Parameters
    ----------
    source : str or Path
        ``"all"`` or the name of one set that ships (``"benign"``, ``"borderline"``, ``"harmful"``), or a path of a
        JSONL file whose rows hold ``prompt`` and, where known, ``prompt_id``, ``intent``, ``topic`` and ``prompt_set``.
    per_set : int, optional
        At most so many prompts of each set, in file order.
    sets : sequence of str
        Which of the shipped sets ``"all"`` means.

    Returns
    -------
    list of Prompt
        With different prompt ids.

    Raises
    ------
    InvalidInput
        If the file does not exist, ids repeat, or `per_set` or `sets` cannot be.
    FileFormatError
        If a row is no prompt.
    NotEnoughData
        If there is no prompt at all.

    Examples
    --------
    >>> [prompt.prompt_id for prompt in load_prompts("harmful", per_set=2)]
    ['harmful-01', 'harmful-02']
    """
    if per_set is not None and per_set < 1:
        raise InvalidInput(f"per_set is at least 1, got {per_set}; leave it out for all prompts")
    unknown = sorted(set(sets) - set(PROMPT_SETS))
    if unknown:
        raise InvalidInput(f"no prompt set {unknown[0]!r} ships; there are {', '.join(PROMPT_SETS)}")
    if str(source) == "all" or str(source) in PROMPT_SETS:
        wanted = set(sets) if str(source) == "all" else {str(source)}
        data = files("secondlaw.sampling").joinpath("data/prompts.jsonl").read_bytes()
        prompts = [prompt for prompt in _parse(data, "the prompts that ship") if prompt.prompt_set in wanted]
    else:
        path = Path(source)
        if not path.is_file():
            raise InvalidInput(
                f"no prompt file {str(source)!r}; give a JSONL file or one of: all, {', '.join(PROMPT_SETS)}"
            )
        prompts = list(_parse(path.read_bytes(), str(path)))
    if not prompts:
        raise NotEnoughData(f"{source}: no prompts; each line needs a JSON object with 'prompt'")
    seen: set[str] = set()
    for prompt in prompts:
        if prompt.prompt_id in seen:
            raise InvalidInput(
                f"{source}: prompt_id {prompt.prompt_id!r} occurs twice; ids must differ, and so must texts without one"
            )
        seen.add(prompt.prompt_id)
    return _first_of_each(prompts, per_set) if per_set is not None else prompts


def _parse(data: bytes, name: str) -> Iterable[Prompt]:
    for number, line in enumerate(data.removeprefix(BYTE_ORDER_MARK).splitlines(), start=1):
        if not line.strip():
            continue
        try:
            row = orjson.loads(line)
        except orjson.JSONDecodeError as error:
            raise FileFormatError(f"{name}, line {number}: {error}") from error
        if not isinstance(row, dict):
            raise FileFormatError(f"{name}, line {number}: a prompt row is a JSON object, got {line[:60]!r}")
        yield Prompt.from_row(row, where=f"{name}, line {number}")


def _first_of_each(prompts: list[Prompt], per_set: int) -> list[Prompt]:
    counts: dict[str, int] = {}
    kept = []
    for prompt in prompts:
        counts[prompt.prompt_set] = counts.get(prompt.prompt_set, 0) + 1
        if counts[prompt.prompt_set] <= per_set:
            kept.append(prompt)
    return kept
