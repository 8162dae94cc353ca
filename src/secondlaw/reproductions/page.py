"""Reproductions as one self-contained HTML page: how many claims hold, then each claim with its verdict and reason."""

from collections.abc import Sequence
from datetime import UTC, datetime
from html import escape
from pathlib import Path

from secondlaw.errors import InvalidInput
from secondlaw.reports.page import frame
from secondlaw.reports.svg import svg_of
from secondlaw.reports.tables import table
from secondlaw.reports.verdict_chart import verdict_chart
from secondlaw.reports.words import one_line, tame
from secondlaw.reports.writing import write_page
from secondlaw.reproductions.claims import Reproduction, Verdict

__all__ = ["render_reproductions", "write_reproductions"]

TITLE = "What papers claim and what we measure"
MEANINGS = (
    "Reproduced: we measure what is stated.",
    "Not reproducible: what is published does not determine it, or leads elsewhere.",
    "Refuted: it contradicts a calculation or measurement that needs nothing unpublished.",
)


def write_reproductions(found: Sequence[Reproduction], path: str | Path, *, created: datetime, version: str) -> Path:
    """Write reproductions as one HTML file, replacing an older one in a single step.

    Raises
    ------
    SourceError
        If the file cannot be written.
    """
    return write_page(render_reproductions(found, created=created, version=version), path)


def render_reproductions(found: Sequence[Reproduction], *, created: datetime, version: str) -> str:
    """Return reproductions as one HTML page.

    Parameters
    ----------
    found : sequence of Reproduction
    created : datetime
        With a zone.
    version : str
        Of secondlaw.

    Raises
    ------
    InvalidInput
        If there is no reproduction, or `created` has no zone.
    """
    if not found:
        raise InvalidInput("there is no reproduction to show: name a paper")
    if created.tzinfo is None:
        raise InvalidInput(f"the report's time needs a zone, got {created.isoformat()} without one")
    counts = {f"arXiv:{one.paper}": _counted(one) for one in found}
    total = {verdict.value: sum(one[verdict.value] for one in counts.values()) for verdict in Verdict}
    said = ", ".join(f"{number} {name}" for name, number in total.items())
    picture = svg_of(verdict_chart(counts), prefix="verdicts", title="Claims by verdict", description=f"In all {said}.")
    when = created.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")
    body = [
        f'<header><p class="eyebrow">{TITLE}</p></header>',
        f"<h1>{escape(said[0].upper() + said[1:])}</h1>",
        f'<section class="verdict"><ul>{"".join(f"<li>{escape(one)}</li>" for one in MEANINGS)}</ul></section>',
        f'<div class="figures"><figure><h3>Claims by verdict</h3><div class="panels">{picture}</div></figure></div>',
        *(_section(one) for one in found),
        f"<footer>{escape(f'secondlaw {one_line(version, 40)} · {when}')}</footer>",
    ]
    return frame(TITLE, body)


def _counted(one: Reproduction) -> dict[str, int]:
    return {verdict.value: sum(claim.verdict is verdict for claim in one.claims) for verdict in Verdict}


def _section(one: Reproduction) -> str:
    rows = [
        [escape(tame(text)) for text in (claim.claim, claim.paper, claim.ours, claim.verdict.value, claim.reason)]
        for claim in one.claims
    ]
    found = "".join(f"<li>{escape(tame(text))}</li>" for text in one.findings)
    beside = f"<h3>Found beside</h3><ul>{found}</ul>" if found else ""
    heads = ("claim", "paper", "ours", "verdict", "reason")
    return f"<h2>{escape(tame(one.title))} (arXiv:{escape(one.paper)})</h2>{table(heads, rows)}{beside}"
