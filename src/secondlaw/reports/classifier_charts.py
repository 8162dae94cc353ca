"""Pictures of a classifier's agreement with people: confusion, calibration, coverage against accuracy.

Every number drawn is also written: the pictures serve the eye, and say nothing that the tables do not.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import altair as alt

from secondlaw.behavior.classifiers.evaluation import Slice
from secondlaw.reports.base_charts import chart_of, finished, named_ticks
from secondlaw.reports.look import COLORS, INK, SYMBOLS
from secondlaw.reports.words import one_line

__all__ = ["Curve", "curve_chart", "heat_map"]

CELL = 46
SIDE = 200
WIDE, HIGH = 330, 200
PALE, DEEP = "#ffffff", "#0b4f83"


@dataclass(frozen=True, slots=True)
class Curve:
    """Points (x, value, low, high) of one line and how it looks."""

    label: str
    style: int
    points: tuple[tuple[float, float, float, float], ...]


def heat_map(one: Slice, title: str) -> dict[str, Any]:
    """Return the confusion matrix as a Vega-Lite specification: truth down, label across, shares of each true row.

    A true category without a row is left white.
    """
    names = [one_line(key, 10) for key in one.agreement.classes]
    cells = []
    for i, row in enumerate(one.agreement.confusion.tolist()):
        total = sum(row)
        for j, count in enumerate(row):
            share = count / total if total else 0.0
            ink = "white" if share > 0.55 else INK
            said = f"{100 * share:.0f} %" if total else ""
            cells.append(
                {
                    "truth": i,
                    "label": j,
                    "share": share,
                    "percent": said,
                    "count": f"{count:,}" if total else "",
                    "ink": ink,
                    "left": j - 0.5,
                    "right": j + 0.5,
                    "top": i - 0.5,
                    "bottom": i + 0.5,
                }
            )
    ticks, most = named_ticks(names), len(names) - 0.5
    places = list(range(len(names)))
    across = alt.Axis(
        title="the classifier's category",
        orient="top",
        labelAngle=0,
        labelExpr=ticks,
        values=places,
        grid=False,
        ticks=False,
        domain=False,
    )
    down = alt.Axis(title="category by people", labelExpr=ticks, values=places, grid=False, ticks=False, domain=False)
    x_scale, y_scale = alt.Scale(domain=[-0.5, most], nice=False), alt.Scale(domain=[most, -0.5], nice=False)
    base = chart_of(cells)
    rects = base.mark_rect(stroke="#cccccc", strokeWidth=0.8).encode(
        x=alt.X("left:Q", axis=across, scale=x_scale),
        x2="right:Q",
        y=alt.Y("top:Q", axis=down, scale=y_scale),
        y2="bottom:Q",
        color=alt.Color("share:Q", legend=None, scale=alt.Scale(domain=[0, 1], range=[PALE, DEEP], interpolate="rgb")),
    )
    x, y = alt.X("label:Q", axis=across, scale=x_scale), alt.Y("truth:Q", axis=down, scale=y_scale)
    inks = alt.Color("ink:N", scale=None)
    percent = base.mark_text(fontSize=12.5, fontWeight="bold", dy=-6).encode(x=x, y=y, text="percent:N", color=inks)
    counted = base.mark_text(fontSize=10.5, dy=9).encode(x=x, y=y, text="count:N", color=inks)
    return finished([rects, percent, counted], CELL * len(names), CELL * len(names), title=title, flush=False)


def curve_chart(
    curves: Sequence[Curve],
    *,
    title: str,
    x_title: str,
    y_title: str,
    x: tuple[float, float],
    y: tuple[float, float],
    diagonal: bool = False,
    level: float | None = None,
    square: bool = False,
) -> dict[str, Any]:
    """Return lines with whiskers over a share, as a Vega-Lite specification.

    Parameters
    ----------
    curves : sequence of Curve
    title, x_title, y_title : str
    x, y : tuple of (float, float)
        Ends of the axes.
    diagonal : bool
        Whether the line on which both are equal is drawn.
    level : float, optional
        A horizontal line.
    square : bool
        Whether both axes have one length.
    """
    across = alt.Axis(title=x_title, format="~%", tickCount=5, grid=False)
    up = alt.Axis(title=y_title, format="~%", tickCount=5)
    x_scale, y_scale = (alt.Scale(domain=list(ends), nice=False, zero=False) for ends in (x, y))

    def at(name: str) -> alt.X:
        return alt.X(f"{name}:Q", axis=across, scale=x_scale)

    def of(name: str) -> alt.Y:
        return alt.Y(f"{name}:Q", axis=up, scale=y_scale)

    layers: list[alt.Chart] = []
    if diagonal:
        ends = [{"x": max(x[0], y[0]), "y": max(x[0], y[0])}, {"x": min(x[1], y[1]), "y": min(x[1], y[1])}]
        layers.append(chart_of(ends).mark_line(color="#999999", strokeDash=[4, 3]).encode(x=at("x"), y=of("y")))
    if level is not None:
        layers.append(chart_of([{"y": level}]).mark_rule(color="#999999", strokeDash=[4, 3]).encode(y=of("y")))
    for curve in curves:
        color = COLORS[curve.style % len(COLORS)]
        rows = [{"x": a, "y": b, "low": c, "high": d} for a, b, c, d in curve.points]
        base = chart_of(rows)
        layers.append(
            base.mark_rule(color=color, strokeWidth=1.2, opacity=0.55, clip=True).encode(
                x=at("x"), y=of("low"), y2="high:Q"
            )
        )
        layers.append(base.mark_line(color=color, strokeWidth=1.8, clip=True).encode(x=at("x"), y=of("y")))
        mark = base.mark_point(shape=SYMBOLS[curve.style % len(SYMBOLS)], size=34, filled=True, color=color, opacity=1)
        layers.append(mark.encode(x=at("x"), y=of("y")))
    width, height = (SIDE, SIDE) if square else (WIDE, HIGH)
    return finished(layers, width, height, title=title, flush=False)
