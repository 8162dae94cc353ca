import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from secondlaw.errors import InvalidInput
from secondlaw.trajectories import (
    CrossCorrelations,
    CustomObservables,
    StateChanges,
    StateFluxes,
    Together,
    TripleCorrelations,
    up_to_order,
)
from secondlaw.trajectories.observables import require_antisymmetry


@pytest.mark.law
@given(st.integers(0, 10_000), st.sampled_from([1, 2, 3]), st.booleans())
def test_every_observable_is_antisymmetric_and_products_agree_with_the_table(seed, order, binary):
    rng = np.random.default_rng(seed)
    x0, x1 = rng.normal(size=(2, 7, 3))
    g = up_to_order(["a", "b", "c"], order, binary=binary)
    values = g.values(x0, x1)
    assert values.shape == (7, len(g.names)) == (7, len(g.orders))
    assert len(set(g.names)) == len(g.names)
    np.testing.assert_allclose(values, -g.values(x1, x0), atol=1e-12)
    theta, weights = rng.normal(size=(len(g.names), 2)), rng.random((7, 2))
    np.testing.assert_allclose(g.project(x0, x1, theta), values @ theta, atol=1e-12)
    np.testing.assert_allclose(g.pull(x0, x1, weights), values.T @ weights, atol=1e-12)


@pytest.mark.unit
def test_products_over_many_variables_agree_with_the_table():
    rng = np.random.default_rng(0)
    x0, x1 = rng.normal(size=(2, 30, 70))
    g = CrossCorrelations(tuple(f"v{i}" for i in range(70)))
    theta, weights = rng.normal(size=(len(g.orders), 3)), rng.random((30, 3))
    np.testing.assert_allclose(g.project(x0, x1, theta), g.values(x0, x1) @ theta, atol=1e-9)
    np.testing.assert_allclose(g.pull(x0, x1, weights), g.values(x0, x1).T @ weights, atol=1e-9)


@pytest.mark.unit
def test_values_of_each_order_by_hand():
    x0, x1 = np.array([[1.0, 2.0]]), np.array([[3.0, 5.0]])
    names = ("a", "b")
    assert StateChanges(names).values(x0, x1).tolist() == [[2.0, 3.0]]
    assert StateChanges(names, 2).values(x0, x1).tolist() == [[8.0, 13.0, 21.0]]
    assert CrossCorrelations(names).values(x0, x1).tolist() == [[3 * 2 - 1 * 5]]
    assert TripleCorrelations(names).values(x0, x1).tolist() == [[3 * 5 * 1 - 1 * 2 * 3, 3 * 5 * 2 - 1 * 2 * 5]]


@pytest.mark.unit
def test_state_fluxes_count_every_pair_once():
    pairs = [(a, b) for a in range(4) for b in range(4)]
    x0, x1 = (np.array([p[k] for p in pairs], dtype=float)[:, None] for k in (0, 1))
    g = StateFluxes(4)
    values = g.values(x0, x1)
    for (a, b), row in zip(pairs, values, strict=True):
        expected = {f"{min(a, b)} -> {max(a, b)}": np.sign(b - a)} if a != b else {}
        assert {name: v for name, v in zip(g.names, row, strict=True) if v} == expected
    with pytest.raises(InvalidInput, match="from 0 to 3"):
        g.values(np.array([[4.0]]), np.array([[0.0]]))


@pytest.mark.unit
def test_an_observable_that_is_not_antisymmetric_is_named():
    rng = np.random.default_rng(0)
    x0, x1 = rng.normal(size=(2, 20, 2))
    good = CustomObservables(lambda a, b: (b - a)[:, :1], ("moved",))
    bad = CustomObservables(lambda a, b: (b * a)[:, :1], ("product",))
    require_antisymmetry(good, x0, x1)
    with pytest.raises(InvalidInput, match="'product' is not antisymmetric"):
        require_antisymmetry(Together((good, bad)), x0, x1)
