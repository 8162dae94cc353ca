"""A Fisher spectrum as one self-contained HTML page: the numbers with their errors, density, leading eigenvalues."""

from collections.abc import Sequence
from datetime import UTC, datetime
from html import escape
from pathlib import Path
from typing import Any

from secondlaw.alignment.fisher import NetworkSpectrum
from secondlaw.errors import InvalidInput
from secondlaw.reports.fisher_words import caution_words, data_words, headline, matrix_words, number_rows, pretty
from secondlaw.reports.page import frame
from secondlaw.reports.svg import svg_of
from secondlaw.reports.tables import table
from secondlaw.reports.words import one_line, reading, tame
from secondlaw.reports.writing import write_page

__all__ = ["render_fisher_page", "write_fisher_page"]

TITLE = "Fisher spectrum"
_DECADES = (1.0, 0.1, 0.01, 1e-3, 1e-4)


def write_fisher_page(found: NetworkSpectrum, path: str | Path, *, created: datetime, version: str) -> Path:
    """Write a spectrum as one HTML file, replacing an older one in a single step.

    Raises
    ------
    SourceError
        If the file cannot be written.
    """
    return write_page(render_fisher_page(found, created=created, version=version), path)


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
    if created.tzinfo is None:
        raise InvalidInput(f"the report's time needs a zone, got {created.isoformat()} without one")
    spectrum = found.spectrum
    said = [matrix_words(found), data_words(found), *found.notes, *spectrum.notes[1:]]
    rows = [[escape(cell) for cell in row] for row in number_rows(spectrum)]
    body = [
        f'<header><p class="eyebrow">{TITLE} · {escape(one_line(found.model, 80))}</p></header>',
        f"<h1>{escape(_sentence(headline(found)))}</h1>",
        f'<section class="verdict">{_list(said)}</section>',
        _warning(found),
        f'<h2>Pictures</h2><div class="figures">{"".join(_figures(found))}</div>',
        f"<h2>Numbers</h2>{table(('quantity', 'value and interval', 'what the interval is of'), rows)}",
        _leading(found),
        _shares(found),
    ]
    when = created.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")
    made = f"secondlaw {one_line(version, 40)} · {when} · seed {found.options.seed}"
    body.append(f"<footer>{escape(made)}</footer>")
    return frame(TITLE, body)


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}"


def _list(sentences: Sequence[str]) -> str:
    return "<ul>" + "".join(f"<li>{escape(tame(_sentence(text)))}</li>" for text in sentences) + "</ul>"


def _warning(found: NetworkSpectrum) -> str:
    said = caution_words(found.spectrum)
    return f'<div class="warnings"><h2>Before you read on</h2>{_list([said])}</div>' if said else ""


def _figure(key: str, title: str, caption: str, specification: dict[str, Any]) -> str:
    picture = svg_of(specification, prefix=f"fisher-{key}", title=title, description=caption)
    return (
        f'<figure><h3>{escape(title)}</h3><div class="panels">{picture}</div>'
        f"<figcaption>{escape(caption)}</figcaption></figure>"
    )


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
        out.append(_figure("density", "Density", caption, density_chart(spectrum.density, largest=largest)))
    caption = "From the largest down; lines: within these an eigenvalue lies."
    out.append(_figure("leading", "Largest eigenvalues", caption, leading_chart(spectrum.largest.leading)))
    if spectrum.data.held_out is not None:
        caption = (
            "The vector of the largest eigenvalue is chosen on the same texts: fewer texts, more bias upward. Measured "
            "on texts that it was not chosen on, it is biased downward. Line: interval for all texts."
        )
        out.append(_figure("data", "lambda_max and the data", caption, data_chart(spectrum.data)))
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
