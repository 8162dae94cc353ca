import numpy as np
import pytest
from clustered_counts import fewest

from secondlaw.errors import InvalidInput
from secondlaw.statistics.entropy_methods import entropy
from secondlaw.statistics.entropy_ranking import entropy_correlation
from secondlaw.types import Insufficient


def rows(groups, size, error, *, rng):
    """Groups with shares of their own, and labels with an error of their own."""
    own = rng.dirichlet([1.5, 0.4, 0.3], size=groups)
    truth = (rng.random((groups, size, 1)) > own.cumsum(axis=1)[:, None, :-1]).sum(axis=2)
    label = np.where(rng.random(truth.shape) < error, rng.integers(0, 3, size=truth.shape), truth)
    return truth.ravel(), label.ravel(), np.repeat(np.arange(groups), size)


def found(truth, label, groups, *, seed=0, **options):
    rng = np.random.default_rng(seed)
    options.setdefault("resamples", 300)
    return entropy_correlation(truth, label, groups, classes=("a", "b", "c"), rng=rng, **options)


@pytest.mark.unit
def test_values_agree_with_scipy():
    from scipy.stats import pearsonr, spearmanr

    truth, label, groups = rows(40, 8, 0.2, rng=np.random.default_rng(0))
    ours = found(truth, label, groups)
    tables = [np.stack([np.bincount(c[groups == g], minlength=3) for g in range(40)]) for c in (truth, label)]
    x, y = (entropy(t, method="plug-in") for t in tables)
    np.testing.assert_allclose(ours.truth, x)
    assert ours.pearson.value == pytest.approx(pearsonr(x, y).statistic)
    assert ours.spearman.value == pytest.approx(spearmanr(x, y).statistic)
    assert (ours.pearson.n, ours.pearson.n_unit) == (40, "groups")


@pytest.mark.unit
def test_groups_of_one_response_are_left_out():
    truth, label, groups = rows(20, 6, 0.2, rng=np.random.default_rng(1))
    more = found(np.r_[truth, 0, 1, 2], np.r_[label, 1, 1, 1], np.r_[groups, 100, 101, 102])
    assert more.pearson.value == pytest.approx(found(truth, label, groups).pearson.value)


@pytest.mark.unit
def test_what_cannot_be_correlated_is_insufficient():
    truth, label, groups = rows(4, 10, 0.2, rng=np.random.default_rng(2))
    assert "4 groups" in found(truth, label, groups).pearson.reason
    same = np.tile([0, 1], 30)
    flat = found(same, same, np.repeat(np.arange(6), 10))
    assert isinstance(flat.pearson, Insufficient)
    assert isinstance(flat.spearman, Insufficient)
    with pytest.raises(InvalidInput, match="60 and 40 rows"):
        found(same, truth, np.repeat(np.arange(6), 10))


@pytest.mark.calibration
@pytest.mark.parametrize("kind", ["pearson", "spearman"])
def test_intervals_cover(kind):
    rng, runs, hits = np.random.default_rng(3), 150, 0
    whole = found(*rows(20_000, 10, 0.25, rng=rng), resamples=2)
    exact = getattr(whole, kind).value
    for seed in range(runs):
        hits += getattr(found(*rows(50, 10, 0.25, rng=rng), seed=seed), kind).covers(exact)
    assert hits >= fewest(runs, 0.93)
