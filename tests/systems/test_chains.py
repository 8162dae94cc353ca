import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.linalg import expm
from scipy.stats import binom

from secondlaw.errors import InvalidInput
from secondlaw.systems import JumpProcess, MarkovChain, biased_ring, cycle_affinity, fundamental_cycles
from secondlaw.systems.stationary import stationary_distribution

RATES = [[0, 2.0, 1.0, 0.5], [1.0, 0, 2.0, 0], [2.0, 1.0, 0, 0.3], [0.2, 0, 0.9, 0]]
positives = hnp.arrays(np.float64, (5, 5), elements=st.floats(0.05, 1.0))


def chain_of(weights):
    return MarkovChain(weights / weights.sum(axis=1, keepdims=True))


@pytest.mark.paper
def test_the_three_state_cycle_of_the_maxent_paper():
    """arXiv 2505.10444."""
    ring = biased_ring(3, forward=0.5, backward=0.2)
    assert ring.entropy_production_rate() == pytest.approx(0.27489, abs=5e-6)
    assert ring.entropy_production_rate() == pytest.approx(0.3 * math.log(2.5), rel=1e-14)


@pytest.mark.law
@settings(max_examples=40, deadline=None)
@given(positives)
def test_detailed_balance_produces_nothing_and_is_its_own_reversal(weights):
    balanced = chain_of(weights + weights.T)
    assert abs(balanced.entropy_production_rate()) < 1e-12
    np.testing.assert_allclose(balanced.reversed().transition, balanced.transition, atol=1e-12)
    assert abs(JumpProcess(weights + weights.T).entropy_production_rate()) < 1e-12


@pytest.mark.law
@settings(max_examples=40, deadline=None)
@given(st.floats(0.01, 1.0), st.floats(0.01, 1.0))
def test_two_states_produce_nothing(there, back):
    assert abs(MarkovChain([[1 - there, there], [back, 1 - back]]).entropy_production_rate()) < 1e-12


@pytest.mark.law
@settings(max_examples=40, deadline=None)
@given(positives, st.permutations(range(5)))
def test_entropy_production_is_not_negative_and_knows_neither_labels_nor_direction(weights, order):
    chain, process = chain_of(weights), JumpProcess(weights)
    value = chain.entropy_production_rate()
    assert value >= 0.0
    assert chain_of(weights[np.ix_(order, order)]).entropy_production_rate() == pytest.approx(value, abs=1e-12)
    assert chain.reversed().entropy_production_rate() == pytest.approx(value, abs=1e-12)
    again = process.reversed().reversed()
    np.testing.assert_allclose(again.rates, process.rates, rtol=1e-10)


@pytest.mark.law
@settings(max_examples=30)
@given(positives)
def test_affinities_times_currents_add_up_to_the_entropy_production(weights):
    for system in (chain_of(weights), JumpProcess(weights)):
        cycles = fundamental_cycles(system)
        assert len(cycles) == 10 - 4  # edges less those of a spanning tree
        total = sum(cycle.affinity * cycle.current for cycle in cycles)
        assert total == pytest.approx(system.entropy_production_rate(), abs=1e-12)


@pytest.mark.law
@settings(max_examples=40, deadline=None)
@given(positives)
def test_elimination_agrees_with_the_eigenvector(weights):
    chain = chain_of(weights)
    values, vectors = np.linalg.eig(chain.transition.T)
    vector = vectors[:, np.argmax(values.real)].real
    np.testing.assert_allclose(chain.stationary_distribution(), vector / vector.sum(), atol=1e-12)


@pytest.mark.unit
def test_elimination_keeps_the_precision_of_tiny_shares_and_the_solve_agrees():
    ladder = np.diag(np.full(39, 1e-3), 1) + np.diag(np.ones(39), -1)  # a share a thousandth of the one before
    np.testing.assert_allclose(stationary_distribution(ladder)[1:] / stationary_distribution(ladder)[:-1], 1e-3)
    large = np.random.default_rng(0).random((300, 300))
    share = stationary_distribution(large)
    np.testing.assert_allclose(share @ large, share * large.sum(axis=1), rtol=1e-12)


@pytest.mark.unit
def test_a_jump_without_reverse_is_infinite_and_a_transient_state_counts_for_nothing():
    assert MarkovChain(np.roll(np.eye(3), 1, axis=1)).entropy_production_rate() == math.inf
    leading = np.zeros((4, 4))
    leading[:3, :3] = biased_ring(3, forward=0.5, backward=0.2).transition
    leading[3, 0] = 1.0
    assert MarkovChain(leading).entropy_production_rate() == pytest.approx(0.3 * math.log(2.5))
    with pytest.raises(InvalidInput, match="transient"):
        MarkovChain(leading).reversed()


@pytest.mark.unit
def test_a_lag_hides_entropy_production_and_a_short_one_hides_none():
    process = JumpProcess(RATES)
    rate = process.entropy_production_rate()
    seen = [process.at_lag(dt).entropy_production_rate() / dt for dt in (1.0, 0.1, 0.01)]
    assert seen[0] < seen[1] < seen[2] < rate
    # Two states without a direct link are reached through others: the lag-dt value misses dt ln(1/dt), not dt.
    assert process.at_lag(1e-7).entropy_production_rate() / 1e-7 == pytest.approx(rate, rel=1e-4)
    generator = process.rates - np.diag(process.rates.sum(axis=1))
    np.testing.assert_allclose(process.at_lag(0.3).transition, expm(0.3 * generator))
    per_jump = process.jump_chain().entropy_production_rate()
    assert per_jump * process.flows().sum() == pytest.approx(rate)
    two = biased_ring(3, forward=0.5, backward=0.2).at_lag(2)
    assert 0.002 < two.entropy_production_rate() < 2 * 0.3 * math.log(2.5)


@pytest.mark.unit
def test_cycle_affinity_of_the_ring():
    assert cycle_affinity(biased_ring(7, forward=0.5, backward=0.2), tuple(range(7))) == pytest.approx(
        7 * math.log(2.5)
    )
    (only,) = fundamental_cycles(biased_ring(4, forward=0.5, backward=0.2))
    assert abs(only.affinity) == pytest.approx(4 * math.log(2.5))
    assert abs(only.current) == pytest.approx(0.3 / 4)


@pytest.mark.calibration
def test_simulated_transitions_have_their_probabilities():
    chain = chain_of(np.random.default_rng(3).random((4, 4)))
    wrong = 0
    for seed in range(60):
        path = chain.simulate(points=2000, rng=np.random.default_rng(seed))[0]
        after = path[1:][path[:-1] == 1]
        hits = int((after == 2).sum())
        low, high = binom.interval(0.95, len(after), chain.transition[1, 2])
        wrong += not low <= hits <= high
    assert wrong <= binom.ppf(0.999, 60, 0.05)


@pytest.mark.calibration
def test_simulated_starts_are_stationary():
    chain = chain_of(np.random.default_rng(4).random((3, 3)) + 0.1)
    share = chain.stationary_distribution()
    for point in (0, 3):
        visits = chain.simulate(points=4, trajectories=40_000, rng=np.random.default_rng(5))[:, point]
        found = np.bincount(visits, minlength=3) / 40_000
        assert (np.abs(found - share) < 4.0 * np.sqrt(share * (1 - share) / 40_000)).all()


@pytest.mark.calibration
def test_entropy_production_of_trajectories_has_its_mean_and_its_fluctuation_theorem():
    ring = biased_ring(3, forward=0.5, backward=0.2)
    sigma = ring.trajectory_entropy_production(
        ring.simulate(points=11, trajectories=20_000, rng=np.random.default_rng(1))
    )
    assert abs(sigma.mean() - 10 * 0.3 * math.log(2.5)) < 4 * sigma.std() / math.sqrt(20_000)
    assert abs(np.exp(-sigma).mean() - 1.0) < 4 * np.exp(-sigma).std() / math.sqrt(20_000)
    process = JumpProcess(RATES)
    paths = process.simulate(duration=1.0, trajectories=4000, rng=np.random.default_rng(2))
    sigma = np.array([process.trajectory_entropy_production(path) for path in paths])
    assert abs(sigma.mean() - process.entropy_production_rate()) < 4 * sigma.std() / math.sqrt(4000)
    assert abs(np.exp(-sigma).mean() - 1.0) < 4 * np.exp(-sigma).std() / math.sqrt(4000)


@pytest.mark.calibration
def test_waits_are_exponential_and_shares_of_time_are_stationary():
    process = JumpProcess(RATES)
    path = process.simulate(duration=20_000.0, rng=np.random.default_rng(6))[0]
    assert path.waits.sum() == pytest.approx(20_000.0)
    for state in range(4):
        waits = path.waits[:-1][path.states[:-1] == state]
        mean = process.mean_waits()[state]
        assert abs(waits.mean() - mean) < 4 * mean / math.sqrt(len(waits))
        assert abs((waits > mean).mean() - math.exp(-1)) < 4 * 0.49 / math.sqrt(len(waits))
        share = path.waits[path.states == state].sum() / 20_000.0
        assert share == pytest.approx(process.stationary_distribution()[state], abs=0.012)
    assert (np.diff(path.states) != 0).all()
    seen = path.at(np.arange(0.0, 20_000.0, 0.5))
    found = np.mean(seen[1:][seen[:-1] == 0] == 1)
    assert found == pytest.approx(process.at_lag(0.5).transition[0, 1], abs=0.02)


@pytest.mark.unit
def test_without_compilation_the_numbers_are_the_same():
    from secondlaw.systems import markov_chain

    ring = biased_ring(4, forward=0.6, backward=0.1)
    fast = ring.simulate(points=200, start=2, rng=np.random.default_rng(8))
    slow = np.full((1, 200), 2)
    markov_chain._walk(*markov_chain.draw_tables(ring.transition), slow, np.random.default_rng(8))
    np.testing.assert_array_equal(fast, slow)


@pytest.mark.unit
@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: MarkovChain([[0.5, 0.4], [0.5, 0.5]]), "row 0 adds up to 0.9"),
        (lambda: MarkovChain([[1.5, -0.5], [0.5, 0.5]]), "must not be negative"),
        (lambda: MarkovChain([[1.0, 0.0]]), "square"),
        (lambda: MarkovChain([[np.nan, 1.0], [0.5, 0.5]]), "finite"),
        (lambda: MarkovChain(np.eye(2)).entropy_production_rate(), "2 parts"),
        (lambda: JumpProcess([[0, 1], [0, 0]]), "never left"),
        (lambda: JumpProcess([[0, -1], [1, 0]]), "must not be negative"),
        (lambda: JumpProcess(RATES).at_lag(0.0), "dt must be a positive number"),
        (lambda: JumpProcess(RATES).simulate(duration=np.inf, rng=np.random.default_rng(0)), "duration"),
        (lambda: biased_ring(3, forward=0.5, backward=0.2).simulate(points=0, rng=np.random.default_rng(0)), "points"),
        (
            lambda: biased_ring(3, forward=0.5, backward=0.2).simulate(points=2, start=3, rng=np.random.default_rng(0)),
            "0..2",
        ),
        (lambda: fundamental_cycles(MarkovChain(np.roll(np.eye(3), 1, axis=1))), "one way"),
        (lambda: cycle_affinity(JumpProcess(RATES), (1, 3, 0)), "possible both ways"),
    ],
)
def test_wrong_input_is_named(call, message):
    with pytest.raises(InvalidInput, match=message):
        call()
