"""A simulation in the terminal: entropies beside exact values, operating point, verdict on a transition."""

from typing import TYPE_CHECKING

from secondlaw.alignment.simulations import Quantity, Simulation
from secondlaw.reports.terminal import line, plain_table
from secondlaw.reports.words import interval, number, reading
from secondlaw.types import SHARE, Estimate

if TYPE_CHECKING:
    from rich.console import RenderableType

__all__ = ["exact_words", "operating_words", "render_simulation_text", "sweep_words"]


def render_simulation_text(found: Simulation) -> "RenderableType":
    """Return a simulation as text for a terminal."""
    from rich.console import Group
    from rich.text import Text

    settings = found.settings
    parts: list[RenderableType] = [
        line(f"model {settings['model']}, {settings['trials']:,} trials of {settings['steps']:,} steps", "bold")
    ]
    table = plain_table("at the end", "simulated", "interval", "exact")
    for one in found.quantities:
        measured = one.measured
        exact = exact_words(one)
        if isinstance(measured, Estimate):
            table.add_row(Text(one.words), number(measured, minus="-"), interval(measured, minus="-"), exact)
        else:
            table.add_row(Text(one.words), "none", "", exact)
    parts.append(table)
    parts += [
        line(reading(one)) for one in {q.measured for q in found.quantities if not isinstance(q.measured, Estimate)}
    ]
    if found.operating is not None:
        parts.append(line(operating_words(found)))
    if found.sweep is not None:
        parts += [line(one) for one in sweep_words(found)]
    parts += [line(f"warning: {one}", "yellow") for one in found.warnings]
    return Group(*parts, *(line(f"note: {one}") for one in found.notes))


def exact_words(one: Quantity, digits: int = 3) -> str:
    """Return the exact value in the unit of the simulated one; empty where there is none."""
    if one.exact is None:
        return ""
    share = isinstance(one.measured, Estimate) and one.measured.unit == SHARE
    return f"{100.0 * one.exact:.{digits - 2}f} %" if share else f"{one.exact:.{digits}f}"


def operating_words(found: Simulation) -> str:
    """Return the least work that holds the tolerated entropy; empty where none was asked for."""
    if found.operating is None:
        return ""
    entropy, tolerance, work = found.operating
    if work == 0.0:
        return f"{entropy} stays at {tolerance:g} nats or below without any alignment work"
    per = "a step" if found.paths.unit == "steps" else "per unit of time"
    return f"the least alignment work that holds {entropy} at {tolerance:g} nats is {work:.4g} {per}"


def sweep_words(found: Simulation) -> list[str]:
    """Return what the sweep says."""
    sweep = found.sweep
    if sweep is None:
        return []
    quiet = ", noise on S left out" if sweep.noiseless else ""
    sizes = ", ".join(f"{one:,.0f}" for one in sweep.sizes)
    said = [
        f"sweep of gamma / {sweep.reference} from {sweep.control[0]:g} to {sweep.control[-1]:g} at {sizes} "
        f"{sweep.size_words}{quiet}: {sweep.verdict.kind}; {sweep.verdict.reason}"
    ]
    one = sweep.verdict.growth
    said.append(f"growth of the steepest slope: (ln size)^{one.value:.2f} [{one.low:.2f}, {one.high:.2f}]")
    if sweep.verdict.kind == "crossover":
        said.append("a transition that trials cannot resolve is called a crossover too: raise --sweep-trials")
    return said
