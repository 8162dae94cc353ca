"""Trajectories of discrete states as symbol sequences: one code for each joint state, blocks that are resampled."""

import itertools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from secondlaw.errors import InvalidInput, NotEnoughData
from secondlaw.statistics import Sequences
from secondlaw.trajectories.containers import Trajectories

__all__ = ["DiscreteStates", "discrete_states"]

Floats = NDArray[np.float64]

MOST_STATES = 4096
_FEWEST_TRAJECTORIES = 20
_FEWEST_STRETCHES = 10


@dataclass(frozen=True, slots=True)
class DiscreteStates:
    """Trajectories of codes 0 .. K-1.

    Parameters
    ----------
    data : Trajectories
        One variable, the code.
    states : ndarray, shape (K, dim)
        The values that each code stands for, in lexicographic order.
    """

    data: Trajectories
    states: Floats

    def sequences(self, blocks: int = 100, *, length: int = 2) -> Sequences:
        """Return the codes as sequences: trajectories where they are 20 or more, else about `blocks` stretches.

        Stretches overlap, so that every word of `length` symbols is counted once and in one of them.

        Raises
        ------
        NotEnoughData
            If there would be fewer than 10 stretches of twice the length of a word.
        """
        codes = [series[:, 0].astype(np.int64) for series in self.data.series]
        states = max(2, len(self.states))
        if len(codes) >= _FEWEST_TRAJECTORIES:
            return Sequences.of(codes, states=states)
        words = [max(0, len(series) - length + 1) for series in codes]
        size = max(2 * length, sum(words) // blocks)
        if sum(words) < _FEWEST_STRETCHES * size:
            raise NotEnoughData(
                f"{sum(words)} words of {length} states in {len(codes)} trajectories are too few for intervals: "
                f"{_FEWEST_TRAJECTORIES} trajectories, or {2 * _FEWEST_STRETCHES * length} words, are needed"
            )
        pieces = []
        for series, count in zip(codes, words, strict=True):
            cuts = np.arange(max(1, count // size) + 1) * count // max(1, count // size)
            pieces += [series[a : b + length - 1] for a, b in itertools.pairwise(cuts)]
        return Sequences.of(pieces, states=states)


def discrete_states(data: Trajectories) -> DiscreteStates:
    """Give each joint state that occurs a number.

    Parameters
    ----------
    data : Trajectories
        Variables that take few values each.

    Raises
    ------
    InvalidInput
        If more than 4,096 joint states occur.
    NotEnoughData
        If the data never move, or no state is ever visited twice: transitions cannot be counted then.

    Examples
    --------
    >>> found = discrete_states(Trajectories.of([[[5.0, 1.0], [5.0, 0.0], [5.0, 1.0]]]))
    >>> found.data.series[0][:, 0], found.states.tolist()
    (array([1., 0., 1.]), [[5.0, 0.0], [5.0, 1.0]])
    """
    together = np.concatenate(data.series)
    states, codes, counts = np.unique(together, axis=0, return_inverse=True, return_counts=True)
    codes = codes.reshape(-1)
    if len(states) == 1:
        raise NotEnoughData("the data never move: a single state occurs")
    if len(states) > MOST_STATES:
        raise InvalidInput(
            f"{len(states)} different states occur in {len(together)} steps, more than {MOST_STATES}: for continuous "
            "variables take MaxEnt or currents, or merge states"
        )
    if counts.max() == 1:
        raise NotEnoughData(
            f"no state is ever revisited: {len(states)} states in as many steps, so no transition can be compared with "
            "its reverse; merge states"
        )
    cuts = np.cumsum([len(series) for series in data.series])[:-1]
    pieces = tuple(part[:, None].astype(np.float64) for part in np.split(codes, cuts))
    return DiscreteStates(Trajectories(pieces, ("state",), data.dt), states)
