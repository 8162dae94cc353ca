"""Words, bigrams and names of a text, in any script: what an answer has that its context has not."""

import itertools
import re
import unicodedata
from collections.abc import Iterable

__all__ = ["bigrams", "foreign_letters", "names", "words"]

_WORD = re.compile(r"[^\W_]+(?:['’.-][^\W_]+)*")
_CAPITALISED = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")


def words(text: str) -> list[str]:
    """Return the words of a text, folded in case and compatibility forms; each Han, kana or Thai character is one.

    Examples
    --------
    >>> words("It's 3.5 km，很好")
    ["it's", '3.5', 'km', '很', '好']
    """
    found: list[str] = []
    for match in _WORD.finditer(unicodedata.normalize("NFKC", text).casefold()):
        word = match[0].replace("’", "'")
        if word.isascii() or not any(_stands_alone(character) for character in word):
            found.append(word)
            continue
        run = ""
        for character in word:
            if _stands_alone(character):
                if run:
                    found.append(run)
                found.append(character)
                run = ""
            else:
                run += character
        if run:
            found.append(run)
    return found


def bigrams(sequence: list[str]) -> list[tuple[str, str]]:
    """Return the pairs of neighbouring words."""
    return list(itertools.pairwise(sequence))


def names(sentences: Iterable[str]) -> list[str]:
    """Return the words that look like names: capitalised, and not merely the first of a sentence.

    A first word counts where a capitalised one follows it. Only scripts with capitals have names here, and German
    nouns count as names.

    Examples
    --------
    >>> names(["The chair met Ada Lovelace.", "Marie Curie left. "])
    ['Ada', 'Lovelace', 'Marie', 'Curie']
    """
    found = []
    for sentence in sentences:
        tokens = [match[0] for match in _CAPITALISED.finditer(sentence)]
        for place, token in enumerate(tokens):
            if not token[0].isupper() or len(token) < 2:
                continue
            follows = place + 1 < len(tokens) and tokens[place + 1][0].isupper() and token.casefold() not in _FIRST
            if place or follows:
                found.append(token)
    return found


_FIRST_TEXT = (
    "the a an in on at of for from to by with as and but or if when while after before since this that these "
    "those his her its our their my your it he she they we you i is are was were"
)
_FIRST = frozenset(_FIRST_TEXT.split())
"""Words that often stand before a name without being part of it."""


def foreign_letters(text: str) -> float:
    """Return the share of letters that are not Latin, 0 where there are none.

    Examples
    --------
    >>> foreign_letters("ab 漢字")
    0.5
    """
    letters = [character for character in text[:20_000] if character.isalpha()]
    if not letters:
        return 0.0
    foreign = (one for one in letters if not one.isascii())
    return sum(not unicodedata.name(one, "").startswith(("LATIN", "FULLWIDTH LATIN")) for one in foreign) / len(letters)


def _stands_alone(character: str) -> bool:
    code = ord(character)
    return (
        0x3040 <= code <= 0x30FF or 0x3400 <= code <= 0x9FFF or 0xF900 <= code <= 0xFAFF or code >= 0x20000
        or 0x0E00 <= code <= 0x0EFF or 0x1000 <= code <= 0x109F or 0x1780 <= code <= 0x17FF
    )  # fmt: skip
