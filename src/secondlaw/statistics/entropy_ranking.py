r"""Do labels rank groups by entropy as people do: Pearson's and Spearman's correlation of entropies over groups.

Each group (prompt, or a cell of a model and a prompt set) has two entropies, from the truth and from the labels of the
same responses. The two share the noise of which responses were drawn, so that the correlation describes the agreement
on these responses, not that of the groups' long-run entropies. The interval resamples groups on Fisher's scale
``artanh r``, widened for few of them.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from secondlaw.errors import InvalidInput
from secondlaw.statistics.entropy_methods import Method, entropy
from secondlaw.statistics.intervals import LEVEL, centred_interval
from secondlaw.statistics.label_agreement import checked_codes
from secondlaw.statistics.resampling import RESAMPLES, resample_weights
from secondlaw.types import Estimate, Insufficient, Measured

__all__ = ["CORRELATION", "EntropyCorrelation", "entropy_correlation"]

Floats = NDArray[np.float64]

CORRELATION = "correlation"
"""Unit of a correlation coefficient."""

_FEWEST_GROUPS = 5
"""Groups below which a correlation is not shown: its interval would be all of [-1, 1]."""

_CELLS = 1 << 22  # weights held at once: 32 MiB

_FEWEST_RESAMPLES = 200
"""Resamples that very many groups are cut down to: their interval is narrow, and each resample ranks them all."""

_LARGEST = 1.0 - 1e-9  # Fisher's scale has no place for a perfect correlation


@dataclass(frozen=True, slots=True)
class EntropyCorrelation:
    """Correlation of the groups' entropies from truth and labels.

    Parameters
    ----------
    pearson, spearman : Estimate or Insufficient
        `n` counts groups.
    truth, label : ndarray, shape (groups,)
        The entropies, in nats, for a scatter plot.
    """

    pearson: Measured
    spearman: Measured
    truth: Floats
    label: Floats


def entropy_correlation(
    truth_codes: ArrayLike,
    predicted_codes: ArrayLike,
    groups: ArrayLike,
    *,
    classes: Sequence[str],
    rng: np.random.Generator,
    method: Method = "plug-in",
    fewest: int = 2,
    level: float = LEVEL,
    resamples: int = RESAMPLES,
) -> EntropyCorrelation:
    """Correlate the entropies of groups as the truth and as the labels have them.

    Parameters
    ----------
    truth_codes, predicted_codes : array_like of int, shape (n,)
        Class of each response, 0 to K - 1.
    groups : array_like, shape (n,)
        The group whose entropy is taken, which is also the unit that is resampled.
    classes : sequence of str, length K
        Names of the classes.
    rng : numpy.random.Generator
        Source of randomness.
    method : str
        Entropy estimator; plug-in adds the same to both, whatever their counts.
    fewest : int
        Responses below which a group is left out; one response has no entropy.
    level : float
        Nominal coverage.
    resamples : int
        Number of replicates; fewer are drawn of more than 4,000 groups.

    Returns
    -------
    EntropyCorrelation
        Insufficient with fewer than five groups, or where one side does not vary.

    Raises
    ------
    NotEnoughData
        If there is no row.
    InvalidInput
        If the columns differ in length or a code names no class.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> truth = (rng.uniform(size=(40, 25)) < rng.uniform(0, 0.5, size=(40, 1))).astype(int).ravel()
    >>> label = np.where(rng.uniform(size=1000) < 0.05, 1 - truth, truth)
    >>> print(entropy_correlation(truth, label, np.repeat(np.arange(40), 25), classes=("a", "b"), rng=rng).pearson)
    0.899 [0.835, 0.945] correlation
    """
    K = len(classes)
    truth, label = checked_codes(truth_codes, K, "truth"), checked_codes(predicted_codes, K, "labels")
    keys = np.asarray(groups)
    if keys.shape != truth.shape:
        raise InvalidInput(f"groups name the group of each of {len(truth)} rows, got shape {keys.shape}")
    units = np.unique(keys, return_inverse=True)[1]
    if label.shape != truth.shape:
        raise InvalidInput(f"truth and labels differ in length: {len(truth)} and {len(label)} rows")
    counts = np.zeros((2, int(units.max()) + 1, K))
    np.add.at(counts[0], (units, truth), 1.0)
    np.add.at(counts[1], (units, label), 1.0)
    counts = counts[:, counts[0].sum(axis=1) >= max(2, fewest)]
    G = counts.shape[1]
    if G < _FEWEST_GROUPS:
        few = Insufficient(f"{G} groups with {max(2, fewest)} responses or more; a correlation needs {_FEWEST_GROUPS}")
        return EntropyCorrelation(few, few, np.empty(0), np.empty(0))
    x, y = entropy(counts[0], method=method), entropy(counts[1], method=method)
    drawn = [_both(x, y, np.ones((1, G)))]
    step = max(1, _CELLS // G)  # replicates at once
    resamples = min(resamples, max(_FEWEST_RESAMPLES, 2 * step))
    drawn += [
        _both(x, y, resample_weights(G, min(step, resamples - start), rng=rng)) for start in range(0, resamples, step)
    ]
    pearson, spearman = np.concatenate(drawn, axis=1)
    return EntropyCorrelation(
        _estimate("Pearson", float(pearson[0]), pearson[1:], G, level),
        _estimate("Spearman", float(spearman[0]), spearman[1:], G, level),
        x,
        y,
    )


def _both(x: Floats, y: Floats, weights: Floats) -> Floats:
    """Return Pearson's and Spearman's correlations (2, resamples)."""
    return np.stack([_correlations(x, y, weights), _correlations(_ranks(x, weights), _ranks(y, weights), weights)])


def _ranks(values: Floats, weights: Floats) -> Floats:
    """Return mid-ranks (resamples, groups) of values that count as often as their weights say."""
    order = np.argsort(values, kind="stable")
    first = np.flatnonzero(np.diff(values[order], prepend=-np.inf))
    where = np.empty(len(values), dtype=np.intp)
    where[order] = np.repeat(np.arange(len(first)), np.diff(first, append=len(values)))
    mass = np.add.reduceat(weights[:, order], first, axis=1)
    below = np.cumsum(mass, axis=1) - mass
    return np.asarray((below + (mass + 1.0) / 2.0)[:, where])


def _correlations(x: Floats, y: Floats, weights: Floats) -> Floats:
    """Return weighted correlations (resamples,), NaN where one side does not vary."""
    total = weights.sum(axis=1, keepdims=True)
    dx = x - (weights * x).sum(axis=1, keepdims=True) / total
    dy = y - (weights * y).sum(axis=1, keepdims=True) / total
    joint = (weights * dx * dy).sum(axis=1)
    scale = np.sqrt((weights * dx**2).sum(axis=1) * (weights * dy**2).sum(axis=1))
    return np.asarray(np.divide(joint, scale, out=np.full(len(joint), np.nan), where=scale > 1e-12))


def _estimate(name: str, point: float, drawn: Floats, groups: int, level: float) -> Measured:
    kept = drawn[np.isfinite(drawn)]
    if not np.isfinite(point) or len(kept) < len(drawn) / 2:
        return Insufficient("the entropies of one side do not vary over groups: there is nothing to correlate")
    z = np.arctanh(np.clip(kept, -_LARGEST, _LARGEST))
    centre = float(np.arctanh(np.clip(point, -_LARGEST, _LARGEST)))
    low, high = (float(np.tanh(end)) for end in centred_interval(centre, z, level, groups=groups))
    words = f"{name} correlation of entropies over {groups} groups, bootstrap on Fisher's scale"
    return Estimate(point, min(low, point), max(high, point), level, groups, CORRELATION, words, "groups")
