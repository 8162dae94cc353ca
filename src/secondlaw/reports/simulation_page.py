"""A simulation as one self-contained HTML page: entropies beside exact values, S over time, the sweep."""

from datetime import datetime
from html import escape

from secondlaw.alignment.simulations import Simulation
from secondlaw.reports.notices import warning_box
from secondlaw.reports.page import bullets, chart_figure, page, sentence
from secondlaw.reports.simulation_text import exact_words, operating_words, sweep_words
from secondlaw.reports.tables import entry, table
from secondlaw.reports.words import reading, tame
from secondlaw.types import Insufficient

__all__ = ["render_simulation_page"]

TITLE = "Simulated goals"


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
    first = found.quantities[0]
    settings = found.settings
    said = [
        f"{settings['trials']:,} trials of {settings['steps']:,} steps", *filter(None, [operating_words(found)]),
        *sweep_words(found), *found.notes,
    ]  # fmt: skip
    exact = "" if first.exact is None else f"; exact: {first.exact:.3f}"
    title = f"{first.words.split(':')[0]} is {reading(first.measured)}{exact}"
    over = "" if found.sweep is None else " and over the work"
    parts = [
        f"<h1>{escape(title)}</h1>",
        f'<section class="verdict">{bullets(map(sentence, said))}</section>',
        warning_box([sentence(one) for one in found.warnings]),
        f'<h2>Over time{over}</h2><div class="figures">{"".join(_figures(found))}</div>',
        _quantities(found),
        _settings(found),
    ]
    about, made = f"model {settings['model']}", [f"seed {settings['seed']}"]
    return page(TITLE, parts, about=about, created=created, version=version, made=made)


def _figures(found: Simulation) -> list[str]:
    from secondlaw.reports.simulation_charts import entropy_sweep_chart, order_chart, time_chart

    dotted = " Dotted: exact, at rest." if found.paths.unit == "time" else ""
    caption = f"Mean over trials; the band holds nine of ten trials.{dotted}"
    out = [chart_figure("simulation-time", "Entropy over time", caption, time_chart(found))]
    if found.sweep is None:
        return out
    sweep = found.sweep
    whose = "Without noise on S," if sweep.noiseless else "Mean over trials"
    caption = (
        f"{whose} at three sizes; dashed: gamma = {sweep.reference}. In a transition the curves cross in one "
        "point and the steepest slope grows with the size."
    )
    out.append(chart_figure("simulation-order", f"Sweep: {sweep.verdict.kind}", caption, order_chart(sweep)))
    if sweep.entropies:
        caption = f"Exact, at the size that was simulated{', without noise on S' if sweep.noiseless else ''}."
        out.append(chart_figure("simulation-entropies", "Entropies over the work", caption, entropy_sweep_chart(sweep)))
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
