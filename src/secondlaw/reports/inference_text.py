"""Inferred entropy production in the terminal: the held-out value first, then what it covers and how sure it is."""

from typing import TYPE_CHECKING

from secondlaw.reports.inference_words import (
    check_words,
    data_words,
    headline,
    largest,
    limit_words,
    null_words,
    parts_of,
    train_words,
)
from secondlaw.reports.terminal import bare, line, plain_table
from secondlaw.reports.words import interval, one_line, p_value, reading
from secondlaw.trajectories.inference_results import Inference
from secondlaw.types import Insufficient

if TYPE_CHECKING:
    from rich.console import RenderableType

__all__ = ["render_inference_text"]

MOST_SHOWN = 10


def render_inference_text(found: Inference) -> "RenderableType":
    """Return an inference as text for a terminal."""
    from rich.console import Group
    from rich.text import Text

    parts: list[RenderableType] = [
        line(f"entropy production of {one_line(found.source, 80)}: {headline(found)}", "bold"),
        line(f"the interval covers {found.result.covers}"),
        line(null_words(found)),
        line(train_words(found)),
    ]
    if found.per_spike is not None:
        parts.append(line(f"per spike: {reading(found.per_spike)}"))
    parts += [line(one) for one in limit_words(found)]
    parts += [line(f"warning: {one}", "yellow") for one in found.warnings]
    parts.append(line(f"estimator {found.estimator} ({found.words}): {found.reason}"))
    parts.append(line(f"data: {data_words(found)}"))
    parts += [line(f"note: {one}") for one in found.notes]
    parts += [line(one) for one in check_words(found)]
    for title, rungs in (("observables up to order", found.orders), ("lag", found.lags)):
        if rungs:
            heads = [title, f"value, {found.estimate.unit}", "interval", "sign flips"]
            gains = any(rung.gain is not None for rung in rungs)
            table = plain_table(*heads, *["more than the one before"] * gains)
            for rung in rungs:
                null, gain = rung.result.null, rung.gain
                more = "" if gain is None else f"{bare(gain)} {interval(gain, minus='-')}"
                shown = [bare(rung.result.estimate), interval(rung.result.estimate, minus="-")]
                table.add_row(str(rung.at), *shown, "" if null is None else p_value(null.p_value), *[more] * gains)
            parts.append(table)
    parts += _growing(found)
    for title, contributions in parts_of(found):
        if isinstance(contributions, Insufficient) or not contributions:
            continue
        table = plain_table(title, f"part of the value, {found.estimate.unit}", "interval")
        for one in largest(contributions, MOST_SHOWN):
            table.add_row(Text(one_line(one.name, 40)), bare(one.estimate),
                          interval(one.estimate, minus="-"))  # fmt: skip
        parts.append(table)
        if len(contributions) > MOST_SHOWN:
            parts.append(line(f"{len(contributions) - MOST_SHOWN:,} more: see --json", "dim"))
    return Group(*parts)


def _growing(found: Inference) -> "list[RenderableType]":
    out: list[RenderableType] = []
    by_dt = [(f"{dt:.6g}", value) for dt, value in found.by_lag]
    by_memory = [(str(order), value) for order, value in found.by_memory]
    for title, rows in (("the same field at dt of", by_dt), ("memory, steps", by_memory)):
        if len(rows) > 1:
            table = plain_table(title, f"value, {found.estimate.unit}", "interval")
            for at, value in rows:
                table.add_row(at, bare(value), interval(value, minus="-"))
            out.append(table)
    return out
