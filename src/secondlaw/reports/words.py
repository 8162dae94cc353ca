"""Numbers and foreign text as people read them: rounding by the interval, words for missing numbers, tamed characters.

Shares are written in percent, entropies in nats with three decimals, rates with as many decimals as they carry.
A number that the data cannot carry is written in words, never as 0.
"""

import math
import unicodedata
from dataclasses import replace
from typing import Literal

from secondlaw.statistics.permutation import p_text
from secondlaw.types import Estimate, Insufficient, Measured

__all__ = [
    "clip",
    "count",
    "growth_words",
    "interval",
    "joined",
    "level",
    "number",
    "one_line",
    "p_value",
    "p_words",
    "plain_minus",
    "reading",
    "tame",
]

Minus = Literal["-", "−"]
REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
KEPT_FORMATS = {"\N{ZERO WIDTH JOINER}", "\N{ZERO WIDTH NON-JOINER}"}
"""Format characters that scripts and emoji need; all others (bidi overrides, invisible tags) can disguise text."""
MOST_DECIMALS = 8
TINY = 1e-9
"""Less than this is rounding and gets no sign."""
SMALLEST_PERCENT, SMALLEST_NATS = 1e-4, 1e-6
"""Numbers whose value and interval are below these are shown as zero: no data carry so small a share or entropy."""


def tame(text: str) -> str:
    r"""Replace control, bidi-override, invisible and unpaired characters; line breaks and tabs stay.

    Examples
    --------
    >>> tame("a\x00b\u202ec\r\nd")
    'a�b�c\nd'
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if text.isascii() and text.isprintable():
        return text
    return "".join(_tame_character(character) for character in text)


def _tame_character(character: str) -> str:
    if character in "\n\t" or character in KEPT_FORMATS:
        return character
    kind = unicodedata.category(character)
    if kind in ("Zl", "Zp"):
        return "\n"
    if kind in ("Cc", "Cf", "Cs", "Cn", "Co"):
        return REPLACEMENT
    return character


def clip(text: str, most: int) -> str:
    """Return at most `most` characters of a text, tamed, and say how many were left out.

    Examples
    --------
    >>> clip("abcdef", 4)
    'abcd … (2 more characters)'
    """
    if len(text) <= most:
        return tame(text)
    return f"{tame(text[:most])} … ({len(text) - most:,} more characters)"


def one_line(text: str, most: int = 60) -> str:
    """Return a name on one line, tamed, its middle left out where it is longer than `most` characters.

    Examples
    --------
    >>> one_line("organisation/model-of-the-year-2031", 16)
    'organisa…ar-2031'
    """
    if len(text) > 4 * most:
        text = text[: 2 * most] + text[-2 * most :]
    text = " ".join(tame(text).split()) or "(no name)"
    if len(text) <= most:
        return text
    head = most // 2
    return f"{text[:head]}…{text[head + 1 - most :]}"


def _decimals(estimate: Estimate, least: int, smallest: float) -> int:
    scale = max(abs(estimate.value), estimate.width if math.isfinite(estimate.width) else 0.0)
    if scale < smallest:
        return least
    return min(MOST_DECIMALS, max(least, 1 - math.floor(math.log10(scale))))


def _parts(estimate: Estimate) -> tuple[float, int, str]:
    """Return the factor, the decimals and the unit in which an estimate is shown."""
    if estimate.unit.startswith("share"):
        value, low, high = (100 * part for part in (estimate.value, estimate.low, estimate.high))
        percent = replace(estimate, value=value, low=low, high=high)
        rate = "/" in estimate.unit
        decimals = _decimals(percent, 2 if rate else 1, SMALLEST_PERCENT)
        return 100.0, decimals, "points" + estimate.unit[5:] if rate else "%"
    least = 4 if "/" in estimate.unit else 3
    return 1.0, _decimals(estimate, least, SMALLEST_NATS), estimate.unit


def _signed(value: float, decimals: int, minus: Minus, plus: bool) -> str:
    if math.isinf(value):
        return "unbounded"
    text = f"{abs(value):,.{decimals}f}"
    if plus and abs(value) > TINY:  # +0.0 says that an end of an interval lies above zero, if hardly
        return f"{minus if value < 0 else '+'}{text}"
    return f"{minus if value < 0 and float(text.replace(',', '')) != 0 else ''}{text}"


def number(estimate: Estimate, *, minus: Minus = "−", plus: bool = False, points: bool = False) -> str:
    """Return the point estimate with its unit.

    Parameters
    ----------
    estimate : Estimate
    minus : {"-", "−"}
    plus : bool
        Whether a positive number gets its sign, as differences and rates do.
    points : bool
        Whether a share is a difference of shares, in percentage points.

    Examples
    --------
    >>> number(Estimate(0.123, 0.09, 0.16, 0.95, 50, "share", "counted"))
    '12.3 %'
    """
    factor, decimals, unit = _parts(estimate)
    unit = "points" if points and unit == "%" else unit
    return f"{_signed(factor * estimate.value, decimals, minus, plus)} {unit}".rstrip()


def interval(estimate: Estimate, *, minus: Minus = "−", plus: bool = False) -> str:
    """Return the interval without its unit.

    Examples
    --------
    >>> interval(Estimate(0.453, 0.41, 0.5, 0.95, 500, "nats", "counted"))
    '[0.410, 0.500]'
    """
    factor, decimals, _ = _parts(estimate)
    low, high = (_signed(factor * end, decimals, minus, plus) for end in (estimate.low, estimate.high))
    return f"[{low}, {high}]"


def reading(measured: Measured | None, *, minus: Minus = "−", plus: bool = False, points: bool = False) -> str:
    """Return a number with its interval, or in words why there is none.

    Examples
    --------
    >>> reading(Insufficient("a single step"))
    'no number: a single step'
    """
    if measured is None:
        return "not measured"
    if isinstance(measured, Insufficient):
        return f"no number: {clip(measured.reason, 300)}"
    value = number(measured, minus=minus, plus=plus, points=points)
    return f"{value} {interval(measured, minus=minus, plus=plus)}"


def plain_minus(text: str) -> str:
    """Return a text with the minus sign that every terminal has.

    Examples
    --------
    >>> plain_minus("−0.1")
    '-0.1'
    """
    return text.replace("−", "-")


def count(n: int, noun: str) -> str:
    """Return a number of things in words, the noun given in its plural.

    Examples
    --------
    >>> count(1, "responses"), count(1200, "prompts")
    ('1 response', '1,200 prompts')
    """
    singular = {"categories": "category", "classes": "class"}.get(noun, noun.removesuffix("s"))
    return f"{n:,} {noun if n != 1 else singular}"


def level(confidence: float) -> str:
    """Return a confidence level as a percentage.

    Examples
    --------
    >>> level(0.95)
    '95 %'
    """
    return f"{100 * confidence:.4g} %"


def joined(words: list[str]) -> str:
    """Return words as a list in a sentence.

    Examples
    --------
    >>> joined(["a", "b", "c"])
    'a, b and c'
    """
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}" if words else ""


def p_value(p: float | None, *, one_sided: bool = False) -> str:
    """Return a p-value as it is printed.

    Examples
    --------
    >>> p_value(0.0004), p_value(0.034, one_sided=True), p_value(None)
    ('p = 0.0004', 'one-sided p = 0.034', 'no p-value')
    """
    if p is None:
        return "no p-value"
    digits = 4 if p < 0.001 else 3 if p < 0.1 else 2
    said = p_text(p, digits=digits)
    return f"one-sided {said}" if one_sided else said


def p_words(p: float | None, permutations: int) -> str:
    """Return what a permutation p-value says, in words: how often shufflings do at least as much as the data.

    Parameters
    ----------
    p : float or None
    permutations : int
        How many shufflings the p-value comes from: it cannot fall below ``1 / (permutations + 1)``.

    Examples
    --------
    >>> p_words(0.4, 999)
    'The data do not settle it: chance alone does as much in 40 of 100 shufflings. That is no proof of no difference.'
    """
    if p is None:
        return "No test was possible with these data."
    floor = 1.0 / (permutations + 1)
    if p <= floor * 1.000001:
        times = f"none of {permutations:,} shufflings"
    elif p < 0.01:
        times = f"about {max(1, round(p * (permutations + 1)) - 1):,} of {permutations:,} shufflings"
    else:
        times = f"{100 * p:.0f} of 100 shufflings"
    if p < 0.01:
        return f"Strong evidence: chance alone did as much in {times}."
    if p < 0.05:
        return f"Some evidence: chance alone does as much in {times}."
    return f"The data do not settle it: chance alone does as much in {times}. That is no proof of no difference."


def growth_words(longest: float | None, rate: Measured) -> str:
    """Return how long a linear growth of S can last, with what the rate's interval leaves open; empty if unknown.

    Examples
    --------
    >>> rate = Estimate(0.02, 0.01, 0.04, level=0.95, n=10, unit="nats/step", method="slope")
    >>> growth_words(80.0, rate)
    '80 steps [40, 160]'
    """
    if longest is None or not isinstance(rate, Estimate) or not rate.low > 0.0:
        return ""
    soonest, latest = (longest * rate.value / bound for bound in (rate.high, rate.low))
    return f"{longest:,.0f} steps [{soonest:,.0f}, {latest:,.0f}]"
