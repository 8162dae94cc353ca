"""Semantic entropy production as documented is 0, whatever the coupling; the published code's is the divergence."""

import numpy as np
import pytest

from secondlaw.errors import InvalidInput
from secondlaw.faithfulness import documented_production, entropy_production, topic_divergence, transport


@pytest.mark.law
@pytest.mark.parametrize("k", [2, 5, 23])
def test_the_documented_algorithm_gives_zero_for_any_coupling_and_any_start(k):
    rng = np.random.default_rng(k)
    couplings, context = rng.dirichlet(np.ones(k), size=(40, k)) + 1e-3, rng.dirichlet(np.ones(k), size=40) + 1e-3
    couplings /= couplings.sum(axis=-1, keepdims=True)
    context /= context.sum(axis=-1, keepdims=True)
    assert np.abs(documented_production(couplings, context, rng=rng)).max() < 1e-9


@pytest.mark.law
def test_it_is_zero_at_the_optimum_where_the_divergence_is_not():
    rng = np.random.default_rng(0)
    answer, question, context = rng.dirichlet(np.ones(6), size=(3, 10)) + 0.01
    answer, question, context = (p / p.sum(axis=-1, keepdims=True) for p in (answer, question, context))
    best = transport(answer, question, context, rng=rng)
    assert np.abs(documented_production(best.answer, context, rng=rng)).max() < 1e-9
    assert best.value.min() > 0.01
    code = entropy_production(answer, question, context, smoothing=0.0).as_published_code
    np.testing.assert_allclose(code, topic_divergence(answer, question, smoothing=0.0))


@pytest.mark.unit
def test_bad_couplings_are_refused():
    with pytest.raises(InvalidInput, match="sum to 1"):
        documented_production([[0.9, 0.2], [0.5, 0.5]], [0.5, 0.5])
    with pytest.raises(InvalidInput, match="positive"):
        documented_production([[1.0, 0.0], [0.5, 0.5]], [0.5, 0.5])
