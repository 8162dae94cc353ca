r"""Shares corrected by a few human labels of the measured period: prediction-powered inference with power tuning.

With machine labels f of all N responses and human labels y of a random few, the share of a category is

.. math:: \hat\theta = \lambda \bar f_{\text{all}} + \sum_{i\,\text{labelled}} v_i (y_i - \lambda f_i),

where :math:`v_i \propto 1 / \text{inclusion probability}` and the v sum to one (Hajek). Whatever the classifier, this
is consistent; the :math:`\lambda` of least variance (PPI++, Angelopoulos, Duchi & Zrnic 2023, arXiv:2311.01453) never
loses to the human labels alone. As :math:`\bar f_{\text{all}}` includes the labelled rows, :math:`\lambda` here is
:math:`1 + n / N_{\text{unlabelled}}` times that of the paper; the estimate is the same. All rows of a group move
together, labelled or not, in the tuning as in the replicates.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from secondlaw.errors import InvalidInput, NotEnoughData
from secondlaw.statistics.simplex import project_simplex

__all__ = ["UNLABELLED", "PredictionPoweredShares", "ppi_shares"]

Array = NDArray[np.float64]
Index = NDArray[np.intp]

UNLABELLED = -1
"""Human label of a response that no person has read."""


@dataclass(frozen=True, slots=True)
class PredictionPoweredShares:
    """Shares of the categories after prediction-powered inference.

    Parameters
    ----------
    shares : array (K,)
        Point estimate, on the simplex.
    replicates : array (B, K)
        The same under each weighting of the groups.
    unprojected : array (K,)
        Point estimate before the projection; it sums to one only if one tuning serves all categories.
    tuning : array (K,)
        The factor lambda of each category: 0 ignores the classifier, 1 trusts its variance fully.
    n_labelled : int
        Human labels used.
    method : str
        What was done, in words.
    """

    shares: Array
    replicates: Array
    unprojected: Array
    tuning: Array
    n_labelled: int
    method: str


def ppi_shares(
    predicted: ArrayLike,
    human: ArrayLike,
    groups: ArrayLike,
    weights: ArrayLike,
    *,
    inclusion: ArrayLike | None = None,
    tuning: float | None = None,
    rng: np.random.Generator | None = None,
) -> PredictionPoweredShares:
    """Correct machine shares by human labels of a random part of the responses.

    Parameters
    ----------
    predicted : array (n, K)
        Machine labels as rows of zeros and one, or probabilities, of all responses.
    human : array (n,) of int
        Human category, :data:`UNLABELLED` (-1) where nobody looked.
    groups : array (n,) of int
        Group (prompt) of each response, a column of `weights`.
    weights : array (B, G)
        How often each group counts in each replicate.
    inclusion : array (n,), optional
        Probability with which each response was chosen for labelling; equal for all by default. Entries of unlabelled
        rows are not read.
    tuning : float, optional
        A fixed lambda in [0, 1] for all categories; the least-variance one of each category by default.
    rng : numpy.random.Generator, optional
        With it, replicates give errors that the human labels never showed (a category missed, or wrongly given) the
        doubt of the rule of three; without it they count as impossible. The point estimate does not change.

    Returns
    -------
    PredictionPoweredShares

    Raises
    ------
    NotEnoughData
        If fewer than two groups have a human label.
    InvalidInput
        If shapes do not match, a category is out of range, or an inclusion probability is not in (0, 1].

    Examples
    --------
    >>> f = np.eye(2)[[0, 0, 0, 1, 0, 1, 0, 1]]
    >>> fit = ppi_shares(f, [0, 0, -1, 1, 1, -1, -1, -1], np.arange(8), np.ones((1, 8)), tuning=1.0)
    >>> fit.shares.tolist()
    [0.375, 0.625]
    """
    f, y, group, W = _checked(predicted, human, groups, weights)
    labelled = np.flatnonzero(y != UNLABELLED)
    if len(np.unique(group[labelled])) < 2:
        raise NotEnoughData(f"PPI++ needs human labels in two or more groups, got {len(labelled)} labels")
    v = _inverse_inclusion(inclusion, labelled, len(f))
    truth = np.eye(f.shape[1])[y[labelled]]
    G = W.shape[1]
    sums = _Sums(
        size=np.bincount(group, minlength=G).astype(np.float64),
        machine=_by_group(f, group, G),
        mass=np.asarray(np.bincount(group[labelled], weights=v, minlength=G), dtype=np.float64),
        checked=_by_group(v[:, None] * f[labelled], group[labelled], G),
        human=_by_group(v[:, None] * truth, group[labelled], G),
    )
    lam = sums.best_tuning() if tuning is None else np.full(f.shape[1], float(tuning))
    if np.any((lam < 0.0) | (lam > 1.0)):
        raise InvalidInput(f"tuning must lie in [0, 1], got {tuning}")
    raw = sums.estimate(np.ones((1, G)), lam)
    drawn = (W @ sums.mass) > 0.0  # a replicate may have drawn no labelled group
    replicates = np.tile(raw, (len(W), 1))
    replicates[drawn] = sums.estimate(W[drawn], lam)
    if rng is not None:
        f_labelled = f[labelled]
        unit = sums.design_effect(v, truth, len(labelled)) / len(labelled)
        missed = np.all(truth <= f_labelled, axis=0) * unit
        wrong = np.all(truth >= f_labelled, axis=0) * np.minimum(unit, lam * f.mean(axis=0))
        moved = missed * _doubt(replicates.shape, rng) - wrong * _doubt(replicates.shape, rng)
        replicates = replicates + moved - moved.sum(axis=1, keepdims=True) * project_simplex(raw)
    how = "Hajek weights" if inclusion is not None else "equal inclusion"
    return PredictionPoweredShares(
        shares=project_simplex(raw[0]),
        replicates=project_simplex(replicates),
        unprojected=raw[0],
        tuning=lam,
        n_labelled=len(labelled),
        method=f"PPI++ with {len(labelled)} human labels, {how}, projected on the simplex",
    )


@dataclass(frozen=True, slots=True)
class _Sums:
    """Sums over the rows of each group; everything else is linear in them."""

    size: Array  # (G,)
    machine: Array  # (G, K)
    mass: Array  # (G,), inverse inclusion of the labelled rows
    checked: Array  # (G, K), machine labels of the labelled rows
    human: Array  # (G, K)

    def estimate(self, W: Array, lam: Array) -> Array:
        """Return the unprojected shares under each weighting, shape (B, K)."""
        everywhere = (W @ self.machine) / (W @ self.size)[:, None]
        return np.asarray(lam * everywhere + (W @ (self.human - lam * self.checked)) / (W @ self.mass)[:, None])

    def design_effect(self, v: Array, truth: Array, labels: int) -> float:
        """Return how many labels carry the information of one independent label."""
        mean = self.human.sum(axis=0) / self.mass.sum()
        grouped = float(((self.human - self.mass[:, None] * mean) ** 2).sum())
        single = float(((v[:, None] * (truth - mean)) ** 2).sum())
        largest = labels / np.count_nonzero(self.mass)
        return float(np.clip(grouped / single, 1.0, largest)) if single > 0.0 else largest

    def best_tuning(self) -> Array:
        """Return the lambda of least cluster-robust variance per category, within [0, 1]."""
        N, n = self.size.sum(), self.mass.sum()
        y = (self.human - self.mass[:, None] * self.human.sum(axis=0) / n) / n
        f = (self.checked - self.mass[:, None] * self.checked.sum(axis=0) / n) / n
        difference = (self.machine - self.size[:, None] * self.machine.sum(axis=0) / N) / N - f
        spread = (difference**2).sum(axis=0)
        best = np.divide(-(y * difference).sum(axis=0), spread, out=np.zeros_like(spread), where=spread > 0.0)
        return np.asarray(np.clip(best, 0.0, 1.0))


def _doubt(shape: tuple[int, ...], rng: np.random.Generator) -> Array:
    """Draw exponential numbers of unseen events, half of them zero: the upper end of a 95 % interval is three."""
    return np.asarray(rng.exponential(size=shape) * (rng.random(shape) < 0.5))


def _by_group(values: Array, group: Index, n_groups: int) -> Array:
    return np.stack([np.bincount(group, weights=column, minlength=n_groups) for column in values.T], axis=1)


def _inverse_inclusion(inclusion: ArrayLike | None, labelled: Index, rows: int) -> Array:
    if inclusion is None:
        return np.ones(len(labelled))
    probability = np.asarray(inclusion, dtype=np.float64)
    if probability.shape != (rows,):
        raise InvalidInput(f"inclusion needs one entry per response ({rows}), got shape {probability.shape}")
    chosen = probability[labelled]
    if not np.all((chosen > 0.0) & (chosen <= 1.0)):
        raise InvalidInput("inclusion probabilities of labelled responses must lie in (0, 1]")
    return np.asarray(1.0 / chosen)


def _checked(
    predicted: ArrayLike, human: ArrayLike, groups: ArrayLike, weights: ArrayLike
) -> tuple[Array, Index, Index, Array]:
    f = np.asarray(predicted, dtype=np.float64)
    y, group = np.asarray(human, dtype=np.intp), np.asarray(groups, dtype=np.intp)
    W = np.atleast_2d(np.asarray(weights, dtype=np.float64))
    if f.ndim != 2 or not len(f) or y.shape != (len(f),) or group.shape != (len(f),):
        raise InvalidInput(
            f"predicted must be (n > 0, K), human and groups (n,), got {f.shape}, {y.shape}, {group.shape}"
        )
    if not np.all(np.isfinite(f)) or np.any(np.abs(f.sum(axis=1) - 1.0) > 1e-6):
        raise InvalidInput("every row of predicted must sum to one")
    if y.min() < UNLABELLED or y.max() >= f.shape[1]:
        raise InvalidInput(f"human labels must lie in -1 .. {f.shape[1] - 1}, got {y.min()} .. {y.max()}")
    if group.min() < 0 or group.max() >= W.shape[1]:
        raise InvalidInput(f"groups must lie in 0 .. {W.shape[1] - 1}, got {group.min()} .. {group.max()}")
    return f, y, group, W
