"""Divergence from a baseline: right where there is a change, silent where there is none."""

import numpy as np
import pytest

from secondlaw.drift import divergence_from_replicates
from secondlaw.statistics.cells import cell_replicates
from secondlaw.statistics.divergence import jensen_shannon, total_variation
from secondlaw.statistics.resampling import resample_weights
from secondlaw.types import NATS

SHARES = np.array([0.9, 0.03, 0.04, 0.01, 0.02])


def _estimate(rng, now, then, distance, *, prompts=40, k=10, concentration=None):
    weights = resample_weights(prompts, 300, rng=rng)
    cells = []
    for shares in (now, then):
        of_prompt = (
            np.tile(shares, (prompts, 1)) if concentration is None else rng.dirichlet(shares * concentration, prompts)
        )
        cells.append(cell_replicates(rng.multinomial(k, of_prompt), weights, rng=rng))
    return divergence_from_replicates(
        cells[0].shares, cells[1].shares, distance, n=prompts * k, unit=NATS, method="test", level=0.95
    )


@pytest.mark.calibration
@pytest.mark.parametrize("concentration", [None, 10.0])
@pytest.mark.parametrize("distance", [jensen_shannon, total_variation])
def test_no_change_excludes_zero_at_most_at_the_nominal_rate(distance, concentration):
    """At most 2.5 %: 120 seeds, more than 9 false alarms have probability below .002."""
    alarms = sum(
        _estimate(np.random.default_rng([seed, 1]), SHARES, SHARES, distance, concentration=concentration).low > 0
        for seed in range(120)
    )
    assert alarms <= 9


@pytest.mark.calibration
@pytest.mark.parametrize("distance", [jensen_shannon, total_variation])
def test_a_change_is_covered(distance):
    """Nominal 95 %: 80 seeds; fewer than 69 hits have probability below .001."""
    now = np.array([0.6, 0.15, 0.1, 0.1, 0.05])
    truth = float(distance(now, SHARES))
    hits = sum(_estimate(np.random.default_rng([seed, 2]), now, SHARES, distance).covers(truth) for seed in range(80))
    assert hits >= 69
