r"""Does the prior-shift assumption hold? Compare the scores seen with the scores the correction implies.

The correction assumes that responses of one category score here as they scored in the calibration sample. Then the
histogram of scores is a mixture, :math:`\sum_k \pi_k h_k`, with the calibration sample's histogram :math:`h_k` of each
category and the corrected shares :math:`\pi`. Cells of the histogram are the predicted category crossed with quantiles
of its posterior probability. The Wald statistic of the difference uses the covariance of joint replicates, both sides
resampled by groups, and is read against Hotelling's F for the number of groups.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from secondlaw.errors import InvalidInput, NotEnoughData
from secondlaw.statistics.calibration import CalibrationSample, likelihood_ratios, mixed

__all__ = ["ScoreFit", "score_fit"]

Array = NDArray[np.float64]
Index = NDArray[np.intp]

CELL_SHARE = 0.1  # about ten cells in all; rarer predicted categories make one cell together
RANK_TOLERANCE = 1e-4  # directions that vary less than this part of the most variable one are not tested


@dataclass(frozen=True, slots=True)
class ScoreFit:
    """Observed and implied histogram of scores.

    Parameters
    ----------
    observed, implied : array (cells,)
        Share of responses in each cell, seen and implied by the correction.
    statistic : float
        Wald statistic of the difference.
    freedom : int
        Directions tested.
    p_value : float
        Small when responses of a category do not score as they did in the calibration sample.
    distance : float
        Total variation between the two histograms: the size of the misfit, whatever n.
    """

    observed: Array
    implied: Array
    statistic: float
    freedom: int
    p_value: float
    distance: float


def score_fit(
    probabilities: ArrayLike,
    prior: ArrayLike,
    groups: ArrayLike,
    weights: ArrayLike,
    *,
    shares: ArrayLike,
    share_replicates: ArrayLike,
    reference: CalibrationSample,
    reference_weights: ArrayLike,
    stratum: int = 0,
) -> ScoreFit:
    """Compare the scores of one stratum with those its corrected shares imply.

    Parameters
    ----------
    probabilities : array (n, K)
        Calibrated probabilities of the stratum's responses.
    prior : array (K,)
        Prior of the stratum; zero where unreachable.
    groups : array (n,) of int
        Group of each response, a column of `weights`.
    weights : array (B, G)
        How often each group counts in each replicate.
    shares : array (K,)
        Corrected shares of the stratum.
    share_replicates : array (B, K)
        Their replicates under the same `weights`.
    reference : CalibrationSample
        Responses with known categories.
    reference_weights : array (B, groups of the reference)
        Weights of the reference's groups.
    stratum : int
        Stratum of the reference to compare with.

    Returns
    -------
    ScoreFit

    Raises
    ------
    NotEnoughData
        If the reference lacks a category that has a share, or there are too few groups for the cells.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> def responses(n, share):
    ...     y = (rng.random(n) < share).astype(int)
    ...     p = 1 / (1 + np.exp(-2 * rng.normal(2 * y - 1, 1)))
    ...     return y, np.stack([1 - p, p], axis=1)
    >>> y, p = responses(500, 0.5)
    >>> known = CalibrationSample(p, y, np.zeros(500, int), np.arange(500))
    >>> _, q = responses(300, 0.2)
    >>> W = rng.multinomial(300, np.ones(300) / 300, size=400)
    >>> V = rng.multinomial(500, np.ones(500) / 500, size=400)
    >>> fit = score_fit(q, np.array([0.5, 0.5]), np.arange(300), W, shares=np.array([0.8, 0.2]),
    ...                 share_replicates=np.tile([0.8, 0.2], (400, 1)), reference=known, reference_weights=V)
    >>> fit.p_value > 0.01
    True
    """
    p, rho, group = np.asarray(probabilities, float), np.asarray(prior, float), np.asarray(groups, np.intp)
    W, V = np.asarray(weights, float), np.asarray(reference_weights, float)
    pi, drawn = np.asarray(shares, float), np.asarray(share_replicates, float)
    if len(W) != len(V) or len(W) != len(drawn):
        raise InvalidInput(f"replicates must be joint, got {len(W)}, {len(V)} and {len(drawn)}")
    known = np.flatnonzero((reference.strata == stratum) & (rho[reference.labels] > 0.0))
    truth = reference.labels[known]
    needed = np.flatnonzero(pi > 1.0 / len(p))
    missing = np.setdiff1d(needed, truth)
    if len(missing):
        raise NotEnoughData(f"the reference has no response of category {missing[0] + 1}; the fit cannot be judged")
    seen, by = _posteriors(p, rho, pi), _posteriors(reference.probabilities[known], rho, pi)
    cell, cell_known, cells = _cells(seen, by)
    observed = _histogram(W, group, cell, cells)
    implied = np.zeros_like(observed)
    point = np.zeros(cells)
    ones = np.ones((1, V.shape[1]))
    for k in needed:
        of = truth == k
        where, what = reference.groups[known][of], cell_known[of]
        implied += drawn[:, [k]] * _histogram(V, where, what, cells)
        point += pi[k] * _histogram(ones, where, what, cells)[0]
    now = _histogram(np.ones((1, W.shape[1])), group, cell, cells)[0]
    independent = min(len(np.unique(group)), len(np.unique(reference.groups[known])))
    statistic, freedom, p_value = _wald(now - point, observed - implied, independent)
    return ScoreFit(now, point, statistic, freedom, p_value, float(np.abs(now - point).sum() / 2.0))


def _posteriors(p: Array, prior: Array, shares: Array) -> Array:
    joint = likelihood_ratios(p, prior) * mixed(shares, prior)
    return np.asarray(joint / joint.sum(axis=1, keepdims=True))


def _cells(seen: Array, known: Array) -> tuple[Index, Index, int]:
    """Assign to cells: predicted category by quantiles of its posterior, with edges from the seen scores."""
    top, confidence = seen.argmax(axis=1), seen.max(axis=1)
    other, other_confidence = known.argmax(axis=1), known.max(axis=1)
    cell, cell_known, used = np.zeros(len(seen), np.intp), np.zeros(len(known), np.intp), 1  # cell 0: rare categories
    for k in range(seen.shape[1]):
        mine, theirs = top == k, other == k
        parts = int(mine.mean() / CELL_SHARE)
        if parts < 1:
            continue
        edges = np.unique(np.quantile(confidence[mine], np.arange(1, parts) / parts))
        cell[mine] = used + np.searchsorted(edges, confidence[mine])
        cell_known[theirs] = used + np.searchsorted(edges, other_confidence[theirs])
        used += len(edges) + 1
    return cell, cell_known, used


def _histogram(W: Array, group: Index, cell: Index, cells: int) -> Array:
    G = W.shape[1]
    counts = np.bincount(group * cells + cell, minlength=G * cells).reshape(G, cells).astype(np.float64)
    weighted = W @ counts
    total = weighted.sum(axis=1, keepdims=True)
    average = np.tile(counts.sum(axis=0) / counts.sum(), (len(W), 1))
    return np.asarray(np.divide(weighted, total, out=average, where=total > 0.0))


def _wald(difference: Array, replicates: Array, groups: int) -> tuple[float, int, float]:
    from scipy.special import fdtrc

    noise = replicates - replicates.mean(axis=0)
    values, vectors = np.linalg.eigh(noise.T @ noise / (len(noise) - 1))
    used = values > RANK_TOLERANCE * max(float(values.max()), 1e-300)
    freedom = int(used.sum())
    if groups <= freedom + 1:
        raise NotEnoughData(f"{groups} groups cannot judge {freedom + 1} cells of scores; take more prompts")
    statistic = float((((difference @ vectors[:, used]) ** 2) / values[used]).sum())
    scaled = statistic * (groups - freedom) / (freedom * (groups - 1))
    return statistic, freedom, float(fdtrc(freedom, groups - freedom, scaled))
