"""A share read off many members together: the maximum of its likelihood, and an interval that covers."""

import numpy as np
import pytest
from scipy.optimize import minimize_scalar
from scipy.stats import binom

from secondlaw.errors import InvalidInput
from secondlaw.statistics.side_share import EXPECTED_WEIGHT, FEWEST_MEMBERS, side_share
from secondlaw.types import Insufficient

pytestmark = pytest.mark.unit


def drawn(n: int, share: float, apart: float, rng: np.random.Generator) -> np.ndarray:
    """Draw log likelihood ratios of normal scores whose means are `apart` standard deviations apart."""
    side = rng.random(n) < share
    return rng.normal(np.where(side, 1, -1) * apart**2 / 2, apart)


@pytest.mark.parametrize("expected", [0.2, 0.65])
def test_it_is_the_maximum_that_scipy_finds(expected: float) -> None:
    rng = np.random.default_rng(3)
    said = drawn(80, 0.4, 2.0, rng)

    def loss(p: float) -> float:
        before = EXPECTED_WEIGHT * (expected * np.log(p) + (1 - expected) * np.log(1 - p))
        return -float(np.log(p * np.exp(said) + 1 - p).sum() + before)

    best = minimize_scalar(loss, bounds=(1e-6, 1 - 1e-6), method="bounded", options={"xatol": 1e-9})
    found = side_share(said, expected=expected, rng=rng)
    assert found.value == pytest.approx(best.x, abs=1e-5)
    assert (found.n, found.n_unit, found.unit) == (80, "members", "share")


RUNS = 200


DRAWN = {
    (50, 3.0): (0.0, 0.03, 0.1, 0.5, 0.9, 0.98, 1.0),
    (50, 6.0): (0.03, 0.5, 0.98),
    (200, 2.0): (0.0, 0.1, 0.5, 0.9, 0.98, 1.0),
    (1000, 1.5): (0.1, 0.98),
}


@pytest.mark.parametrize(("n", "apart", "share"), [(*drawn, share) for drawn, of in DRAWN.items() for share in of])
def test_intervals_cover(n: int, apart: float, share: float) -> None:
    held = 0
    for seed in range(RUNS):
        rng = np.random.default_rng(seed)
        found = side_share(drawn(n, share, apart, rng), expected=0.65, rng=rng)
        held += found.low <= share <= found.high
    assert held >= binom.ppf(0.001, RUNS, 0.95)


def test_few_members_tell_nothing() -> None:
    rng = np.random.default_rng(0)
    few = side_share(np.zeros(FEWEST_MEMBERS - 1), expected=0.5, rng=rng)
    assert isinstance(few, Insufficient)
    assert "there are 49" in few.reason
    assert side_share(np.zeros(FEWEST_MEMBERS), expected=0.3, rng=rng).value == pytest.approx(0.3, abs=1e-6)


@pytest.mark.parametrize("sign", [1, -1])
def test_members_all_of_one_side_do_not_rule_out_a_few_of_the_other(sign: int) -> None:
    found = side_share(np.full(60, 500.0 * sign), expected=0.5, rng=np.random.default_rng(0))
    few = 1 - np.exp(-(1.959964**2) / 2 / 60)  # where 60 ln(1 - few) is the drop of the log-likelihood
    low, high = (found.low, found.high) if sign < 0 else (1 - found.high, 1 - found.low)
    assert (low, high) == (pytest.approx(0.0, abs=1e-6), pytest.approx(few, abs=1e-6))


def test_members_that_say_nothing_leave_every_share_open() -> None:
    found = side_share(np.zeros(60), expected=0.3, rng=np.random.default_rng(0))
    assert (found.low, found.high) == (0.0, 1.0)


def test_certain_members_are_counted() -> None:
    said = np.repeat([500.0, -500.0], [60, 40])
    found = side_share(said, expected=0.5, rng=np.random.default_rng(1))
    assert found.value == pytest.approx((60 + 1) / 102, abs=1e-6)
    assert 0.45 < found.low < 0.6 < found.high < 0.75


@pytest.mark.parametrize("said", [[[0.0]], [np.nan] * 60])
def test_what_is_no_ratio_is_refused(said) -> None:
    with pytest.raises(InvalidInput, match="one finite number a member"):
        side_share(said, expected=0.5, rng=np.random.default_rng(0))


def test_an_expected_share_is_a_share() -> None:
    with pytest.raises(InvalidInput, match="between 0 and 1, got 1"):
        side_share(np.zeros(60), expected=1.0, rng=np.random.default_rng(0))
