"""Estimates and stream records: what they hold and what they refuse."""

import json
from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from secondlaw import Estimate, Insufficient, StreamRecord
from secondlaw.errors import InvalidInput

finite = st.floats(-1e6, 1e6)


@pytest.mark.law
@given(finite, finite, finite, st.integers(0, 10**9))
def test_an_estimate_survives_json(a, b, c, n):
    low, value, high = sorted((a, b, c))
    estimate = Estimate(value, low, high, 0.95, n, "nats", "counted")
    assert Estimate.from_dict(json.loads(json.dumps(estimate.to_dict()))) == estimate
    assert estimate.covers(value)
    assert estimate.width >= 0


@pytest.mark.unit
def test_an_estimate_is_written_with_the_digits_that_its_interval_carries():
    wide = Estimate(1.23456, 1.0, 1.5, 0.95, 9, "nats", "counted")
    narrow = Estimate(0.00106, 0.00072, 0.00292, 0.95, 9, "nats/step", "counted")
    assert str(wide) == "1.235 [1.000, 1.500] nats"
    assert str(narrow) == "0.0011 [0.0007, 0.0029] nats/step"
    assert str(Estimate(0.5, 0.5, 0.5, 0.95, 9, "share", "counted")) == "0.500 [0.500, 0.500]"


@pytest.mark.unit
def test_numpy_scalars_become_plain_numbers():
    estimate = Estimate(np.float64(0.5), np.float32(0.25), np.float64(0.75), 0.95, np.int64(7), "share", "counted")
    assert {type(value) for value in estimate.to_dict().values()} == {float, int, str}


@pytest.mark.unit
@pytest.mark.parametrize(
    ("numbers", "message"),
    [
        ((float("nan"), 0.0, 1.0, 0.95), "must be finite"),
        ((0.5, float("nan"), 1.0, 0.95), "must be finite"),
        ((0.5, 0.9, 0.1, 0.95), "must not exceed"),
        ((0.5, 0.1, 0.9, 1.0), "between 0 and 1, got 1.0"),
    ],
)
def test_what_is_no_estimate_is_refused(numbers, message):
    value, low, high, level = numbers
    with pytest.raises(InvalidInput, match=message):
        Estimate(value, low, high, level, 10, "nats", "counted")


@pytest.mark.unit
def test_words():
    assert str(Estimate(0.5, 0.25, 0.75, 0.95, 10, "share", "m")) == "0.500 [0.250, 0.750]"
    assert Estimate(0.5, 0.25, 0.75, 0.95, 10, "share", "m").noted("uncorrected").method == "m; uncorrected"
    assert str(Insufficient("one step")) == "insufficient (one step)"


@pytest.mark.unit
def test_a_record_needs_a_zone():
    assert StreamRecord("S", datetime(2026, 1, 1, tzinfo=UTC), 0.5).group is None
    with pytest.raises(InvalidInput, match="needs a zone, got 2026-01-01T00:00:00"):
        StreamRecord("S", datetime(2026, 1, 1), 0.5)  # noqa: DTZ001
