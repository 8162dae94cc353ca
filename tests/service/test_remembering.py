"""What is remembered: made once, made anew when what it was made from changes, forgotten when others were asked for."""

import pytest

from secondlaw.service.remembering import Remembered

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
