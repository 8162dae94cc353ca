"""Colours of the live charts, for light and dark pages and for print; marks name the styles, see :mod:`.stream_charts`.

Colours follow Okabe and Ito (2008), which colour-blind readers tell apart.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from secondlaw.reports.look import category_colors

__all__ = ["chart_theme", "printed"]

Theme = Literal["light", "dark"]


def chart_theme(theme: Theme, *, misaligned: Sequence[bool] = ()) -> dict[str, Any]:
    """Return the Vega-Lite configuration of a theme: colours of axes and of the styles that marks name.

    Examples
    --------
    >>> chart_theme("dark")["background"]
    'transparent'
    """
    dark = theme == "dark"
    ink, soft, grid, line = (
        ("#d9e0e7", "#9fb0bf", "#2b3946", "#62b6ee") if dark else ("#333333", "#586573", "#e6e6e6", "#0072b2")
    )
    alarm, began, span = ("#ff8f7d", "#e8c35a", "#6b5717") if dark else ("#b3261e", "#8c6d00", "#f2d98b")
    text = {"fontSize": 11.5, "fontWeight": "bold"}
    style: dict[str, Any] = {
        "sl-line": {"color": line, "strokeWidth": 1.8},
        "sl-band": {"color": line, "opacity": 0.2},
        "sl-dot": {"color": line, "filled": True, "size": 30},
        "sl-whisker": {"color": line, "strokeWidth": 1.5},
        "sl-drift": {"color": alarm, "strokeWidth": 1.6},
        "sl-missing": {"color": soft, "strokeWidth": 1.6},
        "sl-changed": {"color": soft, "strokeWidth": 1.6},
        "sl-drift-text": {"color": alarm, **text},
        "sl-missing-text": {"color": soft, **text},
        "sl-changed-text": {"color": soft, **text},
        "sl-began": {"color": began, "strokeWidth": 1.4},
        "sl-began-span": {"color": span, "opacity": 0.45},
    }
    for k, color in enumerate(category_colors(misaligned) if misaligned else ()):
        style[f"sl-category-{k}"] = {"color": color, "opacity": 0.95}
    return {
        "background": "transparent" if dark else "white",
        "font": "system-ui, Liberation Sans, Arial, sans-serif",
        "axis": {
            "labelFontSize": 11.5, "titleFontSize": 12, "titleFontWeight": "normal", "titleColor": ink,
            "labelColor": ink, "gridColor": grid, "domainColor": soft, "tickColor": soft, "titlePadding": 4,
        },
        "view": {"stroke": "transparent"},
        "style": style,
    }  # fmt: skip


def printed(specification: Mapping[str, Any], *, misaligned: Sequence[bool], width: int = 640) -> dict[str, Any]:
    """Return a chart with a width and the light theme: for a picture without script."""
    theme = chart_theme("light", misaligned=misaligned) | {"font": "Liberation Sans, Arial, sans-serif"}
    return {**specification, "width": width, "config": theme}
