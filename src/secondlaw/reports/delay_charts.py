"""How soon drifts of known size are found: one line a size."""

from collections.abc import Sequence
from typing import Any

import altair as alt
from altair.utils.schemapi import debug_mode

from secondlaw.drift.injection_results import Detection
from secondlaw.reports.base_charts import chart_of, configured
from secondlaw.reports.look import COLORS, INK
from secondlaw.types import Estimate

__all__ = ["delay_chart"]


def delay_chart(sizes: Sequence[Detection]) -> dict[str, Any]:
    """Return the delay of drifts of several sizes: median, 10 to 90 % of the runs, and how many were found."""
    with debug_mode(False):
        horizon = sizes[0].horizon
        factor = 1.0 if sizes[0].injection.source is None else 100.0
        title = "points moved" if factor == 100.0 else "shift of the mean"
        rows: list[dict[str, Any]] = []
        for one in sizes:
            known = dict(one.delays)
            ends = [known.get(q) for q in (0.1, 0.5, 0.9)]
            low, middle, high = (float(horizon) if end is None else float(end) for end in ends)
            share = f"{100 * one.detected.value:.0f} %" if isinstance(one.detected, Estimate) else ""
            size = factor * abs(one.injection.share)
            rows.append(
                {"x": size, "low": low, "y": middle, "high": high, "found": share, "known": known.get(0.5) is not None}
            )
        x = alt.X(
            "x:Q",
            axis=alt.Axis(title=f"size of the drift, {title}", values=[row["x"] for row in rows], grid=False),
            scale=alt.Scale(type="log", domain=[rows[0]["x"] / 1.4, rows[-1]["x"] * 1.4], nice=False),
        )
        y_scale = alt.Scale(type="log", domain=[1, horizon * 1.7], nice=False)
        marks = [value for value in (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000) if value <= horizon]

        def y(name: str) -> alt.Y:
            axis = alt.Axis(title="delay, steps (log scale)", values=marks)
            return alt.Y(f"{name}:Q", axis=axis, scale=y_scale)

        base = chart_of(rows)
        rule = base.mark_rule(color=COLORS[0], strokeWidth=2.5).encode(x=x, y=y("low"), y2="high:Q")
        dots = chart_of([row for row in rows if row["known"]])
        dot = dots.mark_point(size=70, filled=True, color=COLORS[0], opacity=1).encode(x=x, y=y("y"))
        said = base.mark_text(dy=-11, color=INK, fontSize=11.5).encode(x=x, y=y("high"), text="found:N")
        limit = chart_of([{"y": horizon, "text": f"watched for {horizon} steps"}])
        line = limit.mark_rule(color="#777777", strokeDash=[4, 3]).encode(y=y("y"))
        words = limit.mark_text(align="right", baseline="top", dx=-4, dy=4, color="#555555", fontSize=11)
        layers = [line, words.encode(x=alt.value(400), y=y("y"), text="text:N"), rule, dot, said]
        return configured(alt.layer(*layers).properties(width=400, height=220), padding=6, flush=False)
