"""Panels as Vega-Lite specifications, made by Altair; names stand beside the lines, missing numbers stay gaps."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

import altair as alt
from altair.utils.schemapi import debug_mode

from secondlaw.reports.base_charts import Axes, chart_of, finished, named_ticks
from secondlaw.reports.look import CHARACTER, COLORS, DASHES, HEIGHT, INK, SYMBOLS, WIDTH, category_colors
from secondlaw.reports.series import Bar, DotPanel, LinePanel, Point, Series, SharePanel, every, spread, thinned, ticks
from secondlaw.reports.words import one_line

__all__ = ["draw"]

MOST_MARKED = 30
MOST_BARS = 24
MOST_STACKED = 400
Layers = list[alt.Chart]


def draw(panel: LinePanel | DotPanel | SharePanel) -> dict[str, Any]:
    """Return a panel as a Vega-Lite specification.

    Examples
    --------
    >>> line = Series("base", 0, (Point(0, 0.4, 0.3, 0.5), Point(1, 0.5, 0.4, 0.6)))
    >>> draw(LinePanel("", "S, nats", "step", (line,), (0.0, 1.0)))["$schema"].startswith("https://vega.github.io/")
    True
    """
    with debug_mode(False):  # checking every part against the schema takes longer than drawing; the tests check
        if isinstance(panel, LinePanel):
            layers, width, height = _lines(panel)
        elif isinstance(panel, DotPanel):
            layers, width, height = _dots(panel)
        else:
            layers, width, height = _shares(panel)
        return finished(layers, width, height, title=panel.title, flush=False)


def _rows(points: Sequence[Point], across: str = "x") -> list[dict[str, Any]]:
    def short(value: float) -> float:
        return float(f"{value:.6g}")

    return [{across: p.step, "y": short(p.value), "low": short(p.low), "high": short(p.high)} for p in points]


def _axes(x_title: str, steps: Sequence[int], y_title: str, domain: tuple[float, float], *, is_share: bool) -> Axes:
    first, last = min(steps), max(steps)
    room = max((last - first) * 0.015, 0.5 if last - first < 40 else 0.0)
    return Axes(
        x_axis=alt.Axis(title=x_title, format="d", values=list(ticks(steps)), grid=False),
        x_scale=alt.Scale(domain=[first - room, last + room], nice=False, zero=False),
        y_axis=alt.Axis(title=y_title, tickCount=5, format="~%" if is_share else ",.6~g"),
        y_scale=alt.Scale(domain=list(domain), nice=False, zero=False),
    )


def _plot_width(labels: Sequence[str]) -> int:
    return WIDTH - 62 - int(CHARACTER * max(map(len, labels)))


def _lines(panel: LinePanel) -> tuple[Layers, int, int]:
    shown = [thinned(series) for series in panel.series]
    labels = [one_line(series.label, 18) if series.label else "" for series in shown]
    width = _plot_width(labels)
    steps = [point.step for series in shown for point in series.points]
    steps += [step for series in shown for step in series.gaps]
    axes = _axes(panel.x_title, steps, panel.y_title, panel.domain, is_share=panel.is_share)
    layers: Layers = []
    for series in shown:
        layers += _one_series(series, axes)
    layers += _gap_marks([step for series in shown for step in series.gaps], panel.domain[0], axes)
    if panel.reference is not None:
        layers += _reference(panel.reference, axes)
    return [*layers, *_line_labels(shown, labels, panel.domain, width, axes)], width, HEIGHT


def _one_series(series: Series, axes: Axes) -> Layers:
    look = series.style % len(COLORS)
    color = COLORS[look]
    dense = len(series.points) > MOST_MARKED
    layers: Layers = []
    lonely: list[Point] = []
    for run in series.runs():
        if len(run) == 1:
            lonely.append(run[0])
            continue
        base = chart_of(_rows(run))
        if series.has_band:
            band = base.mark_area(color=color, opacity=0.16, clip=True)
            layers.append(band.encode(x=axes.x(), y=axes.y("low"), y2="high:Q"))
        line = base.mark_line(
            color=color, strokeWidth=1 if dense else 2, strokeDash=DASHES[0 if dense else look], clip=True
        )
        layers.append(line.encode(x=axes.x(), y=axes.y()))
    if lonely:
        whisker = chart_of(_rows(lonely)).mark_rule(color=color, strokeWidth=1.5, clip=True)
        layers.append(whisker.encode(x=axes.x(), y=axes.y("low"), y2="high:Q"))
    marked = [series.points[place] for place in every(range(len(series.points)), 7 if dense else MOST_MARKED)]
    marked += [point for point in lonely if dense and point not in marked]
    fill = color if series.has_band else "white"
    marks = chart_of(_rows(marked)).mark_point(shape=SYMBOLS[look], size=42, fill=fill, stroke=color, opacity=1)
    return [*layers, marks.encode(x=axes.x(), y=axes.y())]


def _gap_marks(gaps: Sequence[int], floor: float, axes: Axes) -> Layers:
    if not gaps:
        return []
    chart = chart_of([{"x": step, "y": floor} for step in sorted(set(gaps))])
    marks = chart.mark_point(shape="cross", angle=45, size=40, filled=True, color="#777777", opacity=1)
    return [marks.encode(x=axes.x(), y=axes.y())]


def _reference(reference: tuple[float, str], axes: Axes) -> Layers:
    chart = chart_of([{"y": reference[0], "text": reference[1]}])
    rule = chart.mark_rule(color="#777777", strokeDash=[4, 3]).encode(y=axes.y())
    text = chart.mark_text(align="left", baseline="bottom", dx=4, dy=-3, color="#555555", fontSize=11)
    return [rule, text.encode(x=alt.value(0), y=axes.y(), text="text:N")]


def _line_labels(
    shown: Sequence[Series], labels: Sequence[str], domain: tuple[float, float], width: int, axes: Axes
) -> Layers:
    low, high = domain
    named = [(series, label) for series, label in zip(shown, labels, strict=True) if series.points]
    ends = [min(max(series.points[-1].value, low), high) for series, _ in named]
    pixels = spread([HEIGHT * (high - end) / (high - low) for end in ends], gap=14, low=4, high=HEIGHT - 4)
    layers = []
    for (series, label), pixel in zip(named, pixels, strict=True):
        chart = chart_of([{"y": high - pixel * (high - low) / HEIGHT, "text": label}])
        color = COLORS[series.style % len(COLORS)]
        text = chart.mark_text(align="left", baseline="middle", fontSize=12, fontWeight="bold", color=color)
        layers.append(text.encode(x=alt.value(width + 6), y=axes.y(), text="text:N"))
    return layers


def _dots(panel: DotPanel) -> tuple[Layers, int, int]:
    labels = [one_line(label, 26) for label, _, _ in panel.rows]
    points = [point for _, _, point in panel.rows if point]
    low = min([0.0, *(point.low for point in points)])
    high = max([0.0, *(point.high for point in points)]) if points else 1.0
    room = 0.04 * (high - low) or 0.01
    axes = Axes(
        x_axis=alt.Axis(title=panel.x_title, tickCount=5, format="~%" if panel.is_share else ",.6~g"),
        x_scale=alt.Scale(domain=[low - room if low < 0 else 0.0, high + room], nice=False, zero=False),
        y_axis=alt.Axis(
            title=None, values=list(range(len(labels))), labelExpr=named_ticks(labels), grid=False, ticks=False,
            domain=False, labelLimit=0, labelPadding=8,
        ),
        y_scale=alt.Scale(domain=[len(labels) - 0.5, -0.5], nice=False, zero=False),
    )  # fmt: skip
    layers: Layers = []
    if panel.has_zero_line:
        layers.append(chart_of([{"x": 0.0}]).mark_rule(color="#555555").encode(x=axes.x()))
    for place, (_, style, point) in enumerate(panel.rows):
        layers += _dot_row(place, style, point, axes)
    return layers, WIDTH - 36 - int(CHARACTER * max(map(len, labels))), max(66, 30 * len(labels))


def _dot_row(place: int, style: int, point: Point | None, axes: Axes) -> Layers:
    if point is None:
        chart = chart_of([{"y": place, "text": "no number"}])
        mark = chart.mark_text(align="left", color="#666666", fontStyle="italic", fontSize=11.5)
        return [mark.encode(x=alt.value(6), y=axes.y(), text="text:N")]
    look = style % len(COLORS)
    chart = chart_of([{"place": place, "x": point.value, "low": point.low, "high": point.high}])
    rule = chart.mark_rule(color=COLORS[look], strokeWidth=2.5, clip=True)
    mark = chart.mark_point(shape=SYMBOLS[look], size=70, filled=True, color=COLORS[look], opacity=1)
    return [
        rule.encode(x=axes.x("low"), x2="high:Q", y=axes.y("place")),
        mark.encode(x=axes.x(), y=axes.y("place")),
    ]


def _shares(panel: SharePanel) -> tuple[Layers, int, int]:
    labels = [one_line(key, 14) for key in panel.keys]
    width = _plot_width(labels) - 10
    colors = category_colors(panel.misaligned)
    order = sorted(range(len(labels)), key=lambda place: not panel.misaligned[place])
    bars = [panel.bars[place] for place in every(range(len(panel.bars)), MOST_STACKED)]
    steps = [bar.step for bar in bars] + list(panel.gaps)
    axes = _axes(panel.x_title, steps, "share of the responses", (0.0, 1.0), is_share=True)
    if panel.names:
        axes = replace(axes, x_axis=_name_axis([one_line(name, 16) for name in panel.names]))
    layers: Layers = []
    for rank, place in enumerate(order):
        points = []
        for bar in bars:
            low = sum(bar.shares[other] for other in order[:rank])
            points.append(Point(bar.step, low, low, low + bar.shares[place]))
        layers += _one_share(points, panel.gaps, colors[place], axes)
    layers += _gap_marks(every(panel.gaps, 200), 0.0, axes)
    return [*layers, *_share_labels(bars[-1], labels, order, colors, width, axes)], width, HEIGHT


def _name_axis(names: Sequence[str]) -> alt.Axis:
    angle = -35 if len(names) > 4 else 0
    return alt.Axis(
        title=None, values=list(range(len(names))), labelExpr=named_ticks(names), labelAngle=angle, labelLimit=0,
        grid=False, ticks=False, labelPadding=6,
    )  # fmt: skip


def _one_share(points: Sequence[Point], gaps: Sequence[int], color: str, axes: Axes) -> Layers:
    if len(points) <= MOST_BARS:
        half = 0.42 * min((later.step - earlier.step for earlier, later in pairwise(points)), default=1)
        rows = [
            {**row, "left": row["x"] - half, "right": row["x"] + half}
            for row in _rows(points)
            if row["low"] < row["high"]
        ]
        bars = chart_of(rows).mark_rect(color=color, stroke="white", strokeWidth=0.7, opacity=1)
        return [bars.encode(x=axes.x("left"), x2="right:Q", y=axes.y("low"), y2="high:Q")]
    layers = []
    for run in Series("", 0, tuple(points), tuple(gaps)).runs():
        area = chart_of(_rows(run)).mark_area(color=color, stroke="white", strokeWidth=0.7, opacity=1)
        layers.append(area.encode(x=axes.x(), y=axes.y("low"), y2="high:Q"))
    return layers


def _share_labels(
    last: Bar, labels: Sequence[str], order: Sequence[int], colors: Sequence[str], width: int, axes: Axes
) -> Layers:
    middles, total = [], 0.0
    for place in order:
        middles.append(HEIGHT * (1.0 - total - last.shares[place] / 2))
        total += last.shares[place]
    layers: Layers = []
    for place, pixel in zip(order, spread(middles, gap=15, low=4, high=HEIGHT - 4), strict=True):
        chart = chart_of([{"y": 1.0 - pixel / HEIGHT, "text": labels[place]}])
        square = chart.mark_point(shape="square", size=60, filled=True, color=colors[place], opacity=1)
        text = chart.mark_text(align="left", baseline="middle", dx=9, fontSize=12, color=INK)
        x = alt.value(width + 8)
        layers += [square.encode(x=x, y=axes.y()), text.encode(x=x, y=axes.y(), text="text:N")]
    return layers
