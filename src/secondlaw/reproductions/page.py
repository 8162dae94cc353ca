"""Reproductions as one self-contained HTML page: how many claims hold, then each claim with its verdict and reason."""

from collections.abc import Sequence
from datetime import datetime
from html import escape

from secondlaw.errors import InvalidInput
from secondlaw.reports.page import bullets, figure, page
from secondlaw.reports.svg import svg_of
from secondlaw.reports.tables import table
from secondlaw.reports.verdict_chart import verdict_chart
from secondlaw.reports.words import tame
from secondlaw.reproductions.claims import Reproduction, Verdict

__all__ = ["render_reproductions"]

TITLE = "What papers claim and what we measure"
MEANINGS = (
    "Reproduced: we measure what is stated.",
    "Not reproducible: what is published does not determine it, or leads elsewhere.",
    "Refuted: it contradicts a calculation or measurement that needs nothing unpublished.",
)


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
    counts = {f"arXiv:{one.paper}": _counted(one) for one in found}
    total = {verdict.value: sum(one[verdict.value] for one in counts.values()) for verdict in Verdict}
    said = ", ".join(f"{number} {name}" for name, number in total.items())
    picture = svg_of(verdict_chart(counts), prefix="verdicts", title="Claims by verdict", description=f"In all {said}.")
    parts = [
        f"<h1>{escape(said[0].upper() + said[1:])}</h1>",
        f'<section class="verdict">{bullets(MEANINGS)}</section>',
        f'<div class="figures">{figure("Claims by verdict", "", [picture])}</div>',
        *(_section(one) for one in found),
    ]
    return page(TITLE, parts, created=created, version=version)


def _counted(one: Reproduction) -> dict[str, int]:
    return {verdict.value: sum(claim.verdict is verdict for claim in one.claims) for verdict in Verdict}


def _section(one: Reproduction) -> str:
    rows = [
        [escape(tame(text)) for text in (claim.claim, claim.paper, claim.ours, claim.verdict.value, claim.reason)]
        for claim in one.claims
    ]
    beside = f"<h3>Found beside</h3>{bullets(one.findings)}" if one.findings else ""
    heads = ("claim", "paper", "ours", "verdict", "reason")
    return f"<h2>{escape(tame(one.title))} (arXiv:{escape(one.paper)})</h2>{table(heads, rows)}{beside}"
