import numpy as np
import pytest
from clustered_counts import fewest, most
from symbol_dialogues import (
    EVEN,
    SHARES,
    circulating,
    even,
    exact_entropy_production,
    exact_entropy_rate,
    keeping,
    moody,
    simulate,
    steady,
)

from secondlaw.statistics.sequence_estimates import block_entropies, entropy_rate, excess_entropy, sequence_entropy
from secondlaw.statistics.sequence_irreversibility import sequence_entropy_production
from secondlaw.statistics.sequence_memory import block_information
from secondlaw.statistics.sequences import Sequences
from secondlaw.types import Estimate, Insufficient

ROUND = circulating(keeping(EVEN, 0.2), EVEN, 0.02)


def entropy(shares):
    p = np.asarray(shares).ravel()
    p = p[p > 0]
    return float(-(p * np.log(p)).sum())


def coverage(runs, draw, measure, truth, *, seed):
    hits, lows = 0, 0
    for run in range(runs):
        rng = np.random.default_rng([seed, run])
        found = measure(Sequences.of(draw(rng), states=5), rng)
        assert isinstance(found, Estimate)
        assert found.low <= found.value <= found.high
        hits += found.low - 1e-12 <= truth <= found.high + 1e-12
        lows += found.low > truth
    return hits, lows


@pytest.mark.calibration
@pytest.mark.parametrize("count", [20, 100])
@pytest.mark.parametrize(
    ("measure", "truth"),
    [
        (sequence_entropy, entropy(SHARES)),
        (entropy_rate, exact_entropy_rate(keeping(SHARES, 0.2), SHARES)),
        (lambda x, **o: entropy_rate(x, markov=True, **o), exact_entropy_rate(keeping(SHARES, 0.2), SHARES)),
        (lambda x, **o: entropy_rate(x, order=2, **o), exact_entropy_rate(keeping(SHARES, 0.2), SHARES)),
        (excess_entropy, entropy(SHARES) - exact_entropy_rate(keeping(SHARES, 0.2), SHARES)),
    ],
)
def test_intervals_cover(count, measure, truth):
    runs = 200

    def insufficient_covers(x, rng):
        found = measure(x, rng=rng, resamples=200)
        # Too few words of three symbols at 20 dialogues, now and then: then no number is given.
        return Estimate(truth, truth, truth, 0.95, 1, "nats", "") if isinstance(found, Insufficient) else found

    hits, _ = coverage(runs, lambda rng: steady(count, rng=rng), insufficient_covers, truth, seed=count)
    assert hits >= fewest(runs, 0.95)


@pytest.mark.calibration
def test_dialogues_that_differ_from_each_other_are_covered_too():
    """Transitions are far from independent here: whole dialogues are sticky or loose."""
    runs, chains = 100, [keeping(EVEN, 0.05), keeping(EVEN, 0.75)]
    pairs = sum(chain * EVEN[:, None] for chain in chains) / 2
    hits, _ = coverage(
        runs, lambda rng: moody(60, rng=rng), lambda x, rng: entropy_rate(x, rng=rng, resamples=200),
        entropy(pairs) - entropy(EVEN), seed=3,
    )  # fmt: skip
    assert hits >= fewest(runs, 0.95)


@pytest.mark.calibration
@pytest.mark.parametrize(("order", "count"), [(1, 20), (1, 100), (2, 100)])
def test_entropy_production_is_covered(order, count):
    runs, truth = 80, exact_entropy_production(ROUND, EVEN)
    hits, lows = coverage(
        runs,
        lambda rng: simulate(ROUND, EVEN, count, rng=rng),
        lambda x, rng: sequence_entropy_production(x, rng=rng, order=order, resamples=200, draws=99).value,
        truth,
        seed=10 * order + count,
    )
    assert hits >= fewest(runs, 0.95)
    assert lows <= most(runs, 0.05)


@pytest.mark.calibration
@pytest.mark.parametrize("count", [20, 100])
def test_without_effect_entropy_production_and_memory_exclude_zero_seldom(count):
    runs, found = 100, [0, 0]
    for run in range(runs):
        rng = np.random.default_rng([run, count])
        x = Sequences.of(even(count, rng=rng), states=5)
        found[0] += sequence_entropy_production(x, rng=rng, resamples=40, draws=99).value.low > 0.0
        found[1] += block_information(x, rng=rng, resamples=40, draws=99).value.low > 0.0
    assert max(found) <= most(runs, 0.025)


@pytest.mark.calibration
def test_memory_of_a_hidden_mode_is_covered():
    runs, chains = 80, [keeping(EVEN, 0.05), keeping(EVEN, 0.75)]
    threes = sum(EVEN[:, None, None] * chain[:, :, None] * chain[None] for chain in chains) / 2
    pairs = threes.sum(axis=2)
    truth = 2 * entropy(pairs) - entropy(EVEN) - entropy(threes)
    hits, _ = coverage(
        runs, lambda rng: moody(60, rng=rng),
        lambda x, rng: block_information(x, rng=rng, resamples=200, draws=99).value, truth, seed=5,
    )  # fmt: skip
    assert hits >= fewest(runs, 0.95)


@pytest.mark.unit
def test_one_long_run_is_measured_in_pieces():
    rng = np.random.default_rng(2)
    run = Sequences.of(simulate(ROUND, EVEN, 1, rng=rng, turns=40_000), states=5)
    alone = sequence_entropy_production(run, rng=rng, resamples=100, draws=99)
    assert isinstance(alone.value, Insufficient)
    found = sequence_entropy_production(run.cut(200), rng=rng, resamples=200, draws=99)
    assert found.value.covers(exact_entropy_production(ROUND, EVEN))
    assert found.value.low > 0.09
    assert (found.value.unit, found.value.n_unit) == ("nats/step", "transitions")


@pytest.mark.calibration
def test_a_few_long_runs_are_not_pulled_towards_zero():
    """The null mean holds 1/12 of the effect here, many times the width of the interval."""
    runs, truth = 30, exact_entropy_production(ROUND, EVEN)
    values = []

    def measured(x, rng):
        values.append(sequence_entropy_production(x, rng=rng, resamples=200, draws=99).value)
        return values[-1]

    hits, _ = coverage(runs, lambda rng: simulate(ROUND, EVEN, 12, rng=rng, turns=2000), measured, truth, seed=8)
    assert hits >= fewest(runs, 0.95)
    assert np.mean([one.value for one in values]) == pytest.approx(truth, rel=0.03)
    assert np.mean([one.width for one in values]) < truth / 3


@pytest.mark.unit
def test_memory_of_a_few_long_runs_is_not_pulled_towards_zero():
    """Runs of 12 symbols drawn from two before: most states are alone at their position."""
    rng, keep = np.random.default_rng(4), 0.5
    x = rng.integers(0, 12, size=(15, 4000))
    for step in range(2, 4000):
        x[:, step] = np.where(rng.random(15) < keep, x[:, step - 2], x[:, step])
    stay = keep + (1 - keep) / 12
    truth = np.log(12) + stay * np.log(stay) + 11 * (1 - stay) / 11 * np.log((1 - stay) / 11)
    for within in ("auto", "position"):
        found = block_information(Sequences.of(x, states=12), rng=rng, resamples=100, draws=99, within=within)
        assert found.value.value == pytest.approx(truth, rel=0.03)


@pytest.mark.unit
def test_what_the_data_cannot_carry_is_said():
    rng = np.random.default_rng(0)
    assert "fewer than 10" in str(entropy_rate(Sequences.of(even(9, rng=rng), states=5), rng=rng))
    assert "take a lower order" in str(entropy_rate(Sequences.of(even(12, rng=rng), states=5), rng=rng, order=3))
    assert "in a row" in str(entropy_rate(Sequences.of([[1]] * 30, states=5), rng=rng))


@pytest.mark.unit
def test_blocks_grow_by_the_entropy_rate():
    rng = np.random.default_rng(1)
    x = Sequences.of(even(400, rng=rng), states=5)
    blocks = block_entropies(x, rng=rng, resamples=100)
    rate = exact_entropy_rate(keeping(EVEN, 0.4), EVEN)
    for longer in range(3):
        assert blocks[longer].covers(entropy(EVEN) + longer * rate)
    assert blocks[2].unit == "nats"


@pytest.mark.unit
def test_one_symbol_only_has_rate_zero_and_no_memory():
    rng = np.random.default_rng(0)
    x = Sequences.of([[2] * 10] * 20, states=5)
    assert entropy_rate(x, rng=rng, resamples=50).value == 0.0
    assert block_information(x, rng=rng, resamples=50, draws=19).p_value == 1.0
    still = sequence_entropy_production(x, rng=rng, resamples=50, draws=19)
    assert (still.value.value, still.p_value) == (0.0, 1.0)
