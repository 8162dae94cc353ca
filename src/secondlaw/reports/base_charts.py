"""What all pictures share: one look, one way from layers to a Vega-Lite specification, axes that layers share."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import altair as alt
from altair.utils.schemapi import debug_mode

from secondlaw.reports.look import FONT, INK
from secondlaw.reports.words import one_line

__all__ = ["Axes", "chart_of", "configured", "finished", "named_ticks"]


@dataclass(frozen=True, slots=True)
class Axes:
    """The two axes that all layers of a chart share: as channels for any field."""

    x_axis: alt.Axis
    x_scale: alt.Scale
    y_axis: alt.Axis
    y_scale: alt.Scale

    def x(self, name: str = "x") -> alt.X:
        """Return the horizontal channel for a field."""
        return alt.X(f"{name}:Q", axis=self.x_axis, scale=self.x_scale)

    def y(self, name: str = "y") -> alt.Y:
        """Return the vertical channel for a field."""
        return alt.Y(f"{name}:Q", axis=self.y_axis, scale=self.y_scale)


def chart_of(rows: Iterable[Mapping[str, Any]]) -> alt.Chart:
    """Return a chart of plain rows, which it carries."""
    return alt.Chart(alt.InlineData(values=list(rows)))


def finished(
    layers: Sequence[alt.Chart], width: float, height: float, *, title: str = "", flush: bool = True
) -> dict[str, Any]:
    """Return layers as a Vega-Lite specification in the common look; see :func:`configured`.

    Examples
    --------
    >>> finished([chart_of([{"x": 1}]).mark_point().encode(x="x:Q")], 100, 50)["width"]
    100
    """
    chart = alt.layer(*layers).properties(width=width, height=height)
    if title:
        chart = chart.properties(title=alt.TitleParams(one_line(title, 52), offset=8))
    return configured(chart, flush=flush)


def configured(chart: Any, *, padding: int = 4, flush: bool = True) -> dict[str, Any]:  # noqa: ANN401 - any kind
    """Return a chart, layered or put together, as a Vega-Lite specification in the common look.

    Parameters
    ----------
    chart : altair.TopLevelMixin
    padding : int
        Around it, in pixels.
    flush : bool
        Whether the outermost labels of an axis end with it, instead of standing centred below their ticks.
    """
    axis = alt.AxisConfig(
        labelFontSize=11.5, titleFontSize=12, titleFontWeight="normal", titleColor=INK, labelColor=INK, titlePadding=6,
        gridColor="#e6e6e6", domainColor="#888888", tickColor="#888888", labelFlush=alt.Undefined if flush else False,
    )  # fmt: skip
    config = alt.Config(
        aria=False, font=FONT, background="white", padding=padding, axis=axis,
        view=alt.ViewConfig(stroke="transparent"), legend=alt.LegendConfig(labelFontSize=11.5, labelColor=INK),
        title=alt.TitleConfig(anchor="start", fontSize=13, color=INK),
    )  # fmt: skip
    with debug_mode(False):  # checking every part against the schema takes longer than drawing; the tests check
        return dict(chart.properties(config=config).to_dict(validate=False))


def named_ticks(names: Sequence[str], at: Sequence[int] | None = None) -> str:
    r"""Return the Vega expression that writes a name at each of the places, at each whole number from 0 on without.

    Examples
    --------
    >>> named_ticks(["a", "b's"])
    "datum.value == 0 ? 'a' : datum.value == 1 ? 'b\\'s' : ''"
    """
    quoted = [name.replace("\\", "\\\\").replace("'", "\\'") for name in names]
    pairs = zip(range(len(names)) if at is None else at, quoted, strict=True)
    return " : ".join(f"datum.value == {place} ? '{name}'" for place, name in pairs) + " : ''"
