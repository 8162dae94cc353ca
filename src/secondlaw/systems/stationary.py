"""Stationary distributions of chains and jump processes, and the entropy production of their flows."""

import math

import numpy as np
from numpy.typing import NDArray

from secondlaw.errors import InvalidInput

__all__ = ["flow_entropy_production", "stationary_distribution"]

Floats = NDArray[np.float64]

# Up to here the elimination without subtractions takes less than .1 s; above, a linear solve.
_ELIMINATION = 256


def stationary_distribution(weights: Floats) -> Floats:
    """Return the stationary shares of a chain (probabilities) or a jump process (rates).

    Up to 256 states by elimination without subtractions (Grassmann, Taksar, Heyman, Oper. Res. 33, 1107 (1985)), which
    keeps the relative precision of every share however small; above, by a linear solve, whose smallest shares are known
    to about 1e-14 of the largest.

    Parameters
    ----------
    weights : numpy.ndarray, shape (K, K)
        Probabilities or rates from row to column; the diagonal does not matter.

    Returns
    -------
    numpy.ndarray, shape (K,)
        Adds up to 1; 0 for transient states.

    Raises
    ------
    InvalidInput
        If the states fall into parts that do not reach each other, so that there are several.
    """
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import connected_components

    parts, part = connected_components(csr_array(weights > 0.0), connection="strong")
    leaves = (weights > 0.0) & (part[:, None] != part[None, :])
    closed = np.setdiff1d(np.arange(parts), part[leaves.any(axis=1)])
    if len(closed) > 1:
        raise InvalidInput(
            f"the states fall into {len(closed)} parts that do not reach each other, so the stationary distribution is "
            "not unique: take one part"
        )
    kept = np.nonzero(part == closed[0])[0]
    inner = np.array(weights[np.ix_(kept, kept)])
    np.fill_diagonal(inner, 0.0)
    shares = np.zeros(len(weights))
    shares[kept] = _eliminated(inner) if len(kept) <= _ELIMINATION else _solved(inner)
    return shares


def flow_entropy_production(flows: Floats) -> float:
    """Return ``sum_(i<j) (f_ij - f_ji) ln(f_ij / f_ji)`` of stationary flows; ``inf`` where a flow has no reverse."""
    row, column = np.triu_indices(len(flows), 1)
    ahead, back = flows[row, column], flows[column, row]
    if ((ahead > 0.0) != (back > 0.0)).any():
        return math.inf
    used = ahead > 0.0
    ahead, back = ahead[used], back[used]
    return float(((ahead - back) * np.log(ahead / back)).sum())


def _eliminated(weights: Floats) -> Floats:
    size = len(weights)
    for state in range(size - 1, 0, -1):
        weights[:state, state] /= weights[state, :state].sum()
        weights[:state, :state] += np.outer(weights[:state, state], weights[state, :state])
    shares = np.ones(size)
    for state in range(1, size):
        shares[state] = shares[:state] @ weights[:state, state]
    return np.asarray(shares / shares.sum())


def _solved(weights: Floats) -> Floats:
    size = len(weights)
    balance = weights.T - np.diag(weights.sum(axis=1))
    balance /= np.abs(balance).max()
    balance[0] = 1.0  # one equation follows from the others; the shares add up to 1 instead
    shares = np.linalg.solve(balance, np.eye(size, 1).ravel())
    return np.asarray(np.clip(shares, 0.0, None) / np.clip(shares, 0.0, None).sum())
