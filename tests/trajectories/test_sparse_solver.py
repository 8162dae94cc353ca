"""L1 paths of general observables: optimal to the letter, the same as scikit-learn's, and better where few matter."""

import numpy as np
import pytest
from known_processes import reversible_noise
from scipy.linalg import block_diag

from secondlaw.errors import InvalidInput
from secondlaw.systems import LinearLangevin, spinning_particle
from secondlaw.trajectories import MaxEnt, Trajectories, UncertaintyRelation
from secondlaw.trajectories.default_observables import default_observables
from secondlaw.trajectories.dual import evaluate
from secondlaw.trajectories.layout import lay_out
from secondlaw.trajectories.rows import Rows
from secondlaw.trajectories.sparse_solver import sparse_path

FAST = {"resamples": 300, "draws": 199}


def one_pair_circles(variables, trajectories, rng):
    drift = block_diag(spinning_particle(spin=0.5).drift, -np.eye(variables - 2))
    system = LinearLangevin(drift, np.ones(variables))
    return Trajectories.of(system.simulate(points=60, dt=0.2, trajectories=trajectories, rng=rng)), system


@pytest.fixture(scope="module")
def rows():
    data, _ = one_pair_circles(4, 40, np.random.default_rng(0))
    pairs = data.transitions(1)
    return Rows(lay_out(pairs, blocks=40, folds=4), default_observables(pairs))


EVERYTHING = np.ones((1, 4), dtype=bool)


@pytest.mark.law
@pytest.mark.parametrize("form", ["exponential", "quadratic"])
def test_parameters_meet_the_conditions_of_optimality(rows, form):
    shares = (0.6, 0.2, 0.05)
    zero = np.zeros((rows.size, 1))
    largest = np.abs(evaluate(rows, zero, EVERYTHING, form)[1]).max()
    for share, theta in zip(shares, sparse_path(rows, EVERYTHING, form, shares, slack=1e-9), strict=True):
        gradient = evaluate(rows, theta, EVERYTHING, form)[1][:, 0]
        used = theta[:, 0] != 0.0
        assert used.any()
        assert gradient[used] == pytest.approx(share * largest * np.sign(theta[used, 0]), abs=1e-3 * largest * share)
        assert np.abs(gradient[~used]).max(initial=0.0) <= 1.001 * share * largest


@pytest.mark.unit
def test_the_quadratic_path_is_that_of_the_lasso(rows):
    linear_model = pytest.importorskip("sklearn.linear_model")
    table = rows.observables.values(rows.layout.x0, rows.layout.x1) / rows.scale
    mean = table.mean(axis=0)
    # 2 theta m - theta M theta / 2 - penalty |theta| is a least-squares fit of 2 to every row, but for a constant.
    penalty = 0.2 * np.abs(2.0 * mean).max()
    lasso = linear_model.Lasso(alpha=penalty, fit_intercept=False, tol=1e-8, max_iter=100_000)
    known = lasso.fit(table, np.full(len(table), 2.0)).coef_
    found = sparse_path(rows, EVERYTHING, "quadratic", (0.5, 0.2), slack=1e-9)[-1][:, 0]
    assert found == pytest.approx(known, abs=1e-4 * np.abs(known).max())


@pytest.mark.unit
def test_where_few_of_many_observables_matter_it_shows_more_with_fewer():
    rng = np.random.default_rng(1)
    data, system = one_pair_circles(10, 30, rng)
    ridge, sparse = (MaxEnt(penalty=one, **FAST).fit(data, rng=np.random.default_rng(1)) for one in ("ridge", "l1"))
    exact = system.lag_divergence(0.2)
    assert sparse.estimate.value > 1.3 * ridge.estimate.value
    assert sparse.estimate.low < exact < sparse.estimate.high
    assert np.count_nonzero(sparse.theta) < 10 < np.count_nonzero(ridge.theta)
    best = max(sparse.contributions, key=lambda one: one.estimate.value)
    assert set(best.name.replace("'", "").split()) >= {"x0", "x1"}
    assert "L1 path" in sparse.estimate.method


@pytest.mark.calibration
def test_reversible_series_seldom_have_a_low_end_above_zero_and_low_ends_stay_below(at_most):
    positive = above = 0
    for seed in range(40):
        rng = np.random.default_rng(seed)
        noise = Trajectories.of([reversible_noise(600, 3, rng)])
        positive += MaxEnt(penalty="l1", **FAST).fit(noise, rng=rng).estimate.low > 0.0
        data, system = one_pair_circles(4, 30, rng)
        above += MaxEnt(penalty="l1", **FAST).fit(data, rng=rng).estimate.low > system.lag_divergence(0.2)
    assert at_most(positive, 40, 0.025)
    assert at_most(above, 40, 0.025)


@pytest.mark.unit
def test_uncertainty_relations_take_it_too_and_others_are_refused(rows):
    data, _ = one_pair_circles(3, 30, np.random.default_rng(2))
    found = UncertaintyRelation(penalty="l1", **FAST).fit(data, rng=np.random.default_rng(0))
    assert 0.0 < found.estimate.low < found.estimate.value
    with pytest.raises(InvalidInput, match="'ridge' or 'l1', got 'l2'"):
        MaxEnt(penalty="l2").fit(data, rng=np.random.default_rng(0))
