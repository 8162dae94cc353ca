"""Page, text and pictures of a Fisher spectrum, from results written by hand: no network, no torch."""

from dataclasses import replace
from datetime import UTC, datetime
from io import StringIO

import altair as alt
import numpy as np
import pytest
from rich.console import Console

from secondlaw.alignment.fisher import (
    FisherSpectrum,
    LargestEigenvalue,
    NetworkSpectrum,
    OverData,
    Ritz,
    SpectralDensity,
    SpectrumOptions,
    Trace,
)
from secondlaw.errors import InvalidInput
from secondlaw.reports.fisher_charts import data_chart, density_chart, leading_chart
from secondlaw.reports.fisher_page import render_fisher_page
from secondlaw.reports.fisher_text import render_fisher_text
from secondlaw.types import Estimate, Insufficient

pytestmark = pytest.mark.unit

NOW = datetime(2026, 1, 2, 3, 4, tzinfo=UTC)


def estimate(value, unit="nats per token", n_unit="samples"):
    return Estimate(value, 0.8 * value, 1.3 * value, 0.95, 32, unit, "by hand", n_unit)


@pytest.fixture
def found():
    """A spectrum of a model with a name that wants taming."""
    largest = LargestEigenvalue(
        2.5, 2.4999, 2.5003, 2e-4, 3.1, 11, True, (Ritz(2.5, 2e-4), Ritz(1.25, 3e-3)), vector=None
    )
    data = OverData(estimate(2.5), 2.2, 3.4, 8.0)
    trace = Trace(estimate(40.0, n_unit="probes"), estimate(40.0), 1.5, "hutch++", 30.0)
    density = SpectralDensity(np.array([[2.5, 0.1, 0.0]] * 2), np.array([[0.001, 0.009, 0.99]] * 2), 5000, True)
    spectrum = FisherSpectrum(
        "exact", "token", "float32", "cpu", 5000, 300, 32, (4,) * 8, 0, largest, data, trace,
        estimate(16.0, "eigenvalues", "probes"), estimate(10.6, "paper's unit"), density, ("exact Fisher", "a note"),
    )  # fmt: skip
    return NetworkSpectrum(
        "<b>model\u202e", "Tiny", "next token", "texts.jsonl", 32, 60, SpectrumOptions(), spectrum, ()
    )


def said(found):
    console = Console(width=200, record=True, file=StringIO())
    console.print(render_fisher_text(found))
    return " ".join(console.export_text().split())


def test_the_page_holds_numbers_pictures_and_the_warning(found):
    page = render_fisher_page(found, created=NOW, version="1")
    assert page.count("<svg") == 3
    assert "<b>model" not in page
    assert "\u202e" not in page
    for words in ("Largest eigenvalue 2.5 on these texts; 2 to 3.25 for all texts", "no threshold follows", "A note"):
        assert words in page, words
    with pytest.raises(InvalidInput, match="needs a zone"):
        render_fisher_page(found, created=datetime(2026, 1, 2), version="1")  # noqa: DTZ001


def test_what_is_missing_is_said_and_not_drawn(found):
    spectrum = replace(
        found.spectrum,
        data=OverData(Insufficient("too few"), None, None, None),
        critical_work=Insufficient("too few"),
        effective_rank=Insufficient("nothing moves"),
        density=None,
        largest=replace(found.spectrum.largest, converged=False),
    )
    bare = replace(found, spectrum=spectrum)
    page = render_fisher_page(bare, created=NOW, version="1")
    assert page.count("<svg") == 1
    assert "no threshold follows from it (" not in page
    text = said(bare)
    assert "not converged; no interval for all texts" in text
    assert "no number: nothing moves" in text
    assert "warning" not in text


def test_the_text_names_matrix_data_and_errors(found):
    text = said(found)
    for words in (
        "exact Fisher over 5,000 parameters of Tiny, mean per token; float32 on cpu",
        "32 of 60 texts of texts.jsonl",
        "lambda_max of 8 texts 3.4",
        "warning: (lambda_max / 2) ln N",
    ):
        assert words in text, words


def test_the_pictures_are_sound_specifications(found):
    spectrum = found.spectrum
    for one in (
        density_chart(spectrum.density, largest=2.5),
        leading_chart(spectrum.largest.leading),
        data_chart(spectrum.data),
    ):
        alt.LayerChart.from_dict(one, validate=True)
