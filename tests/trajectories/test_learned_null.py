"""The sign-flip null of learned scores holds its level where flips of cross-fitted sums do not, and keeps its power."""

import itertools

import numpy as np
import pytest
from known_processes import reversible_noise

from secondlaw.trajectories import TimeReversalClassifier, Trajectories, Transitions
from secondlaw.trajectories.layout import lay_out
from secondlaw.trajectories.learned_null import STAGES, learned_flips

GROUPS, ROWS, DIM = 60, 20, 6


def products(x0, x1):
    i, j = np.triu_indices(x0.shape[1], 1)
    return x1[:, i] * x0[:, j] - x0[:, i] * x1[:, j]


def learn(x0, x1, v0, v1, seed):
    """The cheapest score: the combination of products that least squares prefers."""
    g = products(x0, x1)
    theta = np.linalg.lstsq(g.T @ g + np.eye(g.shape[1]), g.sum(axis=0), rcond=None)[0]
    return lambda a, b: products(a, b) @ theta


def layout_of(rng, *, turn=0.0):
    x0, noise = rng.normal(size=(2, GROUPS * ROWS, DIM))
    turned = np.zeros((DIM, DIM))
    turned[0, 1], turned[1, 0] = -turn, turn
    x1 = x0 @ turned.T + noise
    groups = np.repeat(np.arange(GROUPS), ROWS)
    return lay_out(Transitions.of(x0, x1, groups=groups), blocks=GROUPS, folds=5)


def p_of(layout, rng):
    return learned_flips(layout, learn, null_mean=0.0, draws=199, rng=rng).p_value


def cross_fitted_p(layout, rng):
    """Flips of the sums that scores of the other folds give: what must not be done."""
    sums = np.empty(GROUPS)
    for a, b in itertools.pairwise(layout.folds):
        own = np.zeros(layout.n, dtype=bool)
        own[layout.starts[a] : layout.starts[b]] = True
        score = learn(layout.x0[~own], layout.x1[~own], None, None, 0)
        sums[a:b] = score(layout.x0[own], layout.x1[own]).reshape(-1, ROWS).sum(axis=1)
    found = (1 - 2 * rng.integers(0, 2, size=(199, GROUPS))) @ sums
    return (1 + (found >= sums.sum()).sum()) / 200


@pytest.mark.calibration
def test_reversible_blocks_are_rejected_at_the_nominal_rate(at_most):
    runs = 1500
    p, careless = np.empty(runs), np.empty(runs)
    for seed in range(runs):
        rng = np.random.default_rng(seed)
        layout = layout_of(rng)
        p[seed], careless[seed] = p_of(layout, rng), cross_fitted_p(layout, rng)
    for level in (0.025, 0.05, 0.5):
        assert at_most((p <= level).sum(), runs, level)
        assert (p <= level).mean() > 0.6 * level  # no more careful than need be
    assert not at_most((careless <= 0.025).sum(), runs, 0.025)


@pytest.mark.calibration
def test_driven_blocks_are_rejected_almost_as_often_as_by_careless_flips():
    rejected = careless = 0
    for seed in range(150):
        rng = np.random.default_rng(seed)
        layout = layout_of(rng, turn=0.12)
        rejected += p_of(layout, rng) <= 0.025
        careless += cross_fitted_p(layout, rng) <= 0.025
    assert rejected >= 0.85 * careless > 100


@pytest.mark.unit
def test_a_stage_learns_from_earlier_blocks_alone():
    seen = []
    layout = layout_of(np.random.default_rng(0))

    def watched(x0, x1, v0, v1, seed):
        seen.append((len(x0), len(v0)))
        return learn(x0, x1, v0, v1, seed)

    learned_flips(layout, watched, null_mean=0.0, draws=99, rng=np.random.default_rng(0))
    assert [sum(one) for one in seen] == [round(share * GROUPS) * ROWS for share in STAGES[:-1]]
    assert min(min(one) for one in seen) > 0


@pytest.mark.unit
def test_scores_that_say_nothing_do_not_reject_and_sure_ones_reach_the_smallest_p_value():
    layout, rng = layout_of(np.random.default_rng(0), turn=1.0), np.random.default_rng(1)
    nothing = learned_flips(layout, lambda *_: lambda a, b: np.zeros(len(a)), null_mean=0.1, draws=99, rng=rng)
    assert (nothing.p_value, nothing.null_mean, nothing.blocks) == (0.5, 0.1, GROUPS)
    assert p_of(layout, rng) == 1 / 200


@pytest.mark.calibration
def test_the_logistic_classifier_holds_its_level_on_reversible_series(at_most):
    pytest.importorskip("sklearn")
    runs, positive, rejected = 150, 0, 0
    for seed in range(runs):
        rng = np.random.default_rng(seed)
        data = Trajectories.of([reversible_noise(500, 2, rng)])
        result = TimeReversalClassifier("logistic", resamples=200, draws=199).fit(data, rng=rng)
        positive += result.estimate.low > 0.0
        rejected += result.null.p_value <= 0.05
    assert at_most(positive, runs, 0.025)
    assert at_most(rejected, runs, 0.05)
