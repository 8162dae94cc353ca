"""A simulation as one self-contained HTML page: entropies beside exact values, S over time, the sweep."""

from collections.abc import Sequence
from datetime import UTC, datetime
from html import escape
from pathlib import Path
from typing import Any

from secondlaw.alignment.simulations import Simulation
from secondlaw.errors import InvalidInput
from secondlaw.reports.page import frame
from secondlaw.reports.simulation_text import exact_words, operating_words, sweep_words
from secondlaw.reports.svg import svg_of
from secondlaw.reports.tables import entry, table
from secondlaw.reports.words import one_line, reading, tame
from secondlaw.reports.writing import write_page
from secondlaw.types import Insufficient

__all__ = ["render_simulation_page", "write_simulation_page"]

TITLE = "Simulated goals"


def write_simulation_page(found: Simulation, path: str | Path, *, created: datetime, version: str) -> Path:
    """Write a simulation as one HTML file, replacing an older one in a single step.

    Raises
    ------
    SourceError
        If the file cannot be written.
    """
    return write_page(render_simulation_page(found, created=created, version=version), path)


def render_simulation_page(found: Simulation, *, created: datetime, version: str) -> str:
    """Return a simulation as one HTML page.

    Parameters
    ----------
    found : Simulation
    created : datetime
        With a zone.
    version : str
        Of secondlaw.

    Raises
    ------
    InvalidInput
        If `created` has no zone.
    """
    if created.tzinfo is None:
        raise InvalidInput(f"the report's time needs a zone, got {created.isoformat()} without one")
    first = found.quantities[0]
    settings = found.settings
    said = [
        f"{settings['trials']:,} trials of {settings['steps']:,} steps", *filter(None, [operating_words(found)]),
        *sweep_words(found), *found.notes,
    ]  # fmt: skip
    exact = "" if first.exact is None else f"; exact: {first.exact:.3f}"
    title = f"{first.words.split(':')[0]} is {reading(first.measured)}{exact}"
    body = [
        f'<header><p class="eyebrow">{TITLE} · model {escape(str(settings["model"]))}</p></header>',
        f"<h1>{escape(title)}</h1>",
        f'<section class="verdict">{_list(said)}</section>',
    ]
    if found.warnings:
        body.append(f'<div class="warnings"><h2>Before you read on</h2>{_list(found.warnings)}</div>')
    body += [
        f"<h2>Over time{'' if found.sweep is None else ' and over the work'}</h2>"
        f'<div class="figures">{"".join(_figures(found))}</div>',
        _quantities(found),
        _settings(found),
    ]
    when = created.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")
    made = f"secondlaw {one_line(version, 40)} · {when} · seed {settings['seed']}"
    body.append(f"<footer>{escape(made)}</footer>")
    return frame(TITLE, body)


def _list(sentences: Sequence[str]) -> str:
    said = (f"{text[0].upper()}{text[1:]}" if text.split(" ", 1)[0].isalpha() else text for text in sentences)
    return "<ul>" + "".join(f"<li>{escape(tame(text))}</li>" for text in said) + "</ul>"


def _figure(key: str, title: str, caption: str, specification: dict[str, Any]) -> str:
    picture = svg_of(specification, prefix=f"simulation-{key}", title=title, description=caption)
    return (
        f'<figure><h3>{escape(title)}</h3><div class="panels">{picture}</div>'
        f"<figcaption>{escape(caption)}</figcaption></figure>"
    )


def _figures(found: Simulation) -> list[str]:
    from secondlaw.reports.simulation_charts import entropy_sweep_chart, order_chart, time_chart

    dotted = " Dotted: exact, at rest." if found.paths.unit == "time" else ""
    caption = f"Mean over trials; the band holds nine of ten trials.{dotted}"
    out = [_figure("time", "Entropy over time", caption, time_chart(found))]
    if found.sweep is None:
        return out
    sweep = found.sweep
    whose = "Without noise on S," if sweep.noiseless else "Mean over trials"
    caption = (
        f"{whose} at three sizes; dashed: gamma = {sweep.reference}. In a transition the curves cross in one "
        "point and the steepest slope grows with the size."
    )
    out.append(_figure("order", f"Sweep: {sweep.verdict.kind}", caption, order_chart(sweep)))
    if sweep.entropies:
        caption = f"Exact, at the size that was simulated{', without noise on S' if sweep.noiseless else ''}."
        out.append(_figure("entropies", "Entropies over the work", caption, entropy_sweep_chart(sweep)))
    return out


def _quantities(found: Simulation) -> str:
    rows = [[escape(one.words), entry(one.measured), exact_words(one, 4)] for one in found.quantities]
    out = f"<h2>At the end</h2>{table(('quantity', 'simulated', 'exact'), rows)}"
    if found.sweep is None:
        return out
    sweep = found.sweep
    heads = [f"gamma / {sweep.reference}", *(f"{size:,.0f} {sweep.size_words}" for size in sweep.sizes)]
    rows = [
        [f"{share:.3g}", *(f"{value:.3f}" for value in values)]
        for share, values in zip(sweep.control, sweep.means.T, strict=True)
    ]
    verdict = sweep.verdict
    peaks = [
        [f"{size:,.0f} {sweep.size_words}", entry(peak)] for size, peak in zip(sweep.sizes, verdict.peaks, strict=True)
    ]
    peaks.append(["growth with ln size", entry(verdict.growth)])
    peaks += [["where neighbors cross", entry(one)] for one in verdict.crossings]
    return (
        f"{out}<h2>Sweep</h2>{table(('steepest slope of', 'value'), peaks)}"
        f"<details><summary>{escape(sweep.order[0].upper() + sweep.order[1:])}</summary>{table(heads, rows)}</details>"
    )


def _settings(found: Simulation) -> str:
    rows = [[escape(name.replace("_", " ")), escape(str(value))] for name, value in found.settings.items()]
    none = {str(one.measured.reason) for one in found.quantities if isinstance(one.measured, Insufficient)}
    rows += [["no number", escape(tame(reason))] for reason in sorted(none)]
    return f"<h2>Settings</h2>{table(('setting', 'value'), rows)}"
