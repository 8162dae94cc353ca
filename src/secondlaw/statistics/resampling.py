"""The shared design of resampling: weights of groups, drawn once per measurement and used by every quantity of it.

A *group* is the unit that was sampled independently: a prompt, a conversation, a trajectory. The bootstrap draws groups
with replacement, so that one replicate is a row of multinomial weights ``w`` with ``sum(w) = groups``; a quantity of
count matrix ``c`` (groups, K) is then a function of ``w @ c``. Because all quantities share the same rows, the
difference of two replicates is a replicate of the difference, and joint intervals need no further assumption.

With very many groups the weights would not fit in memory. :func:`block_ids` then hashes groups into at most
`max_blocks` blocks and blocks are resampled instead (the *random groups* method: Wolter, Introduction to Variance
Estimation, 2nd ed. 2007, ch. 2). With the influence ``z_g`` of group g on the quantity (``sum z_g = 0``), the variance
is estimated by ``sum_b (sum_{g in b} z_g)**2``; under a hash that spreads groups independently of their data the cross
terms average to ``-sum z_g**2 / B`` together, so its expectation is ``(1 - 1/B) sum_g z_g**2``, what resampling single
groups gives up to 1/B. The price is noise of its own: a relative sd of ``sqrt(2 / B)`` of the variance,
2 % for 4,096 blocks.
"""

import hashlib
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from secondlaw.errors import InvalidInput, NotEnoughData

__all__ = ["MAX_BLOCKS", "RESAMPLES", "block_ids", "jackknife_weights", "resample_weights"]

RESAMPLES = 2000
"""Default number of bootstrap replicates: the ends of a 95 % percentile interval then carry 0.5 % of coverage noise."""

MAX_BLOCKS = 4096
"""Default largest number of units that are resampled: 2,000 x 4,096 weights are 64 MiB."""

_CHUNK = 1 << 22  # drawn indices held at once: 32 MiB


def resample_weights(n_groups: int, n_resamples: int = RESAMPLES, *, rng: np.random.Generator) -> NDArray[np.float64]:
    """Draw the multinomial weights of `n_resamples` bootstrap replicates of `n_groups` groups.

    Parameters
    ----------
    n_groups : int
        Number of groups (or blocks of them), at least 1.
    n_resamples : int
        Number of replicates.
    rng : numpy.random.Generator
        Source of randomness.

    Returns
    -------
    ndarray of float64, shape (n_resamples, n_groups)
        How often each group is drawn; every row sums to `n_groups`.

    Raises
    ------
    NotEnoughData
        If there is no group.

    Examples
    --------
    >>> resample_weights(3, 2, rng=np.random.default_rng(0)).sum(axis=1)
    array([3., 3.])
    """
    _require_groups(n_groups)
    if n_resamples < 1:
        raise InvalidInput(f"a bootstrap needs one resample or more, got {n_resamples}")
    weights = np.empty((n_resamples, n_groups))
    step = max(1, _CHUNK // n_groups)
    for start in range(0, n_resamples, step):
        rows = min(step, n_resamples - start)
        drawn = rng.integers(0, n_groups, size=(rows, n_groups))
        drawn += np.arange(rows)[:, None] * n_groups
        weights[start : start + rows] = np.bincount(drawn.ravel(), minlength=rows * n_groups).reshape(rows, n_groups)
    return weights


def jackknife_weights(n_groups: int) -> NDArray[np.float64]:
    """Return the weights that leave one group out at a time, rescaled so that rows still sum to `n_groups`.

    Parameters
    ----------
    n_groups : int
        Number of groups, at least 2.

    Returns
    -------
    ndarray of float64, shape (n_groups, n_groups)
        Row g has 0 for group g and ``n_groups / (n_groups - 1)`` elsewhere.

    Examples
    --------
    >>> jackknife_weights(3)[0]
    array([0. , 1.5, 1.5])
    """
    _require_groups(n_groups)
    if n_groups < 2:
        raise NotEnoughData("leaving one group out needs 2 groups or more, got 1: add prompts")
    weights = np.full((n_groups, n_groups), n_groups / (n_groups - 1))
    np.fill_diagonal(weights, 0.0)
    return weights


def block_ids(keys: Sequence[Any] | NDArray[Any], max_blocks: int = MAX_BLOCKS) -> NDArray[np.int64]:
    """Give each group a number, hashing them into at most `max_blocks` blocks when there are more.

    The numbering depends on the set of keys alone, not on their order, the process or the machine.

    Parameters
    ----------
    keys : sequence of str or int, shape (rows,)
        The group of each row.
    max_blocks : int
        Largest number of blocks.

    Returns
    -------
    ndarray of int64, shape (rows,)
        Block of each row: the rank of its key among the distinct keys if these are at most `max_blocks`, else a
        hash of the key modulo `max_blocks`. Rows of one group always share a block.

    Examples
    --------
    >>> block_ids(["b", "a", "b"])
    array([1, 0, 1])
    """
    if max_blocks < 2:
        raise InvalidInput(f"resampling needs 2 blocks or more, got max_blocks = {max_blocks}")
    values = np.asarray(keys)
    if values.ndim != 1:
        raise InvalidInput(f"keys of groups form one column, got shape {values.shape}")
    distinct, inverse = np.unique(values, return_inverse=True)
    if len(distinct) <= max_blocks:
        return inverse.astype(np.int64)
    hashed = _mix(distinct.astype(np.uint64)) if distinct.dtype.kind in "iub" else _digest(distinct)
    blocks = (hashed % np.uint64(max_blocks)).astype(np.int64)
    return blocks[inverse]


def _require_groups(n_groups: int) -> None:
    if n_groups < 1:
        raise NotEnoughData(f"resampling needs groups, got {n_groups}: check that the cell holds any response")


def _mix(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Scramble integers by the finaliser of SplitMix64 (Steele, Lea & Flood, OOPSLA 2014)."""
    mixed = values + np.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return mixed ^ (mixed >> np.uint64(31))


def _digest(values: NDArray[Any]) -> NDArray[np.uint64]:
    """Hash any other keys by the text that they print as."""
    digests = (hashlib.blake2b(str(value).encode(), digest_size=8).digest() for value in values)
    return np.frombuffer(b"".join(digests), dtype="<u8").astype(np.uint64)
