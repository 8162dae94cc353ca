"""Sentences of a text in any script: what is embedded, clustered and shown beside its support.

A sentence ends at ``. ! ? …`` (or their CJK, Indic, Arabic and Ethiopic kin) followed by space and something that may
begin a sentence; at a blank line; and at the end of a list item, heading, table row or line of code. It does not end
inside a number, a link, a name with initials, after an abbreviation, nor inside a fenced block of code, which is cut
at its lines. Nothing is lost: the sentences hold every character of the text that is no space, no code fence and no
list mark, in order. Rules of boundaries after Unicode Standard Annex 29, with the additions above; own tables.
"""

import re
import unicodedata
from collections.abc import Iterator

__all__ = ["split_sentences"]

MOST_CHARACTERS = 2000
"""A longer sentence (a log, a minified file, a text without stops) is cut at the last space before this."""

_STOPS = ".!?…‼⁇⁈⁉‽"
_WIDE_STOPS = "。！？｡．"
"""End a sentence without a space after them; the last is a decimal point between digits."""
_OTHER_STOPS = "।॥؟۔՞።፧፨။។៕᙮"
_CLOSERS = "\"'”’»›)]}）」』】》〉*_`"
_OPENERS = "\"'“‘«‹([{（「『【《〈¿¡*_`#-–—•"
_END = re.compile(
    rf"(?P<stop>[{re.escape(_STOPS)}]+)(?P<close>[{re.escape(_CLOSERS)}]*)(?P<space>\s+|(?=[“„«¿¡])|$)"
    rf"|(?P<wide>(?!(?<=\d)．\d)[{_WIDE_STOPS}]+[{_WIDE_STOPS}{re.escape(_STOPS)}]*)"
    rf"(?P<wide_close>[{re.escape(_CLOSERS)}]*)\s*"
    rf"|(?P<other>[{_OTHER_STOPS}]+)(?P<other_close>[{re.escape(_CLOSERS)}]*)\s*"
)
_FENCE = re.compile(r"^[ \t]*(```|~~~)")
_ITEM = re.compile(
    r"^[ \t]*(?:[-*+•‣◦▪–—·]|(?P<mark>\d{1,3}(?:\.\d{1,3}){0,3}\.|(?P<letter>[a-z]|[ivx]{2,5})\.(?!\s+[a-z]\.)"
    r"|\(?(?:\d{1,3}|[a-zA-Z]|[ivxIVX]{1,5})\)))[ \t]+(?=\S)"
)
_HEADING = re.compile(r"^[ \t]*#{1,6}[ \t]+")
_TABLE = re.compile(r"^[ \t]*\|.*\|[ \t]*$")
_RULE = re.compile(r"^[ \t]*(?:[-=_*~|:+][ \t]*){3,}$")
_LAST_WORD = re.compile(r"[^\s(\[{\"'“‘«]*$")
_INITIAL = re.compile(r"^(?:[^\W\d_]\.)*[^\W\d_]$")

_NEVER_LAST_TEXT = (
    "mr mrs ms mx dr prof rev fr sr st messrs mme mlle gen col capt lt maj sgt cpl cmdr adm gov sen rep pres supt "
    "hon insp det asst dept dist vs cf viz approx ca eg e.g i.e ie al fig figs eq eqs sec secs ch chap vol vols "
    "nr no nos pp p art par ref refs ed eds trans bros hr dipl ing bzw z.b d.h u.a s.o vgl ggf sog inkl exkl evtl "
    "ev tel abb abs bd hrsg sra dña av avda núm pág c.-à-d env svp т.е т.к т.д т.п им ул гг стр рис см напр jan "
    "feb mar apr jun jul aug sep sept oct nov dec mon tue wed thu fri"
)
_NEVER_LAST = frozenset(_NEVER_LAST_TEXT.split())
"""Abbreviations after which a sentence goes on whatever follows."""
_PERHAPS_LAST_TEXT = (
    "inc ltd corp co llc plc gmbh ag s.a etc usw jr a.m p.m am pm u.s u.k u.n e.u d.c b.c a.d ph.d m.d b.a m.a "
    "esq ave blvd rd hwy ft oz lb lbs mi km kg cm mm min max est"
)
_PERHAPS_LAST = frozenset(_PERHAPS_LAST_TEXT.split())
"""Abbreviations after which one ends where the next word has a capital."""
_NUMBERED_TEXT = "no nr nos fig figs eq eqs sec ch vol p pp art par núm pág стр рис"
_NUMBERED = frozenset(_NUMBERED_TEXT.split())
"""End a sentence unless a digit follows: "no" is a word, too."""


def split_sentences(text: str, *, most: int = MOST_CHARACTERS) -> list[str]:
    r"""Split a text into sentences.

    Parameters
    ----------
    text : str
        Any text; list marks and code fences are left out.
    most : int
        Longest sentence in characters.

    Returns
    -------
    list of str
        Without surrounding space; a piece without any letter, digit or symbol (a rule, a lone stop) is none.

    Examples
    --------
    >>> split_sentences("Dr. Smith paid $3.50 on Jan. 5. He left! 他走了。再见。")
    ['Dr. Smith paid $3.50 on Jan. 5.', 'He left!', '他走了。', '再见。']
    >>> split_sentences("- one\n- two")
    ['one', 'two']
    """
    found = []
    # In a text without a single capital a small letter does not say that the sentence goes on.
    cased = any(map(str.isupper, text))
    for block in _blocks(text):
        for sentence in _cut_block(block, cased=cased):
            clean = sentence.strip()
            if any(_says_something(character) for character in clean):
                found += _cut_long(clean, most)
    return found


def _blocks(text: str) -> Iterator[str]:
    """Yield pieces that no sentence crosses: paragraphs, list items, headings, table rows, lines of code."""
    held: list[str] = []
    fence: str | None = None
    before: str | None = None
    for line in re.sub(r"\r\n?|[\u2028\u2029\x0b\x0c\x85]", "\n", text).split("\n"):
        mark = _FENCE.match(line)
        if mark and (fence is None or mark[1] == fence):
            yield from _flushed(held)
            fence = mark[1] if fence is None else None
            continue
        if fence is not None:
            yield _NO_CUT + line
            continue
        rule = _RULE.match(line)
        item = None if rule else _ITEM.match(line)
        if item and not _begins_item(item, before, inside=bool(held)):
            item = None
        if item or rule or _HEADING.match(line) or _TABLE.match(line) or not line.strip():
            yield from _flushed(held)
            before = item["mark"] or before if item else None
            if item:
                held.append(line[item.end() :])
            elif line.strip() and not rule:
                yield (_NO_CUT if _TABLE.match(line) else "") + _HEADING.sub("", line)
            continue
        held.append(line)
    yield from _flushed(held)


def _begins_item(item: re.Match[str], before: str | None, *, inside: bool) -> bool:
    """Tell whether a line begins an item: inside a paragraph a number may be the next word of a wrapped line.

    There a mark must be a first one, or come after an item's `before`; of plain numbers the same or the next.
    """
    mark = item["mark"]
    if mark is None:
        return True
    own = mark.strip("().")
    if own in ("1", "1.1", "a", "A", "i", "I"):
        return True
    if not inside:
        return item["letter"] is None
    if before is None:
        return False
    last = before.strip("().")
    return not (own.isdigit() and last.isdigit()) or int(own) in (int(last), int(last) + 1)


_NO_CUT = "\x00"
"""Begins a line of code or a row of a table, which is one piece whatever stops it holds."""


def _flushed(held: list[str]) -> Iterator[str]:
    if held:
        yield "\n".join(held)
        held.clear()


def _cut_block(block: str, *, cased: bool) -> Iterator[str]:
    if block.startswith(_NO_CUT):
        yield block[1:]
        return
    start = 0
    for end in _END.finditer(block):
        if end["stop"] is None or _is_end(block, start, end, cased=cased):
            piece = block[start : end.end()]
            if piece.strip():
                yield piece
            start = end.end()
    yield block[start:]


def _is_end(block: str, start: int, end: re.Match[str], *, cased: bool) -> bool:
    """Tell whether a stop that may stand inside a sentence ends it."""
    following = block[end.end() : end.end() + 40].lstrip(_OPENERS + " \n\t")
    if not following:
        return True
    if not end["space"] and not end["close"] and block[end.end()] not in "“„«¿¡":
        return False
    goes_on = following[0].islower()
    stop = end["stop"]
    if stop != ".":
        return not goes_on or (not stop.startswith((".", "…")) and not end["close"])
    word = _LAST_WORD.search(block, max(start, end.start() - 40), end.start())
    last = word[0].casefold() if word else ""
    if goes_on and cased:
        return False
    if not end["close"]:
        if last in _NUMBERED:
            return not following[0].isdigit()
        if last in _NEVER_LAST:
            return False
        if _INITIAL.match(last) and last not in ("i",) and last not in _PERHAPS_LAST:
            return last.count(".") > 0 and not following[0].isdigit()  # "J. Smith" goes on, "in the U.S.S.R. We" ends
        if last in _PERHAPS_LAST:
            return following[0].isupper() or not following[0].isalnum()
    return True


def _cut_long(sentence: str, most: int) -> list[str]:
    pieces = []
    while len(sentence) > most:
        space = sentence.rfind(" ", most // 2, most)
        at = space if space > 0 else most
        pieces.append(sentence[:at].rstrip())
        sentence = sentence[at:].lstrip()
    return [*pieces, sentence] if sentence else pieces


def _says_something(character: str) -> bool:
    return character.isalnum() or unicodedata.category(character) in ("So", "Sm", "Sc", "Sk")
