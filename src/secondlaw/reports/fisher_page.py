"""A Fisher spectrum as one self-contained HTML page: the numbers with their errors, density, leading eigenvalues."""

from datetime import datetime
from html import escape

from secondlaw.alignment.fisher import NetworkSpectrum
from secondlaw.reports.fisher_words import caution_words, data_words, headline, matrix_words, number_rows, pretty
from secondlaw.reports.notices import warning_box
from secondlaw.reports.page import bullets, chart_figure, page, sentence
from secondlaw.reports.tables import table
from secondlaw.reports.words import reading

__all__ = ["render_fisher_page"]

TITLE = "Fisher spectrum"
_DECADES = (1.0, 0.1, 0.01, 1e-3, 1e-4)


def render_fisher_page(found: NetworkSpectrum, *, created: datetime, version: str) -> str:
    """Return a spectrum as one HTML page.

    Parameters
    ----------
    found : NetworkSpectrum
    created : datetime
        With a zone.
    version : str
        Of secondlaw.

    Raises
    ------
    InvalidInput
        If `created` has no zone.
    """
    spectrum = found.spectrum
    said = [matrix_words(found), data_words(found), *found.notes, *spectrum.notes[1:]]
    rows = [[escape(cell) for cell in row] for row in number_rows(spectrum)]
    caution = caution_words(spectrum)
    parts = [
        f"<h1>{escape(sentence(headline(found)))}</h1>",
        f'<section class="verdict">{bullets(map(sentence, said))}</section>',
        warning_box([sentence(caution)] if caution else []),
        f'<h2>Pictures</h2><div class="figures">{"".join(_figures(found))}</div>',
        f"<h2>Numbers</h2>{table(('quantity', 'value and interval', 'what the interval is of'), rows)}",
        _leading(found),
        _shares(found),
    ]
    made = [f"seed {found.options.seed}"]
    return page(TITLE, parts, about=found.model, created=created, version=version, made=made)


def _figures(found: NetworkSpectrum) -> list[str]:
    from secondlaw.reports.fisher_charts import data_chart, density_chart, leading_chart

    spectrum, out = found.spectrum, []
    largest = spectrum.largest.value
    if spectrum.density is not None and largest > 0.0:
        caption = (
            f"Stochastic Lanczos quadrature, {len(spectrum.density.nodes)} probes of "
            f"{spectrum.density.nodes.shape[1]} steps, each node spread over .15 decades. Dashed: the largest "
            "eigenvalue. At most predictions times (classes - 1) eigenvalues lie above 0; what so few steps cannot "
            "tell from 0 makes the leftmost hill."
        )
        out.append(chart_figure("fisher-density", "Density", caption, density_chart(spectrum.density, largest=largest)))
    caption = "From the largest down; lines: within these an eigenvalue lies."
    out.append(chart_figure("fisher-leading", "Largest eigenvalues", caption, leading_chart(spectrum.largest.leading)))
    if spectrum.data.held_out is not None:
        caption = (
            "The vector of the largest eigenvalue is chosen on the same texts: fewer texts, more bias upward. Measured "
            "on texts that it was not chosen on, it is biased downward. Line: interval for all texts."
        )
        out.append(chart_figure("fisher-data", "lambda_max and the data", caption, data_chart(spectrum.data)))
    return out


def _leading(found: NetworkSpectrum) -> str:
    rows = [
        [str(rank + 1), escape(pretty(one.value)), escape(pretty(one.residual))]
        for rank, one in enumerate(found.spectrum.largest.leading)
    ]
    return f"<h2>Largest eigenvalues</h2>{table(('rank', 'eigenvalue', 'within'), rows)}"


def _shares(found: NetworkSpectrum) -> str:
    density, largest = found.spectrum.density, found.spectrum.largest.value
    if density is None or largest <= 0.0:
        return ""
    rows = [
        [escape(pretty(part * largest)), escape(reading(density.share_above(part * largest * 0.999)))]
        for part in _DECADES
    ]
    return f"<h2>Density</h2>{table(('eigenvalues from', 'share of all'), rows)}"
