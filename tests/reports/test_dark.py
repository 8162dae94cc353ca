"""Reports on dark screens: every colour of a chart has another that stands out, or the chart keeps a light plate."""

import re

import pytest

from secondlaw.reports.charts import draw
from secondlaw.reports.dark import DARK, PAGE, dark_rules, is_recoloured
from secondlaw.reports.look import BAD, COLORS, GOOD, INK, NEUTRAL
from secondlaw.reports.page import frame
from secondlaw.reports.series import LinePanel, Point, Series
from secondlaw.reports.svg import svg_of

pytestmark = pytest.mark.unit

LINES = {"#e6e6e6", "#cccccc", "#eef1f4", "white", "#ffffff", "#f2d98b"}
"""Grids, stretches behind the data and what is the page itself: they need not stand out."""


def luminance(color):
    values = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4 for one in values]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(first, second):
    high, low = sorted((luminance(first), luminance(second)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def test_every_colour_of_the_house_has_one_for_the_dark_that_stands_out():
    assert {*COLORS, *GOOD, *BAD, INK, NEUTRAL} <= DARK.keys()
    for light, dark in DARK.items():
        if light not in LINES:
            assert contrast(dark, PAGE) >= 4.5, light


def test_text_of_the_page_is_readable_in_the_dark():
    page = frame("A", ["<p>text</p>"])
    dark = page[page.index("@media screen and (prefers-color-scheme: dark)") :]
    found = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", dark))
    assert found["page"] == PAGE
    for ink in ("ink", "soft", "strong", "warn"):
        for ground in ("page", "pale", "caution"):
            assert contrast(found[ink], found[ground]) >= 4.5, (ink, ground)
    assert contrast(found["warn"], found["badge"]) >= 4.5


def test_rules_stand_in_a_media_query_of_screens_so_that_print_stays_light():
    page = frame("A", ["<p>text</p>"])
    before, dark = page.split("@media screen and (prefers-color-scheme: dark)")
    assert dark_rules() in dark
    assert "color-scheme: light" in before
    assert dark.count("{") == dark.count("}")


def test_charts_say_whether_every_colour_of_theirs_is_known():
    line = Series("a", 0, (Point(0, 0.4, 0.3, 0.5), Point(1, 0.5, 0.4, 0.6)))
    drawn = svg_of(
        draw(LinePanel("S", "S, nats", "step", (line,), (0.0, 1.0))), prefix="one", title="T", description=""
    )
    assert 'class="recoloured"' in drawn.partition(">")[0]
    assert not is_recoloured('<path fill="#123456"/>')
    assert not is_recoloured('<path stroke="rgb(1,2,3)"/>')
