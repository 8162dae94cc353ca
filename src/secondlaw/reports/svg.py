"""Vega-Lite specifications as static SVG by ``vl-convert-python``, which carries Vega and fonts: nothing is fetched."""

import re
from collections.abc import Mapping
from html import escape
from typing import Any

from secondlaw.reports.dark import is_recoloured
from secondlaw.reports.words import tame

__all__ = ["svg_of"]

NUMBER = re.compile(r"-?\d+\.\d{3,}")
TAG = re.compile(r"<[^>]+>")
NAME = re.compile(r"\b(id=\"|xlink:href=\"#|href=\"#|url\(#)([\w-]+)")
GEOMETRY = re.compile(r"\b(d|transform|x|y|x1|x2|y1|y2|width|height)=\"[^\"]*\"")


def svg_of(specification: Mapping[str, Any], *, prefix: str, title: str, description: str) -> str:
    """Return a chart as an accessible SVG element, of class ``recoloured`` where dark screens can have other colours.

    Parameters
    ----------
    specification : mapping
        Vega-Lite, with its data inside.
    prefix : str
        Put before every id, so that several charts can stand on one page.
    title, description : str
        What a screen reader says.

    Returns
    -------
    str
        An ``<svg>`` element without script and without references to anything outside it.
    """
    import altair
    import vl_convert

    version = ".".join(altair.SCHEMA_VERSION.lstrip("v").split(".")[:2])
    drawn = vl_convert.vegalite_to_svg(dict(specification), vl_version=version, allowed_base_urls=[])
    drawn = TAG.sub(lambda tag: _tidied(tag.group(), prefix), drawn)
    head, _, body = drawn.partition(">")
    head = re.sub(r" (xmlns:xlink|version|class)=\"[^\"]*\"", "", head) if "xlink:" not in body else head
    names = f'role="img" aria-labelledby="{prefix}-title {prefix}-desc"'
    said = (
        f'<title id="{prefix}-title">{escape(tame(title))}</title>'
        f'<desc id="{prefix}-desc">{escape(tame(description))}</desc>'
    )
    scheme = ' class="recoloured"' if is_recoloured(drawn) else ""
    return f"{head}{scheme} {names}>{said}{body}"


def _tidied(tag: str, prefix: str) -> str:
    """Return a tag with its ids made unique and its coordinates rounded to a hundredth of a pixel."""
    tag = GEOMETRY.sub(lambda found: NUMBER.sub(lambda n: f"{float(n.group()):.2f}", found.group()), tag)
    return NAME.sub(lambda found: f"{found.group(1)}{prefix}-{found.group(2)}", tag)
