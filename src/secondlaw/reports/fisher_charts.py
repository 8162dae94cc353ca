"""Pictures of a Fisher spectrum: its density over decades, its largest eigenvalues, lambda_max and the data.

Every number drawn is also written beside the pictures.
"""

from collections.abc import Sequence
from typing import Any

import altair as alt
import numpy as np

from secondlaw.alignment.fisher import OverData, Ritz, SpectralDensity
from secondlaw.reports.base_charts import chart_of, finished
from secondlaw.reports.look import COLORS, DASHES, SYMBOLS
from secondlaw.types import Estimate

__all__ = ["data_chart", "density_chart", "leading_chart"]

WIDE, HIGH, ROW = 330, 220, 34
_POINTS = 400
WIDTH = 0.15
"""Decades of the Gaussian that stands for a node."""
_DECADES = 9.0
"""Below the largest eigenvalue; what lies lower is 0 as far as a network in single precision can tell."""


def density_chart(density: SpectralDensity, *, largest: float) -> dict[str, Any]:
    """Return the share of eigenvalues a decade, as a Vega-Lite specification.

    Parameters
    ----------
    density : SpectralDensity
    largest : float
        The largest eigenvalue, drawn as a dashed line.
    """
    top = float(np.log10(largest))
    grid = np.linspace(top - _DECADES, top + 0.6, _POINTS)
    share = density.smoothed(grid, width=WIDTH)
    floor = 0.1 / density.size  # a tenth of one eigenvalue a decade
    rows = [{"x": float(10.0**x), "y": max(float(y), floor)} for x, y in zip(grid, share, strict=True)]
    x_scale = alt.Scale(type="log", domain=[float(10.0 ** grid[0]), float(10.0 ** grid[-1])], nice=False)
    y_scale = alt.Scale(type="log", domain=[floor, max(float(share.max()), 10.0 * floor) * 3.0], nice=False)
    x_axis = alt.Axis(title="eigenvalue", format=".0e", tickCount=5, grid=False)
    y_axis = alt.Axis(title="share of eigenvalues a decade", format=".0e", tickCount=5)
    line = chart_of(rows).mark_line(color=COLORS[0], strokeWidth=1.8)
    line = line.encode(x=alt.X("x:Q", axis=x_axis, scale=x_scale), y=alt.Y("y:Q", axis=y_axis, scale=y_scale))
    mark = chart_of([{"x": largest}]).mark_rule(color=COLORS[1], strokeDash=DASHES[1], strokeWidth=1.6)
    return finished([line, mark.encode(x=alt.X("x:Q", axis=x_axis, scale=x_scale))], WIDE, HIGH)


def leading_chart(leading: Sequence[Ritz]) -> dict[str, Any]:
    """Return the largest eigenvalues with their residuals, as a Vega-Lite specification."""
    rows = [
        {"rank": rank + 1, "value": one.value, "low": max(one.value - one.residual, 0.0),
         "high": one.value + one.residual} for rank, one in enumerate(leading)
    ]  # fmt: skip
    x = alt.X("rank:O", axis=alt.Axis(title="rank", labelAngle=0, grid=False))
    y_axis = alt.Axis(title="eigenvalue", tickCount=5, format=",.6~g")
    base = chart_of(rows)
    rules = base.mark_rule(color=COLORS[0], strokeWidth=1.8).encode(x=x, y=alt.Y("low:Q", axis=y_axis), y2="high:Q")
    points = base.mark_point(shape=SYMBOLS[0], filled=True, size=56, color=COLORS[0], opacity=1)
    return finished(
        [rules, points.encode(x=x, y=alt.Y("value:Q", axis=y_axis, scale=alt.Scale(zero=True)))], WIDE, HIGH
    )


def data_chart(data: OverData) -> dict[str, Any]:
    """Return lambda_max on held-out texts, on all and in mini-batches, as a Vega-Lite specification."""
    found = data.population
    values = (
        ("held-out texts", data.held_out),
        ("these texts", found.value if isinstance(found, Estimate) else None),
        (f"{data.minibatch_samples or 0:.3g} texts", data.minibatch),
    )
    names = [name for name, value in values if value is not None]
    shown = [{"name": name, "value": value} for name, value in values if value is not None]
    y = alt.Y("name:N", sort=names, axis=alt.Axis(title=None, grid=False, domain=False))
    axis = alt.Axis(title="largest eigenvalue", tickCount=5, format=",.6~g")
    scale = alt.Scale(zero=True)
    points = chart_of(shown).mark_point(shape=SYMBOLS[0], filled=True, size=64, color=COLORS[0], opacity=1)
    layers = [points.encode(x=alt.X("value:Q", axis=axis, scale=scale), y=y)]
    if isinstance(found, Estimate):
        ends = [{"name": "these texts", "low": found.low, "high": found.high}]
        rule = chart_of(ends).mark_rule(color=COLORS[0], strokeWidth=1.8)
        layers.insert(0, rule.encode(x=alt.X("low:Q", axis=axis, scale=scale), x2="high:Q", y=y))
    return finished(layers, WIDE, ROW * len(shown))
