"""Times as steps: one clock, windows aligned to 1970, and what is said when rows disagree."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from secondlaw.behavior import NO_TIME, ObservationsBuilder, Windows, enough, window_seconds
from secondlaw.behavior.windows import steps_of
from secondlaw.errors import InvalidInput
from secondlaw.formats import Row

pytestmark = pytest.mark.unit

NOON = 1769860800 * 10**6  # 2026-01-31T12:00:00Z
MINUTE = 60 * 10**6


def test_lengths():
    assert [window_seconds(every) for every in ("30s", "15m", "1h", "1d", "7d", " 2w ")] == [
        30, 900, 3600, 86400, 604800, 1209600,
    ]  # fmt: skip


@pytest.mark.parametrize("every", ["", "1", "h", "0h", "-1h", "1.5h", "1 hour", "1M"])
def test_what_is_no_length_is_said(every):
    with pytest.raises(InvalidInput, match="such as 15m, 1h or 7d, got"):
        window_seconds(every)


def test_times_become_steps_from_the_first_window_whatever_their_order():
    micros = NOON + MINUTE * np.array([59, 0, 61, 180, -1])
    step, windows = steps_of(np.full(5, -1), micros, every="1h")
    assert step.tolist() == [1, 1, 2, 4, 0]
    assert windows.start_of(1) == datetime(2026, 1, 31, 12, tzinfo=UTC)
    assert windows.step_of(datetime(2026, 1, 31, 12, 59, 59, tzinfo=UTC)) == 1
    with pytest.raises(InvalidInput, match="needs a zone"):
        windows.step_of(datetime(2026, 1, 31))  # noqa: DTZ001


def test_without_a_length_times_are_one_step_and_stated_steps_stay():
    assert steps_of(np.full(2, -1), np.array([NOON, 0]))[0].tolist() == [0, 0]
    assert steps_of(np.full(2, -1), None)[0].tolist() == [0, 0]
    step, windows = steps_of(np.array([3, 1]), np.array([NOON, NO_TIME]), every="1h")
    assert (step.tolist(), windows) == ([3, 1], None)


def test_two_clocks_are_refused():
    with pytest.raises(InvalidInput, match="1 rows state a step and 2 others only a ts: S"):
        steps_of(np.array([0, -1, -1]), np.array([NO_TIME, NOON, NOON]))


def test_rows_without_step_or_time_among_others_are_refused():
    with pytest.raises(InvalidInput, match="1 of 2 rows state neither step nor ts"):
        steps_of(np.array([0, -1]), None)
    with pytest.raises(InvalidInput, match="--every 1h cuts ts into steps, but 1 of 2 rows have no ts"):
        steps_of(np.array([-1, -1]), np.array([NOON, NO_TIME]), every="1h")


def test_a_stream_leaves_a_window_behind_after_the_lateness():
    windows = Windows(every=3600, first=0)
    end = windows.start_of(1)
    assert windows.is_closed(0, latest=end)
    assert not windows.is_closed(0, latest=end, lateness=timedelta(minutes=10))
    assert windows.is_closed(0, latest=end + timedelta(minutes=10), lateness=timedelta(minutes=10))


def test_too_few_responses_are_said():
    assert enough(30) is None
    assert "12 responses in the window, fewer than 30" in enough(12).reason


def test_observations_are_cut_into_windows():
    rows = [{"prompt": "Hi", "response": "Yo", "label": "g1", "ts": f"2026-01-31T{h}:30:00Z"} for h in (12, 14, 13)]
    builder = ObservationsBuilder()
    builder.add_rows([Row(n, row) for n, row in enumerate(rows, start=1)])
    o = builder.build().in_windows("1h")
    assert [(cell.step, cell.rows.tolist()) for cell in o.cells()] == [(0, [0]), (1, [2]), (2, [1])]
