import numpy as np
import pytest

from secondlaw.pipeline.conversation_irreversibility import conversation_entropy_production
from secondlaw.statistics.sequences import GAP, Sequences
from secondlaw.types import Insufficient


def circulating(conversations, turns, rng, *, forward=0.5, backward=0.2):
    moves = rng.choice([1, 2, 0], p=[forward, backward, 1.0 - forward - backward], size=(conversations, turns))
    return moves.cumsum(axis=1) % 3


@pytest.mark.calibration
def test_both_estimators_cover_a_known_circulation_and_find_nothing_without():
    missed, found = 0, 0
    for seed in range(20):
        rng = np.random.default_rng(seed)
        driven = conversation_entropy_production(Sequences.of(circulating(300, 20, rng), states=3), rng=rng)
        missed += not driven.plug_in.value.covers(0.27489)
        missed += not driven.bound.estimate.covers(0.27489)
        still = circulating(100, 20, rng, forward=0.35, backward=0.35)
        found += conversation_entropy_production(Sequences.of(still, states=3), rng=rng).bound.estimate.low > 0.0
    assert missed <= 6  # of 40 at .05: P(more) = .003
    assert found <= 3  # of 20 at .025: P(more) = .0001


@pytest.mark.unit
def test_gaps_break_sequences_and_conversations_are_the_groups():
    rng = np.random.default_rng(0)
    symbols = circulating(60, 20, rng)
    symbols[:, 10] = GAP
    found = conversation_entropy_production(Sequences.of(symbols, states=3), rng=rng)
    assert found.transitions == 60 * 17
    assert found.bound.diagnostics.blocks == 60


@pytest.mark.unit
def test_too_few_turns_are_insufficient_not_a_number():
    found = conversation_entropy_production(Sequences.of([[0, 1, 2]], states=3), rng=np.random.default_rng(0))
    assert isinstance(found.bound, Insufficient)
    assert "transitions are too few" in found.bound.reason
