"""What every page is made of: frame, eyebrow, foot, lists and figures, without script and external resources.

Pages are light, and dark where the reader's screen is; printed pages are always light.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from html import escape
from importlib.resources import files
from string import Template
from typing import Any

from secondlaw.errors import InvalidInput
from secondlaw.reports.dark import dark_rules
from secondlaw.reports.svg import svg_of
from secondlaw.reports.words import clip, one_line, tame

__all__ = ["bullets", "chart_figure", "figure", "frame", "page", "sentence"]

LONGEST = 900
"""Characters of an item of a list."""


def page(
    title: str,
    parts: Iterable[str],
    *,
    created: datetime,
    version: str,
    about: str = "",
    made: Iterable[str] = (),
    style: str = "",
) -> str:
    """Return a page with what all pages carry: above its kind and subject, below version, time and how it was made.

    Parameters
    ----------
    title : str
        The kind of page.
    parts : iterable of str
        HTML, one below the other; empty ones are left out.
    created : datetime
        With a zone.
    version : str
        Of secondlaw.
    about : str
        The subject, such as the file that was read.
    made : iterable of str
        What else is needed to make the page again, such as the seed.
    style : str
        CSS beside the common style.

    Raises
    ------
    InvalidInput
        If `created` has no zone.

    Examples
    --------
    >>> made = page("Kind", ["<h1>A</h1>"], created=datetime(2026, 1, 2, tzinfo=UTC), version="1", made=["seed 0"])
    >>> "<footer>secondlaw 1 · 2026-01-02 00:00 UTC · seed 0</footer>" in made
    True
    """
    if created.tzinfo is None:
        raise InvalidInput(f"the report's time needs a zone, got {created.isoformat()} without one")
    named = [escape(one_line(name, 120)) for name in (title, about) if name]
    when = created.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")
    foot = escape(tame(" · ".join([f"secondlaw {one_line(version, 40)}", when, *made])))
    head = f'<header><p class="eyebrow">{" · ".join(named)}</p></header>'
    return frame(": ".join(named), [head, *parts, f"<footer>{foot}</footer>"], style=style)


def frame(title: str, parts: Iterable[str], *, style: str = "") -> str:
    """Return a page.

    Parameters
    ----------
    title : str
        Escaped.
    parts : iterable of str
        HTML, one below the other; empty ones are left out.
    style : str
        CSS beside the common style.

    Examples
    --------
    >>> "<title>A</title>" in frame("A", ["<p>text</p>", ""])
    True
    """
    dark = f"@media screen and (prefers-color-scheme: dark) {{\n{_resource('dark.css')}{dark_rules()}\n}}\n"
    content, css = "\n".join(filter(None, parts)), _resource("page.css") + style + dark
    return Template(_resource("page.html")).substitute(title=title, style=css, content=content)


def bullets(texts: Iterable[str]) -> str:
    """Return texts as a list, tamed, very long ones cut.

    Examples
    --------
    >>> bullets(["a < b"])
    '<ul><li>a &lt; b</li></ul>'
    """
    return "<ul>" + "".join(f"<li>{escape(clip(text, LONGEST))}</li>" for text in texts) + "</ul>"


def sentence(text: str) -> str:
    """Return a text with a capital at its head; names such as x7 stay as they are.

    Examples
    --------
    >>> sentence("data: 3 rows"), sentence("x7 moves")
    ('Data: 3 rows', 'x7 moves')
    """
    first = text.split(" ", 1)[0]
    return f"{text[0].upper()}{text[1:]}" if first.rstrip(":").isalpha() else text


def chart_figure(key: str, title: str, caption: str, specification: Mapping[str, Any], *, kind: str = "") -> str:
    """Return a chart with its title and its caption, which is also what a screen reader says of it.

    Parameters
    ----------
    key : str
        Unique on the page.
    title, caption : str
    specification : mapping
        Vega-Lite.
    kind : str
        Class of the figure.
    """
    return figure(title, caption, [svg_of(specification, prefix=key, title=title, description=caption)], kind=kind)


def figure(title: str, caption: str, drawn: Sequence[str], *, kind: str = "", badge: str = "") -> str:
    """Return pictures side by side below a title (with a badge, which is HTML), and their caption below.

    Examples
    --------
    >>> figure("T", "says", ["<svg></svg>"])
    '<figure><h3>T</h3><div class="panels"><svg></svg></div><figcaption>says</figcaption></figure>'
    """
    of_kind = f' class="{kind}"' if kind else ""
    said = f"<figcaption>{escape(tame(caption))}</figcaption>" if caption else ""
    head = " ".join(filter(None, (escape(title), badge)))
    return f'<figure{of_kind}><h3>{head}</h3><div class="panels">{"".join(drawn)}</div>{said}</figure>'


@cache
def _resource(name: str) -> str:
    return files("secondlaw.reports").joinpath(name).read_text(encoding="utf-8")
