import numpy as np
import pytest
from known_processes import driven_cycle

from secondlaw.errors import InvalidInput, NotEnoughData
from secondlaw.systems import MarkovChain, cycle_affinity
from secondlaw.trajectories import Trajectories, cycle_affinities, relaxation_split
from secondlaw.types import Insufficient

CHAIN = MarkovChain([[0.2, 0.4, 0.3, 0.1], [0.3, 0.1, 0.4, 0.2], [0.1, 0.2, 0.3, 0.4], [0.4, 0.2, 0.1, 0.3]])
RING = MarkovChain([[0.3, 0.5, 0.2], [0.2, 0.3, 0.5], [0.5, 0.2, 0.3]])


def seen(chain, rng, **settings):
    return Trajectories.of(chain.simulate(rng=rng, **settings)[:, :, None].astype(float))


@pytest.mark.unit
def test_affinities_and_currents_are_those_of_the_chain_and_add_up():
    rng = np.random.default_rng(0)
    cycles = cycle_affinities(seen(CHAIN, rng, points=100_000), rng=rng)
    assert len(cycles) == 3
    flows, total = CHAIN.flows(), 0.0
    for cycle in cycles:
        states = tuple(int(state[0]) for state in cycle.states)
        exact = flows[states[-1], states[0]] - flows[states[0], states[-1]]
        assert cycle.affinity.value == pytest.approx(cycle_affinity(CHAIN, states), abs=0.12)
        assert cycle.current.value == pytest.approx(exact, abs=0.004)
        total += cycle.affinity.value * cycle.current.value
    assert total == pytest.approx(CHAIN.entropy_production_rate(), rel=0.05)


@pytest.mark.unit
def test_cycles_that_the_data_do_not_carry_are_named():
    rng = np.random.default_rng(0)
    (one_way,) = cycle_affinities(Trajectories.of([np.arange(600.0) % 3], dt=0.5), rng=rng)
    assert isinstance(one_way.affinity, Insufficient)
    assert abs(one_way.current.value) == pytest.approx(2 / 3, rel=0.05)
    with pytest.raises(NotEnoughData, match="close no cycle"):
        cycle_affinities(Trajectories.of([rng.integers(0, 2, size=400).astype(float)]), rng=rng)


@pytest.mark.calibration
def test_intervals_of_affinity_and_current_cover(at_most):
    missed = [0, 0]
    for seed in range(80):
        rng = np.random.default_rng(seed)
        (cycle,) = cycle_affinities(Trajectories.of([driven_cycle(2000, rng)]), rng=rng, resamples=300)
        sign = 1 if cycle.states[1] == ((cycle.states[0][0] + 1) % 3,) else -1
        missed[0] += not cycle.affinity.covers(sign * 3 * np.log(2.5))
        missed[1] += not cycle.current.covers(sign * 0.1)
    assert all(at_most(count, 80, 0.05) for count in missed)


def exact_split(chain, start, steps):
    p, steady, flows, kept = np.asarray(start, float), chain.stationary_distribution(), chain.flows(), 0.0
    odds, first = np.log(flows / flows.T), p
    for _ in range(steps):
        kept += float((p[:, None] * chain.transition * odds).sum())
        p = p @ chain.transition
    ends = [float((q[q > 0] * np.log(q[q > 0] / steady[q > 0])).sum()) for q in (first, p)]
    return kept, ends[0] - ends[1]


@pytest.mark.calibration
def test_housekeeping_and_excess_of_a_relaxation_cover(at_most):
    kept, excess = exact_split(CHAIN, [1, 0, 0, 0], 5)
    missed = [0, 0, 0]
    for seed in range(25):
        rng = np.random.default_rng(seed)
        found = relaxation_split(seen(CHAIN, rng, points=6, trajectories=600, start=0), rng=rng, resamples=200)
        for place, (part, exact) in enumerate(
            ((found.housekeeping, kept), (found.excess, excess), (found.total, kept + excess))
        ):
            missed[place] += not part.covers(exact)
        assert found.total.value == pytest.approx(found.housekeeping.value + found.excess.value)
    assert all(at_most(count, 25, 0.05) for count in missed)


@pytest.mark.unit
def test_an_ensemble_in_its_steady_state_has_no_excess_and_bad_ensembles_are_named():
    rng = np.random.default_rng(0)
    found = relaxation_split(seen(RING, rng, points=6, trajectories=2000), rng=rng, resamples=200)
    assert found.excess.low < 1e-3
    assert found.housekeeping.covers(5 * RING.entropy_production_rate())
    with pytest.raises(NotEnoughData, match="too few"):
        relaxation_split(seen(RING, rng, points=6, trajectories=50), rng=rng)
    with pytest.raises(InvalidInput, match="one length"):
        relaxation_split(Trajectories.of([np.zeros(3), np.zeros(4)]), rng=rng)
    with pytest.raises(InvalidInput, match="never occurs in reverse"):
        relaxation_split(Trajectories.of([np.arange(4.0) % 3] * 200), rng=rng)
