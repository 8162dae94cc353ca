"""What must be said of discrete states whatever is fitted to them: the one place for these warnings."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

__all__ = ["jump_table", "state_cautions"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_OFTEN = 10  # times that a jump must be seen before the absence of its reverse is remarkable
_SELDOM = 5  # visits below which a state says nothing
_SHOWN = 3


def jump_table(before: Floats, after: Floats, states: int) -> Ints:
    """Return how often each state follows each other, shape (K, K).

    Examples
    --------
    >>> jump_table(np.array([0.0, 1.0, 1.0]), np.array([1.0, 1.0, 0.0]), 2)
    array([[0, 1],
           [1, 1]])
    """
    flat = before.astype(np.int64) * states + after.astype(np.int64)
    return np.bincount(flat, minlength=states**2).reshape(states, states)


def state_cautions(jumps: NDArray[np.generic], names: Sequence[str] = ()) -> list[str]:
    """Return what is doubtful about counts of jumps, each with its remedy.

    Parameters
    ----------
    jumps : ndarray, shape (K, K)
        How often the state of a row is followed by that of a column.
    names : sequence of str, optional
        Of the states; their numbers if empty.

    Examples
    --------
    >>> state_cautions(np.array([[50, 20, 0], [0, 50, 20], [20, 0, 50]]))[0][:61]
    '3 jumps never occur in reverse, such as 0 -> 1 (20 times), 1 '
    """
    table = np.asarray(jumps)
    visits = np.maximum(table.sum(axis=0), table.sum(axis=1))
    occur = visits > 0
    count, out = int(occur.sum()), []
    if count == 2:
        out.append("two states carry no current: the value is 0 whatever the process; tell more states apart")
    rare, once = int((visits[occur] < _SELDOM).sum()), int((visits[occur] <= 1).sum())
    if rare > count / 2:
        out.append(
            f"{rare} of {count} states are visited fewer than {_SELDOM} times and say nothing: merge states, or record "
            "longer"
        )
    elif once:
        out.append(
            f"{once} of {count} states are visited once and never again: what leads to them cannot be compared with "
            "its reverse; merge states or record longer"
        )
    a, b = np.nonzero((table >= _OFTEN) & (table.T == 0))
    if len(a):
        order = np.argsort(-table[a, b], kind="stable")[:_SHOWN]
        labels = list(names) or [str(k) for k in range(len(table))]
        shown = ", ".join(f"{labels[a[k]]} -> {labels[b[k]]} ({int(table[a[k], b[k]])} times)" for k in order)
        out.append(
            f"{len(a)} jumps never occur in reverse, such as {shown}: the entropy production may be infinite, and the "
            "value grows with the length of the recording; look for a reverse that is merely rare, or merge states"
        )
    return out
