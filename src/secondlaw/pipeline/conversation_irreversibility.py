"""Entropy production of conversations: their behaviors as states, by plug-in and by held-out MaxEnt.

The two see the same circulation among behaviors (g1 -> g4 -> g3 more often than back). The plug-in counts transitions
and takes off what noise adds; MaxEnt is a lower bound that held-out conversations support. Whole conversations are what
is resampled, reversed and held out. Errors of labels hide entropy production, so that both stay low rather than high.
"""

from dataclasses import dataclass

import numpy as np

from secondlaw.drift.turns import ConversationTurns
from secondlaw.errors import NotEnoughData
from secondlaw.statistics import LEVEL
from secondlaw.statistics.resampling import RESAMPLES
from secondlaw.statistics.sequence_irreversibility import sequence_entropy_production
from secondlaw.statistics.sequence_nulls import AgainstNull
from secondlaw.statistics.sequences import Sequences
from secondlaw.trajectories import EntropyProduction, MaxEnt, StateFluxes, Transitions
from secondlaw.types import Insufficient

__all__ = ["ConversationIrreversibility", "conversation_entropy_production"]


@dataclass(frozen=True, slots=True)
class ConversationIrreversibility:
    """Entropy production of conversations, in nats per step.

    Parameters
    ----------
    categories : tuple of str
        The behaviors that are the states, in the order of the observables of `bound`.
    transitions : int
    plug_in : AgainstNull or Insufficient
        Counts less what noise adds, with the null band of reversed conversations.
    bound : EntropyProduction or Insufficient
        Held-out MaxEnt with net transitions between behaviors.
    """

    categories: tuple[str, ...]
    transitions: int
    plug_in: AgainstNull | Insufficient
    bound: EntropyProduction | Insufficient


def conversation_entropy_production(
    turns: ConversationTurns | Sequences,
    *,
    rng: np.random.Generator,
    level: float = LEVEL,
    resamples: int = RESAMPLES,
) -> ConversationIrreversibility:
    """Estimate the entropy production of conversations by two estimators.

    Parameters
    ----------
    turns : ConversationTurns or Sequences
        Of one model, as :func:`~secondlaw.drift.turns.collect_turns` gives them; a turn without a category breaks the
        sequence. The groups of `Sequences` are the conversations.
    rng : numpy.random.Generator
    level : float
    resamples : int

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> moves = rng.choice([1, 2, 0], p=[0.5, 0.2, 0.3], size=(200, 20))
    >>> found = conversation_entropy_production(Sequences.of(moves.cumsum(axis=1) % 3, states=3), rng=rng)
    >>> found.plug_in.value.covers(0.27489), found.bound.estimate.covers(0.27489)
    (True, True)
    """
    sequences = turns if isinstance(turns, Sequences) else turns.sequences
    names = tuple(map(str, range(sequences.states))) if isinstance(turns, Sequences) else turns.categories
    starts = sequences.word_starts(2)
    plug_in: AgainstNull | Insufficient
    bound: EntropyProduction | Insufficient
    try:
        plug_in = sequence_entropy_production(sequences, rng=rng, level=level, resamples=resamples)
    except NotEnoughData as error:
        plug_in = Insufficient(str(error))
    try:
        bound = MaxEnt(StateFluxes(sequences.states), level=level, resamples=resamples).fit(
            Transitions.of(
                sequences.codes[starts],
                sequences.codes[starts + 1],
                groups=sequences.groups[sequences.sequence_of(starts)],
                variables=("behavior",),
            ),
            rng=rng,
        )
    except NotEnoughData as error:
        bound = Insufficient(str(error))
    return ConversationIrreversibility(names, len(starts), plug_in, bound)
