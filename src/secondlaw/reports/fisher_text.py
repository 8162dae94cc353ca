"""A Fisher spectrum in the terminal: the numbers with their errors, then what they depend on."""

from typing import TYPE_CHECKING

from secondlaw.alignment.fisher import NetworkSpectrum
from secondlaw.reports.fisher_words import caution_words, data_words, headline, matrix_words, number_rows, pretty
from secondlaw.reports.terminal import line, plain_table
from secondlaw.reports.words import one_line, plain_minus, tame

if TYPE_CHECKING:
    from rich.console import RenderableType

__all__ = ["render_fisher_text"]


def render_fisher_text(found: NetworkSpectrum) -> "RenderableType":
    """Return a spectrum as text for a terminal."""
    from rich.console import Group

    spectrum = found.spectrum
    numbers = plain_table("quantity", "value", "its interval or error")
    for row in number_rows(spectrum):
        numbers.add_row(*(plain_minus(tame(cell)) for cell in row))
    leading = plain_table("eigenvalue", "within")
    for one in spectrum.largest.leading:
        leading.add_row(pretty(one.value), pretty(one.residual))
    parts: list[RenderableType] = [
        line(f"Fisher spectrum of {one_line(found.model, 80)}: {headline(found)}", "bold"),
        line(matrix_words(found)),
        line(f"data: {data_words(found)}"),
        numbers,
        *([line(f"warning: {caution_words(spectrum)}", "yellow")] if caution_words(spectrum) else []),
        leading,
        *(line(f"note: {one}") for one in (*found.notes, *spectrum.notes)),
    ]
    return Group(*parts)
