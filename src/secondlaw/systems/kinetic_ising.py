r"""The kinetic Ising model with asymmetric couplings, under random-sequential or parallel Glauber dynamics.

A spin updated in the local field :math:`h_i = H_i + \sum_j J_{ij} s_j` becomes +1 with probability
:math:`(1 + \tanh \beta h_i)/2`. One attempted update of a random spin produces, in the steady state,

.. math:: \sigma = \frac{1}{N} \sum_i \langle p_i^{flip}(s)\,(-2 \beta h_i s_i) \rangle
          = \sum_i f_i\, \beta J_i \cdot \langle g_i \rangle_{flips}, \qquad g_{ij} = -2 s_i s_j

nats (times N for a sweep), with :math:`f_i` the flips of i per attempt (arXiv 2505.10444). Symmetric couplings without
self-coupling are in equilibrium under sequential updates.
"""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from secondlaw.errors import InvalidInput
from secondlaw.systems import ising_loops
from secondlaw.systems.arguments import counted
from secondlaw.systems.compiled import compiled
from secondlaw.types import Estimate

__all__ = ["CRITICAL", "IsingSample", "KineticIsing", "random_couplings"]

Floats = NDArray[np.float64]

# Inverse temperature at which random asymmetric couplings of this kind are critical (arXiv 2505.10444).
CRITICAL = 1.3485
# Mean number of couplings into a spin in the instances of arXiv 2505.10444.
DEGREE = 6
# Sweeps before the first recorded state.
WARM_UP = 200
# Stretches of successive states, over which the interval of a sample's entropy production is taken.
_STRETCHES = 40


@dataclass(frozen=True, slots=True, eq=False)
class IsingSample:
    """States of a sequential run, each with one trial flip per spin that is not carried out.

    Parameters
    ----------
    states : numpy.ndarray of int8, shape (M, N)
        -1 or 1.
    flips : numpy.ndarray of bool, shape (M, N)
        Whether an attempt to update spin i in this state flipped it.
    groups : numpy.ndarray of int, shape (M,)
        Which of the independent runs a state comes from.
    entropy_production : Estimate
        Of one attempted update, in nats, from the known couplings: the mean over all flips, not only those drawn.
    """

    states: NDArray[np.int8]
    flips: NDArray[np.bool_]
    groups: NDArray[np.int64]
    entropy_production: Estimate


@dataclass(frozen=True, slots=True, eq=False)
class KineticIsing:
    """Spins with couplings that need not be symmetric.

    Parameters
    ----------
    couplings : array_like or scipy.sparse array, shape (N, N)
        ``J_ij``, the pull of spin j on spin i; the diagonal is 0.
    beta : float
        Inverse temperature, at least 0.
    fields : array_like, shape (N,), optional
        ``H_i``; 0 by default.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> model = KineticIsing(random_couplings(50, rng=rng), beta=CRITICAL)
    >>> sample = model.simulate(samples=2000, rng=rng)
    >>> sample.states.shape, sample.entropy_production.value > 0.1
    ((2000, 50), True)
    """

    couplings: Any
    beta: float = CRITICAL
    fields: Floats | None = None

    def __post_init__(self) -> None:
        from scipy.sparse import csr_array

        sparse = csr_array(self.couplings, dtype=np.float64)
        sparse.sum_duplicates()
        sparse.eliminate_zeros()
        if sparse.ndim != 2 or sparse.shape[0] != sparse.shape[1]:
            raise InvalidInput(f"couplings must be a square matrix, got shape {sparse.shape}")
        if not np.isfinite(sparse.data).all():
            raise InvalidInput("couplings must be finite, got NaN or infinity in them")
        if sparse.diagonal().any():
            raise InvalidInput("a spin must not be coupled to itself: set the diagonal of couplings to 0")
        if not (np.isfinite(self.beta) and self.beta >= 0.0):
            raise InvalidInput(f"beta must be a number of at least 0, got {self.beta}")
        given = np.zeros(sparse.shape[0]) if self.fields is None else np.asarray(self.fields, dtype=np.float64)
        if given.shape != (sparse.shape[0],) or not np.isfinite(given).all():
            raise InvalidInput(f"fields must be {sparse.shape[0]} finite numbers, got shape {given.shape}")
        object.__setattr__(self, "couplings", sparse)
        object.__setattr__(self, "fields", given)

    @property
    def spins(self) -> int:
        """Number of spins N."""
        return int(self.couplings.shape[0])

    def local_fields(self, states: ArrayLike) -> Floats:
        """Return ``h_i`` in each state, shape (M, N) for states of shape (M, N)."""
        return np.asarray((self.couplings @ np.asarray(states, dtype=np.float64).T).T + self.fields)

    def simulate(
        self,
        *,
        samples: int,
        rng: np.random.Generator,
        thinning: int | None = None,
        warm_up: int = WARM_UP,
        runs: int = 1,
        workers: int = 1,
        level: float = 0.95,
    ) -> IsingSample:
        """Draw states of the random-sequential dynamics, with trial flips.

        Parameters
        ----------
        samples : int
            Recorded states M over all runs, at least 2.
        rng : numpy.random.Generator
            Each run draws from a generator spawned from it, so that `workers` does not change the numbers.
        thinning : int, optional
            Attempted updates between recorded states; N by default, one sweep.
        warm_up : int
            Sweeps before the first recorded state of each run.
        runs : int
            Independent restarts from random states.
        workers : int
            Threads; they help where numba is installed.
        level : float
            Nominal coverage of the interval of the entropy production.
        """
        M, gap = counted(samples, "samples", least=2), self.spins if thinning is None else counted(thinning, "thinning")
        if counted(runs, "runs") > M:
            raise InvalidInput(f"there must be no more runs than samples, got {runs} runs for {M} samples")
        counted(warm_up, "warm_up", least=0)
        states, flips = np.empty((M, self.spins), dtype=np.int8), np.empty((M, self.spins), dtype=np.bool_)
        produced = np.empty(M)
        groups = np.sort(np.arange(M) % runs)
        edges = np.searchsorted(groups, np.arange(runs + 1))
        network, record = self._network(), compiled(ising_loops.sequential_run)

        def one(run: int, own: np.random.Generator) -> None:
            rows = slice(edges[run], edges[run + 1])
            spins = _random_spins(self.spins, own)
            record(spins, *network, warm_up * self.spins, gap, states[rows], flips[rows], produced[rows], own)

        with ThreadPoolExecutor(counted(workers, "workers")) as pool:
            list(pool.map(one, range(runs), rng.spawn(runs)))
        return IsingSample(states, flips, groups, _mean(produced, groups, runs, level))

    def simulate_parallel(
        self, *, points: int, rng: np.random.Generator, trajectories: int = 1, warm_up: int = WARM_UP
    ) -> NDArray[np.int8]:
        """Draw trajectories of the parallel dynamics, all spins updated at once.

        Returns
        -------
        numpy.ndarray of int8, shape (trajectories, points, N)
        """
        shape = (counted(trajectories, "trajectories"), counted(points, "points"), self.spins)
        path = np.empty(shape, dtype=np.int8)
        network, record = self._network(), compiled(ising_loops.parallel_run)
        counted(warm_up, "warm_up", least=0)
        for trajectory in range(trajectories):
            record(_random_spins(self.spins, rng), *network, warm_up, path[trajectory], rng)
        return path

    def parallel_entropy_production(self, path: NDArray[np.int8]) -> Floats:
        """Return ``sum_t beta h(s_t).s_t+1 - beta h(s_t+1).s_t`` of parallel trajectories, in nats per step.

        Its mean over the steady state is the entropy production per step: what else depends on the ends alone averages
        to zero there.

        Returns
        -------
        numpy.ndarray, shape (trajectories,)
        """
        found = []
        for states in np.asarray(path, dtype=np.float64):
            pull = self.beta * self.local_fields(states)
            found.append(float(((pull[:-1] * states[1:]).sum(axis=1) - (pull[1:] * states[:-1]).sum(axis=1)).mean()))
        return np.array(found)

    def _network(self) -> tuple[NDArray[np.int32], NDArray[np.int32], Floats, Floats]:
        J, twice = self.couplings, 2.0 * self.beta
        return J.indptr.astype(np.int32), J.indices.astype(np.int32), twice * J.data, twice * np.asarray(self.fields)


def random_couplings(spins: int, *, rng: np.random.Generator, degree: float = DEGREE, symmetric: bool = False) -> Any:  # noqa: ANN401
    """Return sparse random couplings: each present with probability ``degree / (N - 1)``, drawn from N(0, 1 / degree).

    Parameters
    ----------
    spins : int
        N, at least 2.
    rng : numpy.random.Generator
    degree : float
        Mean number of couplings into a spin, at most N - 1.
    symmetric : bool
        Whether ``J_ij = J_ji``, which is equilibrium; independent otherwise.

    Returns
    -------
    scipy.sparse.csr_array, shape (N, N)
    """
    from scipy.sparse import csr_array

    N = counted(spins, "spins", least=2)
    if not 0.0 < degree <= N - 1:
        raise InvalidInput(f"degree must be above 0 and at most {N - 1}, got {degree}")
    rows, columns = [], []
    for spin in range(N):
        found = np.nonzero(rng.random(N) < degree / (N - 1))[0]
        found = found[found > spin] if symmetric else found[found != spin]
        rows.append(np.full(len(found), spin))
        columns.append(found)
    row, column = np.concatenate(rows), np.concatenate(columns)
    drawn = csr_array((rng.standard_normal(len(row)) / np.sqrt(degree), (row, column)), shape=(N, N))
    return csr_array(drawn + drawn.T) if symmetric else drawn


def _random_spins(spins: int, rng: np.random.Generator) -> NDArray[np.int8]:
    return np.asarray(2 * rng.integers(0, 2, spins, dtype=np.int8) - 1, dtype=np.int8)


def _mean(produced: Floats, groups: NDArray[np.int64], runs: int, level: float) -> Estimate:
    """Return the mean with an interval from stretches of successive states, whole runs where there are enough."""
    from scipy.stats import t

    stretches = max(1, -(-_STRETCHES // runs))
    parts = [part for run in range(runs) for part in np.array_split(produced[groups == run], stretches) if len(part)]
    sizes, sums = np.array([len(part) for part in parts]), np.array([part.sum() for part in parts])
    value = float(sums.sum() / sizes.sum())
    count = len(parts)
    error = np.sqrt(((sums - value * sizes) ** 2).sum() * count / (count - 1)) / sizes.sum()
    reach = float(t.ppf((1.0 + level) / 2.0, count - 1) * error)
    method = f"mean over states of the known rate, interval over {count} stretches of them"
    return Estimate(value, value - reach, value + reach, level, len(produced), "nats/attempt", method, "states")
