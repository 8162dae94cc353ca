r"""Markov jump processes in continuous time: waiting times, exact entropy production, any sampling lag.

With rates :math:`w_{ij}` from i to j and stationary shares :math:`\pi`,

.. math:: \sigma = \sum_{i<j} (\pi_i w_{ij} - \pi_j w_{ji}) \ln \frac{\pi_i w_{ij}}{\pi_j w_{ji}}

nats per unit of time (Schnakenberg, Rev. Mod. Phys. 48, 571 (1976)).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from secondlaw.errors import InvalidInput
from secondlaw.systems.arguments import counted, positive, square, starts
from secondlaw.systems.compiled import compiled
from secondlaw.systems.markov_chain import MarkovChain, draw_tables
from secondlaw.systems.stationary import flow_entropy_production, stationary_distribution

__all__ = ["JumpProcess", "JumpTrajectory"]

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class JumpTrajectory:
    """The states visited and how long each was held.

    Parameters
    ----------
    states : numpy.ndarray of int, shape (visits,)
    waits : numpy.ndarray, shape (visits,)
        Time spent in each; the last is cut off by the end of the observation. They add up to its duration.
    """

    states: Integers
    waits: Floats

    def at(self, times: ArrayLike) -> Integers:
        """Return the state at each of `times`, counted from the start."""
        ends = np.cumsum(self.waits)
        when = np.asarray(times, dtype=np.float64)
        if when.size and (when.min() < 0.0 or when.max() > ends[-1]):
            raise InvalidInput(f"times must lie in 0..{ends[-1]:.6g}, got {when.min():.6g}..{when.max():.6g}")
        return np.asarray(self.states[np.minimum(np.searchsorted(ends, when, side="right"), len(ends) - 1)])


@dataclass(frozen=True, slots=True, eq=False)
class JumpProcess:
    """A Markov jump process on the states 0..K-1.

    Parameters
    ----------
    rates : array_like, shape (K, K)
        Rates per unit of time from row to column; the diagonal is ignored, so that a generator may be given.

    Raises
    ------
    InvalidInput
        If a rate is negative or a state is never left; from every method that needs the stationary distribution, if
        there are several.

    Examples
    --------
    >>> process = JumpProcess([[0, 2, 1], [1, 0, 2], [2, 1, 0]])
    >>> round(process.entropy_production_rate(), 5)  # ln 2
    0.69315
    >>> path = process.simulate(duration=2.0, rng=np.random.default_rng(0))[0]
    >>> path.states, path.waits.round(2)
    (array([1, 0, 2, 0, 1]), array([0.34, 0.  , 0.54, 0.25, 0.86]))
    """

    rates: Floats

    def __post_init__(self) -> None:
        rates = np.array(square(self.rates, "rates"))
        np.fill_diagonal(rates, 0.0)
        if rates.min() < 0.0:
            raise InvalidInput(f"rates must not be negative, got {rates.min():.3g}")
        leaving = rates.sum(axis=1)
        if (leaving == 0.0).any():
            raise InvalidInput(f"state {int(np.argmin(leaving))} is never left: leave it out")
        rates.setflags(write=False)
        object.__setattr__(self, "rates", rates)

    @property
    def states(self) -> int:
        """Number of states K."""
        return len(self.rates)

    def stationary_distribution(self) -> Floats:
        """Return the stationary shares of time, shape (K,)."""
        return stationary_distribution(self.rates)

    def flows(self) -> Floats:
        """Return the stationary number of jumps per unit of time, ``pi_i w_ij``, shape (K, K)."""
        return np.asarray(self.stationary_distribution()[:, None] * self.rates)

    def entropy_production_rate(self) -> float:
        """Return the entropy production in nats per unit of time; ``inf`` where a jump has no reverse."""
        return flow_entropy_production(self.flows())

    def mean_waits(self) -> Floats:
        """Return the mean time spent in each state at a visit, shape (K,)."""
        return np.asarray(1.0 / self.rates.sum(axis=1))

    def jump_chain(self) -> MarkovChain:
        """Return the chain of visited states; it produces the same entropy, counted per jump."""
        return MarkovChain(self.rates / self.rates.sum(axis=1, keepdims=True))

    def reversed(self) -> "JumpProcess":
        """Return the process that the stationary process is when seen backwards in time."""
        flows, shares = self.flows(), self.stationary_distribution()
        if (shares == 0.0).any():
            raise InvalidInput(f"state {int(np.argmin(shares))} is transient, so there is no reversal: leave it out")
        return JumpProcess(flows.T / shares[:, None])

    def at_lag(self, dt: float) -> MarkovChain:
        """Return the chain seen every `dt`; its entropy production over `dt` rises to the rate as `dt` falls."""
        from scipy.linalg import expm

        generator = self.rates - np.diag(self.rates.sum(axis=1))
        seen = np.clip(expm(generator * positive(dt, "dt")), 0.0, None)
        return MarkovChain(seen / seen.sum(axis=1, keepdims=True))

    def simulate(
        self, *, duration: float, rng: np.random.Generator, trajectories: int = 1, start: ArrayLike | None = None
    ) -> list[JumpTrajectory]:
        """Draw trajectories, exactly (Gillespie, J. Phys. Chem. 81, 2340 (1977)).

        Parameters
        ----------
        duration : float
            Length of each in time.
        rng : numpy.random.Generator
        trajectories : int
        start : array_like of int, optional
            First state, or one for each trajectory; by default drawn from the stationary distribution.
        """
        positive(duration, "duration")
        counted(trajectories, "trajectories")
        first = starts(start, trajectories=trajectories, states=self.states)
        if first is None:
            first = rng.choice(self.states, size=trajectories, p=self.stationary_distribution())
        ends, guide = draw_tables(self.jump_chain().transition)
        waits = self.mean_waits()
        expected = duration * float(self.flows().sum())
        room = int(expected + 6.0 * np.sqrt(expected)) + 64
        return [_one(int(state), float(duration), (ends, guide, waits), room, rng) for state in first]

    def trajectory_entropy_production(self, path: JumpTrajectory) -> float:
        """Return ``ln p(path) - ln p(reversed path)`` of a stationary trajectory, in nats."""
        shares, visited = self.stationary_distribution(), path.states
        ahead, back = self.rates[visited[:-1], visited[1:]], self.rates[visited[1:], visited[:-1]]
        with np.errstate(divide="ignore"):
            jumps = float((np.log(ahead) - np.log(back)).sum())
        return jumps + float(np.log(shares[visited[0]] / shares[visited[-1]]))


def _one(
    state: int,
    duration: float,
    tables: tuple[Floats, NDArray[np.int32], Floats],
    room: int,
    rng: np.random.Generator,
) -> JumpTrajectory:
    pieces: list[tuple[Integers, Floats]] = []
    left = duration
    while left > 0.0:
        states, times = np.empty(room, dtype=np.int64), np.empty(room)
        visits, state, left = compiled(_jump)(state, left, *tables, states, times, rng)
        pieces.append((states[:visits], times[:visits]))
    return JumpTrajectory(np.concatenate([a for a, _ in pieces]), np.concatenate([b for _, b in pieces]))


def _jump(
    state: int,
    left: float,
    ends: Floats,
    guide: NDArray[np.int32],
    waits: Floats,
    states: Integers,
    times: Floats,
    rng: np.random.Generator,
) -> tuple[int, int, float]:
    for visit in range(len(states)):
        wait = rng.standard_exponential() * waits[state]
        states[visit] = state
        if wait >= left:
            times[visit] = left
            return visit + 1, state, 0.0
        times[visit] = wait
        left -= wait
        draw = rng.random()
        found = guide[state, int(draw * len(ends))]
        while ends[state, found] <= draw:
            found += 1
        state = found
    return len(states), state, left
