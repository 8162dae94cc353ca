"""The horizontal axis of a watched series and what is marked along it: baselines, drifts, alarms."""

import altair as alt
import numpy as np
from numpy.typing import NDArray

from secondlaw.drift.monitoring_results import SeriesHistory
from secondlaw.reports.base_charts import chart_of, named_ticks
from secondlaw.reports.series import ticks
from secondlaw.reports.words import one_line
from secondlaw.statistics.change_points import ChangePoint

__all__ = ["ALARM", "SeriesFrame"]

OTHER_WORDS = {"missing": "no data", "changed": "other classifier"}
ALARM, BEGAN, USUAL = "#b3261e", "#8c6d00", "#eef1f4"
Layers = list[alt.Chart]


class SeriesFrame:
    """The horizontal axis that all panels share, and what is marked in each."""

    def __init__(self, one: SeriesHistory, numbers: NDArray[np.int64]) -> None:
        first, last = int(numbers[0]), int(numbers[-1])
        self.scale = alt.Scale(domain=[first - 0.5, last + 0.5], nice=False, zero=False)
        self.marks = ticks(numbers.tolist())
        labels = {said.decision.step: said.label for said in one.decisions}
        self.names = [one_line(labels.get(mark, str(mark)).removeprefix("step "), 18) for mark in self.marks]
        self.stated = all(name.isdigit() for name in self.names)
        self.usual = _baselines(one)
        self.alarms = [alarm for alarm in one.alarms if alarm.said.decision.verdict == "drifting"][:40]
        self.others = [alarm for alarm in one.alarms if alarm.said.decision.verdict != "drifting"][:40]

    def x(self, name: str = "x", *, labelled: bool = False) -> alt.X:
        """Return the horizontal channel for a field."""
        axis = alt.Axis(
            title="step" if labelled and self.stated else None,
            values=list(self.marks),
            labelExpr=named_ticks(self.names, self.marks),
            labels=labelled,
            ticks=labelled,
            grid=False,
        )
        return alt.X(f"{name}:Q", axis=axis, scale=self.scale)

    def below(self, *, labelled: bool = False) -> Layers:
        """Return what lies below the lines: the baseline, and when the drift began, with its interval."""
        layers: Layers = []
        if self.usual:
            shade = chart_of([{"from": low, "to": high} for low, high in self.usual]).mark_rect(color=USUAL, opacity=1)
            layers.append(shade.encode(x=self.x("from", labelled=labelled), x2="to:Q"))
        for alarm in self.alarms[:3]:
            if isinstance(alarm.change_point, ChangePoint):
                began = alarm.change_point.began
                span = chart_of([{"from": began.low - 0.5, "to": began.high + 0.5, "x": began.value}])
                layers.append(
                    span.mark_rect(color="#f2d98b", opacity=0.45).encode(x=self.x("from", labelled=labelled), x2="to:Q")
                )
                layers.append(span.mark_rule(color=BEGAN, strokeDash=[3, 3]).encode(x=self.x(labelled=labelled)))
        return layers

    def above(self, *, labelled: bool = False) -> Layers:
        """Return the alarms."""
        layers: Layers = []
        for alarms, color in ((self.alarms, ALARM), (self.others, "#555555")):
            if alarms:
                chart = chart_of([{"x": alarm.said.decision.step} for alarm in alarms])
                layers.append(chart.mark_rule(color=color, strokeWidth=1.5).encode(x=self.x(labelled=labelled)))
        return layers

    def words(self) -> Layers:
        """Return what the marks mean, written above the first panel."""
        rows = [(sum(span) / 2.0, "baseline", "#586573", -4) for span in self.usual]
        rows += [(float(alarm.said.decision.step), "alarm", ALARM, -4) for alarm in self.alarms[:1]]
        told: set[str] = set()
        for alarm in self.others:
            word = OTHER_WORDS[alarm.said.decision.verdict]
            if word not in told:
                rows.append((float(alarm.said.decision.step), word, "#555555", -19))
            told.add(word)
        layers = []
        for place, text, color, height in rows:
            chart = chart_of([{"x": place, "text": text}])
            mark = chart.mark_text(baseline="bottom", dy=height, color=color, fontSize=11.5, fontWeight="bold")
            layers.append(mark.encode(x=self.x(), y=alt.value(0), text="text:N"))
        return layers


def _baselines(one: SeriesHistory) -> list[tuple[float, float]]:
    """Return the stretches from which a baseline was learnt; small gaps in one do not part it."""
    spans: list[tuple[float, float]] = []
    open_now = False
    for said in one.decisions:
        decision = said.decision
        learning = decision.verdict == "baseline" or (decision.verdict == "changed" and decision.alarm)
        if learning and open_now and decision.verdict == "baseline":
            spans[-1] = (spans[-1][0], decision.step + 0.5)
        elif learning:
            spans.append((decision.step - 0.5, decision.step + 0.5))
        open_now = learning or (open_now and decision.verdict == "missing")
    return [span for span in spans if span[1] - span[0] > 1.0]
