import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from secondlaw.errors import InvalidInput
from secondlaw.statistics.simplex import project_simplex

VECTORS = arrays(float, st.integers(1, 6), elements=st.floats(-3, 3))


@pytest.mark.law
@given(VECTORS, st.integers(0, 1000))
def test_no_other_distribution_is_nearer(vector, seed):
    projected = project_simplex(vector)
    assert projected.min() >= 0.0
    assert projected.sum() == pytest.approx(1.0)
    others = np.random.default_rng(seed).dirichlet(np.full(len(vector), 0.5), size=20)
    nearest = ((projected - vector) ** 2).sum()
    assert np.all(((others - vector) ** 2).sum(axis=1) >= nearest - 1e-9)


@pytest.mark.law
@given(VECTORS)
def test_projecting_twice_changes_nothing(vector):
    once = project_simplex(vector)
    np.testing.assert_allclose(project_simplex(once), once, atol=1e-12)


@pytest.mark.unit
def test_nan_is_refused():
    with pytest.raises(InvalidInput, match="finite"):
        project_simplex([0.5, np.nan])
