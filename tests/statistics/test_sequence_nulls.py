import numpy as np
import pytest
from clustered_counts import fewest, most
from symbol_dialogues import EVEN, even, going_round, keeping, moody, simulate, steady

from secondlaw.errors import InvalidInput, NotEnoughData
from secondlaw.statistics.sequence_irreversibility import ends_test, sequence_entropy_production
from secondlaw.statistics.sequence_memory import block_information
from secondlaw.statistics.sequence_nulls import memory_null, reversal_null, reversed_totals
from secondlaw.statistics.sequence_quantities import block_information_of, entropy_production_of
from secondlaw.statistics.sequence_words import word_counts
from secondlaw.statistics.sequences import GAP, Sequences

ALPHAS = (0.01, 0.05, 0.2)


def own_ways(count, *, rng):
    """Dialogues that go round in opposite senses, whole dialogues reversed: reversible, far from a Markov chain."""
    ring = np.array([[0.1, 0.8, 0.1], [0.1, 0.1, 0.8], [0.8, 0.1, 0.1]])
    x = simulate(ring, np.ones(3) / 3, count, rng=rng)
    turned = rng.random(count) < 0.5
    x[turned] = x[turned, ::-1]
    return x


def relaxing(count, *, rng):
    """A reversible chain that starts in symbol 3 and relaxes."""
    x = simulate(keeping(EVEN, 0.8), EVEN, count, rng=rng)
    shifted = simulate(keeping(EVEN, 0.8), np.eye(5)[3], count, rng=rng)
    return np.where(rng.random((count, 1)) < 0.9, shifted, x)


def changing(count, *, rng):
    """A Markov chain whose transitions depend on the turn: sticky at first, loose later."""
    x = np.empty((count, 20), dtype=np.int64)
    x[:, 0] = rng.choice(5, p=EVEN, size=count)
    for turn in range(1, 20):
        fresh = rng.random(count) > (0.9 if turn < 10 else 0.1)
        x[:, turn] = np.where(fresh, rng.choice(5, p=EVEN, size=count), x[:, turn - 1])
    return x


@pytest.mark.unit
def test_reversed_totals_are_those_of_reversed_sequences():
    rng = np.random.default_rng(0)
    x = rng.integers(0, 3, size=(6, 9))
    even_part, odd_part = reversed_totals(word_counts(Sequences.of(x, states=3), 3))
    signs = np.array([1, -1, -1, 1, -1, 1])
    turned = np.where(signs[:, None] > 0, x, x[:, ::-1])
    words = word_counts(Sequences.of(x, states=3), 3)
    other = word_counts(Sequences.of(turned, states=3), 3)
    assert words.words.tolist() == other.words.tolist()
    assert (even_part + signs @ odd_part).tolist() == other.totals.tolist()


@pytest.mark.unit
def test_nulls_observe_the_plug_in_value():
    x = Sequences.of([[0, 1, GAP, 2, 1, 0, 0, 1], [1, 2, 1, 0], [2]], states=3)
    for order in (0, 1, 2):
        quantity = block_information_of(order)
        words = word_counts(x, order + 2)
        for within in ("position", "state"):
            null = memory_null(x, order=order, rng=np.random.default_rng(0), draws=19, within=within)
            assert null.observed == pytest.approx(float(quantity.of(words)(words.totals)), abs=1e-12)
            assert len(null.values) == 19
    with pytest.raises(InvalidInput, match="19 draws or more"):
        reversal_null(word_counts(x, 2), entropy_production_of(), rng=np.random.default_rng(0), draws=5)
    with pytest.raises(InvalidInput, match="auto, position or state"):
        memory_null(x, rng=np.random.default_rng(0), within="anywhere")
    with pytest.raises(NotEnoughData, match="longest: 1"):
        memory_null(Sequences.of([[1]], states=2), rng=np.random.default_rng(0))


@pytest.mark.unit
def test_a_lone_follower_cannot_be_dealt_anew():
    alone = memory_null(Sequences.of([[0, 1, 2, 0]], states=3), rng=np.random.default_rng(0), draws=19)
    assert alone.p_value == 1.0
    assert alone.mean == alone.observed


@pytest.mark.calibration
@pytest.mark.parametrize(
    ("process", "count", "states"), [(steady, 20, 5), (steady, 100, 5), (moody, 50, 5), (own_ways, 30, 3)]
)
@pytest.mark.parametrize("order", [1, 2])
def test_reversible_dialogues_seldom_look_irreversible(process, count, states, order):
    rng, runs, p_values = np.random.default_rng([count, order]), 200, []
    quantity = entropy_production_of(order)
    for _ in range(runs):
        words = word_counts(Sequences.of(process(count, rng=rng), states=states), order + 1)
        p_values.append(reversal_null(words, quantity, rng=rng, draws=99).p_value)
    for alpha in ALPHAS:
        assert np.sum(np.array(p_values) <= alpha) <= most(runs, alpha)
    assert np.sum(np.array(p_values) <= 0.5) >= fewest(runs, 0.3)  # valid, yet not by never saying anything


@pytest.mark.calibration
@pytest.mark.parametrize(("process", "count"), [(steady, 20), (even, 60), (changing, 60)])
def test_markov_dialogues_seldom_look_as_if_they_remembered(process, count):
    rng, runs, p_values = np.random.default_rng([count, 2]), 200, []
    for _ in range(runs):
        x = Sequences.of(process(count, rng=rng), states=5)
        p_values.append(memory_null(x, rng=rng, draws=99, within="position").p_value)
    for alpha in ALPHAS:
        assert np.sum(np.array(p_values) <= alpha) <= most(runs, alpha)
    assert np.sum(np.array(p_values) <= 0.5) >= fewest(runs, 0.3)


@pytest.mark.calibration
def test_dealing_within_states_is_right_for_one_long_steady_run_and_wrong_where_transitions_change():
    rng, runs, p_values, fooled = np.random.default_rng(7), 100, [], 0
    for _ in range(runs):
        long = Sequences.of(simulate(keeping(EVEN, 0.4), EVEN, 1, rng=rng, turns=1000), states=5)
        p_values.append(memory_null(long, rng=rng, draws=99).p_value)
        fooled += (
            memory_null(Sequences.of(changing(60, rng=rng), states=5), rng=rng, draws=99, within="state").p_value
            <= 0.05
        )
    for alpha in ALPHAS:
        assert np.sum(np.array(p_values) <= alpha) <= most(runs, alpha)
    assert fooled > most(runs, 0.05)


@pytest.mark.calibration
def test_the_ends_test_tells_a_transient_from_a_circulation():
    rng, runs = np.random.default_rng(9), 100
    warned = dict.fromkeys((relaxing, going_round, steady), 0)
    seen = 0
    for _ in range(runs):
        for process in warned:
            x = Sequences.of(process(100, rng=rng), states=5)
            warned[process] += ends_test(x, rng=rng, permutations=199).p_value <= 0.05
        words = word_counts(Sequences.of(relaxing(100, rng=rng), states=5), 2)
        seen += reversal_null(words, entropy_production_of(), rng=rng, draws=99).p_value <= 0.05
    assert warned[relaxing] == runs
    assert warned[going_round] <= most(runs, 0.05)
    assert warned[steady] <= most(runs, 0.05)
    assert seen >= 0.9 * runs  # a transient is irreversible too, which is why the ends are looked at


@pytest.mark.unit
def test_without_the_transient_the_ends_agree():
    rng = np.random.default_rng(3)
    x = Sequences.of(relaxing(300, rng=rng), states=5)
    assert ends_test(x, rng=rng, permutations=199).p_value < 0.01
    late = x.without_first(12)
    found = sequence_entropy_production(late, rng=rng, resamples=100, draws=199)
    assert found.value.low == 0.0


@pytest.mark.unit
def test_ends_need_both_ends():
    with pytest.raises(NotEnoughData, match="first and its last"):
        ends_test(Sequences.of([[0, GAP], [1]], states=2), rng=np.random.default_rng(0))
    same = ends_test(Sequences.of([[0, 1, 0]] * 5, states=2), rng=np.random.default_rng(0))
    assert same.p_value == 1.0


@pytest.mark.unit
def test_bands_stand_beside_the_value():
    rng = np.random.default_rng(1)
    x = Sequences.of(steady(20, rng=rng), states=5)
    for found in (
        sequence_entropy_production(x, rng=rng, resamples=100, draws=199),
        block_information(x, rng=rng, resamples=100, draws=199),
    ):
        assert 0.0 <= found.null_low <= found.null_mean <= found.null_high
        assert found.value.value == pytest.approx(max(0.0, found.observed - found.noise))
        assert found.value.low == 0.0
        assert "less noise" in found.value.method
        assert found.draws == 199
