"""Temporal statistics of conversations: what the order of turns says that shares and S do not.

Two models, or one model before and after, can have the same shares and the same S, and yet behave otherwise in time:
stay longer in one category (entropy rate), go round in a circle (entropy production), or switch between hidden modes
(memory beyond the last turn). The unit of every interval and test is the whole conversation.
"""

from collections.abc import Callable
from dataclasses import dataclass, fields, is_dataclass
from typing import Any, TypeVar

import numpy as np

from secondlaw.drift.turns import ConversationTurns
from secondlaw.errors import InvalidInput, NotEnoughData
from secondlaw.statistics.intervals import LEVEL
from secondlaw.statistics.resampling import RESAMPLES
from secondlaw.statistics.sequence_comparison import PERMUTATIONS, SequenceDifference, compare_sequences
from secondlaw.statistics.sequence_estimates import entropy_rate, excess_entropy, sequence_entropy
from secondlaw.statistics.sequence_irreversibility import ends_test, sequence_entropy_production
from secondlaw.statistics.sequence_memory import block_information
from secondlaw.statistics.sequence_nulls import DRAWS, AgainstNull
from secondlaw.statistics.symmetry import SymmetryTest, symmetry_test
from secondlaw.types import Estimate, Insufficient, Measured

T = TypeVar("T")

__all__ = ["TemporalComparison", "TemporalResult", "compare_temporal", "measure_temporal"]

LABEL_ERRORS = (
    "uncorrected machine labels: independent errors of labels raise the entropy rate, hide entropy production and look "
    "like memory"
)
TRANSIENT = (
    "conversations end otherwise than they start: part of the entropy production is this drift, no steady circulation"
)
SUSPECT = 0.05
"""p-value of the ends test from which the reader is warned."""


@dataclass(frozen=True, slots=True)
class TemporalResult:
    """What the order of one model's turns shows.

    Parameters
    ----------
    stream, model : str
    conversations, turns, transitions : int
        Conversations; turns with a category; pairs of such turns that follow each other.
    labels : {"human", "machine"}
    classifier : str or None
    entropy : Measured
        Of single turns, in nats; blind to order.
    entropy_rate, entropy_rate_2 : Measured
        Given the last turn, and the last two, in nats per step.
    excess_entropy : Measured
        Within three turns, in nats.
    memory : AgainstNull or Insufficient
        Beyond the last turn, in nats: a hidden mode, or conversations that differ for good.
    entropy_production, entropy_production_2 : AgainstNull or Insufficient
        Of order 1 and 2, in nats per step, with null bands.
    symmetry : SymmetryTest or Insufficient
        Bowker's test.
    ends_p_value : float or None
        Small where conversations end otherwise than they start.
    notes : tuple of str
        What the reader must know.
    """

    stream: str
    model: str
    conversations: int
    turns: int
    transitions: int
    labels: str
    classifier: str | None
    entropy: Measured
    entropy_rate: Measured
    entropy_rate_2: Measured
    excess_entropy: Measured
    memory: AgainstNull | Insufficient
    entropy_production: AgainstNull | Insufficient
    entropy_production_2: AgainstNull | Insufficient
    symmetry: SymmetryTest | Insufficient
    ends_p_value: float | None
    notes: tuple[str, ...] = ()

    def measured(self) -> dict[str, Measured]:
        """Return every quantity by the name people know it by, in the order in which they are shown."""

        def value(of: AgainstNull | Insufficient) -> Measured:
            return of if isinstance(of, Insufficient) else of.value

        return {
            "entropy of turns": self.entropy,
            "entropy rate": self.entropy_rate,
            "entropy rate, order 2": self.entropy_rate_2,
            "excess entropy within 3 turns": self.excess_entropy,
            "memory beyond the last turn": value(self.memory),
            "entropy production": value(self.entropy_production),
            "entropy production, order 2": value(self.entropy_production_2),
        }

    def to_dict(self) -> dict[str, Any]:
        """Return the result as plain JSON values."""
        return {part.name: _plain(getattr(self, part.name)) for part in fields(self)}


@dataclass(frozen=True, slots=True)
class TemporalComparison:
    """How the order of turns differs between two models, second minus first.

    Parameters
    ----------
    first, second : str
        Models.
    differences : tuple of SequenceDifference
        Entropy, entropy rate, memory, entropy production; empty where `notes` say why.
    notes : tuple of str
    """

    first: str
    second: str
    differences: tuple[SequenceDifference, ...]
    notes: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return the comparison as plain JSON values."""
        return {
            "first": self.first,
            "second": self.second,
            "differences": [_plain(one) for one in self.differences],
            "notes": list(self.notes),
        }


def measure_temporal(
    turns: ConversationTurns,
    *,
    rng: np.random.Generator,
    level: float = LEVEL,
    resamples: int = RESAMPLES,
    draws: int = DRAWS,
) -> TemporalResult:
    """Measure the temporal statistics of one model's conversations.

    Parameters
    ----------
    turns : ConversationTurns
    rng : numpy.random.Generator
    level : float
        Nominal coverage of intervals and null bands.
    resamples, draws : int
        Bootstrap replicates and null draws.

    Returns
    -------
    TemporalResult
        With reasons instead of numbers where the data cannot carry them.
    """
    x = turns.sequences
    mixed = _mixed(turns)

    def estimated(measure: Callable[..., Measured], **options: int) -> Measured:
        return mixed if mixed is not None else measure(x, rng=rng, level=level, resamples=resamples, **options)

    def banded(measure: Callable[..., AgainstNull], **options: int) -> AgainstNull | Insufficient:
        return unless_mixed(lambda: measure(x, rng=rng, level=level, resamples=resamples, draws=draws, **options))

    def unless_mixed(run: Callable[[], T]) -> T | Insufficient:
        return mixed if mixed is not None else _or_reason(run)

    symmetry = unless_mixed(lambda: symmetry_test(x, rng=rng))
    ends = unless_mixed(lambda: ends_test(x, rng=rng))
    p_ends = None if isinstance(ends, Insufficient) else ends.p_value
    return TemporalResult(
        stream=turns.stream,
        model=turns.model,
        conversations=len(x),
        turns=len(x.word_starts(1)),
        transitions=x.steps,
        labels="human" if turns.human else "machine",
        classifier=turns.classifiers[0] if len(turns.classifiers) == 1 else None,
        entropy=estimated(sequence_entropy),
        entropy_rate=estimated(entropy_rate),
        entropy_rate_2=estimated(entropy_rate, order=2),
        excess_entropy=estimated(excess_entropy),
        memory=banded(block_information),
        entropy_production=banded(sequence_entropy_production),
        entropy_production_2=banded(sequence_entropy_production, order=2),
        symmetry=symmetry,
        ends_p_value=p_ends,
        notes=_notes(turns, p_ends),
    )


def compare_temporal(
    first: ConversationTurns,
    second: ConversationTurns,
    *,
    rng: np.random.Generator,
    level: float = LEVEL,
    resamples: int = RESAMPLES,
    permutations: int = PERMUTATIONS,
) -> TemporalComparison:
    """Compare the conversations of two models, or of one before and after.

    Parameters
    ----------
    first, second : ConversationTurns
        Of the same categories.
    rng : numpy.random.Generator
    level : float
        Nominal coverage.
    resamples, permutations : int

    Returns
    -------
    TemporalComparison

    Raises
    ------
    InvalidInput
        If the categories differ.
    """
    if first.categories != second.categories:
        raise InvalidInput(f"categories differ: {', '.join(first.categories)} and {', '.join(second.categories)}")
    names, notes = (first.model, second.model), []
    if first.human != second.human or (not first.human and len({*first.classifiers, *second.classifiers}) > 1):
        reason = "the two sides were not labelled by one source: label both with one classifier"
        return TemporalComparison(*names, (), (reason,))
    if not first.human:
        notes.append(LABEL_ERRORS)
    spans = [side.sequences.lengths for side in (first, second)]
    if all(len(one) for one in spans) and max(one.mean() for one in spans) > 1.5 * min(one.mean() for one in spans):
        notes.append(
            f"conversations have {spans[0].mean():.1f} and {spans[1].mean():.1f} turns on average: p-values take "
            f"them to be of like lengths"
        )
    try:
        found = compare_sequences(
            first.sequences, second.sequences, rng=rng, level=level, resamples=resamples, permutations=permutations
        )
    except NotEnoughData as short:
        return TemporalComparison(*names, (), (*notes, str(short)))
    return TemporalComparison(*names, found, tuple(notes))


def _or_reason(run: Callable[[], T]) -> T | Insufficient:
    try:
        return run()
    except NotEnoughData as short:
        return Insufficient(str(short))


def _mixed(turns: ConversationTurns) -> Insufficient | None:
    if len(turns.classifiers) < 2:
        return None
    return Insufficient(
        f"labels of {len(turns.classifiers)} classifiers ({', '.join(turns.classifiers)}) are never pooled: label all "
        f"turns with one"
    )


def _notes(turns: ConversationTurns, p_ends: float | None) -> tuple[str, ...]:
    notes = [f"{count} {reason}" for reason, count in turns.left_out.items()]
    if turns.outside or turns.unlabelled:
        notes.append(f"{turns.outside} turns outside the taxonomy and {turns.unlabelled} without label break sequences")
    if not turns.human:
        notes.append(LABEL_ERRORS)
    if p_ends is not None and p_ends <= SUSPECT:
        notes.append(f"{TRANSIENT} (p {p_ends:.2g})")
    return tuple(notes)


def _plain(value: object) -> object:
    """Return a value as plain JSON values."""
    if isinstance(value, Estimate | Insufficient):
        return value.to_dict()
    if isinstance(value, tuple):
        return [_plain(one) for one in value]
    if is_dataclass(value):
        return {part.name: _plain(getattr(value, part.name)) for part in fields(value)}
    return value
