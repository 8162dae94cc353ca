"""Goals of a probe set: values, intervals that cover, and what is no distribution."""

import numpy as np
import pytest
from scipy.stats import binom

from secondlaw.alignment.control import loss_coefficient, measure_goals, stable_coefficient
from secondlaw.errors import InvalidInput, NotEnoughData
from secondlaw.types import Insufficient


@pytest.mark.unit
def test_values_are_those_of_the_definitions():
    p = np.array([[0.7, 0.2, 0.1], [0.6, 0.3, 0.1], [0.2, 0.2, 0.6], [0.5, 0.25, 0.25], [0.9, 0.05, 0.05]])
    meant, proxy = np.array([0.8, 0.1, 0.1]), np.array([0.0, 0.5, 0.5])
    found = measure_goals(p, rng=np.random.default_rng(0), intended=meant, proxy=proxy)
    entropy = -(p * np.log(p)).sum(axis=1)
    assert found.entropies.mean_entropy.value == pytest.approx(entropy.mean())
    assert found.entropy_each == pytest.approx(entropy)
    assert found.to_intended.value == pytest.approx((meant * np.log(meant / p)).sum(axis=1).mean())
    assert found.to_proxy.value == pytest.approx((0.5 * np.log(0.5 / p[:, 1:])).sum(axis=1).mean())
    assert found.to_intended.n_unit == found.entropies.gap.n_unit == "probes"
    assert found.preferred.tolist() == [0, 0, 2, 0, 0]
    pooled, mean = found.entropies.entropy_of_mean, found.entropies.mean_entropy
    assert found.entropies.gap.value == pytest.approx(pooled.value - mean.value, abs=1e-9)


@pytest.mark.unit
def test_a_goal_without_probability_makes_no_infinite_number():
    p = np.full((6, 3), [0.5, 0.5, 0.0])
    found = measure_goals(p, rng=np.random.default_rng(0), intended=[0.4, 0.4, 0.2])
    assert isinstance(found.to_intended, Insufficient)
    assert "divergence is infinite" in found.to_intended.reason
    assert found.to_proxy.to_dict() == {"insufficient": "no proxy goals were given"}


@pytest.mark.calibration
def test_intervals_cover_for_probabilities_and_for_sampled_goals():
    alpha, meant, runs = np.array([4.0, 2.0, 1.0, 1.0]), np.array([0.7, 0.1, 0.1, 0.1]), 60
    big = np.random.default_rng(99).dirichlet(alpha, size=400_000)
    truths = {
        "mean": -(big * np.log(big)).sum(axis=1).mean(),
        "pooled": -(big.mean(axis=0) * np.log(big.mean(axis=0))).sum(),
        "kl": (meant * np.log(meant / big)).sum(axis=1).mean(),
    }
    hits = {"mean": 0, "pooled": 0, "kl": 0, "sampled mean": 0, "sampled pooled": 0}
    for seed in range(runs):
        rng = np.random.default_rng(seed)
        p = rng.dirichlet(alpha, size=50)
        exact = measure_goals(p, rng=rng, intended=meant)
        sampled = measure_goals(rng.multinomial(12, p), rng=rng)
        hits["mean"] += exact.entropies.mean_entropy.covers(truths["mean"])
        hits["pooled"] += exact.entropies.entropy_of_mean.covers(truths["pooled"])
        hits["kl"] += exact.to_intended.covers(truths["kl"])
        hits["sampled mean"] += sampled.entropies.mean_entropy.covers(truths["mean"])
        hits["sampled pooled"] += sampled.entropies.entropy_of_mean.covers(truths["pooled"])
    assert min(hits.values()) >= binom.ppf(1e-3, runs, 0.93), hits


@pytest.mark.unit
@pytest.mark.parametrize(
    ("goals", "words"),
    [
        (np.ones((9, 1)), "at least two goals, got"),
        (np.full((9, 3), 0.3), "must sum to 1, got 0.9"),
        (np.full((9, 2), [1.2, -0.2]), "0 or more, got -0.2 as the lowest"),
        (np.full((9, 2), np.nan), "must be finite"),
        (np.zeros((9, 2), dtype=int), "with a sample of every probe"),
        (np.ones(9), "shape"),
    ],
)
def test_what_is_no_distribution_is_refused(goals, words):
    with pytest.raises(InvalidInput, match=words):
        measure_goals(goals, rng=np.random.default_rng(0))


@pytest.mark.unit
def test_goals_to_compare_with_must_fit():
    p, rng = np.full((8, 3), 1 / 3), np.random.default_rng(0)
    with pytest.raises(InvalidInput, match="the proxy goals are 2, those of the probes 3"):
        measure_goals(p, rng=rng, proxy=[0.5, 0.5])
    with pytest.raises(InvalidInput, match=r"the intended goals: probabilities must sum to 1, got 1\.1"):
        measure_goals(p, rng=rng, intended=[0.5, 0.5, 0.1])
    with pytest.raises(InvalidInput, match="one row for each of the 8 probes, or one for all, got 2"):
        measure_goals(p, rng=rng, intended=np.full((2, 3), 1 / 3))
    with pytest.raises(NotEnoughData, match="needs 5 or more, got 4"):
        measure_goals(p[:4], rng=rng)
    with pytest.raises(NotEnoughData, match="sample two or more"):
        measure_goals(np.eye(3, dtype=int)[[0, 1, 2, 0, 1]], rng=rng)


@pytest.mark.unit
def test_a_gamma_carries_its_rate_or_nothing_does():
    assert loss_coefficient(3.0, learning_rate=0.1) == 3.0
    assert loss_coefficient(3.0, reading="per flow time", learning_rate=0.1, descent=2.0) == 1.5
    assert loss_coefficient(3.0, reading="per update", learning_rate=0.1, descent=2.0) == pytest.approx(15.0)
    assert loss_coefficient(3.0, reading="per update", learning_rate=0.1, descent=-0.1) is None
    assert loss_coefficient(0.0, reading="per update", learning_rate=0.1, descent=-0.1) == 0.0
    with pytest.raises(InvalidInput, match="let the probes return probabilities"):
        loss_coefficient(3.0, reading="per update", learning_rate=0.1)
    with pytest.raises(InvalidInput, match="one of coefficient, per update, per flow time, got 'nats'"):
        loss_coefficient(3.0, reading="nats", learning_rate=0.1)
    assert loss_coefficient(3.0, reading="per update", learning_rate=0.0, descent=2.0) is None
    assert stable_coefficient(0.1, 4.0, headroom=0.5) == pytest.approx(2.5)
    assert stable_coefficient(0.0, 4.0) == np.inf  # the first update of a warm-up
    for wrong in (0.0, 1.0):
        with pytest.raises(InvalidInput, match="headroom"):
            stable_coefficient(0.1, 4.0, headroom=wrong)
