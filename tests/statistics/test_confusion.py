import numpy as np
import pytest
from simulated_responses import covers, responses, within_band

from secondlaw.errors import InvalidInput, NotEnoughData
from secondlaw.statistics.confusion import confusion_shares, draw_confusions
from secondlaw.statistics.resampling import resample_weights

ERRS = np.array([[0.85, 0.1, 0.05], [0.1, 0.8, 0.1], [0.0, 0.1, 0.9]])


def label_counts(labels, groups, errs, rng):
    seen = (rng.random((len(labels), 1)) > errs[labels].cumsum(axis=1)).sum(axis=1).clip(max=2)
    counts = np.zeros((groups.max() + 1, 3))
    np.add.at(counts, (groups, seen), 1)
    return counts


@pytest.mark.unit
def test_inverts_the_table_where_the_inverse_is_a_distribution():
    truth = np.array([0.5, 0.3, 0.2])
    counts = (truth @ ERRS)[None] * 1e6
    fit = confusion_shares(counts, ERRS * 1e7, np.ones((2, 1)), rng=np.random.default_rng(0))
    np.testing.assert_allclose(fit.shares, truth, atol=1e-4)
    assert fit.converged


@pytest.mark.unit
def test_stays_on_the_simplex_where_the_inverse_does_not():
    fit = confusion_shares([[99, 1, 0]], ERRS * 1000, np.ones((20, 1)), rng=np.random.default_rng(0))
    assert fit.shares.min() >= 0.0
    assert fit.shares[0] == pytest.approx(1.0, abs=1e-4)
    assert np.linalg.solve(ERRS.T, [0.99, 0.01, 0.0]).min() < 0.0


@pytest.mark.unit
def test_unreachable_categories_take_nothing():
    fit = confusion_shares(
        [[60, 30, 10]], ERRS * 100, np.ones((5, 1)), reachable=[True, True, False], rng=np.random.default_rng(0)
    )
    assert fit.shares[2] == 0.0
    assert np.all(fit.replicates[:, 2] == 0.0)


@pytest.mark.unit
def test_a_small_table_widens_the_replicates():
    W = resample_weights(200, 400, rng=np.random.default_rng(0))
    counts = label_counts(*responses([0.6, 0.3, 0.1], 200, 5, np.random.default_rng(1)), ERRS, np.random.default_rng(2))
    small, large = (
        confusion_shares(counts, np.round(ERRS * n), W, rng=np.random.default_rng(3)).replicates.std(axis=0)
        for n in (40, 10_000)
    )
    assert np.all(small > 1.3 * large)


@pytest.mark.calibration
def test_shares_cover_with_table_and_prompts_both_uncertain():
    truth, runs, hits = np.array([0.6, 0.3, 0.1]), 120, np.zeros(3)
    for seed in range(runs):
        rng = np.random.default_rng(seed)
        counts = label_counts(*responses(truth, 80, 5, rng), ERRS, rng)
        table = np.array([rng.multinomial(80, row) for row in ERRS])
        W = resample_weights(80, 300, rng=rng)
        hits += covers(confusion_shares(counts, table, W, rng=rng).replicates, truth)
    assert all(within_band(h, runs, 0.91, 0.99) for h in hits), hits


@pytest.mark.unit
def test_draws_are_rates_around_the_table():
    draws = draw_confusions(ERRS * 1000, 500, rng=np.random.default_rng(0))
    np.testing.assert_allclose(draws.sum(axis=2), 1.0)
    np.testing.assert_allclose(draws.mean(axis=0), ERRS, atol=0.005)


@pytest.mark.unit
def test_bad_input_is_named():
    W = np.ones((2, 1))
    with pytest.raises(NotEnoughData, match="category 2"):
        confusion_shares([[5, 5]], [[9, 1], [0, 0]], W, rng=np.random.default_rng(0))
    with pytest.raises(NotEnoughData, match="no labels"):
        confusion_shares([[0, 0]], np.eye(2), W, rng=np.random.default_rng(0))
    with pytest.raises(InvalidInput, match="generator"):
        confusion_shares([[5, 5]], np.eye(2), W)
    with pytest.raises(InvalidInput, match="square"):
        confusion_shares([[5, 5]], [[1.0, 2.0]], W)
