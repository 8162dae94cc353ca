import numpy as np
import pytest
from scipy.optimize import minimize

from secondlaw.trajectories import CrossCorrelations, StateChanges, Together, Trajectories
from secondlaw.trajectories.dual import evaluate, fold_scores, row_values
from secondlaw.trajectories.layout import lay_out
from secondlaw.trajectories.rows import Rows
from secondlaw.trajectories.solver import Metric, maximise, metric_of, path

pytestmark = pytest.mark.unit
NAMES = ("a", "b", "c")


def rows_of(n=1500, seed=0, *, hold=True):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 3)).cumsum(axis=0) * 0.02 + rng.normal(size=(n, 3))
    x[1:, 0] += 0.8 * x[:-1, 1]
    pairs = Trajectories.of([x]).transitions()
    return Rows(
        lay_out(pairs, blocks=20, folds=4), Together((StateChanges(NAMES), CrossCorrelations(NAMES))), hold=hold
    )


@pytest.mark.parametrize("form", ["exponential", "quadratic"])
def test_gradient_is_that_of_the_objective(form):
    rows, rng = rows_of(), np.random.default_rng(1)
    theta = rng.normal(size=(rows.size, 2)) * 0.3
    trains = np.array([[True, True, False, True], [False, True, True, True]])
    _, gradient, _, _ = evaluate(rows, theta, trains, form)
    for k in range(rows.size):
        step = np.zeros((rows.size, 1))
        step[k] = 1e-5
        up, down = (evaluate(rows, theta + sign * step, trains, form)[0] for sign in (1, -1))
        np.testing.assert_allclose((up - down) / 2e-5, gradient[k], atol=1e-6)


@pytest.mark.parametrize("form", ["exponential", "quadratic"])
@pytest.mark.parametrize("dense", [True, False])
def test_maximum_agrees_with_scipy(form, dense):
    rows = rows_of()
    trains = np.ones((1, 4), dtype=bool)

    def loss(theta):
        value, gradient, _, _ = evaluate(rows, theta[:, None], trains, form)
        return -value[0], -gradient[:, 0]

    peer = minimize(loss, np.zeros(rows.size), jac=True, method="BFGS", options={"gtol": 1e-9})
    metric = metric_of(rows) if dense else Metric(None, np.ones(rows.size))
    theta = maximise(rows, metric, trains, np.zeros(1), form)
    assert -peer.fun - 0.1 / rows.layout.n <= -loss(theta[:, 0])[0] <= -peer.fun + 1e-9


def test_quadratic_maximum_is_the_closed_form():
    rows = rows_of()
    g = rows.observables.values(rows.layout.x0, rows.layout.x1)
    m = g.mean(axis=0)
    exact = 2.0 * m @ np.linalg.solve(g.T @ g / len(g), m)
    trains = np.ones((1, 4), dtype=bool)
    theta = maximise(rows, metric_of(rows), trains, np.zeros(1), "quadratic")
    assert evaluate(rows, theta, trains, "quadratic")[0][0] == pytest.approx(exact, rel=1e-9)


def test_large_exponents_neither_overflow_nor_are_clipped():
    rows = rows_of(200)
    theta = np.full((rows.size, 1), 400.0)
    value, gradient, norm, _ = evaluate(rows, theta, np.ones((1, 4), dtype=bool), "exponential")
    work = rows.project(0, rows.layout.n, theta)[:, 0]
    assert np.isfinite(gradient).all()
    assert norm[0] == pytest.approx((-work).max() - np.log(len(work)), rel=1e-3)
    assert value[0] < -100


@pytest.mark.parametrize("form", ["exponential", "quadratic"])
def test_scores_are_the_means_of_row_values_with_the_training_normalisation(form):
    rows = rows_of()
    theta = np.random.default_rng(2).normal(size=(rows.size, 1)) * 0.2
    trains = np.array([[True, True, True, False]])
    scores = fold_scores(rows, theta, np.array([0.0, 0.5]), trains, form)
    _, _, norm, _ = evaluate(rows, 0.5 * theta, trains, form)
    a, b = rows.layout.fold_rows[3:5]
    held_out = row_values(rows.project(a, b, 0.5 * theta)[:, 0], norm[0], form)
    assert scores[3, 0, 1] == pytest.approx(held_out.mean())
    np.testing.assert_allclose(scores[:, 0, 0], 0.0, atol=1e-12)


def test_a_held_table_and_batches_give_the_same():
    held, streamed = rows_of(), rows_of(hold=False)
    theta = np.random.default_rng(3).normal(size=(held.size, 3)) * 0.2
    trains = np.ones((3, 4), dtype=bool)
    both = (evaluate(rows, theta, trains, "exponential") for rows in (held, streamed))
    for one, other in zip(*both, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-10)
    np.testing.assert_allclose(held.block_sums(), streamed.block_sums(), atol=1e-9)
    np.testing.assert_allclose(held.second_moments(), streamed.second_moments(), atol=1e-10)


def test_weaker_regularisation_fits_training_rows_better():
    rows = rows_of()
    trains = np.array([[True, True, True, False]])
    for metric in (metric_of(rows), Metric(None, np.ones(rows.size))):
        thetas = path(rows, metric, trains, "exponential")
        values = [evaluate(rows, theta, trains, "exponential")[0][0] for theta in thetas]
        assert (np.diff(values) >= -1e-9).all()
        assert values[-1] > values[0]
