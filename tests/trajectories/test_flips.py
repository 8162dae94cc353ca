import numpy as np
import pytest
from known_processes import glauber_flips

from secondlaw.errors import InvalidInput, NotEnoughData
from secondlaw.trajectories import Flips, FlipsMaxEnt
from secondlaw.trajectories.flips import _Problem


def couplings_of(rng, n=12, k=4):
    j = rng.normal(size=(n, n)) / np.sqrt(k) * (rng.random((n, n)) < k / (n - 1))
    np.fill_diagonal(j, 0.0)
    return j


@pytest.fixture(scope="module")
def asymmetric():
    rng = np.random.default_rng(0)
    j = couplings_of(rng)
    states, flips = glauber_flips(j, 1.0, 500, 40, rng)
    fields = states @ j.T
    chance = (1 - states * np.tanh(fields)) / 2
    exact = (chance * (-2.0 * states * fields)).mean()  # nats an attempted update
    return j, Flips.of(states, flips), exact


@pytest.mark.unit
def test_objective_and_gradient_agree_with_a_plain_loop_over_spins(asymmetric):
    _, data, _ = asymmetric
    part = Flips(data.spins[:600], data.flipped[:600])
    counts = part.flipped.sum(axis=0)
    theta = (np.random.default_rng(0).normal(size=(12, 12)) * 0.3).astype(np.float32)
    np.fill_diagonal(theta, 0.0)
    problem = _Problem(part, [(0, 300), (300, 600)], counts, counts > 0)
    value, gradient, _ = problem.evaluate(theta)
    for i in range(12):
        s = part.spins[part.flipped[:, i]].astype(float)
        g = -2.0 * s[:, [i]] * s
        weights = np.exp(-g @ theta[i])
        assert value[i] == pytest.approx(theta[i] @ g.mean(axis=0) - np.log(weights.mean()), abs=1e-5)
        expected = g.mean(axis=0) + weights @ g / weights.sum()
        np.testing.assert_allclose(np.delete(gradient[i], i), np.delete(expected, i), atol=1e-5)


@pytest.mark.paper
@pytest.mark.parametrize("penalty", ["l1", "none"])
def test_asymmetric_spins_are_met_from_below(asymmetric, penalty):
    """arXiv 2505.10444: f_i Sigma_i summed over spins is the entropy production of an attempted update."""
    _, data, exact = asymmetric
    result = FlipsMaxEnt(penalty=penalty).fit(data, rng=np.random.default_rng(0))
    assert result.estimate.low < exact
    assert result.estimate.value > 0.9 * exact
    assert result.train_value > result.estimate.value
    assert result.silent == 0


@pytest.mark.unit
def test_coupling_asymmetry_is_recovered(asymmetric):
    j, data, _ = asymmetric
    theta = FlipsMaxEnt(penalty="none").fit(data, rng=np.random.default_rng(0)).couplings
    assert np.corrcoef((theta - theta.T)[np.triu_indices(12, 1)], (j - j.T)[np.triu_indices(12, 1)])[0, 1] > 0.97


@pytest.mark.calibration
def test_symmetric_couplings_show_nothing():
    positive = 0
    for seed in range(12):
        rng = np.random.default_rng(seed)
        j = couplings_of(rng, n=8)
        states, flips = glauber_flips((j + j.T) / 2, 0.8, 250, 8, rng, warm_up=40)
        positive += FlipsMaxEnt(resamples=300).fit(Flips.of(states, flips), rng=rng).estimate.low > 0
    assert positive <= 2  # P(3 or more | .025) = .3 %


@pytest.mark.unit
def test_bad_flips_are_named():
    with pytest.raises(InvalidInput, match="-1 and 1"):
        Flips.of([[0, 1]], [[True, False]])
    with pytest.raises(InvalidInput, match="one shape"):
        Flips.of([[1, 1]], [[True]])
    still = Flips.of(np.ones((2000, 3)), np.zeros((2000, 3)))
    with pytest.raises(NotEnoughData, match="no spin flips"):
        FlipsMaxEnt().fit(still, rng=np.random.default_rng(0))
    with pytest.raises(NotEnoughData, match="too few"):
        FlipsMaxEnt().fit(Flips.of(np.ones((20, 3)), np.zeros((20, 3))), rng=np.random.default_rng(0))
