r"""Few spins by enumeration of all :math:`2^N` states: the kinetic Ising model as an exact Markov chain."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from secondlaw.errors import InvalidInput
from secondlaw.systems.kinetic_ising import KineticIsing
from secondlaw.systems.markov_chain import MarkovChain

__all__ = ["parallel_chain", "sequential_chain", "spin_states", "state_numbers"]

# 2^12 states are a matrix of 128 MiB.
_MOST = 12


def spin_states(spins: int) -> NDArray[np.int8]:
    """Return all states of N spins, shape (2**N, N): bit i of the row's number is 1 where spin i is +1."""
    _checked(spins)
    bits = (np.arange(2**spins)[:, None] >> np.arange(spins)) & 1
    return (2 * bits - 1).astype(np.int8)


def state_numbers(states: ArrayLike) -> NDArray[np.int64]:
    """Return the number of each state of shape (..., N) in :func:`spin_states`."""
    up = np.asarray(states) > 0
    return np.asarray(up.astype(np.int64) @ (1 << np.arange(up.shape[-1])))


def sequential_chain(model: KineticIsing) -> MarkovChain:
    """Return the chain of random-sequential updates, one attempt a step.

    Raises
    ------
    InvalidInput
        For more than 12 spins.

    Examples
    --------
    >>> ring = KineticIsing([[0, 1, 0], [0, 0, 1], [1, 0, 0]], beta=1.0)  # each spin follows its neighbour
    >>> round(sequential_chain(ring).entropy_production_rate(), 4)
    0.1466
    """
    states = spin_states(_checked(model.spins))
    number = np.arange(len(states))
    against = -2.0 * model.beta * model.local_fields(states) * states
    flip = np.exp(-np.logaddexp(0.0, -against)) / model.spins
    transition = np.zeros((len(states), len(states)))
    for spin in range(model.spins):
        transition[number, number ^ (1 << spin)] = flip[:, spin]
    transition[number, number] = np.clip(1.0 - flip.sum(axis=1), 0.0, None)
    return MarkovChain(transition)


def parallel_chain(model: KineticIsing) -> MarkovChain:
    """Return the chain of parallel updates, all spins at once.

    Raises
    ------
    InvalidInput
        For more than 12 spins.
    """
    states = spin_states(_checked(model.spins)).astype(np.float64)
    h = model.beta * model.local_fields(states)
    logs = h @ states.T - np.logaddexp(h, -h).sum(axis=1, keepdims=True)
    transition = np.exp(logs)
    return MarkovChain(transition / transition.sum(axis=1, keepdims=True))


def _checked(spins: int) -> int:
    if not 1 <= spins <= _MOST:
        raise InvalidInput(f"all states are listed for 1 to {_MOST} spins, got {spins}: simulate larger ones")
    return spins
