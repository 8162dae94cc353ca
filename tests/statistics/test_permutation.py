import numpy as np
import pytest
from clustered_counts import RARE, draw, most

from secondlaw.errors import InvalidInput, NotEnoughData
from secondlaw.statistics.permutation import g_statistic, homogeneity_test, paired_test, unpaired_test


@pytest.mark.unit
def test_paired_enumeration_agrees_with_scipy():
    from scipy.stats import permutation_test

    x = np.array([0.3, -0.1, 0.4, 0.2, 0.6, -0.2, 0.5])
    ours = paired_test(lambda signs: signs @ x, 7, rng=np.random.default_rng(0))
    peer = permutation_test(
        (x, np.zeros(7)), lambda a, b, axis: (a - b).sum(axis=axis), permutation_type="samples", vectorized=True
    )
    assert ours.exhaustive
    assert ours.assignments == 128
    assert ours.p_value == pytest.approx(peer.pvalue)


@pytest.mark.unit
def test_unpaired_enumeration_agrees_with_scipy():
    from scipy.stats import permutation_test

    a, b = np.array([1.0, 3.0, 2.5, 4.0]), np.array([0.5, 1.5, 0.0])
    table = np.concatenate([a, b])
    ours = unpaired_test(lambda members: members @ table, 4, 3, rng=np.random.default_rng(0), alternative="greater")
    peer = permutation_test((a, b), lambda x, y: x.sum(), alternative="greater")
    assert ours.exhaustive
    assert ours.p_value == pytest.approx(peer.pvalue)


@pytest.mark.unit
def test_random_assignments_are_close_to_all():
    x = np.random.default_rng(1).normal(0.4, size=12)
    every = paired_test(lambda signs: signs @ x, 12, rng=np.random.default_rng(0))
    some = paired_test(lambda signs: signs @ x, 12, rng=np.random.default_rng(0), permutations=4000)
    assert every.exhaustive
    assert not some.exhaustive
    assert some.p_value == pytest.approx(every.p_value, abs=4 * np.sqrt(every.p_value / 4000) + 1 / 2000)


@pytest.mark.unit
def test_a_random_p_value_is_never_zero():
    outcome = paired_test(
        lambda signs: signs.sum(axis=1), 40, rng=np.random.default_rng(0), permutations=99, alternative="greater"
    )
    assert outcome.p_value == pytest.approx(0.01)


@pytest.mark.unit
def test_sides_and_ties():
    flat = paired_test(lambda signs: 0 * signs.sum(axis=1), 5, rng=np.random.default_rng(0))
    assert flat.p_value == 1.0
    x = np.arange(1.0, 6.0)
    low = paired_test(lambda signs: signs @ x, 5, rng=np.random.default_rng(0), alternative="less")
    assert low.p_value == 1.0
    with pytest.raises(InvalidInput, match="two-sided, greater or less"):
        paired_test(lambda signs: signs @ x, 5, rng=np.random.default_rng(0), alternative="both")
    with pytest.raises(NotEnoughData, match="match the prompts"):
        paired_test(lambda signs: signs @ x, 0, rng=np.random.default_rng(0))
    with pytest.raises(NotEnoughData, match="got 3 and 0"):
        unpaired_test(lambda members: members @ x, 3, 0, rng=np.random.default_rng(0))


@pytest.mark.unit
def test_g_statistic_agrees_with_scipy():
    from scipy.stats import chi2_contingency

    a, b = np.array([30, 4, 6]), np.array([20, 9, 11])
    peer = chi2_contingency([a, b], lambda_="log-likelihood", correction=False).statistic
    assert float(g_statistic(a, b)) == pytest.approx(peer)


@pytest.mark.unit
def test_paired_tables_must_match():
    with pytest.raises(InvalidInput, match="same groups"):
        homogeneity_test([[1, 2]], [[1, 2], [2, 1]], rng=np.random.default_rng(0), paired=True)


@pytest.mark.calibration
@pytest.mark.parametrize("paired", [True, False])
def test_p_values_are_valid_under_clustering(paired):
    rng, runs = np.random.default_rng(2), 400
    p_values = []
    for _ in range(runs):
        if paired:  # the same prompts, each with its own shares, answered twice by one model
            prompts = rng.dirichlet(np.array(RARE), size=25)
            first, second = rng.multinomial(10, prompts), rng.multinomial(10, prompts)
        else:
            first, second = draw(25, 10, RARE, 0.5, rng=rng, sets=2)
        p_values.append(homogeneity_test(first, second, rng=rng, paired=paired, permutations=199).p_value)
    for alpha in (0.01, 0.05, 0.2):
        assert np.sum(np.array(p_values) <= alpha) <= most(runs, alpha)


@pytest.mark.calibration
def test_the_naive_chi_squared_test_is_not_valid_here():
    from scipy.stats import chi2

    rng, runs = np.random.default_rng(3), 200
    pooled = [draw(25, 10, RARE, 0.5, rng=rng, sets=2).sum(axis=1) for _ in range(runs)]
    rejected = sum(float(g_statistic(a, b)) > chi2.isf(0.05, 4) for a, b in pooled)
    assert rejected > most(runs, 0.05)
