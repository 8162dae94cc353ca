"""Live charts of a stream: the evidence with its threshold, S, the misaligned share, the shares; one time axis.

Each is a Vega-Lite specification without colours: marks name styles, and :func:`.stream_theme.chart_theme` gives them
for light and dark pages. Width is that of the page.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal

import altair as alt
from altair.utils.schemapi import debug_mode

from secondlaw.reports.series import ceiling
from secondlaw.reports.words import one_line, reading
from secondlaw.types import Estimate, Measured

__all__ = ["ChartFrame", "Mark", "Stretch", "clock_ticks", "draw_entropy", "draw_evidence", "draw_misaligned",
           "draw_shares", "share_order"]  # fmt: skip

HIGH = 170
FLOOR, LOUD = math.log(1e-3), math.log(1e12)
"""Evidence below a thousandth says only that there is none; above this it is more than enough."""
LEFT = 66
"""Pixels for the numbers beside every panel, so that their time axes lie one below the other."""
MOST_POINTS = 1200
MOST_TICKS, MOST_CLOCK_TICKS = 7, 6
"""Marks of a time axis: of days; of parts of a day, where a phone that drops every second one would drop the dates."""
MOST_HIDDEN = 0.6
"""Where all but the largest category are less than this together, only they are drawn."""
CLOCK = (
    "utchours(datum.value) + utcminutes(datum.value) == 0"
    " ? utcFormat(datum.value, '%-d %b') : utcFormat(datum.value, '%H:%M')"
)
MarkKind = Literal["drift", "missing", "changed"]
WORDS: Mapping[str, str] = {"drift": "alarm", "missing": "no data", "changed": "other classifier"}
Layers = list[alt.Chart]


@dataclass(frozen=True, slots=True)
class Mark:
    """What happened: an alarm, the end of the data, another classifier; for an alarm when the change began.

    Parameters
    ----------
    kind : {"drift", "missing", "changed"}
    at : float
        Milliseconds since 1970, or a step.
    began : tuple of (float, float, float) or None
        When it began: first, earliest, latest.
    """

    kind: MarkKind
    at: float
    began: tuple[float, float, float] | None = None


@dataclass(frozen=True, slots=True)
class Stretch:
    """The numbers of one window, or of several that are drawn together.

    Parameters
    ----------
    at, start, end : float
        Middle and ends, in milliseconds since 1970, or steps.
    when : str
        The stretch as a person reads it.
    n : int
    entropy, misaligned : Measured
    shares : mapping of category to Measured
    """

    at: float
    start: float
    end: float
    when: str
    n: int
    entropy: Measured
    misaligned: Measured
    shares: Mapping[str, Measured]


@dataclass(frozen=True, slots=True)
class ChartFrame:
    """The axis that all panels share, and what is marked in each.

    Parameters
    ----------
    start, end : float
    is_time : bool
        Whether they are milliseconds since 1970.
    marks : tuple of Mark
    """

    start: float
    end: float
    is_time: bool
    marks: tuple[Mark, ...] = ()

    def x(self, name: str = "x") -> alt.X:
        """Return the horizontal channel for a field."""
        if self.is_time:  # numbers, not Vega's times: their domains would be those of the reader's zone
            values = list(clock_ticks(self.start, self.end))
            axis = alt.Axis(
                title=None, grid=False, values=values, labelExpr=CLOCK, labelOverlap=True, labelSeparation=8
            )
        else:
            axis = alt.Axis(
                title="step", format="d", grid=False, tickCount=6, labelOverlap=True, labelSeparation=8, tickMinStep=1
            )
        scale = alt.Scale(domain=[self.start, self.end], nice=False, zero=False)
        return alt.X(f"{name}:Q", axis=axis, scale=scale)

    def below(self) -> Layers:
        """Return what lies below the lines: when a drift began, with its interval."""
        known = [(mark.began, mark.at) for mark in self.marks if mark.began is not None]
        if not known:
            return []
        rows = [
            {"x": max(value, self.start), "from": max(low, self.start), "to": min(high, self.end),
             "said": "change began"}
            for (value, low, high), _ in known if high >= self.start
        ]  # fmt: skip
        if not rows:
            return []
        chart = _chart(rows)
        return [
            chart.mark_rect(style="sl-began-span").encode(x=self.x("from"), x2="to"),
            chart.mark_rule(style="sl-began", strokeDash=[3, 3]).encode(x=self.x()),
        ]

    def above(self, *, named: bool = False) -> Layers:
        """Return the alarms; named in the first panel."""
        layers: Layers = []
        for kind, word in WORDS.items():
            inside = [mark.at for mark in self.marks if mark.kind == kind and self.start <= mark.at <= self.end]
            if not inside:
                continue
            chart = _chart([{"x": at, "said": word} for at in inside])
            dash = [1, 0] if kind == "drift" else [6, 3] if kind == "changed" else [2, 3]
            layers.append(chart.mark_rule(style=f"sl-{kind}", strokeDash=dash).encode(x=self.x()))
            if named:
                late = inside[-1] > self.start + 0.8 * (self.end - self.start)
                text = _chart([{"x": inside[-1], "said": word}]).mark_text(
                    style=f"sl-{kind}-text", align="right" if late else "left", dx=-4 if late else 4,
                    baseline="bottom", dy={"drift": -3, "missing": -16, "changed": -3}[kind],
                )  # fmt: skip
                layers.append(text.encode(x=self.x(), y=alt.value(0), text="said:N"))
        return layers


def clock_ticks(start: float, end: float) -> tuple[int, ...]:
    """Return the round moments at which an axis of time is marked, in milliseconds since 1970.

    Examples
    --------
    >>> [tick // 3_600_000 for tick in clock_ticks(0, 86_400_000)]
    [0, 6, 12, 18, 24]
    """
    hour = 3_600_000
    strides = (60_000, 300_000, 900_000, hour, 3 * hour, 6 * hour, 12 * hour, 24 * hour, 48 * hour, 168 * hour)
    stride = next(
        (one for one in strides if (end - start) / one <= (MOST_CLOCK_TICKS if one < 24 * hour else MOST_TICKS)), 0
    )
    while not stride or (end - start) / stride > MOST_TICKS:
        stride = 2 * (stride or strides[-1])
    return tuple(range(math.ceil(start / stride) * stride, int(end) + 1, stride))


def draw_evidence(
    points: Sequence[tuple[float, float | None, str]],
    frame: ChartFrame,
    *,
    log_threshold: float,
    log_scale: bool = True,
) -> dict[str, Any]:
    """Return the evidence that is alarmed on, with its threshold.

    Parameters
    ----------
    points : sequence of (at, log evidence or None, when)
    frame : ChartFrame
    log_threshold : float
    log_scale : bool
        Whether the evidence is a log e-value; other detectors have a statistic of their own.
    """
    with debug_mode(False):
        known = [(at, value, when) for at, value, when in points if value is not None and math.isfinite(value)]
        top = min(max([log_threshold * 1.25, *(value for _, value, _ in known)]), LOUD)
        if log_scale:
            rows = [
                {"x": at, "y": math.exp(min(max(value, FLOOR), top)), "when": when,
                 "said": f"{math.exp(min(value, LOUD)):,.3g} of {math.exp(log_threshold):,.0f}"}
                for at, value, when in _thinned(known)
            ]  # fmt: skip
            values = [10.0**power for power in range(-2, math.floor(top / math.log(10.0)) + 1, 2)]
            power = "datum.value > 1e4 ? '1e' + round(log(datum.value) / LN10) : format(datum.value, ',~g')"
            axis = _axis("evidence (log scale)", values=values, labelExpr=power)
            scale = alt.Scale(type="log", domain=[math.exp(FLOOR), math.exp(top)], nice=False, clamp=True)
            limit, words = math.exp(log_threshold), f"alarm at {math.exp(log_threshold):,.0f}"
        else:
            rows = [
                {"x": at, "y": value, "when": when, "said": f"{value:.3g} of {log_threshold:.3g}"}
                for at, value, when in _thinned(known)
            ]
            low, high = min([0.0, *(v for _, v, _ in known)]), max([log_threshold, *(v for _, v, _ in known)])
            axis = _axis("statistic of the detector", tickCount=5)
            scale = alt.Scale(domain=[low, high + 0.15 * (high - low or 1.0)], nice=False)
            limit, words = log_threshold, "alarm"
        y = alt.Y("y:Q", axis=axis, scale=scale)
        mark = _chart([{"y": limit, "said": words}])
        text = mark.mark_text(style="sl-drift-text", align="left", baseline="bottom", dx=4, dy=-2)
        layers = [
            *frame.below(),
            mark.mark_rule(style="sl-drift", strokeDash=[5, 3]).encode(y=y),
            text.encode(x=alt.value(0), y=y, text="said:N"),
            # A line without points would be an unnamed picture to a screen reader.
            *([_chart(rows).mark_line(style="sl-line", clip=True).encode(x=frame.x(), y=y)] if rows else []),
            *frame.above(named=True),
            *_hover(rows, frame, y, "evidence"),
        ]
        return _finished(layers)


def draw_entropy(stretches: Sequence[Stretch], frame: ChartFrame, *, categories: int) -> dict[str, Any]:
    """Return S(t) with its interval band; stretches without a number stay gaps."""
    top = math.log(categories)
    return _band([(one, one.entropy) for one in stretches], frame, "S, nats", most=top, is_share=False)


def draw_misaligned(stretches: Sequence[Stretch], frame: ChartFrame) -> dict[str, Any]:
    """Return the misaligned share with its interval band."""
    return _band([(one, one.misaligned) for one in stretches], frame, "misaligned share", most=1.0, is_share=True)


def draw_shares(
    stretches: Sequence[Stretch], frame: ChartFrame, *, names: Mapping[str, str], misaligned: Sequence[bool]
) -> dict[str, Any]:
    """Return the shares stacked, the misaligned at the bottom, so that their sum can be read.

    Parameters
    ----------
    stretches : sequence of Stretch
    frame : ChartFrame
    names : mapping of category to its name
        In the order of the taxonomy.
    misaligned : sequence of bool
    """
    with debug_mode(False):
        keys = list(names)
        stacked, top = share_order(stretches, keys, misaligned)
        axis = _axis("share of the responses", format="~%", tickCount=5)
        y = alt.Y("low:Q", axis=axis, scale=alt.Scale(domain=[0.0, top], nice=False))
        rows: dict[str, list[dict[str, Any]]] = {key: [] for key in stacked}
        for one in stretches:
            floor = 0.0
            for key in stacked:
                share = one.shares.get(key)
                if not isinstance(share, Estimate):
                    continue
                high = min(floor + share.value, 1.0)
                rows[key].append({
                    "from": one.start, "to": one.end, "low": _short(floor), "high": _short(high), "when": one.when,
                    "said": reading(share), "n": one.n,
                })  # fmt: skip
                floor = high
        layers = frame.below()
        for key in stacked:
            title = one_line(f"{key}, {names[key]}", 40)
            tips = [alt.Tooltip("when:N"), alt.Tooltip("said:N", title=title),
                    alt.Tooltip("n:Q", title="responses", format=",d")]  # fmt: skip
            area = _chart(rows[key]).mark_rect(style=f"sl-category-{keys.index(key)}", clip=True)
            layers.append(area.encode(x=frame.x("from"), x2="to", y=y, y2="high", tooltip=tips))
        return _finished([*layers, *frame.above()])


def share_order(
    stretches: Sequence[Stretch], keys: Sequence[str], misaligned: Sequence[bool]
) -> tuple[tuple[str, ...], float]:
    """Return the categories that are stacked, from the bottom, and where the axis ends.

    The misaligned lie at the bottom. The largest of the others would hide all changes: if it is most of the responses,
    it is left white above the others, and the axis ends where the others do.
    """
    usual = [
        sum(share.value for one in stretches if isinstance(share := one.shares.get(key), Estimate)) for key in keys
    ]
    order = sorted(range(len(keys)), key=lambda k: (not misaligned[k], usual[k]))
    rest = 0.0
    for one in stretches:
        share = one.shares.get(keys[order[-1]])
        rest = max(rest, 1.0 - share.value if isinstance(share, Estimate) else 0.0)
    top = ceiling(max(1.1 * rest, 0.05), least=0.05, most=1.0)
    if top > MOST_HIDDEN or misaligned[order[-1]]:
        return tuple(keys[k] for k in order), 1.0
    return tuple(keys[k] for k in order[:-1]), top


def _band(
    numbers: Sequence[tuple[Stretch, Measured]], frame: ChartFrame, title: str, *, most: float, is_share: bool
) -> dict[str, Any]:
    with debug_mode(False):
        runs: list[list[dict[str, Any]]] = [[]]
        for one, measured in numbers:
            if not isinstance(measured, Estimate):
                runs.append([])
                continue
            if runs[-1] and one.start > runs[-1][-1]["end"]:  # windows without any response lie between
                runs.append([])
            runs[-1].append({
                "x": one.at, "y": _short(measured.value), "low": _short(measured.low), "high": _short(measured.high),
                "when": one.when, "said": reading(measured), "n": one.n, "end": one.end,
            })  # fmt: skip
        rows = [row for run in runs for row in run]
        highest = max((row["high"] for row in rows), default=0.1)
        axis = _axis(title, tickCount=4, format="~%" if is_share else ",.6~g")
        scale = alt.Scale(domain=[0.0, ceiling(highest, least=0.02 if is_share else 0.1, most=most)], nice=False)
        y = alt.Y("y:Q", axis=axis, scale=scale)
        low = alt.Y("low:Q", axis=axis, scale=scale)
        layers = frame.below()
        for run in runs:
            chart = _chart(run)
            if len(run) > 1:
                layers.append(chart.mark_area(style="sl-band", clip=True).encode(x=frame.x(), y=low, y2="high"))
                layers.append(chart.mark_line(style="sl-line", clip=True).encode(x=frame.x(), y=y))
            elif run:
                layers.append(chart.mark_rule(style="sl-whisker", clip=True).encode(x=frame.x(), y=low, y2="high"))
                layers.append(chart.mark_point(style="sl-dot", shape="circle").encode(x=frame.x(), y=y))
        if not rows:
            layers.append(_chart([{"x": frame.start}]).mark_rule(opacity=0).encode(x=frame.x()))
        return _finished([*layers, *frame.above(), *_hover(rows, frame, y, title)])


def _hover(rows: Sequence[dict[str, Any]], frame: ChartFrame, y: alt.Y, title: str) -> Layers:
    """Return a column around every point that shows its numbers, and a dot on the point of the column pointed at."""
    if not rows:
        return []
    middles = [(one["x"] + two["x"]) / 2 for one, two in pairwise(rows)]
    ends = [max(frame.start, 2 * rows[0]["x"] - middles[0]) if middles else frame.start, *middles]
    ends.append(min(frame.end, 2 * rows[-1]["x"] - middles[-1]) if middles else frame.end)
    columns = [row | {"from": low, "to": high} for row, (low, high) in zip(rows, pairwise(ends), strict=True)]
    chosen = alt.selection_point(fields=["x"], on="pointerover", empty=False, clear="pointerout")
    tips = [alt.Tooltip("when:N"), alt.Tooltip("said:N", title=title)]
    if "n" in rows[0]:
        tips.append(alt.Tooltip("n:Q", title="responses", format=",d"))
    chart = _chart(columns)
    shown = alt.condition(chosen, alt.value(1), alt.value(0))
    return [
        chart.mark_point(style="sl-dot", shape="circle", tooltip=None).encode(x=frame.x(), y=y, opacity=shown),
        chart.mark_rect(opacity=0).encode(x=frame.x("from"), x2="to", tooltip=tips).add_params(chosen),
    ]


def _axis(title: str, **more: Any) -> alt.Axis:  # noqa: ANN401 - Altair's own settings
    return alt.Axis(title=one_line(title, 40), minExtent=LEFT - 18, maxExtent=LEFT - 18, **more)


def _chart(rows: list[dict[str, Any]]) -> alt.Chart:
    return alt.Chart(alt.InlineData(values=rows))


def _short(value: float) -> float:
    return float(f"{value:.5g}")


def _thinned(points: Sequence[tuple[float, float, str]]) -> list[tuple[float, float, str]]:
    """Return at most about `MOST_POINTS` points: lowest and highest of every stretch."""
    if len(points) <= MOST_POINTS:
        return list(points)
    size = 2.0 * len(points) / MOST_POINTS
    kept = {0, len(points) - 1}
    for bucket in range(MOST_POINTS // 2):
        places = range(int(bucket * size), int((bucket + 1) * size))
        kept |= {min(places, key=lambda i: points[i][1]), max(places, key=lambda i: points[i][1])}
    return [points[i] for i in sorted(kept)]


def _finished(layers: Layers) -> dict[str, Any]:
    fit = alt.AutoSizeParams(type="fit-x", contains="padding")
    chart = alt.layer(*layers).properties(width="container", height=HIGH, autosize=fit)
    return dict(chart.to_dict(validate=False))
