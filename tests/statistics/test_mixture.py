import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from simulated_responses import responses, scores

from secondlaw.errors import InvalidInput
from secondlaw.statistics.mixture import mixture_weights, quadratic_weights


def plain_em(likelihoods, weights, steps=20_000):
    x = np.full(likelihoods.shape[1], 1.0 / likelihoods.shape[1])
    w = weights / weights.sum()
    for _ in range(steps):
        x = x * ((w / (likelihoods @ x)) @ likelihoods)
    return x


@pytest.mark.unit
def test_the_maximum_is_the_fixed_point_of_em():
    rng = np.random.default_rng(0)
    labels, _ = responses([0.6, 0.3, 0.1, 0.0], 60, 1, rng)
    r = scores(labels, 4, 1.5, rng)
    w = rng.multinomial(60, np.ones(60) / 60, size=3).astype(float)
    fit = mixture_weights(r, w)
    assert fit.converged
    for b in range(3):
        np.testing.assert_allclose(fit.shares[b], plain_em(r, w[b]), atol=2e-4)  # EM itself crawls near zero shares


@pytest.mark.unit
def test_separable_rows_give_their_frequencies():
    fit = mixture_weights(np.eye(3)[[0, 0, 1]], np.array([[1.0, 1.0, 1.0], [1.0, 0.0, 3.0]]))
    np.testing.assert_allclose(fit.shares, [[2 / 3, 1 / 3, 0.0], [0.25, 0.75, 0.0]], atol=1e-6)


@pytest.mark.unit
def test_one_table_for_each_weighting_equals_one_at_a_time():
    rng = np.random.default_rng(1)
    tables, w = rng.random((4, 6, 3)) + 0.01, rng.random((4, 6)) + 0.1
    together = mixture_weights(tables, w).shares
    alone = np.vstack([mixture_weights(tables[b], w[b : b + 1]).shares for b in range(4)])
    np.testing.assert_allclose(together, alone, atol=1e-6)


@pytest.mark.law
@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000), st.integers(2, 6), st.integers(1, 40))
def test_the_certificate_bounds_every_other_point(seed, categories, rows):
    rng = np.random.default_rng(seed)
    r = rng.random((rows, categories)) ** 6 + 1e-9
    w = rng.random((1, rows)) + 1e-3
    fit = mixture_weights(r, w)
    assert fit.converged
    np.testing.assert_allclose(fit.shares.sum(axis=1), 1.0)
    omega = w[0] / w.sum()
    best = omega @ np.log(r @ fit.shares[0])
    others = omega @ np.log(r @ rng.dirichlet(np.full(categories, 0.3), size=50).T + 1e-300)
    assert np.all(others <= best + fit.gap[0] + 1e-9)


@pytest.mark.unit
def test_the_quadratic_model_is_exact_at_its_centre_and_stays_on_the_simplex():
    rng = np.random.default_rng(2)
    labels, groups = responses([0.7, 0.2, 0.1, 0.0], 400, 5, rng)
    r = scores(labels, 4, 2.2, rng)
    x = mixture_weights(r, np.ones((1, len(r)))).shares[0]
    phi = r / (r @ x)[:, None]
    W = rng.multinomial(400, np.ones(400) / 400, size=50)[:, groups].astype(float)
    information = phi.T @ phi / 2000
    centre = quadratic_weights(x, phi.mean(axis=0)[None], information)
    np.testing.assert_allclose(centre[0], x, atol=1e-5)
    model, exact = quadratic_weights(x, W @ phi / 2000, information), mixture_weights(r, W).shares
    assert model.min() >= 0.0
    spread = exact.std(axis=0).max()
    assert np.abs(model - exact).max() < 0.2 * spread
    assert np.abs((model - exact).mean(axis=0)).max() < 0.02 * spread


@pytest.mark.unit
@pytest.mark.parametrize(
    ("likelihoods", "weights", "message"),
    [
        ([[0.5, np.nan]], [[1.0]], "finite"),
        ([[0.0, 0.0]], [[1.0]], "zero under every category"),
        ([[0.5, 0.5]], [[0.0]], "all zero"),
        ([[0.5, 0.5]], [[1.0, 1.0]], "weights must be"),
    ],
)
def test_bad_input_is_named(likelihoods, weights, message):
    with pytest.raises(InvalidInput, match=message):
        mixture_weights(likelihoods, weights)
