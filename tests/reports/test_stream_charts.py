"""Live charts: what stands in them, gaps, marks, styles that every theme knows, and no expression of foreign text."""

import json
import math

import pytest

from secondlaw.reports.stream_charts import (
    ChartFrame,
    Mark,
    Stretch,
    clock_ticks,
    draw_entropy,
    draw_evidence,
    draw_misaligned,
    draw_shares,
    share_order,
)
from secondlaw.reports.stream_theme import chart_theme, printed
from secondlaw.reports.svg import svg_of
from secondlaw.types import Estimate, Insufficient

pytestmark = pytest.mark.unit
HOUR = 3_600_000
KEYS, BAD = ("g1", "g2", "g3"), (False, True, False)


def estimate(value, unit="share"):
    return Estimate(value, max(value - 0.05, 0.0), value + 0.05, 0.95, 60, unit, "counted")


def stretches(n, *, shares=(0.9, 0.04, 0.06), without=()):
    found = []
    for i in range(n):
        none = Insufficient("too few")
        s, bad = (none, none) if i in without else (estimate(0.5, "nats"), estimate(0.04))
        mix = {} if i in without else {key: estimate(p) for key, p in zip(KEYS, shares, strict=True)}
        found.append(Stretch(HOUR * (i + 0.5), HOUR * i, HOUR * (i + 1), f"hour {i}", 60, s, bad, mix))
    return found


def rows(spec, style):
    layers = [layer for layer in spec["layer"] if layer["mark"].get("style") == style]
    return [(layer.get("data") or spec["data"]).get("values") or spec["datasets"][layer["data"]["name"]]
            for layer in layers]  # fmt: skip


FRAME = ChartFrame(0, 24 * HOUR, True, (Mark("drift", 20 * HOUR, (15 * HOUR, 14 * HOUR, 17 * HOUR)),
                                        Mark("changed", 4 * HOUR), Mark("missing", 30 * HOUR)))  # fmt: skip


def every_chart(points=24):
    found = [draw_evidence([(HOUR * i, 0.4 * i - 1, f"hour {i}") for i in range(points)], FRAME, log_threshold=9.0)]
    found.append(draw_evidence([(HOUR * i, 0.4 * i - 1, "") for i in range(points)], FRAME, log_threshold=5.0,
                               log_scale=False))  # fmt: skip
    found += [draw_entropy(stretches(points), FRAME, categories=3), draw_misaligned(stretches(points), FRAME)]
    return [*found, draw_shares(stretches(points), FRAME, names=dict(zip(KEYS, "abc", strict=True)), misaligned=BAD)]


def test_a_number_that_is_missing_parts_the_line_and_its_band():
    spec = draw_entropy(stretches(9, without=(3, 5)), FRAME, categories=3)
    assert [len(one) for one in rows(spec, "sl-line")] == [3, 3]
    assert [len(one) for one in rows(spec, "sl-band")] == [3, 3]
    assert [len(one) for one in rows(spec, "sl-whisker")] == [1]


def test_all_styles_are_known_to_both_themes():
    for theme in ("light", "dark"):
        known = chart_theme(theme, misaligned=BAD)["style"]
        for spec in every_chart():
            used = {layer["mark"]["style"] for layer in spec["layer"] if "style" in layer["mark"]}
            assert used <= set(known)
            assert "color" not in json.dumps([layer["mark"] for layer in spec["layer"]])


def test_every_chart_is_drawn_as_a_picture_too():
    for spec in every_chart():
        svg = svg_of(printed(spec, misaligned=BAD), prefix="c", title="t", description="d")
        assert svg.startswith("<svg")
        assert "NaN" not in svg


def test_charts_of_nothing_and_of_one_window_are_drawn():
    for points in (0, 1):
        for spec in every_chart(points):
            assert "NaN" not in svg_of(printed(spec, misaligned=BAD), prefix="c", title="t", description="d")


def test_without_evidence_there_is_no_empty_line_for_screen_readers():
    spec = draw_evidence([(0, None, "a")], FRAME, log_threshold=9.0)
    assert [layer for layer in spec["layer"] if layer["mark"].get("style") == "sl-line"] == []
    assert rows(spec, "sl-drift")


def test_evidence_is_cut_where_it_says_no_more():
    points = [(0, -50.0, "a"), (HOUR, None, "b"), (2 * HOUR, 900.0, "c"), (3 * HOUR, -math.inf, "d")]
    (line,) = rows(draw_evidence(points, FRAME, log_threshold=9.0), "sl-line")
    assert [one["x"] for one in line] == [0, 2 * HOUR]
    assert line[0]["y"] == pytest.approx(1e-3)
    assert line[1]["y"] == pytest.approx(1e12)
    json.dumps(line, allow_nan=False)


def test_marks_outside_of_the_period_are_left_out():
    spec = draw_entropy(stretches(24), FRAME, categories=3)
    assert [one["x"] for one in rows(spec, "sl-drift")[0]] == [20 * HOUR]
    assert len(rows(spec, "sl-changed")) == 1
    assert rows(spec, "sl-missing") == []
    assert rows(spec, "sl-began-span")[0][0]["from"] == 14 * HOUR
    early = ChartFrame(18 * HOUR, 24 * HOUR, True, FRAME.marks)
    assert rows(draw_entropy(stretches(24), early, categories=3), "sl-began-span") == []


def test_the_largest_aligned_category_is_left_white_where_it_would_hide_the_others():
    assert share_order(stretches(4), KEYS, BAD) == (("g2", "g3"), 0.12)
    stacked, top = share_order(stretches(4, shares=(0.2, 0.5, 0.3)), KEYS, BAD)
    assert (stacked, top) == (("g2", "g1", "g3"), 1.0)
    assert share_order([], KEYS, BAD)[0][0] == "g2"


def test_foreign_text_stays_data():
    hostile = "'] + alert(1) + ['"
    one = stretches(2)[0]
    named = Stretch(one.at, one.start, one.end, hostile, 60, one.entropy, one.misaligned, one.shares)
    spec = draw_shares([named, stretches(2)[1]], FRAME, names={"g1": hostile, "g2": "b", "g3": "c"}, misaligned=BAD)
    spec.pop("datasets", None)
    for layer in spec["layer"]:
        layer.pop("data", None)
        for channel in layer["encoding"].values():
            if isinstance(channel, dict):
                assert hostile not in json.dumps(channel.get("axis") or {})
    assert svg_of(printed(spec | {"data": {"values": []}}, misaligned=BAD), prefix="c", title="t", description="d")


@pytest.mark.parametrize("hours", [0.2, 1, 5, 24, 24 * 7, 24 * 30, 24 * 400])
def test_an_axis_of_time_has_some_round_marks(hours):
    ticks = clock_ticks(1234, 1234 + hours * HOUR)
    assert 1 <= len(ticks) <= 9
    assert all(tick % 60_000 == 0 for tick in ticks)
