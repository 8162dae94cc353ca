r"""Cycles of a network of states: what drives it around each, and how much flows.

The affinity of a cycle is :math:`\ln \prod w_{i \to j} / w_{j \to i}` along it. With a spanning tree, every further
edge closes one fundamental cycle, and the entropy production is :math:`\sum_c A_c J_c` over these, with :math:`J_c` the
stationary net flow through the closing edge (Schnakenberg, Rev. Mod. Phys. 48, 571 (1976)).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from secondlaw.errors import InvalidInput
from secondlaw.systems.jump_process import JumpProcess
from secondlaw.systems.markov_chain import MarkovChain

__all__ = ["Cycle", "cycle_affinity", "fundamental_cycles"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Cycle:
    """One fundamental cycle.

    Parameters
    ----------
    states : tuple of int
        In order; the last is followed by the first.
    affinity : float
        In nats for one turn.
    current : float
        Turns per step or unit of time in the steady state: the net flow through the edge from last to first.
    """

    states: tuple[int, ...]
    affinity: float
    current: float


def cycle_affinity(system: MarkovChain | JumpProcess, states: tuple[int, ...]) -> float:
    """Return the affinity of one turn through `states` and back to the first, in nats.

    Raises
    ------
    InvalidInput
        If two neighbours are not connected in both directions, so that the affinity is not finite.

    Examples
    --------
    >>> ring = MarkovChain([[0.3, 0.5, 0.2], [0.2, 0.3, 0.5], [0.5, 0.2, 0.3]])
    >>> round(cycle_affinity(ring, (0, 1, 2)), 4)  # 3 ln 2.5
    2.7489
    """
    weights = _weights(system)
    after = np.roll(states, -1)
    ahead, back = weights[states, after], weights[after, states]
    if len(states) < 2 or (ahead <= 0.0).any() or (back <= 0.0).any():
        raise InvalidInput(f"a cycle needs steps that are possible both ways, {states} has one that is not")
    return float(np.log(ahead / back).sum())


def fundamental_cycles(system: MarkovChain | JumpProcess) -> list[Cycle]:
    """Return one cycle for each edge outside a spanning tree, with affinity and stationary current.

    Raises
    ------
    InvalidInput
        If a transition has no reverse, or the states are not all connected.
    """
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import breadth_first_order

    linked = _weights(system) > 0.0
    if (linked != linked.T).any():
        row, column = np.argwhere(linked != linked.T)[0]
        raise InvalidInput(f"states {row} and {column} are linked one way only, so cycle affinities are not finite")
    order, before = breadth_first_order(csr_array(linked), 0, directed=False)
    if len(order) < system.states:
        raise InvalidInput(f"only {len(order)} of {system.states} states are connected with state 0: take one part")
    flows = system.flows()
    cycles = []
    for low, high in np.argwhere(np.triu(linked, 1)):
        if before[high] == low or before[low] == high:
            continue
        states = _through_tree(int(low), int(high), before)
        current = float(flows[high, low] - flows[low, high])
        cycles.append(Cycle(states, cycle_affinity(system, states), current))
    return cycles


def _weights(system: MarkovChain | JumpProcess) -> Floats:
    weights = np.array(system.transition if isinstance(system, MarkovChain) else system.rates)
    np.fill_diagonal(weights, 0.0)
    return weights


def _through_tree(low: int, high: int, before: NDArray[np.int32]) -> tuple[int, ...]:
    def to_root(state: int) -> list[int]:
        path = [state]
        while before[path[-1]] >= 0:
            path.append(int(before[path[-1]]))
        return path

    up, down = to_root(low), to_root(high)
    met = next(state for state in up if state in set(down))
    return (*up[: up.index(met) + 1], *reversed(down[: down.index(met)]))
