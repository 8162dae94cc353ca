"""Entropies of a population of agents: diffusion alone, and intervals."""

import numpy as np
import pytest
from scipy.stats import binom

from secondlaw.alignment import GoalDiffusion, free_diffusion, population_entropy
from secondlaw.errors import InvalidInput, NotEnoughData


@pytest.mark.paper
def test_free_diffusion_refutes_an_entropy_that_never_falls():
    single, pooled = free_diffusion([0.9] + [0.02] * 5, [0.0, 4.0, 256.0], agents=100_000, rng=np.random.default_rng(0))
    assert single == pytest.approx([0.486, 0.699, 0.134], abs=0.004)
    assert pooled[[0, 2]] == pytest.approx([0.486, 1.781], abs=0.004)
    falling, _ = free_diffusion([1 / 6] * 6, [0.0, 1.0], agents=100_000, rng=np.random.default_rng(0))
    assert falling == pytest.approx([1.792, 1.466], abs=0.004)


@pytest.mark.calibration
def test_intervals_cover_both_entropies():
    model = GoalDiffusion([0.4, 0.3, 0.2, 0.1], [0.1, 0.7, 0.1, 0.1], gaming=0.5, work=0.5, diffusion=0.1)
    runs, hits = 200, np.zeros(3, dtype=int)
    truths = model.mean_entropy(), model.entropy_of_mean(), model.entropy_of_mean() - model.mean_entropy()
    for seed in range(runs):
        rng = np.random.default_rng(seed)
        found = population_entropy(model.draw(60, rng=rng), rng=rng)
        for place, (one, truth) in enumerate(
            zip((found.mean_entropy, found.entropy_of_mean, found.gap), truths, strict=True)
        ):
            hits[place] += one.covers(truth)
    assert hits.min() >= binom.ppf(1e-3, runs, 0.93)  # a bootstrap of 60 agents falls a little short of .95


@pytest.mark.unit
def test_a_handful_of_agents_is_too_few():
    with pytest.raises(NotEnoughData, match="at least 5 agents for an interval, got 4"):
        population_entropy(np.full((4, 3), 1 / 3), rng=np.random.default_rng(0))
    with pytest.raises(InvalidInput, match="at least two goals"):
        population_entropy(np.ones((9, 1)), rng=np.random.default_rng(0))
