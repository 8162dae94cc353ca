"""Upper ends of bounds: the exact value stays inside intervals, however many observables there are."""

import numpy as np
import pytest
from known_processes import CYCLE, driven_cycle, reversible_noise
from scipy.linalg import block_diag
from scipy.stats import binom

from secondlaw.systems import LinearLangevin, spinning_particle
from secondlaw.trajectories import MaxEnt, StateFluxes, Trajectories, by_order
from secondlaw.trajectories.layout import lay_out
from secondlaw.trajectories.upper_ends import chance_claim, reaching, spanning
from secondlaw.types import Estimate

FAST = {"resamples": 300, "draws": 199}


def weakly_driven(rng):
    system = LinearLangevin(block_diag(*[spinning_particle(spin=0.2).drift] * 4), np.ones(8))
    return Trajectories.of(system.simulate(points=60, dt=0.2, trajectories=60, rng=rng)), system.lag_divergence(0.2)


@pytest.mark.calibration
def test_with_many_observables_intervals_hold_the_exact_value_that_held_out_rows_alone_miss():
    missed, below, runs = 0, 0, 60
    for seed in range(runs):
        rng = np.random.default_rng(seed)
        data, known = weakly_driven(rng)
        found = MaxEnt(**FAST).fit(data, rng=rng)
        missed += not found.estimate.covers(known)
        below += found.estimate.value < known
    assert below > 0.9 * runs  # values alone are too low by a third
    assert missed <= binom.ppf(0.999, runs, 0.05)


@pytest.mark.calibration
def test_parts_and_what_an_order_adds_hold_their_exact_values():
    slow, fast = spinning_particle(spin=0.7), spinning_particle(spin=2.0)
    both, runs = LinearLangevin(block_diag(slow.drift, fast.drift), np.ones(4)), 50
    halves = [one.lag_divergence(0.1) / 2.0 for one in (slow, slow, fast, fast)]
    missed = np.zeros(5)
    for seed in range(runs):
        rng = np.random.default_rng(seed)
        data = Trajectories.of(both.simulate(points=100, dt=0.1, trajectories=60, rng=rng))
        (_, second), (gain,) = by_order(data, (1, 2), rng=rng, **FAST)
        parts = second.variable_contributions()
        missed[:4] += [not part.estimate.covers(known) for part, known in zip(parts, halves, strict=True)]
        missed[4] += not gain.covers(sum(halves))
    assert missed.max() <= binom.ppf(0.999, runs, 0.05), missed


@pytest.mark.calibration
@pytest.mark.parametrize("trajectories", [1, 60])
def test_what_noise_claims_is_foreseen(trajectories):
    claimed, foreseen = [], []
    for seed in range(60):
        rng = np.random.default_rng(seed)
        data = Trajectories.of([reversible_noise(1800 // trajectories, 3, rng) for _ in range(trajectories)])
        found = MaxEnt(**FAST).fit(data, rng=rng)
        claimed.append(found.train_value)
        foreseen.append(found.train_value - found.block_claims.sum() / found.block_sizes.sum())
    ratio = np.mean(foreseen) / np.mean(claimed)
    assert 0.6 < ratio < 1.25, ratio


@pytest.mark.unit
def test_only_the_upper_end_moves_and_the_claim_is_the_largest_value():
    rng = np.random.default_rng(3)
    found = MaxEnt(StateFluxes(3), **FAST).fit(Trajectories.of([driven_cycle(4000, rng)]), rng=rng)
    claim = found.block_claims.sum() / found.block_sizes.sum()
    assert found.estimate.value < claim < found.train_value
    assert found.estimate.low < CYCLE < found.estimate.high
    assert sum(part.estimate.value for part in found.contributions) == pytest.approx(found.estimate.value)


@pytest.mark.unit
def test_ends_are_those_of_the_two_estimates():
    held = Estimate(1.0, 0.8, 1.2, 0.95, 9, "nats", "held out")
    claimed = Estimate(1.4, 1.1, 1.7, 0.95, 9, "nats", "claimed")
    lower = Estimate(0.7, 0.5, 0.9, 0.95, 9, "nats", "claimed")
    assert (reaching(held, claimed).low, reaching(held, claimed).high) == (0.8, 1.7)
    assert (reaching(held, lower).low, reaching(held, lower).high) == (0.8, 1.2)
    assert (spanning(held, lower).low, spanning(held, lower).high, spanning(held, lower).value) == (0.5, 1.2, 1.0)


@pytest.mark.law
def test_stretches_that_undo_each_other_claim_little():
    data = Trajectories.of([np.zeros((200, 1))]).transitions(1)
    layout = lay_out(data, blocks=20, folds=4)
    swings = np.tile([1.0, -1.0], (1, 10))
    alone = chance_claim(swings, lay_out(Trajectories.of(np.zeros((20, 11, 1))).transitions(1), blocks=20, folds=4))
    assert chance_claim(swings, layout) == 0.0  # neighbours of one trajectory
    assert alone == pytest.approx(2.0 * 20 / 200**2)  # separate trajectories
