"""The frame of every page: head, style and content in one file, without script and external resources.

Pages are light, and dark where the reader's screen is; printed pages are always light.
"""

from collections.abc import Iterable
from functools import cache
from importlib.resources import files
from string import Template

from secondlaw.reports.dark import dark_rules

__all__ = ["frame"]


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


@cache
def _resource(name: str) -> str:
    return files("secondlaw.reports").joinpath(name).read_text(encoding="utf-8")
