"""How arms and categories look: colours, line patterns and symbols, told apart also in a print without colour.

Colours follow Okabe and Ito (2008), which colour-blind readers tell apart.
"""

from collections.abc import Sequence

__all__ = ["CHARACTER", "COLORS", "DASHES", "FONT", "GLYPHS", "HEIGHT", "INK", "SYMBOLS", "WIDTH", "category_colors"]

WIDTH = 440
"""Width of a chart in pixels: shown about this size in two columns of a page, and nearly so on a telephone."""
HEIGHT = 210
CHARACTER = 6.9
"""Mean width of a character of the bold 12 px labels, in pixels."""
FONT = "Liberation Sans, Arial, Helvetica, sans-serif"
"""The first is carried by vl-convert; the next two have the same widths."""
INK = "#333333"
COLORS = ("#0072b2", "#d55e00", "#009e73", "#8a5a9e", "#8c6d00", "#3a9bd9", "#555555")
SYMBOLS = ("circle", "square", "triangle-up", "diamond", "cross", "triangle-down", "triangle-right")
GLYPHS = ("●", "■", "▲", "◆", "✚", "▼", "▶")
"""The symbols as characters, for text beside the charts."""
DASHES: tuple[list[int], ...] = ([1, 0], [7, 3], [2, 2], [9, 3, 2, 3], [4, 2], [12, 4], [1, 3])
GOOD = ("#0072b2", "#56b4e9", "#005b5b", "#9ac7dd", "#7f9fbf")
BAD = ("#d55e00", "#f0b04a", "#a33b00", "#f7cf8f")
NEUTRAL = "#a3a3a3"


def category_colors(misaligned: Sequence[bool]) -> tuple[str, ...]:
    """Return a colour for each category: warm if misaligned, else cool; grey for a last one that is aligned.

    Examples
    --------
    >>> category_colors((False, True))
    ('#0072b2', '#d55e00')
    """
    good, bad = iter(GOOD * len(misaligned)), iter(BAD * len(misaligned))
    colors = [next(bad) if is_bad else next(good) for is_bad in misaligned]
    if len(misaligned) > 2 and not misaligned[-1]:
        colors[-1] = NEUTRAL
    return tuple(colors)
