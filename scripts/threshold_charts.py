"""Charts of the threshold study, as SVG: threshold against promise, what was recorded, and one stream seen closely."""

from pathlib import Path

import altair as alt
import numpy as np
from threshold_detectors import misaligned
from threshold_scores import failure_step, first_alarm
from threshold_streams import MISALIGNED, ONSET, Recording

from secondlaw.reports.base_charts import chart_of, configured
from secondlaw.reports.look import COLORS, INK
from secondlaw.reports.series import spread
from secondlaw.reports.svg import svg_of
from secondlaw.statistics.closed_form import plug_in

NONE_SEEN = 0.1  # where "no false alarm seen" stands on the logarithmic axis
RESAMPLES = 1000
SET_COLORS = (COLORS[0], COLORS[2], COLORS[1])
DOSES_HEIGHT = 200


def save(chart: alt.Chart, path: Path, title: str, description: str) -> None:
    drawn = configured(chart, padding=6)
    path.write_text(svg_of(drawn, prefix=path.stem, title=title, description=description) + "\n")


def trade(found: dict) -> alt.LayerChart:
    """Draw in-time alarms over false alarms: every fixed threshold as a curve, monitors as points."""
    curve, points = [], []
    for name, one in found["rows"].items():
        rate = max(one["false_alarms"][0], NONE_SEEN)
        value, low, high = one["in_time"]
        row = {"rate": rate, "value": value, "low": low, "high": high, "chance": one["by_chance"][0], "name": name}
        (points if name[0] in "bCu" else curve).append(row)
    x = alt.X("rate:Q", title="false alarms in 10,000 steps without drift",
              scale=alt.Scale(type="log", domain=[NONE_SEEN * 0.8, 13000], nice=False),
              axis=alt.Axis(values=[0.1, 1, 10, 100, 1000, 10000],
                            labelExpr="datum.value < 0.11 ? 'none' : format(datum.value, ',')"))  # fmt: skip

    def y(field: str) -> alt.Y:
        title = "alarm in time, share of runs"
        return alt.Y(f"{field}:Q", title=title, scale=alt.Scale(domain=[0, 1]), axis=alt.Axis(format="%"))

    grey = "#777777"
    base = chart_of(sorted(curve, key=lambda row: row["rate"]))
    band = base.mark_area(color=COLORS[1], opacity=0.15).encode(x=x, y=y("low"), y2="high:Q")
    line = base.mark_line(color=COLORS[1], point=alt.OverlayMarkDef(color=COLORS[1], size=22)).encode(x=x, y=y("value"))
    chance = base.mark_line(color=grey, strokeDash=[4, 3]).encode(x=x, y=y("chance"))
    published = chart_of([row for row in curve if row["name"] == "0.001"])
    mark = published.mark_point(shape="square", size=90, filled=True, color=COLORS[1], opacity=1)
    said = published.mark_text(align="right", dx=-8, dy=14, color=COLORS[1], fontSize=11.5, text="as published, .001")
    layers = [band, line, chance, mark.encode(x=x, y=y("value")), said.encode(x=x, y=y("value"))]
    legend = [("every fixed threshold on |dS|", COLORS[1]), ("as often as by chance", grey)]
    for place, one in enumerate(points):
        color = COLORS[(0, 2, 3, 4, 5, 6)[place % 6]]
        dot = chart_of([one])
        layers.append(dot.mark_rule(color=color).encode(x=x, y=y("low"), y2="high:Q"))
        layers.append(dot.mark_point(filled=True, size=70, color=color, opacity=1).encode(x=x, y=y("value")))
        legend.insert(place, (one["name"], color))
    for place, (name, color) in enumerate(legend):
        text = chart_of([{"rate": 150.0, "value": 0.6 - 0.065 * place, "text": name}])
        words = text.mark_text(align="left", color=color, fontSize=11.5, fontWeight="bold")
        layers.append(words.encode(x=x, y=y("value"), text="text:N"))
    title = f"{found['profile']}: {found['world']}"
    return alt.layer(*layers).properties(width=430, height=300, title=title)


def doses(recording: Recording, rng: np.random.Generator) -> alt.LayerChart:
    """Draw the misaligned share of each prompt set by level of pressure, with bands from resampled prompts."""
    layers, ends_at, names = [], [], list(dict.fromkeys(recording.sets))
    x = alt.X("level:Q", title="turns of pressure before the prompt", axis=alt.Axis(tickMinStep=1, grid=False))

    def y(field: str) -> alt.Y:
        return alt.Y(f"{field}:Q", title="misaligned share", scale=alt.Scale(domain=[0, 1]), axis=alt.Axis(format="%"))

    for place, name in enumerate(names):
        own = recording.shares()[:, [one == name for one in recording.sets]][..., MISALIGNED].sum(axis=2)
        picked = rng.integers(own.shape[1], size=(RESAMPLES, own.shape[1]))
        ends = np.quantile(own[:, picked].mean(axis=2), [0.025, 0.975], axis=1)
        rows = [
            {"level": level, "share": float(own[level].mean()), "low": float(low), "high": float(high)}
            for level, (low, high) in enumerate(ends.T)
        ]
        base = chart_of(rows)
        layers.append(base.mark_area(color=SET_COLORS[place], opacity=0.15).encode(x=x, y=y("low"), y2="high:Q"))
        marked = base.mark_line(color=SET_COLORS[place], point=alt.OverlayMarkDef(color=SET_COLORS[place]))
        layers.append(marked.encode(x=x, y=y("share")))
        ends_at.append(DOSES_HEIGHT * (1.0 - rows[-1]["share"]))
    pixels = spread(ends_at, gap=14, low=4, high=DOSES_HEIGHT - 4)
    for name, pixel, color in zip(names, pixels, SET_COLORS, strict=False):
        last = chart_of([{"level": recording.levels - 1, "share": 1.0 - pixel / DOSES_HEIGHT, "text": name}])
        text = last.mark_text(align="left", dx=6, color=color, fontWeight="bold", fontSize=11.5)
        layers.append(text.encode(x=x, y=y("share"), text="text:N"))
    return alt.layer(*layers).properties(width=250, height=DOSES_HEIGHT, title=recording.name)


def closely(counts: np.ndarray, truth: np.ndarray, alarms: dict[str, np.ndarray], line: str) -> alt.VConcatChart:
    """Draw one stream: its misaligned share with truth, failure and alarm; below, S and the published rule."""
    failure, steps = failure_step(truth, line), np.arange(len(truth))
    seen, entropy = misaligned(counts), plug_in(counts)
    x = alt.X("step:Q", title="step", axis=alt.Axis(grid=False), scale=alt.Scale(domain=[0, len(truth)], nice=False))
    rows = [{"step": int(t), "seen": float(seen[t]), "truth": float(truth[t])} for t in steps]
    base = chart_of(rows)
    share = alt.Y("seen:Q", title="misaligned share", axis=alt.Axis(format="%", tickCount=5))
    layers = [
        base.mark_circle(color="#9aa7b1", size=9, opacity=0.8).encode(x=x, y=share),
        base.mark_line(color=INK, strokeWidth=2.5).encode(x=x, y="truth:Q"),
    ]
    first = int(first_alarm(alarms["monitor"][None])[0])
    for at, text, color, dy in ((ONSET, "pressure begins", "#777777", 8), (failure, "failure", COLORS[1], 24),
                                (first, "alarm", COLORS[0], 40)):  # fmt: skip
        mark = chart_of([{"step": at, "text": text}])
        layers.append(mark.mark_rule(color=color, strokeWidth=1.5).encode(x=x))
        words = mark.mark_text(align="right", dx=-4, color=color, fontWeight="bold", fontSize=11.5)
        layers.append(words.encode(x=x, y=alt.value(dy), text="text:N"))
    above = alt.layer(*layers).properties(width=620, height=190, title=f"{line}; each dot one step of k = 100")
    fired = alarms["rule"]
    dots = chart_of({"step": int(t), "S": float(entropy[t]), "fired": bool(fired[t])} for t in steps)
    color = alt.Color("fired:N", scale=alt.Scale(domain=[True, False], range=[COLORS[1], "#9aa7b1"]), legend=None)
    below = dots.mark_circle(size=11, opacity=1).encode(
        x=x, y=alt.Y("S:Q", title="S, nats", axis=alt.Axis(tickCount=5)), color=color
    )
    share_fired = fired[100:].mean()
    title = f"the published rule alarms (orange) in {100 * share_fired:.0f} % of the steps after the first 100"
    return alt.vconcat(above, below.properties(width=620, height=120, title=title), spacing=18)
