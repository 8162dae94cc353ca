"""Pictures of a simulation: S over time with its band over trials, and curves over the alignment work.

Every curve is also in the machine-readable output.
"""

from typing import Any

import altair as alt

from secondlaw.alignment.simulations import Simulation, SweepResult
from secondlaw.reports.base_charts import chart_of, finished
from secondlaw.reports.look import COLORS, DASHES, SYMBOLS

__all__ = ["entropy_sweep_chart", "order_chart", "time_chart"]

WIDE, HIGH = 350, 220
MEAN, POOLED = "E[S(p)]", "S(E[p])"


def time_chart(found: Simulation) -> dict[str, Any]:
    """Return S over time: the mean over trials, the band that holds nine of ten trials, and the population's S.

    Dotted lines are the exact values of the stationary law.
    """
    times, mean, low, high = found.band()
    rows = [
        {"t": float(t), "mean": float(m), "low": float(a), "high": float(b)}
        for t, m, a, b in zip(times, mean, low, high, strict=True)
    ]
    x = alt.X("t:Q", axis=alt.Axis(title=found.paths.unit, grid=False, tickCount=5), scale=alt.Scale(nice=False))
    y_axis = alt.Axis(title="entropy of goals, nats", tickCount=5)
    band = chart_of(rows).mark_area(color=COLORS[0], opacity=0.18)
    layers = [band.encode(x=x, y=alt.Y("low:Q", axis=y_axis), y2="high:Q")]
    names = ["E[S]" if found.paths.pooled is None else MEAN]
    lines = [{"t": row["t"], "value": row["mean"], "name": names[0]} for row in rows]
    if found.paths.pooled is not None:
        step = max(1, len(found.paths.times) // 200)
        lines += [
            {"t": float(t), "value": float(v), "name": POOLED}
            for t, v in zip(found.paths.times[::step], found.paths.pooled[::step], strict=True)
        ]
        names.append(POOLED)
    color = alt.Color("name:N", scale=alt.Scale(domain=names, range=[COLORS[0], COLORS[1]][: len(names)]),
                      legend=_legend())  # fmt: skip
    dash = alt.StrokeDash(
        "name:N", scale=alt.Scale(domain=names, range=[DASHES[0], DASHES[1]][: len(names)]), legend=None
    )
    layers.append(
        chart_of(lines)
        .mark_line(strokeWidth=2)
        .encode(x=x, y=alt.Y("value:Q", axis=y_axis), color=color, strokeDash=dash)
    )
    for name, hue in (("mean_entropy", COLORS[0]), ("entropy_of_mean", COLORS[1])):
        one = found.quantity(name)
        if one is not None and one.exact is not None and found.paths.unit == "time":
            exact = chart_of([{"v": one.exact}]).mark_rule(color=hue, strokeDash=DASHES[2], strokeWidth=1.6)
            layers.append(exact.encode(y=alt.Y("v:Q", axis=y_axis)))
    return finished(layers, WIDE, HIGH)


def order_chart(sweep: SweepResult) -> dict[str, Any]:
    """Return the order parameter over the work, in units of its reference, one curve a size."""
    names = [f"{size:,.0f} {sweep.size_words}" for size in sweep.sizes]
    rows = [
        {"x": float(x), "y": float(y), "size": name}
        for name, curve in zip(names, sweep.means, strict=True)
        for x, y in zip(sweep.control, curve, strict=True)
    ]
    hues, dashes, shapes = list(COLORS[: len(names)]), list(DASHES[: len(names)]), list(SYMBOLS[: len(names)])
    x = _work(f"gamma / {sweep.reference}")
    base = chart_of(rows).encode(
        x=x,
        y=alt.Y("y:Q", axis=alt.Axis(title=sweep.order, tickCount=5)),
        color=alt.Color("size:N", scale=alt.Scale(domain=names, range=hues), legend=_legend()),
    )
    dash = alt.StrokeDash("size:N", scale=alt.Scale(domain=names, range=dashes), legend=None)
    shape = alt.Shape("size:N", scale=alt.Scale(domain=names, range=shapes), legend=None)
    one = chart_of([{"x": 1.0}]).mark_rule(color="#8a8a8a", strokeDash=[4, 3]).encode(x=x)
    lines = base.mark_line(strokeWidth=1.8).encode(strokeDash=dash)
    return finished([one, lines, base.mark_point(filled=True, size=30, opacity=1).encode(shape=shape)], WIDE, HIGH)


def entropy_sweep_chart(sweep: SweepResult) -> dict[str, Any]:
    """Return the exact entropies at the model's own size over the work."""
    names = list(sweep.entropies)
    rows = [
        {"x": float(x), "y": float(y), "name": name}
        for name, curve in sweep.entropies.items()
        for x, y in zip(sweep.work, curve, strict=True)
    ]
    hues = [COLORS[1] if name == POOLED else COLORS[0] for name in names]
    color = alt.Color("name:N", scale=alt.Scale(domain=names, range=hues), legend=_legend())
    lines = (
        chart_of(rows)
        .mark_line(strokeWidth=2, point=alt.OverlayMarkDef(size=26))
        .encode(
            x=_work("alignment work gamma"),
            y=alt.Y("y:Q", axis=alt.Axis(title="entropy of goals, nats", tickCount=5)),
            color=color,
        )
    )
    return finished([lines], WIDE, HIGH)


def _work(title: str) -> alt.X:
    axis = alt.Axis(title=title, grid=False, format=",.6~g", tickCount=5, labelOverlap=True)
    return alt.X("x:Q", scale=alt.Scale(type="log", nice=False), axis=axis)


def _legend() -> alt.Legend:
    return alt.Legend(title=None, orient="bottom", symbolType="stroke", columns=3)
