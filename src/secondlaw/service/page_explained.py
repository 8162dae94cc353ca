"""What moved, as an alarm recorded it when it was raised: categories, intents, prompt sets, prompts, the mix."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from secondlaw.reports.words import one_line, reading
from secondlaw.service.page_words import points
from secondlaw.storage import Alarm
from secondlaw.types import Measured, measured_from_dict

__all__ = ["Explained", "Moved", "explained_by", "measured_of"]

MOST_PROMPTS = 8
HYPHEN = re.compile(r"(?<=[ \[])-(?=\d)")


@dataclass(frozen=True, slots=True)
class Moved:
    """One thing before and after: its name, two shares in percent, the change in words, and whether it is certain."""

    name: str
    before: str
    after: str
    change: str
    moved: bool


@dataclass(frozen=True, slots=True)
class Explained:
    """What moved behind an alarm.

    Parameters
    ----------
    words : str
        In one sentence.
    problem : str
        Why nothing can be said; empty where something can.
    categories, intents, prompt_sets, prompts, mix : tuple of Moved
    """

    words: str
    problem: str
    categories: tuple[Moved, ...] = ()
    intents: tuple[Moved, ...] = ()
    prompt_sets: tuple[Moved, ...] = ()
    prompts: tuple[Moved, ...] = ()
    mix: tuple[Moved, ...] = ()


def measured_of(values: Mapping[str, Any] | None) -> Measured | None:
    """Return a number as it was written down."""
    return None if values is None else measured_from_dict(values)


def explained_by(alarm: Alarm, *, names: Mapping[str, str]) -> Explained | None:
    """Return what moved, from an alarm's details; None where nothing was recorded.

    Parameters
    ----------
    alarm : Alarm
    names : mapping of category to its name
    """
    stated = alarm.details.get("explanation")
    if not stated:
        return None
    found, words = stated.get("attribution") or {}, HYPHEN.sub("−", str(stated.get("words") or ""))
    mix = _mix(alarm.details.get("mix"))
    if "insufficient" in found or not found:
        return Explained(words, str(found.get("insufficient") or "it was not recorded"), mix=mix)
    categories = tuple(
        Moved(
            f"{one['category']} {names.get(one['category'], '')}".strip(), _percent(one["before"]),
            _percent(one["after"]), reading(measured_of(one["difference"]), plus=True, points=True), bool(one["moved"]),
        )
        for one in found["categories"]
    )  # fmt: skip
    prompts = [
        Moved(one_line(str(one["prompt"]), 40), "", "", f"{one['category']} {points(one['difference'])} points",
              bool(one["moved"]))
        for one in found.get("prompts", ()) if one["moved"]
    ]  # fmt: skip
    return Explained(
        words, "", categories, _parts(found.get("parts", ()), names), _parts(stated.get("prompt_sets", ()), names),
        tuple(prompts[:MOST_PROMPTS]), mix,
    )  # fmt: skip


def _parts(parts: Sequence[Mapping[str, Any]], names: Mapping[str, str]) -> tuple[Moved, ...]:
    found = []
    for one in parts:
        change = "answered otherwise" if one["moved"] else "no certain change in its answers"
        behavior = one.get("behavior")
        if one["moved"] and behavior:
            keys = list(names)
            place = max(range(len(behavior)), key=lambda k: abs(behavior[k]))
            if place < len(keys):
                change = f"answered otherwise, {keys[place]} most ({points(behavior[place])} points of all responses)"
        name = one_line(str(one["part"] or "(none)"), 40)
        weights = _percent(one["weight_before"]), _percent(one["weight_after"])
        found.append(Moved(name, *weights, change, bool(one["moved"])))
    return tuple(found)


def _mix(mix: Mapping[str, Any] | None) -> tuple[Moved, ...]:
    if not mix:
        return ()
    found = []
    for one in mix.get("parts", ()):
        name = one_line(" · ".join(filter(None, (str(one["prompt_set"]), str(one["intent"])))) or "(none)", 50)
        change = f"{points(one['after'] - one['before'])} points"
        found.append(Moved(name, _percent(one["before"]), _percent(one["after"]), change, False))
    return tuple(found)


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"
