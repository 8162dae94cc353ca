"""Pictures of an inferred entropy production: contributions, couplings, gathering along a trajectory, convergence.

Every number drawn is also written beside the pictures.
"""

from collections.abc import Sequence
from typing import Any

import altair as alt
import numpy as np
from numpy.typing import NDArray

from secondlaw.reports.base_charts import chart_of, finished
from secondlaw.reports.look import COLORS, DASHES, INK, SYMBOLS
from secondlaw.reports.words import one_line
from secondlaw.trajectories.diagnostics import Contribution
from secondlaw.trajectories.inference_results import Path, Rung
from secondlaw.types import Estimate

__all__ = ["asymmetry_chart", "contribution_chart", "convergence_chart", "ladder_chart", "path_chart"]

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
    base = chart_of(rows)
    y = alt.Y("name:N", sort=names, axis=alt.Axis(title=None, labelLimit=210, grid=False, ticks=False, domain=False))
    across = alt.Axis(title=unit, tickCount=5, format=",.6~g")
    bars = base.mark_bar(color=COLORS[0], opacity=0.75, height=ROW - 6).encode(
        x=alt.X("zero:Q", axis=across), x2="value:Q", y=y
    )
    rules = base.mark_rule(color=INK, strokeWidth=1.4).encode(x=alt.X("low:Q", axis=across), x2="high:Q", y=y)
    line = chart_of([{"zero": 0.0}]).mark_rule(color=GREY).encode(x=alt.X("zero:Q", axis=across))
    return finished([bars, rules, line], WIDE, ROW * len(rows))


def asymmetry_chart(fitted: Floats, true: Floats) -> dict[str, Any]:
    """Return the fitted asymmetry of couplings against the true one, with the line on which they are equal.

    Parameters
    ----------
    fitted, true : ndarray, shape (N, N)
        ``theta_ij - theta_ji``, row i what acts on i. Of more than 2,000 pairs the 1,500 largest, by either, and 500
        spread over the rest are drawn.
    """
    i, j = np.triu_indices(len(true), 1)
    x, y = true[i, j], fitted[i, j]
    if len(x) > MOST_POINTS:
        order = np.argsort(-np.maximum(np.abs(x), np.abs(y)), kind="stable")
        largest = 3 * MOST_POINTS // 4
        chosen = np.r_[0:largest, np.linspace(largest, len(x) - 1, MOST_POINTS - largest).astype(np.int64)]
        x, y = x[order[chosen]], y[order[chosen]]
    most = 1.06 * float(max(np.abs(x).max(initial=0.0), np.abs(y).max(initial=0.0), 1e-9))
    rows = [{"x": round(float(a), 5), "y": round(float(b), 5)} for a, b in zip(x, y, strict=True)]
    scale = alt.Scale(domain=[-most, most], nice=False)
    x_of = alt.X("x:Q", scale=scale, axis=alt.Axis(title="true θᵢⱼ − θⱼᵢ", tickCount=5, grid=False))
    y_of = alt.Y("y:Q", scale=scale, axis=alt.Axis(title="fitted θᵢⱼ − θⱼᵢ", tickCount=5))
    ends = [{"x": -most, "y": -most}, {"x": most, "y": most}]
    line = chart_of(ends).mark_line(color=GREY, strokeDash=[4, 3]).encode(x=x_of, y=y_of)
    dots = chart_of(rows).mark_point(filled=True, size=14, opacity=0.5, color=COLORS[0]).encode(x=x_of, y=y_of)
    return finished([line, dots], SIDE, SIDE)


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
    x_axis = alt.Axis(title=x_title, tickCount=5, grid=False, format=",.6~g")
    y_axis = alt.Axis(title="entropy produced, nats", tickCount=5)
    layers = []
    for style, path in enumerate(paths):
        rows = [{"x": float(t), "y": float(s)} for t, s in zip(path.times, path.gathered, strict=True)]
        layers.append(
            chart_of(rows)
            .mark_line(color=COLORS[(style + 5) % len(COLORS)], strokeWidth=1.1, opacity=0.85)
            .encode(x=alt.X("x:Q", axis=x_axis, scale=alt.Scale(nice=False)), y=alt.Y("y:Q", axis=y_axis))
        )
    straight = [(rate, COLORS[1], DASHES[0])] + ([] if exact is None else [(exact, INK, DASHES[2])])
    for slope, color, dash in straight:
        ends = [{"x": 0.0, "y": 0.0}, {"x": end, "y": slope * end}]
        line = chart_of(ends).mark_line(color=color, strokeWidth=2.2, strokeDash=dash)
        layers.append(line.encode(x=alt.X("x:Q", axis=x_axis), y=alt.Y("y:Q", axis=y_axis)))
    return finished(layers, WIDE, HIGH)


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
    points = [(one.at * step, one.result.estimate) for one in rungs]
    known = exact if isinstance(exact, dict) or exact is None else {one.at: exact for one in rungs}
    truth = None if known is None else [(at * step, value) for at, value in sorted(known.items())]
    return convergence_chart(points, x_title=x_title, unit=unit, exact=truth, joined=joined)


def convergence_chart(
    points: Sequence[tuple[float, Estimate]],
    *,
    x_title: str,
    unit: str,
    limit: Estimate | None = None,
    limit_at: float | None = None,
    exact: Sequence[tuple[float, float]] | None = None,
    joined: bool = True,
) -> dict[str, Any]:
    """Return values along a setting with their intervals, and what they tend to.

    Parameters
    ----------
    points : sequence of (float, Estimate)
    x_title, unit : str
    limit : Estimate, optional
        What the values tend to.
    limit_at : float, optional
        Where the limit is reached, drawn as a square; without it the limit is a band.
    exact : sequence of (float, float), optional
        Known values.
    joined : bool
    """
    rows = [{"x": at, "y": one.value, "low": one.low, "high": one.high} for at, one in points]
    drawn = [row["x"] for row in rows]
    places = [*drawn, limit_at] if limit is not None and limit_at is not None else drawn
    x_axis = alt.Axis(title=x_title, values=places, grid=False, format=",.6~g", labelOverlap=True)
    pad = 0.08 * (max(places) - min(places)) if len(places) > 1 else 0.5
    x_scale = alt.Scale(domain=[min(places) - pad, max(places) + pad], nice=False, zero=False)
    y_axis = alt.Axis(title=unit, tickCount=5, format=",.6~g")

    def x(name: str = "x") -> alt.X:
        return alt.X(f"{name}:Q", axis=x_axis, scale=x_scale)

    def y(name: str = "y") -> alt.Y:
        return alt.Y(f"{name}:Q", axis=y_axis, scale=alt.Scale(zero=True))

    base, layers = chart_of(rows), []
    if limit is not None:
        at = [limit_at] if limit_at is not None else [min(places) - pad, max(places) + pad]
        ends = chart_of([{"x": place, "y": limit.value, "low": limit.low, "high": limit.high} for place in at])
        if limit_at is None:
            layers.append(ends.mark_area(color=COLORS[1], opacity=0.18).encode(x=x(), y=y("low"), y2="high:Q"))
            layers.append(ends.mark_line(color=COLORS[1], strokeWidth=1.8).encode(x=x(), y=y()))
        else:
            layers.append(ends.mark_rule(color=COLORS[1], strokeWidth=1.8).encode(x=x(), y=y("low"), y2="high:Q"))
            square = ends.mark_point(shape=SYMBOLS[1], filled=True, size=52, color=COLORS[1], opacity=1)
            layers.append(square.encode(x=x(), y=y()))
    if joined:
        layers.append(base.mark_line(color=COLORS[0], strokeWidth=1.4, opacity=0.6).encode(x=x(), y=y()))
    layers += [
        base.mark_rule(color=COLORS[0], strokeWidth=1.8).encode(x=x(), y=y("low"), y2="high:Q"),
        base.mark_point(shape=SYMBOLS[0], filled=True, size=46, color=COLORS[0], opacity=1).encode(x=x(), y=y()),
    ]
    if exact is not None:
        truth = chart_of([{"x": place, "y": value} for place, value in exact])
        layers.append(truth.mark_line(color=INK, strokeDash=DASHES[1], strokeWidth=1.6).encode(x=x(), y=y()))
    return finished(layers, WIDE, HIGH)


def _twice(parts: Sequence[Contribution], one: Contribution) -> bool:
    return sum(other.name == one.name for other in parts) > 1
