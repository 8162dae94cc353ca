"""The permutation test of ``check``: exact cases, equal numbers, and its level without drift."""

import numpy as np
import pytest
from scipy.stats import binom

from secondlaw.drift.check_permutation import MOST_UNITS, run_test
from secondlaw.drift.check_tables import PromptTable
from secondlaw.errors import InvalidInput, NotEnoughData
from secondlaw.statistics.swap_permutations import swap_test

SHARES = np.array([0.9, 0.03, 0.04, 0.01, 0.02])
OTHER = np.array([0.1, 0.3, 0.5, 0.05, 0.05])
MISALIGNED = [0.0, 1.0, 0.0, 1.0, 0.0]


def _prompts(rng, n, phi, shares=SHARES):
    return rng.dirichlet(shares * phi, size=n)


def _draw(rng, prompts, k):
    return np.array([rng.multinomial(m, p) for m, p in zip(np.broadcast_to(k, len(prompts)), prompts, strict=True)])


def _apart(first, second):
    """Return a table in which every prompt was answered by one run alone."""
    none = np.zeros((len(second), 5)), np.zeros((len(first), 5))
    return np.concatenate([first, none[0]]), np.concatenate([none[1], second])


def _paired(rng, k1, k2):
    p = _prompts(rng, 40, 2.0)
    return PromptTable(_draw(rng, p, k1), _draw(rng, p, k2))


def _confounded(rng):
    """Easy prompts answered often by the first run, hard ones by the second."""
    p = _prompts(rng, 40, 1.0)
    easy = p[:, 0] > 0.9
    return PromptTable(_draw(rng, p, np.where(easy, 10, 2)), _draw(rng, p, np.where(easy, 2, 10)))


def _dealt(rng, many, few, k1, k2, phi):
    return PromptTable(*_apart(_draw(rng, _prompts(rng, many, phi), k1), _draw(rng, _prompts(rng, few, phi), k2)))


def _other_mix(rng):
    """Two kinds of prompts, mostly one kind in the first run and the other in the second."""
    sides = [
        np.concatenate([_draw(rng, _prompts(rng, n, 2.0), k), _draw(rng, _prompts(rng, m, 2.0, OTHER), k)])
        for n, m, k in ((50, 10, 5), (12, 40, 3))
    ]
    kinds = np.concatenate([np.zeros(50), np.ones(10), np.zeros(12), np.ones(40)])
    return PromptTable(*_apart(*sides), kinds)


def _mixed(rng):
    p = _prompts(rng, 25, 1.0)
    alone = _apart(_draw(rng, _prompts(rng, 30, 1.0), 8), _draw(rng, _prompts(rng, 15, 1.0), 3))
    return PromptTable(np.concatenate([_draw(rng, p, 8), alone[0]]), np.concatenate([_draw(rng, p, 3), alone[1]]))


DESIGNS = {
    "paired, one response": lambda rng: _paired(rng, 1, 1),
    "paired, 10 and 10": lambda rng: _paired(rng, 10, 10),
    "paired, 10 and 2": lambda rng: _paired(rng, 10, 2),
    "paired, any numbers": lambda rng: _paired(rng, rng.integers(1, 15, 40), rng.integers(1, 15, 40)),
    "paired, numbers tell of the answers": _confounded,
    "dealt, 40 and 40": lambda rng: _dealt(rng, 40, 40, 10, 10, 1.0),
    "dealt, 80 and 12": lambda rng: _dealt(rng, 80, 12, 5, 5, 1.0),
    "dealt, 1 against 20 responses": lambda rng: _dealt(rng, 60, 60, 1, 20, 5.0),
    "dealt, 100 of 1 against 15 of 30": lambda rng: _dealt(rng, 100, 15, 1, 30, 0.5),
    "dealt, 15 of 1 against 100 of 30": lambda rng: _dealt(rng, 15, 100, 1, 30, 5.0),
    "dealt, any numbers": lambda rng: _dealt(rng, 40, 40, rng.geometric(0.1, 40), rng.geometric(0.3, 40), 1.0),
    "dealt, other mix": _other_mix,
    "mixed": _mixed,
}


@pytest.mark.calibration
@pytest.mark.parametrize("name", DESIGNS)
def test_without_drift_it_rejects_no_more_often_than_alpha(name):
    """80 seeds at nominal 5 %: more than the bound has probability below .001 at the level, in none of 3 tests."""
    runs = 80
    found = []
    for seed in range(runs):
        rng = np.random.default_rng([seed, 11])
        one = run_test(DESIGNS[name](rng), contrasts=[MISALIGNED], permutations=99, rng=rng)
        found.append((one.distribution, one.entropy, one.contrasts[0]))
    rejected = (np.array(found) <= 0.05).sum(axis=0)
    assert (rejected <= binom.ppf(1 - 0.001 / 3, runs, 0.05)).all(), rejected


@pytest.mark.calibration
def test_drift_is_found_paired_dealt_and_mixed():
    """A tenth of the answers moves; each design finds it in most of 25 seeds."""
    moved = np.array([0.75, 0.15, 0.05, 0.03, 0.02])

    def tables(rng):
        before, after = _draw(rng, _prompts(rng, 60, 5.0), 8), _draw(rng, _prompts(rng, 60, 5.0, moved), 8)
        yield PromptTable(before, after)
        yield PromptTable(*_apart(before, after))
        apart = _apart(before[30:], after[30:])
        yield PromptTable(np.concatenate([before[:30], apart[0]]), np.concatenate([after[:30], apart[1]]))

    found = np.array(
        [
            [run_test(one, permutations=99, rng=rng).distribution for one in tables(rng)]
            for rng in map(np.random.default_rng, range(25))
        ]
    )
    assert ((found <= 0.05).mean(axis=0) > 0.7).all(), (found <= 0.05).mean(axis=0)


@pytest.mark.unit
def test_with_equal_numbers_it_is_the_swap_test_of_compare():
    rng = np.random.default_rng(3)
    first, second = rng.multinomial(6, SHARES, size=30), rng.multinomial(6, [0.8, 0.08, 0.06, 0.03, 0.03], size=30)
    ours = run_test(PromptTable(first, second), contrasts=[MISALIGNED], permutations=4999, rng=rng)
    theirs = swap_test(
        np.stack([first, second])[:, None], steps=[0], misaligned=np.array(MISALIGNED), n_permutations=4999, rng=rng
    )
    assert ours.distribution == pytest.approx(theirs.distribution, abs=0.02)
    assert ours.contrasts[0] == pytest.approx(theirs.misaligned_difference, abs=0.02)
    assert ours.left_out == 0.0


@pytest.mark.unit
def test_no_p_value_lies_below_the_least_that_is_possible():
    first, second = np.tile([5, 0], (6, 1)), np.tile([0, 5], (6, 1))
    table = PromptTable(first, second)
    assert table.least_p() == pytest.approx(2 / 64)
    rng = np.random.default_rng(0)
    found = run_test(table, contrasts=[[0, 1]], permutations=20_000, rng=rng)
    assert found.distribution == pytest.approx(2 / 64, rel=0.2)
    assert found.contrasts[0] == pytest.approx(2 / 64, rel=0.2)
    none = np.zeros((4, 2))
    dealt = PromptTable(np.concatenate([first[:4], none]), np.concatenate([none, second[:4]]))
    assert dealt.least_p() == pytest.approx(2 / 70)
    assert run_test(dealt, permutations=20_000, rng=rng).distribution == pytest.approx(2 / 70, rel=0.2)


@pytest.mark.unit
def test_equal_runs_have_the_p_value_one():
    table = PromptTable([[3, 1], [0, 4]] * 10, [[3, 1], [0, 4]] * 10)
    found = run_test(table, contrasts=[[0, 1]], permutations=99, rng=np.random.default_rng(0))
    assert (found.distribution, found.entropy, found.contrasts) == (1.0, 1.0, (1.0,))


@pytest.mark.unit
def test_very_many_prompts_are_joined():
    rng = np.random.default_rng(0)
    shares = SHARES[:2] / SHARES[:2].sum()
    first, second = (rng.multinomial(2, shares, size=MOST_UNITS + 10) for _ in range(2))
    found = run_test(PromptTable(first, second), permutations=99, rng=rng)
    assert found.joined
    assert found.matched == MOST_UNITS + 10


@pytest.mark.unit
def test_what_cannot_be_tested():
    apart = PromptTable([[1, 0], [0, 0]], [[0, 0], [0, 1]])
    with pytest.raises(NotEnoughData, match="no prompt in common"):
        run_test(apart, permutations=99, rng=np.random.default_rng(0))
    with pytest.raises(InvalidInput, match="got 0"):
        run_test(apart, permutations=0, rng=np.random.default_rng(0))
