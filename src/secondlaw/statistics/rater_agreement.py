r"""Agreement of several annotators, some of whom may have left some items out: Fleiss' kappa, Krippendorff's alpha.

With ``n_ij`` the annotators who put item i into class j, ``n_i = sum_j n_ij >= 2`` and ``N`` ratings in all:

- Fleiss: :math:`\kappa = (\bar P - P_e) / (1 - P_e)` with :math:`P_i = \sum_j n_{ij} (n_{ij} - 1) / (n_i (n_i - 1))`,
  averaged over items, and :math:`P_e = \sum_j p_j^2` of the items' mean shares (Psychol. Bull. 76, 378 (1971); items
  with fewer ratings as in Gwet, Handbook of Inter-Rater Reliability, 4th ed. 2014, ch. 2).
- Krippendorff, nominal: :math:`\alpha = 1 - D_o / D_e`,
  :math:`D_o = 1 - \frac1N \sum_{ij} n_{ij} (n_{ij} - 1) / (n_i - 1)`,
  :math:`D_e = 1 - \sum_j N_j (N_j - 1) / (N (N - 1))` (Content Analysis, 2nd ed. 2004, ch. 11).

All sums run over items, so resampled groups only reweight them. The interval is the grouped bootstrap, widened for few
groups; at each end the exact interval of the disagreement of pairs takes over where it reaches further, so that perfect
agreement on ten items does not look certain.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from secondlaw.errors import InvalidInput, NotEnoughData
from secondlaw.statistics.intervals import LEVEL, centred_interval
from secondlaw.statistics.label_agreement import KAPPA, checked_codes, checked_units
from secondlaw.statistics.resampling import RESAMPLES, resample_weights
from secondlaw.statistics.shares import subset_share
from secondlaw.types import Estimate, Insufficient, Measured

__all__ = ["fleiss_kappa", "krippendorff_alpha"]

Floats = NDArray[np.float64]


def fleiss_kappa(
    ratings: ArrayLike,
    groups: ArrayLike,
    *,
    classes: int,
    rng: np.random.Generator,
    level: float = LEVEL,
    resamples: int = RESAMPLES,
) -> Measured:
    """Estimate Fleiss' kappa of two or more annotators.

    Parameters
    ----------
    ratings : array_like of int, shape (items, annotators)
        Class codes 0 to K - 1, -1 where an annotator gave none. Items with fewer than two ratings are left out.
    groups : array_like, shape (items,)
        The unit that was sampled independently: the prompt of each item.
    classes : int
        K.
    rng : numpy.random.Generator
    level : float
    resamples : int

    Returns
    -------
    Estimate or Insufficient
        `n` counts items with two ratings or more; insufficient if all ratings are of one class.

    Raises
    ------
    NotEnoughData
        If no item has two ratings.
    InvalidInput
        If shapes or codes are wrong.

    Examples
    --------
    >>> ratings = np.array([[0, 0, 0], [1, 1, 1], [0, 1, -1], [1, 1, -1]] * 10)
    >>> print(fleiss_kappa(ratings, np.arange(40), classes=2, rng=np.random.default_rng(0)))
    0.467 [0.116, 0.756] kappa
    """

    def features(n: Floats) -> Floats:
        total = n.sum(axis=1)
        agree = (n * (n - 1.0)).sum(axis=1) / (total * (total - 1.0))
        return np.column_stack([np.ones(len(n)), 1.0 - agree, n / total[:, None]])

    def disagreement(sums: Floats) -> tuple[Floats, Floats]:
        items = sums[..., :1]
        return sums[..., 1] / items[..., 0], 1.0 - ((sums[..., 2:] / items) ** 2).sum(axis=-1)

    return _estimate("Fleiss' kappa", ratings, groups, classes, features, disagreement, rng, level, resamples)


def krippendorff_alpha(
    ratings: ArrayLike,
    groups: ArrayLike,
    *,
    classes: int,
    rng: np.random.Generator,
    level: float = LEVEL,
    resamples: int = RESAMPLES,
) -> Measured:
    """Estimate Krippendorff's alpha for nominal classes.

    Parameters
    ----------
    ratings, groups, classes, rng, level, resamples
        As in :func:`fleiss_kappa`.

    Returns
    -------
    Estimate or Insufficient
        As in :func:`fleiss_kappa`.

    Raises
    ------
    NotEnoughData, InvalidInput
        As in :func:`fleiss_kappa`.

    Examples
    --------
    >>> ratings = np.array([[0, 0, 0], [1, 1, 1], [0, 1, -1], [1, 1, -1]] * 10)
    >>> print(krippendorff_alpha(ratings, np.arange(40), classes=2, rng=np.random.default_rng(0)))
    0.587 [0.257, 0.825] kappa
    """

    def features(n: Floats) -> Floats:
        total = n.sum(axis=1)
        agree = (n * (n - 1.0)).sum(axis=1) / (total - 1.0)
        return np.column_stack([total, total - agree, n])

    def disagreement(sums: Floats) -> tuple[Floats, Floats]:
        total = sums[..., 0]
        of_class = sums[..., 2:]
        chance = 1.0 - (of_class * (of_class - 1.0)).sum(axis=-1) / (total * (total - 1.0))
        return sums[..., 1] / total, chance

    return _estimate("Krippendorff's alpha", ratings, groups, classes, features, disagreement, rng, level, resamples)


def _estimate(
    name: str,
    ratings: ArrayLike,
    groups: ArrayLike,
    classes: int,
    features: Callable[[Floats], Floats],
    disagreement: Callable[[Floats], tuple[Floats, Floats]],
    rng: np.random.Generator,
    level: float,
    resamples: int,
) -> Measured:
    codes = checked_codes(ratings, classes, "ratings", missing=True)
    if codes.ndim != 2:
        raise InvalidInput(f"ratings have the shape (items, annotators), got {codes.shape}")
    counts = np.stack([(codes == k).sum(axis=1) for k in range(classes)], axis=1).astype(np.float64)
    units = checked_units(groups, len(codes))
    used = counts.sum(axis=1) >= 2
    if not used.any():
        raise NotEnoughData("no item was rated by two annotators: agreement needs items that several people labelled")
    units = np.unique(units[used], return_inverse=True)[1]
    by_item = features(counts[used])
    sums = np.zeros((int(units.max()) + 1, by_item.shape[1]))
    np.add.at(sums, units, by_item)
    observed, chance = (float(x) for x in disagreement(sums.sum(axis=0)))
    if chance <= 1e-12:
        return Insufficient("all ratings are of one class: agreement beyond chance cannot be seen")
    point = 1.0 - observed / chance
    exact = subset_share(np.stack([sums[:, 1], sums[:, 0] - sums[:, 1]], axis=1), [True, False], level=level)
    lows, highs = [1.0 - exact.high / chance], [1.0 - exact.low / chance]
    if len(sums) > 1:
        o, e = disagreement(resample_weights(len(sums), resamples, rng=rng) @ sums)
        drawn = 1.0 - np.divide(o, e, out=np.ones_like(o), where=e > 1e-12)
        low, high = centred_interval(point, drawn, level, groups=len(sums))
        lows.append(low)
        highs.append(high)
    method = f"{name}, {codes.shape[1]} annotators, bootstrap over {len(sums)} groups joined with exact interval"
    low, high = max(-1.0, min(*lows, point)), min(1.0, max(*highs, point))
    return Estimate(point, low, high, level, int(used.sum()), KAPPA, method, "items")
