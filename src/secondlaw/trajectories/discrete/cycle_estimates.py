r"""What drives a discrete process around its cycles: affinities and currents from counts, with intervals.

The affinity of a cycle is :math:`\ln \prod n_{ij} / n_{ji}` over its jumps, the occupation of states cancelling. The
fundamental cycles are those of the spanning tree of the most frequent jumps, so that each rests on as many counts as
can be; the affinities times the currents through their closing jumps add up to the entropy production (Schnakenberg,
Rev. Mod. Phys. 48, 571 (1976)).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from secondlaw.errors import NotEnoughData
from secondlaw.statistics import LEVEL, jackknife_weights, resample_weights
from secondlaw.statistics.intervals import centred_interval
from secondlaw.statistics.resampling import RESAMPLES
from secondlaw.statistics.sequence_words import word_counts
from secondlaw.trajectories.containers import Trajectories
from secondlaw.trajectories.discrete.discrete_states import discrete_states
from secondlaw.types import Estimate, Insufficient

__all__ = ["CycleEstimate", "cycle_affinities"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_FEWEST = 5  # jumps in each direction below which the logarithm of a ratio is noise


@dataclass(frozen=True, slots=True)
class CycleEstimate:
    """A fundamental cycle.

    Parameters
    ----------
    states : tuple of tuple of float
        Joint states in order; the last is followed by the first.
    affinity : Estimate or Insufficient
        In nats a turn.
    current : Estimate
        Net jumps from the last state to the first, per step or unit of time.
    """

    states: tuple[tuple[float, ...], ...]
    affinity: Estimate | Insufficient
    current: Estimate


def cycle_affinities(
    data: Trajectories,
    *,
    rng: np.random.Generator,
    blocks: int = 100,
    level: float = LEVEL,
    resamples: int = RESAMPLES,
) -> tuple[CycleEstimate, ...]:
    """Estimate affinity and current of each fundamental cycle of a stationary Markov chain.

    Parameters
    ----------
    data : Trajectories
        Of discrete variables.
    rng : numpy.random.Generator
    blocks : int
        Stretches into which fewer than 20 trajectories are cut.
    level : float
        Of each interval by itself.
    resamples : int

    Raises
    ------
    NotEnoughData
        If data are too few, or no cycle was ever closed.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> steps = rng.choice([1, -1, 0], p=[0.5, 0.2, 0.3], size=20000)
    >>> (cycle,) = cycle_affinities(Trajectories.of([np.cumsum(steps) % 3]), rng=rng)
    >>> len(cycle.states), cycle.affinity.covers(2.7489), cycle.current.unit
    (3, True, 'turns/step')
    """
    found = discrete_states(data)
    words = word_counts(found.sequences(blocks), 2)
    K = len(found.states)
    counts = np.zeros((K, K))
    counts[words.words[:, 0], words.words[:, 1]] = words.totals
    column = {(int(a), int(b)): k for k, (a, b) in enumerate(words.words)}
    cycles = _fundamental(counts)
    if not cycles:
        raise NotEnoughData("the jumps seen close no cycle, so no affinity drives the process: more states are needed")
    weights = resample_weights(words.groups, resamples, rng=rng)
    left_out = jackknife_weights(words.groups)
    span, unit = (1.0, "turns/step") if data.dt is None else (data.dt, "turns per unit of time")
    out = []
    for cycle in cycles:
        pairs = list(zip(cycle, (*cycle[1:], cycle[0]), strict=True))
        ahead = np.array([column[pair] for pair in pairs])
        back = np.array([column[b, a] for a, b in pairs])
        current = _estimate(_Current(ahead[-1], back[-1], span), words.table, weights, left_out, unit, level)
        fewest = int(min(words.totals[ahead].min(), words.totals[back].min()))
        affinity: Estimate | Insufficient = Insufficient(
            f"a jump of the cycle was seen {fewest} times in one direction, fewer than {_FEWEST}: the affinity may be "
            "infinite; record longer"
        )
        if fewest >= _FEWEST:
            affinity = _estimate(_Affinity(ahead, back), words.table, weights, left_out, "nats", level)
        names = tuple(tuple(float(value) for value in found.states[state]) for state in cycle)
        out.append(CycleEstimate(names, affinity, current))
    return tuple(out)


@dataclass(frozen=True, slots=True)
class _Affinity:
    ahead: Ints
    back: Ints

    def __call__(self, counts: Floats) -> Floats:
        return np.asarray((np.log(counts[:, self.ahead] + 0.5) - np.log(counts[:, self.back] + 0.5)).sum(axis=1))


@dataclass(frozen=True, slots=True)
class _Current:
    ahead: int
    back: int
    span: float

    def __call__(self, counts: Floats) -> Floats:
        return np.asarray((counts[:, self.ahead] - counts[:, self.back]) / counts.sum(axis=1) / self.span)


def _estimate(
    of: _Affinity | _Current, table: Floats, weights: Floats, left_out: Floats, unit: str, level: float
) -> Estimate:
    """Return the value less its jackknife bias, with the interval of resampled blocks."""
    groups = len(table)
    plain = float(of(table.sum(axis=0)[None])[0])
    value = plain - (groups - 1) * (float(of(left_out @ table).mean()) - plain)
    low, high = centred_interval(value, of(weights @ table), level, groups=groups)
    method = f"ratios of counts less their jackknife bias; bootstrap over {groups} blocks"
    return Estimate(value, float(low), float(high), level, round(float(table.sum())), unit, method, "transitions")


def _fundamental(counts: Floats) -> list[tuple[int, ...]]:
    """Return the cycles that jumps outside the spanning tree of the most frequent ones close, three states or more."""
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import breadth_first_order, minimum_spanning_tree

    both = counts + counts.T
    np.fill_diagonal(both, 0.0)
    top = both.max()
    cost = np.where(both > 0.0, top + 1.0 - both, 0.0)  # least cost, most jumps
    tree = minimum_spanning_tree(csr_array(cost)).toarray() > 0.0
    tree |= tree.T
    cycles, rest = [], np.argwhere(np.triu((both > 0.0) & ~tree, 1))
    for low, high in rest:
        _, before = breadth_first_order(csr_array(tree), int(low), directed=False)
        path = [int(high)]
        while path[-1] != low:
            path.append(int(before[path[-1]]))
        cycles.append(tuple(path[::-1]))
    return cycles
