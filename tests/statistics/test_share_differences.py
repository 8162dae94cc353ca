"""Differences of shares: known values, design effects of clusters that recur or not, coverage."""

import numpy as np
import pytest
from clustered_counts import RARE, draw, fewest

from secondlaw.errors import InvalidInput
from secondlaw.statistics.share_differences import difference_effect, difference_limits


@pytest.mark.unit
def test_limits_agree_with_newcombes_formula_and_never_have_width_zero():
    from scipy.stats import beta

    low, high = difference_limits([0.1, 0.0], [0.3, 0.0], n=(50, 20), level=0.95)
    p, q = (beta.ppf([0.025, 0.975], [x, x + 1], [n - x + 1, n - x]) for x, n in ((5, 50), (6, 20)))
    assert low[0] == pytest.approx(0.2 - np.hypot(0.3 - q[0], p[1] - 0.1))
    assert high[0] == pytest.approx(0.2 + np.hypot(q[1] - 0.3, 0.1 - p[0]))
    assert low[1] < 0.0 < high[1]
    assert high[1] > -low[1], "the short stretch may hide more"
    with pytest.raises(InvalidInput, match="responses on both sides"):
        difference_limits([0.1], [0.1], n=(10, 0), level=0.95)


@pytest.mark.law
@pytest.mark.parametrize("size", [1, 5])
def test_the_effect_of_new_clusters_is_kishs(size):
    """Clusters on one side alone: 1 + (m - 1) rho; independent responses: 1."""
    rng = np.random.default_rng(0)
    found = []
    for _ in range(60):
        one, two = (draw(groups, size, RARE, 0.3, rng=rng)[0].astype(float) for groups in (400, 60))
        before = np.concatenate([one, np.zeros_like(two)])
        found.append(difference_effect(before, np.concatenate([np.zeros_like(one), two])).min())
    assert np.mean(found) == pytest.approx(1.0 + (size - 1) * 0.3, rel=0.1)


@pytest.mark.law
def test_prompts_asked_again_cancel_unless_they_changed_differently():
    rng = np.random.default_rng(1)
    own = rng.dirichlet(np.array([6.0, 2.0, 2.0]), size=40)
    before, after = (rng.multinomial(40, own).astype(float) for _ in range(2))
    again = difference_effect(before, after)
    others = difference_effect(before, rng.multinomial(40, own[::-1]).astype(float))
    assert (again < 1.5).all()
    assert (others > 3.0).all()


@pytest.mark.unit
def test_one_category_alone_and_one_cluster_give_no_division_by_zero():
    assert difference_effect(np.array([[5.0, 0.0]] * 3), np.array([[2.0, 0.0]] * 3)).tolist() == [1.0, 1.0]
    assert np.isfinite(difference_effect(np.array([[5.0, 1.0]]), np.array([[2.0, 3.0]]))).all()


@pytest.mark.calibration
def test_intervals_of_rare_shares_cover():
    """Shares of .001 to .02 in 1,500 and 75 responses, 400 runs, each of four intervals."""
    rng = np.random.default_rng(2)
    p, q = np.array([0.001, 0.003, 0.01, 0.02]), np.array([0.001, 0.02, 0.01, 0.08])
    hits = np.zeros(4)
    for _ in range(400):
        ends = difference_limits(rng.binomial(1500, p) / 1500, rng.binomial(75, q) / 75, n=(1500, 75), level=0.95)
        hits += (ends[0] <= q - p) & (q - p <= ends[1])
    assert hits.min() >= fewest(400, 0.95)
