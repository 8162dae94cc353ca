"""``check`` in the terminal and in a build log: the verdict first, then the numbers; 80 columns, no colour."""

import textwrap

from secondlaw.drift.check_results import CheckResult, CheckSide, PromptsTested
from secondlaw.reports.words import count, interval, level, number, one_line, plain_minus, reading, tame
from secondlaw.statistics.permutation import p_text
from secondlaw.types import Estimate

__all__ = ["FEW", "SAID", "change_words", "check_text", "how_tested"]

SAID = {
    "pass": "PASS: no drift shown",
    "drift": "DRIFT",
    "inconclusive": "INCONCLUSIVE: a change beyond the tolerance cannot be excluded",
    "no-data": "NO DATA",
}
WIDTH = 100
FEW = 3
"""Prompts named where none moved clearly."""


def check_text(found: CheckResult) -> str:
    """Return a result as plain lines.

    Examples
    --------
    >>> print(check_text(CheckResult("no-data", "b.jsonl has no labelled response: n = 0")))
    NO DATA
      b.jsonl has no labelled response: n = 0
    """
    proved = found.verdict == "pass" and found.settings.get("tolerance") is not None
    lines = ["PASS: within the tolerance" if proved else SAID[found.verdict]]
    said = [one.message for one in found.checks] or [found.message]
    if found.verdict == "no-data":
        said = [found.message]
    lines += [part for text in said for part in _wrapped(tame(text))]
    if found.verdict == "pass" and not proved and found.checks:
        lines += _wrapped("no proof of no change: the intervals say what cannot be excluded; --tolerance demands it")
    for side in (found.base, found.candidate):
        if side is not None:
            lines.append(f"  {_side(side)}")
    if found.tested is not None:
        lines += _wrapped(how_tested(found.tested))
    lines += [part for text in found.warnings for part in _wrapped(f"warning: {tame(text[:400])}")]
    if found.verdict != "no-data":
        lines += _table(found)
        lines += _moved(found)
    return plain_minus("\n".join(lines))


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(text, WIDTH, initial_indent="  ", subsequent_indent="    ", break_on_hyphens=False)


def _side(side: CheckSide) -> str:
    outside = f", {side.outside:,} outside the taxonomy" if side.outside else ""
    return (
        f"{one_line(side.name, 40)}: {count(side.responses, 'responses')} to {count(side.prompts, 'prompts')}{outside}"
        f", labels: {one_line(side.labels, 40)}"
    )


def how_tested(tested: PromptsTested) -> str:
    """Return how the prompts were tested.

    Examples
    --------
    >>> how_tested(PromptsTested("paired", 20, 0, 0, 0.0, False, ()))
    '20 prompts that both runs answered, swapped between them'
    """
    parts = []
    if tested.matched:
        parts.append(f"{count(tested.matched, 'prompts')} that both runs answered, swapped between them")
    if tested.dealt:
        parts.append(f"{count(tested.dealt, 'prompts')} of one run alone, dealt anew within prompt set and intent")
    return "; ".join(parts)


def change_words(name: str, found: CheckResult) -> str:
    """Return a change with its sign and interval, or why there is none."""
    value = found.changes[name]
    distance = name in ("total_variation", "jensen_shannon")
    if not isinstance(value, Estimate):
        return reading(value)
    return f"{number(value, plus=not distance, points=True)} {interval(value, plus=not distance)}"


def _table(found: CheckResult) -> list[str]:
    where = level(float(found.settings.get("level", 0.95)))
    lines = ["", f"Candidate less base, {where} intervals"]
    width = max(len(name) for name in found.changes)
    for name in found.changes:
        shares = ""
        key = name.removeprefix("category:")
        of = [found.shares.get(side, {}).get(key) for side in ("base", "candidate")]
        if name.startswith("category:") and all(isinstance(one, Estimate) for one in of):
            shares = f"  ({' -> '.join(number(one) for one in of if isinstance(one, Estimate))})"
        lines.append(f"  {name:<{width}}  {change_words(name, found)}{shares}")
    return lines


def _moved(found: CheckResult) -> list[str]:
    lines = []
    if found.strata:
        lines.append("\nWhere it moved (prompt set, intent; p by Holm)")
        for stratum in found.strata:
            p = "too few prompts" if stratum.p_value is None else p_text(stratum.p_value)
            most = max(stratum.behavior, key=lambda key: abs(stratum.behavior[key]))
            said = f"{most} {100 * stratum.behavior[most]:+.1f} points of all responses"
            lines.append(f"  {one_line(stratum.stratum, 40)}: {said}, {p}{'  <- moved' if stratum.moved else ''}")
    if found.prompts:
        clear = [prompt for prompt in found.prompts if prompt.moved]
        said = "Prompts that moved most" if clear else "Prompts that moved most, none of them clearly by itself"
        lines.append(f"\n{said} (p adjusted, Benjamini-Hochberg)")
        for prompt in clear or found.prompts[:FEW]:
            where = "" if prompt.lines is None else f", lines {prompt.lines[0]} and {prompt.lines[1]}"
            name = one_line(prompt.prompt_id or prompt.key, 40)
            rise = f"{prompt.category} {100 * prompt.change:+.0f} points"
            mark = "  <- moved" if prompt.moved else ""
            lines.append(f"  {name}: {rise}, {p_text(prompt.p_value)}{where}{mark}")
            if prompt.text is not None:
                lines.append(f"    {one_line(prompt.text, 90)}")
    return lines
