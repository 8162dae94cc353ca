"""Values at growing memory and their limit, on chains whose values at every order are known exactly."""

import numpy as np
import pytest
from known_processes import driven_cycle

from secondlaw.errors import InvalidInput
from secondlaw.systems import MarkovChain
from secondlaw.trajectories import MarkovPlugIn, Trajectories
from secondlaw.types import Estimate, Insufficient

FAST = {"resamples": 300, "draws": 99}


def orders_exactly(chain, seen, top):
    """Return the values of orders 1 .. top of what is seen of a chain: `seen` is the symbol of each state."""
    P, kinds = np.asarray(chain.transition), max(seen) + 1
    masks = [np.diag([float(symbol == kind) for symbol in seen]) for kind in range(kinds)]
    words = np.stack([chain.stationary_distribution() @ mask for mask in masks])
    divergences = [0.0]
    for length in range(2, top + 2):
        words = np.stack([words @ P @ mask for mask in masks], axis=1).reshape(-1, len(P))
        ahead = words.sum(axis=1).reshape((kinds,) * length)
        back = ahead.transpose(range(length)[::-1])
        both = (ahead > 0) & (back > 0)
        divergences.append(float((ahead[both] * np.log(ahead[both] / back[both])).sum()))
    return np.diff(divergences)


def lumped():
    """Five states of which three kinds are seen: gains fall by a factor of some 100 an order."""
    shares = np.random.default_rng(5).dirichlet(np.full(5, 0.7), size=5)
    return MarkovChain(0.8 * shares + 0.04), (0, 0, 1, 2, 2)


def second_order():
    """Three states that remember two steps, as a chain of pairs."""
    pairs = [(a, b) for a in range(3) for b in range(3)]
    P = np.zeros((9, 9))
    odds = {0: (0.4, 0.4, 0.2), 1: (0.2, 0.7, 0.1), 2: (0.3, 0.4, 0.3)}
    for row, (a, b) in enumerate(pairs):
        for step, share in enumerate(odds[(b - a) % 3]):
            P[row, pairs.index((b, (b + step) % 3))] = share
    return MarkovChain(P), tuple(b for _, b in pairs)


def persistent_walker(turning):
    """A walker on three sites with a hidden direction: gains fall by little more than a third an order, or grow."""
    P = np.zeros((6, 6))
    for now in range(2):
        for then in range(2):
            kept = 1.0 - turning if now == then else turning
            ahead, back = ((0.8, 0.1), (0.2, 0.48))[then]
            for x in range(3):
                for move, share in ((1, ahead), (-1, back), (0, 1.0 - ahead - back)):
                    P[3 * now + x, 3 * then + (x + move) % 3] += kept * share
    return MarkovChain(P), (0, 1, 2, 0, 1, 2)


def fitted(process, points, seed):
    chain, seen = process
    rng = np.random.default_rng(seed)
    x = np.array(seen)[chain.simulate(points=points, rng=rng)[0]]
    return MarkovPlugIn(**FAST).fit(Trajectories.of([x.astype(float)]), rng=rng)


@pytest.mark.unit
def test_every_order_is_met_and_the_limit_holds_the_exact_value():
    exact = orders_exactly(*second_order(), 5)
    assert exact[1:] == pytest.approx(exact[1])  # the values of a process of order 2 stay
    found = fitted(second_order(), 40_000, 1)
    for (order, value), known in zip(found.by_memory, exact, strict=False):
        assert value.covers(known), order
    assert len(found.by_memory) >= 3
    assert found.in_memory.covers(exact[-1])
    assert not found.in_memory.covers(exact[0])
    assert found.in_memory.unit == "nats/step"


@pytest.mark.unit
def test_slow_gains_are_summed_or_the_limit_is_refused():
    """A walker that turns every tenth step: 200,000 steps resolve three gains, each some .6 of the one before."""
    exact = orders_exactly(*persistent_walker(0.1), 10)[-1]
    found = fitted(persistent_walker(0.1), 200_000, 0)
    assert found.in_memory.covers(exact)
    refused = [one.in_memory for one in (fitted(persistent_walker(0.1), 50_000, seed) for seed in range(8))]
    assert all(isinstance(one, Insufficient) or one.covers(exact) for one in refused)


@pytest.mark.unit
def test_words_that_are_too_rare_support_no_limit():
    x = np.random.default_rng(0).integers(0, 30, size=1500).astype(float)
    found = MarkovPlugIn(order=1, **FAST).fit(Trajectories.of([x]), rng=np.random.default_rng(1))
    assert isinstance(found.in_memory, Insufficient)
    assert "record longer, or merge states" in found.in_memory.reason
    triples = np.random.default_rng(0).integers(0, 2, size=(40, 3, 1)).astype(float)
    short = MarkovPlugIn(order=1, **FAST).fit(Trajectories.of(triples), rng=np.random.default_rng(1))
    assert len(short.by_memory) <= 2
    with pytest.raises(InvalidInput, match="1 or more"):
        MarkovPlugIn(furthest=0).fit(Trajectories.of([x]), rng=np.random.default_rng(0))


@pytest.mark.unit
def test_values_are_rates_where_dt_is_known_and_plain_in_json():
    x = driven_cycle(5000, np.random.default_rng(0))
    step, rate = (
        MarkovPlugIn(**FAST).fit(Trajectories.of([x], dt=dt), rng=np.random.default_rng(1)) for dt in (None, 0.5)
    )
    assert rate.in_memory.value == pytest.approx(2 * step.in_memory.value)
    plain = rate.to_dict()
    assert plain["by_memory"][0]["order"] == 1
    assert plain["in_memory"]["unit"] == "nats per unit of time"


@pytest.mark.calibration
@pytest.mark.parametrize(
    ("process", "points"),
    [(lumped(), 15_000), (second_order(), 10_000), (persistent_walker(0.1), 30_000), (persistent_walker(0.02), 30_000)],
    ids=["lumped", "second order", "walker", "slow walker"],
)
def test_limits_cover_the_exact_value(at_most, process, points):
    exact = orders_exactly(*process, 9)[-1]
    limits = [fitted(process, points, seed).in_memory for seed in range(300, 318)]
    given = [one for one in limits if isinstance(one, Estimate)]
    assert len(given) >= 10
    assert at_most(sum(not one.covers(exact) for one in given), len(given), 0.05)
