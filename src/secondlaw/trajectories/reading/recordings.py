"""A recording as it was read: trajectories with their kind of variables, flips of spins, or jumps in time."""

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from secondlaw.errors import InvalidInput, NotEnoughData
from secondlaw.trajectories.containers import Trajectories
from secondlaw.trajectories.discrete.jump_records import JumpRecords
from secondlaw.trajectories.flips import Flips

__all__ = ["Kind", "Recording", "kind_of"]

Floats = NDArray[np.float64]
Kind = Literal["states", "binary", "continuous", "flips", "jumps"]

MOST_STATES = 50
"""Distinct whole numbers up to which one variable is taken for a state, not for a quantity."""


@dataclass(frozen=True, slots=True)
class Recording:
    """What a file holds.

    Parameters
    ----------
    data : Trajectories, Flips or JumpRecords
        As read; states that are text are numbered from 0 in the order of their names.
    kind : {"states", "binary", "continuous", "flips", "jumps"}
    states : tuple of str
        Names of the numbered states, for ``"states"`` and ``"jumps"``.
    spikes_per_step : float or None
        Mean number of spikes in a step, where the variables are neurons.
    couplings : ndarray, shape (N, N), optional
        True couplings ``beta J``, where the file states them: for comparison only.
    values : ndarray, optional
        Values of the states, ascending, where these are whole numbers.
    notes : tuple of str
        What was done to the data.
    """

    data: Trajectories | Flips | JumpRecords
    kind: Kind
    states: tuple[str, ...] = ()
    spikes_per_step: float | None = None
    couplings: Floats | None = field(default=None, repr=False)
    values: Floats | None = field(default=None, repr=False)
    notes: tuple[str, ...] = ()

    @property
    def trajectories(self) -> Trajectories:
        """The trajectories.

        Raises
        ------
        InvalidInput
            If the recording holds flips or jumps.
        """
        if isinstance(self.data, Flips):
            raise InvalidInput("the recording holds single-spin flips, not trajectories: use the estimator flips")
        if isinstance(self.data, JumpRecords):
            raise InvalidInput("the recording holds jumps in continuous time, not steps: use the estimator jumps")
        return self.data

    @property
    def jumps(self) -> JumpRecords:
        """The jumps in continuous time.

        Raises
        ------
        InvalidInput
            If the recording holds none.
        """
        if not isinstance(self.data, JumpRecords):
            raise InvalidInput("the recording holds no jumps in continuous time: read it as jumps, with their times")
        return self.data

    @property
    def numbered(self) -> Trajectories:
        """The trajectories, with states numbered from 0 in the order of `states`."""
        data = self.trajectories
        if self.values is None:
            return data
        series = tuple(np.searchsorted(self.values, one).astype(np.float64) for one in data.series)
        return Trajectories(series, data.variables, data.dt)

    @classmethod
    def of(cls, data: Trajectories, *, states: tuple[str, ...] = (), notes: tuple[str, ...] = ()) -> "Recording":
        """Find the kind of trajectories, and the states of a discrete variable.

        Examples
        --------
        >>> found = Recording.of(Trajectories.of([[3.0, 7.0, 3.0, 5.0, 7.0]]))
        >>> found.kind, found.states, found.numbered.series[0][:, 0]
        ('states', ('3', '5', '7'), array([0., 2., 0., 1., 2.]))
        """
        if not any(len(one) for one in data.series):
            raise NotEnoughData("the recording holds no step: check the axes, (trajectory, time, variable)")
        kind: Kind = "states" if states else kind_of(data)
        if kind == "states" and not states:
            values = np.unique(np.concatenate([one[:, 0] for one in data.series]))
            return cls(data, kind, tuple(f"{value:.0f}" for value in values), values=values, notes=notes)
        return cls(data, kind, states, notes=notes)


def kind_of(data: Trajectories) -> Kind:
    """Tell states, binary and continuous variables apart by their values.

    One variable with at most 50 distinct whole numbers is a state; several variables that each take at most two values
    are binary.

    Examples
    --------
    >>> kind_of(Trajectories.of([[0.0, 1.0, 2.0, 0.0]])), kind_of(Trajectories.of([[0.1, 0.2, 0.25]]))
    ('states', 'continuous')
    """
    if data.dim == 1:
        distinct = np.unique(np.concatenate([np.unique(one) for one in data.series]))
        whole = bool((distinct == np.rint(distinct)).all())
        return "states" if whole and len(distinct) <= MOST_STATES else "continuous"
    low = np.min([one.min(axis=0) for one in data.series if len(one)], axis=0)
    high = np.max([one.max(axis=0) for one in data.series if len(one)], axis=0)
    two = all(((one == low) | (one == high)).all() for one in data.series)
    return "binary" if two else "continuous"
