import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from secondlaw.errors import InvalidInput, NotEnoughData
from secondlaw.statistics.resampling import block_ids, jackknife_weights, resample_weights


@pytest.mark.unit
def test_weights_have_the_moments_of_a_multinomial():
    weights = resample_weights(8, 20_000, rng=np.random.default_rng(0))
    assert (weights.sum(axis=1) == 8).all()
    np.testing.assert_allclose(weights.mean(axis=0), 1.0, atol=0.04)
    np.testing.assert_allclose(weights.var(axis=0), 7 / 8, atol=0.05)


@pytest.mark.unit
def test_jackknife_rows_leave_one_out():
    weights = jackknife_weights(5)
    np.testing.assert_allclose(weights.sum(axis=1), 5)
    assert (np.diag(weights) == 0).all()
    with pytest.raises(NotEnoughData, match="2 groups"):
        jackknife_weights(1)


@pytest.mark.unit
def test_no_groups_and_no_resamples_are_refused():
    with pytest.raises(NotEnoughData, match="needs groups"):
        resample_weights(0, 10, rng=np.random.default_rng(0))
    with pytest.raises(InvalidInput, match="got 0"):
        resample_weights(3, 0, rng=np.random.default_rng(0))
    with pytest.raises(InvalidInput, match="max_blocks"):
        block_ids([1, 2], 1)


@pytest.mark.law
@settings(deadline=None)
@given(st.lists(st.text(max_size=5), min_size=1, max_size=60), st.randoms())
def test_blocks_depend_on_the_set_of_keys_alone(keys, random):
    shuffled = list(keys)
    random.shuffle(shuffled)
    for limit in (4, 4096):
        first = dict(zip(keys, block_ids(keys, limit).tolist(), strict=True))
        second = dict(zip(shuffled, block_ids(shuffled, limit).tolist(), strict=True))
        assert first == second
        assert max(first.values()) < max(limit, len(first))


@pytest.mark.unit
@pytest.mark.parametrize("keys", [np.arange(100_000), np.array([f"prompt {i}" for i in range(20_000)])])
def test_many_groups_fill_the_blocks_evenly(keys):
    sizes = np.bincount(block_ids(keys, 100), minlength=100)
    expected = len(keys) / 100
    assert ((sizes - expected) ** 2 / expected).sum() < 170  # chi-squared with 99 degrees, one in 100,000


@pytest.mark.calibration
def test_blocks_estimate_the_variance_that_groups_do():
    rng = np.random.default_rng(1)
    groups, blocks = 5000, 250
    ratios = []
    for _ in range(20):
        values = rng.gamma(0.5, size=groups)
        ids = block_ids(rng.choice(10**9, size=groups, replace=False), blocks)
        sums, sizes = np.bincount(ids, values, minlength=blocks), np.bincount(ids, minlength=blocks)
        weights = resample_weights(blocks, 400, rng=rng)
        means = (weights @ sums) / (weights @ sizes)
        ratios.append(means.var() / (values.var() / groups))
    # One ratio has a relative sd of about .12 from blocks and draws together.
    assert abs(np.mean(ratios) - 1.0) < 4 * 0.12 / np.sqrt(20)
