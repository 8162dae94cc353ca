"""What says how far a plug-in value of discrete states can be trusted, and the warnings that follow."""

from dataclasses import dataclass

import numpy as np

from secondlaw.statistics.sequence_words import WordCounts
from secondlaw.trajectories.discrete.discrete_states import DiscreteStates
from secondlaw.trajectories.discrete.endless_memory import PER_WORD
from secondlaw.trajectories.discrete.markov_order import OrderChoice
from secondlaw.trajectories.discrete.state_cautions import jump_table, state_cautions
from secondlaw.trajectories.layout import block_dependence
from secondlaw.trajectories.null import SignFlips

__all__ = ["REMEMBER", "MarkovDiagnostics", "markov_diagnostics", "markov_warnings"]


REMEMBER = "the states remember"
"""By these words a warning about memory is known."""


@dataclass(frozen=True, slots=True)
class MarkovDiagnostics:
    """What says how far a plug-in value can be trusted.

    Parameters
    ----------
    order : int
        Steps of memory taken into account.
    choice : OrderChoice or None
        How it was chosen; None where it was given.
    states, words, blocks : int
        Joint states and words of `order + 1` states that occur, and blocks that were resampled.
    halved_value : float
        Value from half of the data, on average.
    one_way : int
        Words that occur and whose reversal does not: their share rests on smoothing.
    once : int
        States visited only once.
    block_dependence : float
        Correlation of neighbouring blocks.
    """

    order: int
    choice: OrderChoice | None
    states: int
    words: int
    blocks: int
    halved_value: float
    one_way: int
    once: int
    block_dependence: float


def markov_diagnostics(
    found: DiscreteStates, words: WordCounts, order: int, choice: OrderChoice | None, halved: float
) -> MarkovDiagnostics:
    """Return the diagnostics of words of `order + 1` states; `halved` is the value from half of the data."""
    totals = words.totals
    codes = np.concatenate([series[:, 0] for series in found.data.series]).astype(np.int64)
    moved = np.sign(words.reversal - np.arange(len(totals)))  # forward words up, reversals down
    flux = words.table @ moved / words.table.sum(axis=1)
    return MarkovDiagnostics(
        order=order,
        choice=choice,
        states=len(found.states),
        words=int((totals > 0).sum()),
        blocks=words.groups,
        halved_value=halved,
        one_way=int(((totals > 0) & (totals[words.reversal] == 0)).sum()),
        once=int((np.bincount(codes) == 1).sum()),
        block_dependence=block_dependence(np.asarray(flux)),
    )


def markov_warnings(
    found: MarkovDiagnostics,
    words: WordCounts,
    null: SignFlips,
    level: float,
    longest: int,
    *,
    states: DiscreteStates,
) -> tuple[str, ...]:
    """Return what is doubtful about a plug-in value, each with its remedy."""
    out = _of_states(states)
    totals, choice = words.totals, found.choice
    pairs = np.flatnonzero(np.arange(len(totals)) < words.reversal)
    both = totals[pairs] + totals[words.reversal[pairs]]
    if len(pairs) and both.sum() < PER_WORD * len(pairs):
        out.append(
            f"{len(pairs)} pairs of words occur {both.sum() / len(pairs):.1f} times each: extrapolation cannot mend "
            "so few; "
            "merge states, take a lower order, or record longer"
        )
    if found.one_way and found.order > 1 and null.p_value <= (1.0 - level) / 2.0:
        out.append(
            f"{found.one_way} kinds of {words.length} successive states occur one way only: what they add rests on "
            "smoothing, and grows with the length of the recording; record longer, or take a lower order"
        )
    if choice is not None and choice.order == longest:
        out.append(
            f"the longest order tried, {longest}, predicts best: the memory may be longer, and the value is no "
            "bound then; "
            "raise `longest`, or take windows, whose divergence per step is a bound"
        )
    if choice is not None and choice.order > 1:
        out.append(
            f"{REMEMBER} {choice.order} steps: something hidden moves, and hides entropy production; observe more"
        )
    if null.p_value > (1.0 - level) / 2.0:
        out.append(
            f"reversed blocks show as much with p = {null.p_value:.2g}: do not quote the value as different from 0"
        )
    return tuple(out)


def _of_states(found: DiscreteStates) -> list[str]:
    codes = [series[:, 0] for series in found.data.series if len(series) > 1]
    table = jump_table(
        np.concatenate([one[:-1] for one in codes]), np.concatenate([one[1:] for one in codes]), len(found.states)
    )
    return state_cautions(table, [" ".join(f"{value:g}" for value in row) for row in found.states])
