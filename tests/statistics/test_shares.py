import numpy as np
import pytest
from clustered_counts import BENIGN, RARE, VERY_RARE, draw, fewest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from secondlaw.errors import InvalidInput, NotEnoughData
from secondlaw.statistics.clustering import cluster_variance, design_effect, effective_sample_size
from secondlaw.statistics.shares import exact_interval, share_estimates, subset_share

tables = hnp.arrays(np.int64, (6, 3), elements=st.integers(0, 9)).filter(lambda c: c.sum() > 0)


@pytest.mark.unit
def test_exact_interval_is_that_of_the_binomial():
    from scipy.stats import binomtest

    for k, n in ((0, 10), (3, 10), (10, 10), (1, 200)):
        peer = binomtest(k, n).proportion_ci(0.95, method="exact")
        low, high = exact_interval(k, n)
        assert (float(low), float(high)) == pytest.approx((peer.low, peer.high), abs=1e-9)


@pytest.mark.law
@settings(deadline=None)
@given(tables)
def test_intervals_hold_the_share_and_never_have_width_zero(counts):
    estimates = share_estimates(counts)
    assert sum(e.value for e in estimates) == pytest.approx(1.0)
    for estimate in estimates:
        assert 0.0 <= estimate.low <= estimate.value <= estimate.high <= 1.0
        assert estimate.width > 0


@pytest.mark.law
@settings(deadline=None)
@given(tables, st.integers(2, 5))
def test_copies_of_a_response_within_its_prompt_add_no_certainty(counts, copies):
    present = counts[counts.sum(axis=1) > 0]
    if len(present) < 2:
        return
    np.testing.assert_allclose(cluster_variance(counts * copies), cluster_variance(counts), atol=1e-12)
    assert effective_sample_size(counts) <= counts.sum() + 1e-9


@pytest.mark.unit
def test_identical_answers_per_prompt_count_once():
    counts = np.eye(2)[[0, 1] * 50] * 20
    assert design_effect(counts) == pytest.approx(20 * 100 / 99)
    assert effective_sample_size(counts) == pytest.approx(99)


@pytest.mark.unit
def test_a_share_of_none_is_wider_where_prompts_are_few():
    few, many = share_estimates([[50, 0]] * 4)[1], share_estimates([[2, 0]] * 100)[1]
    assert few.n == many.n == 200
    assert few.high > many.high > 0.01


@pytest.mark.unit
def test_one_group_says_so():
    assert "one group: sampling error within it only" in share_estimates([[7, 3]])[0].method


@pytest.mark.unit
def test_subset_must_name_every_category():
    with pytest.raises(InvalidInput, match="each of the 3 categories"):
        subset_share([[1, 2, 3]], [True, False])
    with pytest.raises(NotEnoughData, match="no response"):
        subset_share([[0, 0]], [True, False])


@pytest.mark.calibration
@pytest.mark.parametrize(("groups", "size"), [(52, 6), (20, 50), (100, 10), (10, 10)])
@pytest.mark.parametrize("shares", [RARE, BENIGN, VERY_RARE])
@pytest.mark.parametrize("correlation", [0.0, 0.3])
def test_shares_are_covered(groups, size, shares, correlation):
    rng, runs = np.random.default_rng([groups, size]), 80
    hits = np.zeros(5)
    for counts in draw(groups, size, shares, correlation, rng=rng, sets=runs):
        hits += [e.covers(p) for e, p in zip(share_estimates(counts), shares, strict=True)]
    assert (hits >= fewest(runs, 0.95)).all(), hits / runs
