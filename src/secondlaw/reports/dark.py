"""Charts on a dark screen: each colour of the light charts with the one that takes its place, as rules of CSS.

The pictures are drawn once, for light pages and for print, and stand in the page as SVG. Where the reader's screen is
dark, rules on the attributes ``fill`` and ``stroke`` put another colour in the place of each. A picture with a colour
that has none here (a heat map's shades) keeps its own, on a light plate. Colours keep their hue, so that text that
names them stays true; each is told from the page by 3 to 1 or more, text by 4.5 to 1 (WCAG 2.2).
"""

import re

__all__ = ["DARK", "PAGE", "dark_rules", "is_recoloured"]

PAGE = "#12181f"
"""What a page lies on in the dark."""

DARK = {
    # Ink, axes, grids.
    "#333333": "#d9e0e7",
    "#555555": "#b3bfca",
    "#586573": "#a9b7c4",
    "#666666": "#b3bfca",
    "#777777": "#93a1af",
    "#888888": "#7f8d9b",
    "#8a8a8a": "#93a1af",
    "#999999": "#93a1af",
    "#a3a3a3": "#8f9ba7",
    "#cccccc": "#46545f",
    "#e6e6e6": "#2b3946",
    "#eef1f4": "#1e2935",
    "white": PAGE,
    "#ffffff": PAGE,
    # Arms and categories (Okabe & Ito, and between them).
    "#0072b2": "#46a6e6",
    "#56b4e9": "#93d4ff",
    "#005b5b": "#2fa3a3",
    "#9ac7dd": "#c9e6f2",
    "#7f9fbf": "#8fb0d0",
    "#3a9bd9": "#7cc4f5",
    "#009e73": "#35c99a",
    "#8a5a9e": "#c79add",
    "#d55e00": "#f5813a",
    "#f0b04a": "#f5c36e",
    "#a33b00": "#d0682f",
    "#f7cf8f": "#f9dcae",
    # Alarms and what they began with.
    "#b3261e": "#ff8f7d",
    "#8c6d00": "#e8c35a",
    "#f2d98b": "#5c4a16",
}
_USED = re.compile(r"\b(?:fill|stroke)=\"([^\"]*)\"")
_NO_COLOR = {"none", "transparent", "currentColor"}


def is_recoloured(svg: str) -> bool:
    """Tell whether every colour of a picture has one that takes its place.

    Examples
    --------
    >>> is_recoloured('<path fill="none" stroke="#0072b2"/>'), is_recoloured('<rect fill="rgb(240, 244, 248)"/>')
    (True, False)
    """
    return set(_USED.findall(svg)) <= DARK.keys() | _NO_COLOR


def dark_rules() -> str:
    """Return the rules, to stand inside a media query."""
    rules = [
        f'svg.recoloured [{which}="{light}"] {{ {which}: {dark}; }}'
        for light, dark in DARK.items()
        for which in ("fill", "stroke")
    ]
    rules += [f'[style="color:{light}"] {{ color: {dark} !important; }}' for light, dark in DARK.items()]
    rules.append("svg:not(.recoloured) { background: #fff; border-radius: 4px; padding: 4px; }")
    return "\n".join(rules)
