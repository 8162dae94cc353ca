r"""Markov chains in discrete time, whose entropy production is known exactly.

With transition probabilities :math:`P_{ij}` from i to j and the stationary distribution :math:`\pi`,

.. math:: \sigma = \sum_{i<j} (\pi_i P_{ij} - \pi_j P_{ji}) \ln \frac{\pi_i P_{ij}}{\pi_j P_{ji}} \ge 0

nats per step (Schnakenberg, Rev. Mod. Phys. 48, 571 (1976)): zero if and only if every transition is balanced by its
reverse, infinite where a transition has no reverse.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from secondlaw.errors import InvalidInput
from secondlaw.systems.arguments import counted, square, starts
from secondlaw.systems.compiled import compiled
from secondlaw.systems.stationary import flow_entropy_production, stationary_distribution

__all__ = ["MarkovChain", "biased_ring"]

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

# Rows of a matrix that a caller computed may miss 1 by their rounding.
_ROW_SUM = 1e-9


@dataclass(frozen=True, slots=True, eq=False)
class MarkovChain:
    """A Markov chain on the states 0..K-1.

    Parameters
    ----------
    transition : array_like, shape (K, K)
        Row i holds the probabilities of the next state after i.

    Raises
    ------
    InvalidInput
        If a probability is negative or a row does not add up to 1; from every method that needs the stationary
        distribution, if the chain has several.

    Examples
    --------
    >>> chain = biased_ring(3, forward=0.5, backward=0.2)
    >>> round(chain.entropy_production_rate(), 5)  # .3 ln 2.5
    0.27489
    >>> chain.simulate(points=8, rng=np.random.default_rng(0))
    array([[1, 1, 0, 0, 2, 2, 1, 2]])
    """

    transition: Floats

    def __post_init__(self) -> None:
        given = square(self.transition, "transition")
        if given.min() < 0.0:
            raise InvalidInput(f"transition probabilities must not be negative, got {given.min():.3g}")
        sums = given.sum(axis=1)
        worst = int(np.argmax(np.abs(sums - 1.0)))
        if abs(sums[worst] - 1.0) > _ROW_SUM:
            raise InvalidInput(f"each row of transition must add up to 1, row {worst} adds up to {sums[worst]:.6g}")
        exact = np.asarray(given / sums[:, None])
        exact.setflags(write=False)
        object.__setattr__(self, "transition", exact)

    @property
    def states(self) -> int:
        """Number of states K."""
        return len(self.transition)

    def stationary_distribution(self) -> Floats:
        """Return the stationary shares of the states, shape (K,); transient states have 0."""
        return stationary_distribution(self.transition)

    def flows(self) -> Floats:
        """Return the stationary shares of the transitions, ``pi_i P_ij``, shape (K, K)."""
        return np.asarray(self.stationary_distribution()[:, None] * self.transition)

    def entropy_production_rate(self) -> float:
        """Return the entropy production in nats per step; ``inf`` where a transition has no reverse."""
        return flow_entropy_production(self.flows())

    def reversed(self) -> "MarkovChain":
        """Return the chain that the stationary chain is when seen backwards in time.

        Raises
        ------
        InvalidInput
            If there are transient states: what led to them is not defined.
        """
        flows = self.flows()
        shares = flows.sum(axis=1)
        if (shares == 0.0).any():
            raise InvalidInput(
                f"state {int(np.argmin(shares))} is transient, so the chain has no reversal: leave it out"
            )
        return MarkovChain(flows.T / flows.sum(axis=0)[:, None])

    def at_lag(self, steps: int) -> "MarkovChain":
        """Return the chain seen every `steps` steps."""
        return MarkovChain(np.linalg.matrix_power(self.transition, counted(steps, "steps")))

    def simulate(
        self, *, points: int, rng: np.random.Generator, trajectories: int = 1, start: ArrayLike | None = None
    ) -> Integers:
        """Draw trajectories.

        Parameters
        ----------
        points : int
            States of each trajectory, the first included.
        rng : numpy.random.Generator
        trajectories : int
        start : array_like of int, optional
            First state, or one for each trajectory; by default drawn from the stationary distribution.

        Returns
        -------
        numpy.ndarray of int, shape (trajectories, points)
        """
        counted(points, "points")
        counted(trajectories, "trajectories")
        first = starts(start, trajectories=trajectories, states=self.states)
        if first is None:
            first = rng.choice(self.states, size=trajectories, p=self.stationary_distribution())
        path = np.empty((trajectories, points), dtype=np.int64)
        path[:, 0] = first
        compiled(_walk)(*draw_tables(self.transition), path, rng)
        return path

    def trajectory_entropy_production(self, path: ArrayLike) -> Floats:
        """Return ``ln p(path) - ln p(reversed path)`` of stationary trajectories, in nats.

        Parameters
        ----------
        path : array_like of int, shape (trajectories, points)

        Returns
        -------
        numpy.ndarray, shape (trajectories,)
            Its mean over trajectories is ``points - 1`` times :meth:`entropy_production_rate`.
        """
        visited = np.atleast_2d(np.asarray(path))
        share = self.stationary_distribution()
        with np.errstate(divide="ignore", invalid="ignore"):
            steps = np.log(self.transition) - np.log(self.transition.T)
            ends = np.log(share[visited[:, 0]]) - np.log(share[visited[:, -1]])
        return np.asarray(ends + steps[visited[:, :-1], visited[:, 1:]].sum(axis=1))


def biased_ring(states: int, *, forward: float, backward: float) -> MarkovChain:
    """Return the chain on a ring that steps forward and backward with given probabilities, else stays.

    Its entropy production is ``(forward - backward) ln(forward / backward)`` per step for three states or more.

    Parameters
    ----------
    states : int
        At least 2; two states cannot circulate, and produce nothing.
    forward, backward : float
        Probabilities, together at most 1.
    """
    counted(states, "states", least=2)
    ring = np.eye(states)
    step = np.roll(ring, 1, axis=1)
    return MarkovChain((1.0 - forward - backward) * ring + forward * step + backward * step.T)


def draw_tables(probabilities: Floats) -> tuple[Floats, NDArray[np.int32]]:
    """Return cumulative rows, and where to begin looking in them, each of shape (K, K).

    The rows are exactly 1 from the last possible state on, so that no draw falls beside. A draw u begins at the entry
    ``floor(K u)`` of the second table and is then one or two places from its state on average, whatever K (Chen & Asau,
    AIIE Trans. 6, 163 (1974)).
    """
    ends = np.cumsum(probabilities, axis=1)
    states = probabilities.shape[1]
    last = states - 1 - np.argmax(probabilities[:, ::-1] > 0.0, axis=1)
    ends[np.arange(states)[None, :] >= last[:, None]] = 1.0
    grid = np.arange(states) / states
    guide = np.array([np.searchsorted(row, grid, side="right") for row in ends], dtype=np.int32)
    return np.ascontiguousarray(ends), guide


def _walk(ends: Floats, guide: NDArray[np.int32], path: Integers, rng: np.random.Generator) -> None:
    states = len(ends)
    for trajectory in range(path.shape[0]):
        state = path[trajectory, 0]
        for point in range(1, path.shape[1]):
            draw = rng.random()
            found = guide[state, int(draw * states)]
            while ends[state, found] <= draw:
                found += 1
            state = found
            path[trajectory, point] = state
