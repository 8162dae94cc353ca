import numpy as np
import pytest
from known_processes import CYCLE, driven_cycle, metropolis_chain

from secondlaw.errors import InvalidInput, NotEnoughData
from secondlaw.statistics import Sequences
from secondlaw.systems import MarkovChain
from secondlaw.trajectories import MarkovPlugIn, Trajectories, Transitions
from secondlaw.trajectories.discrete.discrete_states import discrete_states
from secondlaw.trajectories.discrete.markov_order import choose_order

FAST = {"resamples": 400, "draws": 199}


def interleaved_cycles(steps, rng):
    moves = rng.choice([1, -1, 0], p=[0.5, 0.2, 0.3], size=(steps // 2, 2))
    return (np.cumsum(moves, axis=0) % 3).ravel().astype(float)


@pytest.mark.paper
def test_the_driven_cycle_is_met_within_two_percent():
    rng = np.random.default_rng(0)
    result = MarkovPlugIn().fit(Trajectories.of([driven_cycle(100_000, rng)]), rng=rng)
    assert result.estimate.value == pytest.approx(CYCLE, rel=0.02)
    assert (result.bound, result.diagnostics.order, result.warnings) == ("lower", 1, ())
    jumps = result.transition_entropy_production(Transitions.of([0.0, 0.0], [1.0, 0.0]))
    np.testing.assert_allclose(jumps, [np.log(2.5), 0.0], atol=0.06)


@pytest.mark.unit
def test_memory_of_two_steps_is_chosen_and_its_entropy_production_found():
    rng = np.random.default_rng(0)
    result = MarkovPlugIn(**FAST).fit(Trajectories.of([interleaved_cycles(20_000, rng)], dt=0.5), rng=rng)
    assert result.diagnostics.order == 2
    assert result.diagnostics.choice.likelihoods[2] > result.diagnostics.choice.likelihoods[1]
    assert result.estimate.covers(2 * CYCLE)
    assert result.bound == "exact"
    assert any("remember 2 steps" in text for text in result.warnings)
    short = MarkovPlugIn(order=1, **FAST).fit(Trajectories.of([interleaved_cycles(20_000, rng)]), rng=rng)
    assert short.estimate.low == 0.0


@pytest.mark.unit
def test_joint_states_of_several_variables_are_told_apart():
    x = driven_cycle(20_000, np.random.default_rng(0))
    two = np.stack([x == 1, x == 2], axis=1).astype(float)
    one, joint = (MarkovPlugIn(**FAST).fit(Trajectories.of([y]), rng=np.random.default_rng(1)) for y in (x, two))
    assert joint.estimate.value == pytest.approx(one.estimate.value)
    assert discrete_states(Trajectories.of([two])).states.tolist() == [[0, 0], [0, 1], [1, 0]]
    with pytest.raises(InvalidInput, match="has not seen"):
        joint.transition_entropy_production(Transitions.of([[1.0, 1.0]], [[0.0, 0.0]]))


@pytest.mark.unit
def test_data_that_carry_no_number_are_refused_or_warned_of():
    rng = np.random.default_rng(0)
    with pytest.raises(NotEnoughData, match="no state is ever revisited"):
        MarkovPlugIn().fit(Trajectories.of([np.arange(500.0)]), rng=rng)
    with pytest.raises(NotEnoughData, match="never move"):
        MarkovPlugIn().fit(Trajectories.of([np.ones(500)]), rng=rng)
    with pytest.raises(InvalidInput, match="different states"):
        MarkovPlugIn().fit(Trajectories.of([np.r_[rng.normal(size=5000), 0.0, 0.0]]), rng=rng)
    with pytest.raises(NotEnoughData, match="too few for intervals"):
        MarkovPlugIn().fit(Trajectories.of([[0.0, 1.0] * 20]), rng=rng)
    with pytest.raises(InvalidInput, match="1 or more"):
        MarkovPlugIn(order=0).fit(Trajectories.of([[0.0, 1.0] * 200]), rng=rng)
    one_way = MarkovPlugIn(**FAST).fit(Trajectories.of([np.arange(900.0) % 3]), rng=rng)
    assert any("one way only" in text for text in one_way.warnings)
    rare = driven_cycle(3000, rng)
    rare[1500] = 9.0
    assert any("visited once" in text for text in MarkovPlugIn(**FAST).fit(Trajectories.of([rare]), rng=rng).warnings)


@pytest.mark.unit
def test_the_order_is_that_of_the_process():
    rng = np.random.default_rng(0)
    free = Sequences.of(rng.integers(0, 3, size=(60, 50)), states=3)
    chain = MarkovChain([[0.8, 0.1, 0.1], [0.1, 0.8, 0.1], [0.3, 0.3, 0.4]])
    first = Sequences.of(chain.simulate(points=50, trajectories=60, rng=rng), states=3)
    assert (choose_order(free).order, choose_order(first).order) == (0, 1)


@pytest.mark.calibration
def test_a_reversible_chain_seldom_shows_a_positive_lower_end(at_most):
    positive = 0
    for seed in range(60):
        rng = np.random.default_rng(seed)
        data = Trajectories.of([metropolis_chain(1500, np.array([0.1, 0.2, 0.3, 0.4]), rng)])
        positive += MarkovPlugIn(**FAST).fit(data, rng=rng).estimate.low > 0
    assert at_most(positive, 60, 0.025)


@pytest.mark.calibration
def test_the_interval_covers_the_exact_value_and_its_low_end_stays_below(at_most):
    missed = above = 0
    for seed in range(100):
        rng = np.random.default_rng(seed)
        estimate = MarkovPlugIn(order=1, **FAST).fit(Trajectories.of([driven_cycle(3000, rng)]), rng=rng).estimate
        missed += not estimate.covers(CYCLE)
        above += estimate.low > CYCLE
    assert at_most(missed, 100, 0.05)
    assert at_most(above, 100, 0.025)
    assert missed > 0


@pytest.mark.calibration
@pytest.mark.parametrize("steps", [400, 2000])
def test_many_states_and_few_steps_do_not_lift_the_low_end_above_the_exact_value(steps, at_most):
    chain = MarkovChain(np.random.default_rng(3).dirichlet(np.ones(12), size=12))
    above = 0
    for seed in range(30):
        rng = np.random.default_rng(seed)
        data = Trajectories.of(chain.simulate(points=steps, rng=rng)[:, :, None].astype(float))
        above += MarkovPlugIn(order=1, **FAST).fit(data, rng=rng).estimate.low > chain.entropy_production_rate()
    assert at_most(above, 30, 0.025)
