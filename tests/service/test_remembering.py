"""What is remembered: made once, made anew when what it was made from changes, forgotten when others were asked for."""

from dataclasses import replace

import numpy as np
import pytest

from secondlaw.service.remembering import Remembered
from secondlaw.storage.totals import Series, Totals

pytestmark = pytest.mark.unit


def test_a_result_is_made_once_until_what_it_was_made_from_changes():
    made = []
    kept = Remembered(3)

    def ask(made_from):
        return kept.of("place", lambda: made.append(made_from) or len(made), made_from=made_from)

    assert [ask((1, 2)), ask((1, 2)), ask((1, 3)), ask((1, 3)), ask((1, 2))] == [1, 1, 2, 2, 3]


def test_nothing_is_a_result_too_and_what_was_not_asked_for_longest_goes_first():
    made = []
    kept = Remembered(2)
    for place in ("a", "b", "a", "c", "a", "b"):
        assert kept.of(place, lambda place=place: made.append(place)) is None
    assert made == ["a", "b", "c", "b"]


def test_counts_of_other_names_have_another_fingerprint_and_series_without_a_row_none():
    series = [Series("s", model, "", "benign", "c 1") for model in ("a", "b", "c")]
    ones = Totals(
        ("g1",), 60, tuple(series[:2]), np.array([0, 1], np.int32), np.array([3, 4]), np.array([[1, 0], [2, 0]])
    )
    known = ones.fingerprint
    assert replace(ones, series=tuple(series)).fingerprint == known
    assert replace(ones, series=tuple(series), code=np.array([1, 2], np.int32)).fingerprint != known
    assert replace(ones, series=(series[1], series[0])).fingerprint != known
    assert replace(ones, every=None).fingerprint != known
    assert replace(ones, windows=np.array([3, 5])).fingerprint != known
    assert ones.of_windows(range(3, 4)).fingerprint != known
    assert ones.of_windows(range(3, 5)).fingerprint == known
    assert ones.of_windows(range(4, 4)).table.shape == (0, 2)
