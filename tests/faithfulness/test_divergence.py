"""The closed form: equal to the paper's minimisation and to a conic solver, restricted support with its warning."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from secondlaw.errors import InvalidInput
from secondlaw.faithfulness import (
    RestrictedSupport,
    entropy_production,
    off_support_mass,
    semantic_faithfulness,
    topic_divergence,
    transport,
)


def shares(rng, n, k):
    p = rng.dirichlet(np.ones(k), size=(3, n)) + 0.02
    return p / p.sum(axis=-1, keepdims=True)


@pytest.mark.law
@pytest.mark.parametrize("k", range(2, 22, 2))  # 10 x 100: a thousand random marginals
def test_the_alternating_minimisation_reaches_the_closed_form(k):
    rng = np.random.default_rng(k)
    answer, question, context = shares(rng, 100, k)
    closed = topic_divergence(answer, question, smoothing=0)
    found = transport(answer, question, context, rng=rng)
    assert found.converged
    np.testing.assert_allclose(found.value, closed, atol=1e-8, rtol=0)
    assert (found.gap <= 1e-9).all()
    assert (found.value - closed <= found.gap + 1e-13).all()  # the gap is a proof, not a guess
    np.testing.assert_allclose(found.answer.sum(axis=-1), 1.0, atol=1e-9)
    np.testing.assert_allclose(np.einsum("ni,nij->nj", context, found.answer), answer, atol=1e-9)
    np.testing.assert_allclose(np.einsum("ni,nij->nj", context, found.question), question, atol=1e-9)


@pytest.mark.law
def test_the_gap_bounds_the_error_of_an_iteration_that_was_cut_short():
    answer, question, context = shares(np.random.default_rng(3), 50, 4)
    closed = topic_divergence(answer, question, smoothing=0)
    for most in (1, 4, 13):
        found = transport(answer, question, context, rng=np.random.default_rng(most), most=most)
        error = found.value - closed
        assert not found.converged
        assert found.gap.max() > 1e-8
        assert ((error >= -1e-13) & (error <= found.gap + 1e-13)).all()


@pytest.mark.law
def test_the_papers_plain_iteration_reaches_the_same_value_in_more_rounds():
    p = shares(np.random.default_rng(1), 30, 5)
    plain = transport(*p, accelerated=False, tolerance=1e-8)
    fast = transport(*p, tolerance=1e-8)
    assert plain.converged
    assert fast.converged
    np.testing.assert_allclose(plain.value, fast.value, atol=1e-8, rtol=0)
    assert fast.rounds < plain.rounds / 2


@pytest.mark.unit
def test_the_optimal_couplings_depend_on_the_start_and_the_value_does_not():
    p = shares(np.random.default_rng(0), 1, 4)[:, 0]
    first, second = (transport(*p, rng=np.random.default_rng(seed)) for seed in (1, 2))
    assert abs(first.value - second.value) < 1e-9
    assert np.abs(first.answer - second.answer).max() > 0.01


@pytest.mark.law
@pytest.mark.parametrize(("seed", "k"), [(0, 3), (1, 3), (2, 5), (3, 8), (4, 12)])
def test_a_conic_solver_finds_the_closed_form(seed, k):
    clarabel = pytest.importorskip("clarabel", reason="needs clarabel")
    from scipy import sparse

    answer, question, context = shares(np.random.default_rng(seed), 1, k)[:, 0]
    m = k * k  # variables: u (m), v (m), t (m); minimise sum t, t >= u ln(u / v)
    rows = sparse.kron(sparse.eye(k), np.ones((1, k)))
    columns = sparse.kron(np.ones((1, k)), sparse.eye(k))
    marginals = sparse.vstack([rows, columns])
    equalities = sparse.hstack([sparse.block_diag([marginals, marginals]), sparse.csr_matrix((4 * k, m))])
    cones = sparse.lil_matrix((3 * m, 3 * m))
    for i in range(m):  # (-t, u, v) lies in the exponential cone y exp(x / y) <= z
        cones[3 * i, 2 * m + i], cones[3 * i + 1, i], cones[3 * i + 2, m + i] = 1.0, -1.0, -1.0
    constraints = sparse.vstack([equalities, cones]).tocsc()
    right = np.concatenate((context, answer, context, question, np.zeros(3 * m)))
    settings = clarabel.DefaultSettings()
    settings.verbose = False
    kinds = [clarabel.ZeroConeT(4 * k), *[clarabel.ExponentialConeT()] * m]
    cost = np.concatenate((np.zeros(2 * m), np.ones(m)))
    quadratic = sparse.csc_matrix((3 * m, 3 * m))
    found = clarabel.DefaultSolver(quadratic, cost, constraints, right, kinds, settings).solve()
    alternated = transport(answer, question, context, rng=np.random.default_rng(seed))
    assert found.obj_val == pytest.approx(float(alternated.value), abs=1e-6)
    assert found.obj_val == pytest.approx(float(topic_divergence(answer, question, smoothing=0)), abs=1e-6)


@pytest.mark.law
@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=2, max_size=8))
def test_faithfulness_is_one_for_equal_topics_and_below_for_others(pairs):
    answer, question = np.array(pairs).T
    if not answer.sum() or not question.sum():
        return
    value = float(semantic_faithfulness(answer, question))
    assert 0.0 < value <= 1.0
    assert float(semantic_faithfulness(answer, answer)) == pytest.approx(1.0)
    assert 0.0 <= float(off_support_mass(answer, question)) <= 1.0


@pytest.mark.unit
def test_off_support_is_infinite_smoothed_or_restricted_with_a_warning():
    answer, question = [2, 1, 1], [3, 1, 0]
    assert float(topic_divergence(answer, question, smoothing=0)) == np.inf
    assert float(semantic_faithfulness(answer, question, smoothing=0)) == 0.0
    assert np.isfinite(topic_divergence(answer, question))
    with pytest.warns(RestrictedSupport, match="25 %"):
        restricted = topic_divergence(answer, question, smoothing=0, support="restricted")
    assert float(restricted) == pytest.approx(float(topic_divergence([2, 1], [3, 1], smoothing=0)))
    with pytest.raises(InvalidInput, match="smoothing"):
        topic_divergence(answer, question, support="restricted")
    with pytest.raises(InvalidInput, match="none of"):
        topic_divergence([0, 0, 1], question, smoothing=0, support="restricted")


@pytest.mark.unit
def test_many_answers_at_once():
    rng = np.random.default_rng(0)
    a, q = rng.integers(1, 9, size=(50, 6)), rng.integers(1, 9, size=(50, 6))
    together = topic_divergence(a, q)
    assert together.shape == (50,)
    np.testing.assert_allclose(together, [float(topic_divergence(x, y)) for x, y in zip(a, q, strict=True)])


@pytest.mark.unit
def test_entropy_production_names_its_definitions():
    a, q, c = np.array([6.0, 2.0]), np.array([4.0, 4.0]), np.array([1.0, 7.0])
    found = entropy_production(a, q, c)
    assert float(found.as_documented) == 0.0
    assert float(found.as_published_code) == pytest.approx(1 / float(semantic_faithfulness(a, q)) - 1)
    assert float(found.relaxation) == pytest.approx(float(topic_divergence(c, a)))
    assert float(found.entropy_change) > 0.0


@pytest.mark.unit
def test_the_minimisation_refuses_zero_shares():
    with pytest.raises(InvalidInput, match="positive"):
        transport([1, 0], [0.5, 0.5], [0.5, 0.5])
