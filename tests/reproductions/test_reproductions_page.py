"""Reproductions as a page: each claim with its verdict, a sound picture, and names that cannot break it."""

from datetime import UTC, datetime

import altair as alt
import pytest

from secondlaw.errors import InvalidInput
from secondlaw.reports.dark import is_recoloured
from secondlaw.reports.svg import svg_of
from secondlaw.reports.verdict_chart import verdict_chart
from secondlaw.reproductions import Claim, Reproduction, Verdict
from secondlaw.reproductions.page import render_reproductions

pytestmark = pytest.mark.unit
NOW = datetime(2026, 1, 2, tzinfo=UTC)
EVIL = "<script>alert(1)</script>"


def paper(*verdicts, title="a paper"):
    claims = tuple(Claim(f"claim {k}", "1", "2", one, f"reason {k}") for k, one in enumerate(verdicts))
    return Reproduction("2511.10704", title, claims, ("found beside",))


def test_every_claim_and_the_sums_are_told():
    page = render_reproductions([paper(Verdict.REPRODUCED, Verdict.REFUTED, Verdict.REFUTED)], created=NOW, version="1")
    assert "1 reproduced, 0 not reproducible, 2 refuted" in page
    for words in ("claim 2", "reason 1", "found beside", "2026-01-02 00:00 UTC"):
        assert words in page


def test_the_picture_is_sound_and_has_dark_colours():
    counts = {"arXiv:1": {"reproduced": 2, "not reproducible": 0, "refuted": 1}, "arXiv:2": {"refuted": 4}}
    drawn = verdict_chart(counts)
    alt.Chart.from_dict(drawn)
    (rows,) = drawn["datasets"].values()
    assert [(row["from"], row["to"]) for row in rows] == [(0, 2), (2, 3), (0, 4)]
    assert is_recoloured(svg_of(drawn, prefix="a", title="b", description="c"))


def test_names_cannot_break_the_page():
    page = render_reproductions([paper(Verdict.REFUTED, title=EVIL)], created=NOW, version="1")
    assert EVIL not in page
    assert "&lt;script&gt;" in page


def test_nothing_to_show_and_a_time_without_zone_are_errors():
    with pytest.raises(InvalidInput, match="no reproduction"):
        render_reproductions([], created=NOW, version="1")
    with pytest.raises(InvalidInput, match="needs a zone"):
        render_reproductions([paper()], created=NOW.replace(tzinfo=None), version="1")
