"""What tests of trajectories share."""

import pytest
from scipy.stats import binom


@pytest.fixture
def at_most():
    """Say whether `hits` agree with a chance of at most `rate`: one chance in a thousand of failing at exactly it."""
    return lambda hits, runs, rate: hits <= binom.ppf(0.999, runs, rate)
