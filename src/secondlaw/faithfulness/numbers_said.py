"""Numbers of a text in one notation, in any script: 60.9 billion, $60,900 million and 609亿 are the same one."""

import re
import unicodedata
from collections.abc import Iterable
from decimal import Decimal
from typing import NamedTuple

__all__ = ["Number", "known_numbers", "numbers"]

_LETTERS = "A-Za-z\\u00c0-\\u024f\\u0370-\\u03ff\\u0400-\\u04ff"
_NUMBER = re.compile(rf"(?<![{_LETTERS}\d_.,])[-+−]?\d+(?:[.,'’\u00a0\u202f]\d+)*")
"""Not the 2 of v2 or H2O; scripts that are written without spaces may stand right before it."""
_GROUPED = re.compile(r"^\d{1,3}(?:[,'’\u00a0\u202f]\d{3})+(?:\.\d+)?$")
_NAMES = "zero one two three four five six seven eight nine ten eleven twelve"
_NAMED = {word: str(value) for value, word in enumerate(_NAMES.split())}
_WORD = re.compile(r"[^\W\d_]+")
_SCALES = {
    "thousand": 3, "thousands": 3, "million": 6, "millions": 6, "billion": 9, "billions": 9, "trillion": 12,
    "trillions": 12, "lakh": 5, "lakhs": 5, "crore": 7, "crores": 7, "millionen": 6, "milliarde": 9, "milliarden": 9,
    "milliard": 9, "milliards": 9, "millones": 6, "mio": 6, "mrd": 9, "тыс": 3, "тысяч": 3, "млн": 6, "миллионов": 6,
    "млрд": 9, "миллиардов": 9, "bn": 9, "mn": 6,
}  # fmt: skip
"""Powers of ten of words after a number."""
_ATTACHED = {"k": 3, "K": 3, "M": 6, "B": 9, "T": 12, "bn": 9, "mn": 6}
"""Those written right behind it; m is a metre, a minute or a million, and is left alone."""
_SIGNS = {"千": 3, "万": 4, "萬": 4, "亿": 8, "億": 8, "兆": 12, "천": 3, "만": 4, "억": 8, "조": 12}


class Number(NamedTuple):
    """A number: its value in one notation, the value without its scale, and how it was said."""

    value: str
    bare: str
    said: str


def numbers(text: str) -> list[Number]:
    """Return the numbers of a text in order; the words zero to twelve count.

    Examples
    --------
    >>> [one.value for one in numbers("Two of 1,000 paid 3.50 on 2024-05-01")]
    ['2', '1000', '3.5', '2024', '5', '1']
    >>> [one.value for one in numbers("$60.9 billion, 60,900M, 609亿")]
    ['60900000000', '60900000000', '60900000000']
    >>> numbers("three million")[0].said
    '3 million'
    """
    folded = unicodedata.normalize("NFKC", text)
    folded = re.sub(r"[^\W\D0-9]", lambda found: str(unicodedata.digit(found[0], 0)), folded)
    found = [
        (match.start(), _scaled(_NAMED[match[0].casefold()], folded, match.end()))
        for match in _WORD.finditer(folded)
        if match[0].casefold() in _NAMED
    ]
    parted = re.sub(r"(?<=\d)[-/:–](?=\d)", " ", folded)
    found += [(match.start(), _scaled(_plain(match[0]), parted, match.end())) for match in _NUMBER.finditer(parted)]
    return [number for _, number in sorted(found, key=lambda one: one[0])]


def known_numbers(texts: Iterable[str]) -> set[str]:
    """Return the values of the numbers of texts, with and without their scale: either may be repeated."""
    return {value for text in texts for number in numbers(text) for value in (number.value, number.bare)}


def _scaled(bare: str, text: str, end: int) -> Number:
    """Return a number with the scale that follows it."""
    behind = text[end : end + 20]
    power, said = _SIGNS.get(behind[:1], 0), behind[:1]
    word = _WORD.match(behind)
    if not power and word is not None:
        said = word[0]
        power = _ATTACHED.get(said, 0)
    if not power and (word := re.match(r"[\s\u00a0-]?([^\W\d_]+)", behind)) is not None:
        said = word[1]
        power = _SCALES.get(said.casefold(), 0)
    if not power:
        return Number(bare, bare, bare)
    try:
        value = _plain(format(Decimal(bare).scaleb(power), "f"))
    except ArithmeticError:  # a date or a version with several dots
        return Number(bare, bare, bare)
    return Number(value, bare, f"{bare} {said}")


def _plain(number: str) -> str:
    sign = "-" if number[0] in "-−" else ""
    digits = number.lstrip("+-−")
    if _GROUPED.match(digits):
        digits = re.sub(r"[,'’\u00a0\u202f]", "", digits)
    digits = digits.replace(",", ".")
    whole, _, rest = digits.partition(".")
    rest = rest.rstrip("0") if "." not in rest else rest
    return sign + (whole.lstrip("0") or "0") + (f".{rest}" if rest else "")
