import numpy as np
import pytest
from simulated_responses import covers, entropy, scores

from secondlaw.errors import InvalidInput, NotEnoughData
from secondlaw.statistics.em import em_shares
from secondlaw.statistics.em_by_prompt import em_within
from secondlaw.statistics.resampling import resample_weights

PI = np.array([0.55, 0.2, 0.12, 0.08, 0.05])


def prompts_of(theta, per_prompt, rng, separation=2.2):
    labels = (
        (rng.random((len(theta), per_prompt, 1)) > theta.cumsum(axis=1)[:, None, :]).sum(axis=2).clip(max=4).ravel()
    )
    groups = np.repeat(np.arange(len(theta)), per_prompt)
    W = resample_weights(len(theta), 200, rng=rng)
    return scores(labels, 5, separation, rng), np.full(5, 0.2), np.zeros(len(labels), int), groups, W


@pytest.mark.calibration
@pytest.mark.parametrize("strength", [1.0, 5.0])
def test_within_is_nearly_unbiased_where_prompts_are_dirichlet(strength):
    errors, hits = [], 0
    for seed in range(40):
        rng = np.random.default_rng(seed)
        theta = rng.dirichlet(strength * PI, size=60)
        rows = prompts_of(theta, 10, rng)
        fit = em_within(*rows, corrected=em_shares(*rows))
        errors.append(fit.value - entropy(theta).mean())
        hits += bool(covers(fit.replicates, entropy(theta).mean()))
    assert abs(np.mean(errors)) < 0.04
    assert hits >= 34  # of 40; conditional on the prompts, the interval is wide


@pytest.mark.calibration
def test_the_dirichlet_shape_is_an_assumption_whose_price_is_known():
    errors = []
    for seed in range(20):
        rng = np.random.default_rng(seed)
        theta = rng.dirichlet(20 * PI, size=60)
        decided = rng.random(60) < 0.5
        theta[decided] = np.eye(5)[rng.choice(5, size=decided.sum(), p=PI)]
        rows = prompts_of(theta, 20, rng)
        errors.append(em_within(*rows, corrected=em_shares(*rows)).value - entropy(theta).mean())
    assert -0.12 < np.mean(errors) < -0.03


@pytest.mark.unit
def test_expected_counts_add_up_and_respect_the_strata():
    rng = np.random.default_rng(0)
    p, _, strata, groups, W = prompts_of(rng.dirichlet(3 * PI, size=30), 4, rng)
    priors = np.array([[0.3, 0, 0, 0.3, 0.4], [0, 0.3, 0.3, 0, 0.4]])
    rows = (p, priors, groups % 2, groups, W)
    fit = em_within(*rows, corrected=em_shares(*rows))
    np.testing.assert_allclose(fit.counts.sum(axis=1), 4.0)
    assert np.all(fit.counts[0::2][:, [1, 2]] == 0.0)
    assert len(strata) == 120


@pytest.mark.unit
def test_one_response_a_prompt_needs_a_stated_strength():
    rng = np.random.default_rng(1)
    rows = prompts_of(np.tile(PI, (30, 1)), 1, rng)
    fit = em_shares(*rows)
    with pytest.raises(NotEnoughData, match="repeat the prompts"):
        em_within(*rows, corrected=fit)
    assert em_within(*rows, corrected=fit, strength=5.0).strengths[0] == 5.0
    with pytest.raises(InvalidInput, match="positive"):
        em_within(*rows, corrected=fit, strength=0.0)
