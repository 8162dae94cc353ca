"""How well a score tells faithful answers from unfaithful ones: AUROC, with an interval over groups."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from secondlaw.errors import InvalidInput
from secondlaw.statistics import LEVEL, block_ids, interval_from_replicates, resample_weights
from secondlaw.types import SHARE, Estimate, Insufficient, Measured

__all__ = ["auroc"]

Floats = NDArray[np.float64]

FEWEST = 10
"""Answers of each kind below which an AUROC is noise: its standard error is then above .1."""
RESAMPLES = 1000


def auroc(
    scores: ArrayLike,
    labels: ArrayLike,
    *,
    rng: np.random.Generator,
    groups: ArrayLike | None = None,
    level: float = LEVEL,
    resamples: int = RESAMPLES,
) -> Measured:
    """Return the chance that a faithful answer scores above an unfaithful one; ties count half.

    Parameters
    ----------
    scores : array_like, shape (n,)
        Higher for more faithful.
    labels : array_like of bool, shape (n,)
        True for faithful.
    rng : numpy.random.Generator
        Source of the resamples.
    groups : array_like, shape (n,), optional
        What is resampled together: the source document or question of each answer. Each answer alone without it.
    level : float
        Coverage of the interval.
    resamples : int

    Returns
    -------
    Estimate or Insufficient
        Insufficient with fewer than 10 answers of either kind.

    Raises
    ------
    InvalidInput
        If lengths differ or a score is not finite.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> truth = np.arange(100) < 50
    >>> print(auroc(truth + rng.normal(size=100), truth, rng=rng))
    0.784 [0.683, 0.867]
    """
    x, y = np.asarray(scores, dtype=np.float64), np.asarray(labels, dtype=bool)
    keys = np.arange(len(x)) if groups is None else np.asarray(groups)
    if x.ndim != 1 or not len(x) == len(y) == len(keys) or not np.isfinite(x).all():
        raise InvalidInput(
            f"scores, labels and groups are finite and of one length, got {x.shape}, {y.shape}, {keys.shape}"
        )
    if min(y.sum(), (~y).sum()) < FEWEST:
        return Insufficient(
            f"an AUROC needs {FEWEST} answers of each kind, got {y.sum()} faithful and {(~y).sum()} not"
        )
    blocks = block_ids(keys)
    n_groups = int(blocks.max()) + 1
    weights = resample_weights(n_groups, resamples, rng=rng)[:, blocks]
    value = float(_areas(x, y, np.ones((1, len(x))))[0])
    replicates = _areas(x, y, weights)
    low, high = interval_from_replicates(value, replicates, level=level, groups=n_groups, bounds=(0.0, 1.0))
    method = f"AUROC, bootstrap over {n_groups} groups"
    return Estimate(value, min(float(low), value), max(float(high), value), level, len(x), SHARE, method, "answers")


def _areas(x: Floats, y: NDArray[np.bool_], weights: Floats) -> Floats:
    """Return the area for each row of weights; NaN where a kind is missing."""
    order = np.argsort(x, kind="stable")
    ranked, kind = x[order], y[order]
    w = weights[:, order]
    negative = np.where(kind, 0.0, w)
    first = np.searchsorted(ranked, ranked, side="left")
    after = np.searchsorted(ranked, ranked, side="right")
    below = np.concatenate((np.zeros((len(w), 1)), negative.cumsum(axis=1)), axis=1)
    wins = (np.where(kind, w, 0.0) * (below[:, first] + below[:, after]) / 2.0).sum(axis=1)
    pairs = np.where(kind, w, 0.0).sum(axis=1) * negative.sum(axis=1)
    return np.where(pairs > 0, wins / np.where(pairs > 0, pairs, 1.0), np.nan)
