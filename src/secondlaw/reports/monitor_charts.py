"""Pictures of a watched series: the evidence that is alarmed on, with its threshold; S and the shares below, aligned.

The evidence is drawn step by step, as the monitor had it. S and the shares are drawn of stretches of steps where there
are too many to see: counts add up.
"""

import math
from collections.abc import Sequence
from typing import Any

import altair as alt
import numpy as np
from altair.utils.schemapi import debug_mode
from numpy.typing import NDArray

from secondlaw.drift.monitoring_results import SeriesHistory
from secondlaw.reports.base_charts import chart_of, configured
from secondlaw.reports.look import COLORS, INK, category_colors
from secondlaw.reports.monitor_frame_charts import ALARM, SeriesFrame
from secondlaw.reports.series import ceiling
from secondlaw.reports.words import one_line

__all__ = ["series_chart"]

WIDTH, HIGH, LOW = 720, 170, 120
MOST_POINTS = 1200
MOST_STRETCHES = 150
FLOOR = math.log(1e-3)
"""Evidence below a thousandth is drawn as that: it says only that there is none."""
LOUD = math.log(1e12)
Z = 1.96
Floats = NDArray[np.float64]
Layers = list[alt.Chart]


def series_chart(
    one: SeriesHistory, *, keys: Sequence[str], misaligned: Sequence[bool], log_scale: bool, score: str | None = None
) -> dict[str, Any]:
    """Return a series as aligned panels: evidence, S (or the mean score), shares of the categories.

    Parameters
    ----------
    one : SeriesHistory
    keys, misaligned
        Of the taxonomy.
    log_scale : bool
        Whether the evidence is a log e-value; other detectors have a statistic of their own.
    score : str, optional
        Name of the score that is watched instead of categories.
    """
    with debug_mode(False):
        numbers = np.array([said.decision.step for said in one.decisions])
        frame = SeriesFrame(one, numbers)
        panels = [_evidence(one, frame, log_scale=log_scale)]
        stretches, counts = _stretches(numbers, one.counts)
        if score is None:
            panels.append(_entropy(stretches, counts, one.dispersion, frame))
            panels.append(_shares(stretches, counts, keys, misaligned, frame))
        else:
            panels.append(_mean(stretches, counts, one.dispersion, score, frame))
        return configured(alt.vconcat(*panels, spacing=10), padding=6, flush=False)


def _evidence(one: SeriesHistory, frame: SeriesFrame, *, log_scale: bool) -> Any:  # noqa: ANN401 - Altair's layers
    known = [
        (said.decision.step, said.decision.log_evidence)
        for said in one.decisions
        if math.isfinite(said.decision.log_evidence)
    ]
    threshold = one.decisions[-1].decision.log_threshold
    if log_scale:
        top = min(max([threshold * 1.25, *(value for _, value in known)]), LOUD)
        rows = [{"x": step, "y": math.exp(min(max(value, FLOOR), top))} for step, value in _thinned(known)]
        domain = [math.exp(FLOOR), math.exp(top)]
        powers = range(-3, math.floor(top / math.log(10.0)) + 1)
        values = [10.0**power for power in powers if power % 2 == (0 if len(powers) > 6 else power % 2)]
        power = "'1e' + round(log(datum.value) / LN10)"
        axis = alt.Axis(
            title="evidence (log scale)", values=values,
            labelExpr=f"datum.value > 1e4 ? {power} : format(datum.value, ',~g')",
        )  # fmt: skip
        scale = alt.Scale(type="log", domain=domain, nice=False, clamp=True)
        limit, said_limit = math.exp(threshold), f"alarm at {math.exp(threshold):,.0f}"
    else:
        rows = [{"x": step, "y": value} for step, value in _thinned(known)]
        highest = max([threshold, *(value for _, value in known)])
        lowest = min([0.0, *(value for _, value in known)])
        axis = alt.Axis(title="statistic of the detector", tickCount=5)
        scale = alt.Scale(domain=[lowest, highest + 0.15 * (highest - lowest or 1.0)], nice=False)
        limit, said_limit = threshold, "alarm"
    y = alt.Y("y:Q", axis=axis, scale=scale)
    line = chart_of(rows).mark_line(color=COLORS[0], strokeWidth=1.6, clip=True).encode(x=frame.x(), y=y)
    mark = chart_of([{"y": limit, "text": said_limit}])
    rule = mark.mark_rule(color=ALARM, strokeDash=[5, 3]).encode(y=y)
    words = mark.mark_text(align="left", baseline="bottom", dx=4, dy=-2, color=ALARM, fontSize=11)
    layers = [*frame.below(), rule, words.encode(x=alt.value(0), y=y, text="text:N"), line, *frame.above()]
    return alt.layer(*layers, *frame.words()).properties(width=WIDTH, height=HIGH)


def _entropy(places: Floats, counts: Floats, dispersion: float, frame: SeriesFrame) -> Any:  # noqa: ANN401 - Altair's layers
    n = np.maximum(counts.sum(axis=1), 1e-300)
    p = counts / n[:, None]
    logs = np.log(np.where(p > 0, p, 1.0))
    s = -(p * logs).sum(axis=1)
    error = np.sqrt(np.maximum((p * logs**2).sum(axis=1) - s**2, 0.0) * dispersion / n)
    held = counts.sum(axis=1) > 0
    return _band(places[held], s[held], error[held], (0.0, math.log(counts.shape[1])), "S of the step, nats", frame)


def _mean(places: Floats, counts: Floats, dispersion: float, name: str, frame: SeriesFrame) -> Any:  # noqa: ANN401 - Altair's layers
    held = counts.sum(axis=1) > 0
    n = counts[held].sum(axis=1)
    mean = counts[held, 0] / n
    error = np.sqrt(mean * (1.0 - mean) * dispersion / n)
    title = f"{one_line(name, 24)}, part of its range"
    return _band(places[held], mean, error, (0.0, 1.0), title, frame, labelled=True)


def _band(
    places: Floats,
    values: Floats,
    error: Floats,
    domain: tuple[float, float],
    title: str,
    frame: SeriesFrame,
    *,
    labelled: bool = False,
) -> Any:  # noqa: ANN401 - Altair's layers
    low, high = np.maximum(values - Z * error, domain[0]), np.minimum(values + Z * error, domain[1])
    top = ceiling(float(high.max(initial=0.1)), least=0.1, most=domain[1])
    rows = [
        {"x": float(x), "y": float(y), "low": float(a), "high": float(b)}
        for x, y, a, b in zip(places, values, low, high, strict=True)
    ]
    y_axis = alt.Axis(title=title, tickCount=4)
    scale = alt.Scale(domain=[domain[0], top], nice=False)
    base = chart_of(rows)
    band = base.mark_area(color=COLORS[0], opacity=0.18, clip=True)
    line = base.mark_line(color=COLORS[0], strokeWidth=1.6, clip=True)
    y = alt.Y("y:Q", axis=y_axis, scale=scale)
    layers = [
        *frame.below(labelled=labelled),
        band.encode(x=frame.x(labelled=labelled), y=alt.Y("low:Q", axis=y_axis, scale=scale), y2="high:Q"),
        line.encode(x=frame.x(labelled=labelled), y=y),
        *frame.above(labelled=labelled),
    ]
    return alt.layer(*layers).properties(width=WIDTH, height=LOW)


def _shares(places: Floats, counts: Floats, keys: Sequence[str], misaligned: Sequence[bool], frame: SeriesFrame) -> Any:  # noqa: ANN401 - Altair's layers
    """Stack the misaligned categories at the bottom, so that their sum can be read; the largest other lies on top."""
    held = counts.sum(axis=1) > 0
    shares = counts[held] / counts[held].sum(axis=1, keepdims=True)
    usual = shares.mean(axis=0)
    order = sorted(range(len(keys)), key=lambda k: (not misaligned[k], usual[k]))
    colors = category_colors(misaligned)
    shown = max(float(1.0 - shares[:, order[-1]].min()) * 1.1, 0.05)
    top = ceiling(shown, least=0.05, most=1.0)
    axis = alt.Axis(title="share of the responses", tickCount=4, format="~%")
    scale = alt.Scale(domain=[0.0, top], nice=False)
    layers, floor = frame.below(labelled=True), np.zeros(len(shares))
    for k in order[:-1] if top < 1.0 else order:
        rows = [
            {"x": float(x), "low": float(a), "high": float(b)}
            for x, a, b in zip(places[held], floor, floor + shares[:, k], strict=True)
        ]
        area = chart_of(rows).mark_area(color=colors[k], opacity=0.9, clip=True)
        y = alt.Y("low:Q", axis=axis, scale=scale)
        layers.append(area.encode(x=frame.x(labelled=True), y=y, y2="high:Q"))
        floor = floor + shares[:, k]
    layers += frame.above(labelled=True)
    named = order[:-1] if top < 1.0 else order
    rest = f"above: {one_line(keys[order[-1]], 14)}" if top < 1.0 else ""
    for place, k in enumerate(reversed(named)):
        layers += _named(18.0 + 17.0 * place, one_line(keys[k], 14), colors[k])
    if rest:
        chart = chart_of([{"text": rest}]).mark_text(align="left", color="#586573", fontSize=11.5)
        layers.append(chart.encode(x=alt.value(WIDTH + 6), y=alt.value(3), text="text:N"))
    return alt.layer(*layers).properties(width=WIDTH, height=HIGH)


def _named(pixel: float, text: str, color: str) -> Layers:
    chart = chart_of([{"text": text}])
    square = chart.mark_point(shape="square", size=60, filled=True, color=color, opacity=1)
    words = chart.mark_text(align="left", baseline="middle", dx=9, fontSize=12, color=INK)
    x, y = alt.value(WIDTH + 12), alt.value(pixel)
    return [square.encode(x=x, y=y), words.encode(x=x, y=y, text="text:N")]


def _stretches(numbers: NDArray[np.int64], counts: Floats) -> tuple[Floats, Floats]:
    """Return the middles and counts of stretches of steps, as many as can be told apart."""
    size = max(1, math.ceil(len(numbers) / MOST_STRETCHES))
    starts = np.arange(0, len(numbers), size)
    table = np.add.reduceat(counts, starts, axis=0)
    ends = np.minimum(starts + size, len(numbers)) - 1
    return (numbers[starts] + numbers[ends]) / 2.0, table


def _thinned(points: Sequence[tuple[int, float]]) -> list[tuple[int, float]]:
    """Return at most about `MOST_POINTS` points: lowest and highest of every stretch."""
    if len(points) <= MOST_POINTS:
        return list(points)
    size = 2.0 * len(points) / MOST_POINTS
    kept = {0, len(points) - 1}
    for bucket in range(MOST_POINTS // 2):
        places = range(int(bucket * size), int((bucket + 1) * size))
        kept |= {min(places, key=lambda i: points[i][1]), max(places, key=lambda i: points[i][1])}
    return [points[i] for i in sorted(kept)]
