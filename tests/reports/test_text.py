import io

import pytest
from handmade_measurements import make_cell, make_empty_cell, make_measurement
from rich.console import Console

from secondlaw.reports import render_text

pytestmark = pytest.mark.unit


def printed(measurement, width=80):
    out = io.StringIO()
    Console(file=out, width=width).print(render_text(measurement))
    return out.getvalue()


def test_at_80_columns_nothing_is_cut_and_nothing_is_coloured(measurement):
    text = printed(measurement)
    assert max(map(len, text.splitlines())) <= 80
    assert "…" not in text
    assert "\x1b" not in text
    for words in ("1,200", "1.154 [1.104, 1.204]", "10.5 [7.5, 13.5]", "46 24 12", "em"):
        assert words in text


def test_rates_and_comparisons_are_shown_with_intervals(measurement):
    text = printed(measurement)
    for words in ("+0.0218 nats/step [+0.0157, +0.0279]", "32 steps", "gamma_eff", "p = 0.0005", "60 prompts"):
        assert words in text


def test_missing_numbers_are_words():
    text = printed(make_measurement(cells=(make_empty_cell("base", 0),), rates=(), comparisons=(), variance=()))
    assert "no number" in text
    assert "one response per prompt" in text


def test_uncorrected_numbers_say_so():
    text = printed(make_measurement(cells=(make_cell("base", 0, 2, correction="none"),)))
    assert "raw!" in text
    assert "uncorrected" in text


def test_many_steps_are_thinned_and_foreign_markup_stays_text():
    cells = tuple(make_cell("[red]m[/red]\x1b[2J", step, 1000) for step in range(1000))
    text = printed(make_measurement(cells=cells, rates=(), comparisons=()))
    assert "[red]m[/red]" in text
    assert "\x1b" not in text
    assert "20 of 1,000 steps shown" in text
    assert len(text.splitlines()) < 60
