"""Pictures of an inferred entropy production: contributions, couplings, gathering along a trajectory, convergence.

Every number drawn is also written beside the pictures.
"""

from collections.abc import Sequence
from typing import Any

import altair as alt
import numpy as np
from altair.utils.schemapi import debug_mode
from numpy.typing import NDArray

from secondlaw.reports.look import COLORS, DASHES, FONT, INK, SYMBOLS
from secondlaw.reports.words import one_line
from secondlaw.trajectories.diagnostics import Contribution
from secondlaw.trajectories.inference_results import Path, Rung

__all__ = ["asymmetry_chart", "contribution_chart", "ladder_chart", "path_chart"]

Floats = NDArray[np.float64]

WIDE, HIGH, SIDE, ROW = 330, 220, 250, 17
MOST_POINTS = 2000
GREY = "#8a8a8a"


def contribution_chart(parts: Sequence[Contribution], *, unit: str) -> dict[str, Any]:
    """Return bars with their intervals, in the given order, as a Vega-Lite specification.

    Parameters
    ----------
    parts : sequence of Contribution
        At most some 25.
    unit : str
    """
    names = [f"{k + 1}. {one_line(one.name, 34)}" if _twice(parts, one) else one_line(one.name, 34) for k, one in
             enumerate(parts)]  # fmt: skip
    rows = [
        {"name": name, "value": p.estimate.value, "low": p.estimate.low, "high": p.estimate.high, "zero": 0.0}
        for name, p in zip(names, parts, strict=True)
    ]
    base = _chart(rows)
    y = alt.Y("name:N", sort=names, axis=alt.Axis(title=None, labelLimit=210, grid=False, ticks=False, domain=False))
    across = alt.Axis(title=unit, tickCount=5, format="~g")
    bars = base.mark_bar(color=COLORS[0], opacity=0.75, height=ROW - 6).encode(
        x=alt.X("zero:Q", axis=across), x2="value:Q", y=y
    )
    rules = base.mark_rule(color=INK, strokeWidth=1.4).encode(x=alt.X("low:Q", axis=across), x2="high:Q", y=y)
    line = _chart([{"zero": 0.0}]).mark_rule(color=GREY).encode(x=alt.X("zero:Q", axis=across))
    return _finished([bars, rules, line], WIDE, ROW * len(rows))


def asymmetry_chart(fitted: Floats, true: Floats) -> dict[str, Any]:
    """Return the fitted asymmetry of couplings against the true one, with the line on which they are equal.

    Parameters
    ----------
    fitted, true : ndarray, shape (N, N)
        ``theta_ij - theta_ji``, row i what acts on i. Of many pairs some 2,000 are drawn.
    """
    i, j = np.triu_indices(len(true), 1)
    x, y = true[i, j], fitted[i, j]
    if len(x) > MOST_POINTS:
        chosen = np.linspace(0, len(x) - 1, MOST_POINTS).astype(np.int64)
        x, y = x[chosen], y[chosen]
    most = 1.06 * float(max(np.abs(x).max(initial=0.0), np.abs(y).max(initial=0.0), 1e-9))
    rows = [{"x": round(float(a), 5), "y": round(float(b), 5)} for a, b in zip(x, y, strict=True)]
    scale = alt.Scale(domain=[-most, most], nice=False)
    x_of = alt.X("x:Q", scale=scale, axis=alt.Axis(title="true θᵢⱼ − θⱼᵢ", tickCount=5, grid=False))
    y_of = alt.Y("y:Q", scale=scale, axis=alt.Axis(title="fitted θᵢⱼ − θⱼᵢ", tickCount=5))
    ends = [{"x": -most, "y": -most}, {"x": most, "y": most}]
    line = _chart(ends).mark_line(color=GREY, strokeDash=[4, 3]).encode(x=x_of, y=y_of)
    dots = _chart(rows).mark_point(filled=True, size=14, opacity=0.5, color=COLORS[0]).encode(x=x_of, y=y_of)
    return _finished([line, dots], SIDE, SIDE)


def path_chart(paths: Sequence[Path], *, rate: float, x_title: str, exact: float | None = None) -> dict[str, Any]:
    """Return what trajectories gather as time goes on, beside the line that the held-out estimate makes.

    Parameters
    ----------
    paths : sequence of Path
    rate : float
        The held-out value, in nats per unit of the paths' time.
    x_title : str
    exact : float, optional
        The known value, drawn as a second line.
    """
    end = max(float(path.times[-1]) for path in paths)
    x_axis = alt.Axis(title=x_title, tickCount=5, grid=False, format="~s")
    y_axis = alt.Axis(title="entropy produced, nats", tickCount=5)
    layers = []
    for style, path in enumerate(paths):
        rows = [{"x": float(t), "y": float(s)} for t, s in zip(path.times, path.gathered, strict=True)]
        layers.append(
            _chart(rows)
            .mark_line(color=COLORS[(style + 5) % len(COLORS)], strokeWidth=1.1, opacity=0.85)
            .encode(x=alt.X("x:Q", axis=x_axis, scale=alt.Scale(nice=False)), y=alt.Y("y:Q", axis=y_axis))
        )
    straight = [(rate, COLORS[1], DASHES[0])] + ([] if exact is None else [(exact, INK, DASHES[2])])
    for slope, color, dash in straight:
        ends = [{"x": 0.0, "y": 0.0}, {"x": end, "y": slope * end}]
        line = _chart(ends).mark_line(color=color, strokeWidth=2.2, strokeDash=dash)
        layers.append(line.encode(x=alt.X("x:Q", axis=x_axis), y=alt.Y("y:Q", axis=y_axis)))
    return _finished(layers, WIDE, HIGH)


def ladder_chart(
    rungs: Sequence[Rung],
    *,
    x_title: str,
    unit: str,
    step: float = 1.0,
    exact: float | dict[int, float] | None = None,
    joined: bool = True,
) -> dict[str, Any]:
    """Return values at several lags or orders with their intervals, and the known value where there is one.

    Parameters
    ----------
    rungs : sequence of Rung
    x_title, unit : str
    step : float
        Time that a lag of 1 spans.
    exact : float or dict of int to float, optional
        One known value, or one for each rung.
    joined : bool
        Whether a line joins the values.
    """
    rows = [
        {"x": one.at * step, "y": one.result.estimate.value, "low": one.result.estimate.low,
         "high": one.result.estimate.high} for one in rungs
    ]  # fmt: skip
    places = [row["x"] for row in rows]
    x_axis = alt.Axis(title=x_title, values=places, grid=False, format="~g")
    pad = 0.08 * (max(places) - min(places)) if len(places) > 1 else 0.5
    x_scale = alt.Scale(domain=[min(places) - pad, max(places) + pad], nice=False, zero=False)
    y_axis = alt.Axis(title=unit, tickCount=5, format="~g")

    def x(name: str = "x") -> alt.X:
        return alt.X(f"{name}:Q", axis=x_axis, scale=x_scale)

    def y(name: str = "y") -> alt.Y:
        return alt.Y(f"{name}:Q", axis=y_axis, scale=alt.Scale(zero=True))

    base = _chart(rows)
    layers = [base.mark_line(color=COLORS[0], strokeWidth=1.4, opacity=0.6).encode(x=x(), y=y())] if joined else []
    layers += [
        base.mark_rule(color=COLORS[0], strokeWidth=1.8).encode(x=x(), y=y("low"), y2="high:Q"),
        base.mark_point(shape=SYMBOLS[0], filled=True, size=46, color=COLORS[0], opacity=1).encode(x=x(), y=y()),
    ]
    if exact is not None:
        known = exact if isinstance(exact, dict) else {one.at: exact for one in rungs}
        truth = _chart([{"x": at * step, "y": value} for at, value in sorted(known.items())])
        layers.append(truth.mark_line(color=INK, strokeDash=DASHES[1], strokeWidth=1.6).encode(x=x(), y=y()))
    return _finished(layers, WIDE, HIGH)


def _twice(parts: Sequence[Contribution], one: Contribution) -> bool:
    return sum(other.name == one.name for other in parts) > 1


def _chart(rows: list[dict[str, Any]]) -> alt.Chart:
    return alt.Chart(alt.InlineData(values=rows))


def _finished(layers: list[alt.Chart], width: int, height: int) -> dict[str, Any]:
    axis = alt.AxisConfig(
        labelFontSize=11.5, titleFontSize=12, titleFontWeight="normal", titleColor=INK, labelColor=INK, titlePadding=6,
        gridColor="#e6e6e6", domainColor="#888888", tickColor="#888888",
    )  # fmt: skip
    view = alt.ViewConfig(stroke="transparent")
    config = alt.Config(aria=False, font=FONT, background="white", padding=4, axis=axis, view=view)
    with debug_mode(False):  # as in charts.py: the tests check the schema
        chart = alt.layer(*layers).properties(width=width, height=height, config=config)
        return dict(chart.to_dict(validate=False))
