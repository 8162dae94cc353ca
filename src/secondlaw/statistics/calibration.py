r"""How much of a corrected share is the classifier's own uncertainty.

The prior-shift correction trusts calibrated probabilities. Its estimating equation at shares :math:`\pi` is
:math:`E[\varphi_k] = 1` with :math:`\varphi_k = r_k / (\pi \cdot r)`. A sample of responses with known categories
shows what the equation really gives under each category, :math:`M_{jk} = E[\varphi_k \mid j]`; the deviation
:math:`e_k = \sum_j \pi_j M_{jk} - 1` moves the shares by :math:`H^{-1} e` with
:math:`H = E[\varphi \varphi^\top]`. Resampling the calibration sample by its groups gives the distribution of that
move: shares gain the uncertainty of a finite calibration sample, and, if wanted, lose the bias it reveals.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from secondlaw.errors import InvalidInput

__all__ = ["CalibrationSample", "likelihood_ratios"]

Array = NDArray[np.float64]

MIX = 1e-3  # uniform part of the shares at which the estimating functions are taken, so that none is unbounded
SINGULAR = 1e-6  # directions with less than this part of the largest information are left alone


@dataclass(frozen=True, slots=True)
class CalibrationSample:
    """Responses with known categories, never used to train the classifier.

    Parameters
    ----------
    probabilities : array (m, K)
        Calibrated probabilities of the classifier.
    labels : array (m,) of int
        True category of each row.
    strata : array (m,) of int
        Stratum of each row (which categories its prompt can reach).
    groups : array (m,) of int
        Unit of resampling: prompt, or source where sources differ; numbered from zero.
    """

    probabilities: Array
    labels: NDArray[np.intp]
    strata: NDArray[np.intp]
    groups: NDArray[np.intp]

    def __post_init__(self) -> None:
        rows, categories = np.shape(self.probabilities)
        for name in ("labels", "strata", "groups"):
            values = np.asarray(getattr(self, name))
            if values.shape != (rows,) or (rows and values.min() < 0):
                raise InvalidInput(f"calibration {name} must be {rows} nonnegative integers, got shape {values.shape}")
        if rows and np.max(self.labels) >= categories:
            raise InvalidInput(
                f"calibration labels go up to {np.max(self.labels)}, but there are {categories} categories"
            )

    @property
    def n_groups(self) -> int:
        """Number of groups."""
        return int(np.max(self.groups)) + 1 if len(self.groups) else 0

    def moves(self, stratum: int, prior: Array, shares: Array, information: Array, weights: Array) -> Array:
        """Return by how much miscalibration moves the shares of one stratum, per weighting of the sample.

        Parameters
        ----------
        stratum : int
            Stratum whose rows of the sample are used.
        prior : array (K,)
            Prior under which the stratum's probabilities are calibrated; zero where unreachable.
        shares : array (K,)
            Corrected shares of the stratum.
        information : array (K, K)
            H, from :func:`information_matrix`.
        weights : array (B, groups of the sample)
            How often each group counts.

        Returns
        -------
        array (B, K)
            Moves, each summing to zero; zero where the sample has no row of the stratum.
        """
        rows = np.flatnonzero((np.asarray(self.strata) == stratum) & (prior[np.asarray(self.labels)] > 0.0))
        if not len(rows):
            return np.zeros((len(weights), len(prior)))
        phi = estimating_functions(likelihood_ratios(self.probabilities[rows], prior), shares, prior)
        w = np.asarray(weights, dtype=np.float64)[:, self.groups[rows]]
        deviation = np.tile(-(prior > 0.0).astype(np.float64), (len(w), 1))
        for j in np.flatnonzero(prior > 0.0):
            of = self.labels[rows] == j
            mass = w[:, of].sum(axis=1, keepdims=True)
            total = w[:, of] @ phi[of]
            mean = np.divide(total, mass, out=np.tile(information[j], (len(w), 1)), where=mass > 0.0)
            deviation += mixed(shares, prior)[j] * mean
        inverse = np.linalg.pinv(information, rcond=SINGULAR, hermitian=True)
        moves = deviation @ inverse
        return np.asarray(moves - (prior > 0.0) * moves.sum(axis=1, keepdims=True) / np.sum(prior > 0.0))


def likelihood_ratios(probabilities: Array, prior: Array) -> Array:
    """Return p_k / prior_k, zero where the prior is zero, scaled to a largest value of one per row."""
    reachable = prior > 0.0
    ratios = np.divide(probabilities, prior, out=np.zeros_like(probabilities), where=reachable)
    largest = ratios.max(axis=1, keepdims=True)
    if np.any(largest <= 0.0):
        row = int(np.flatnonzero(largest[:, 0] <= 0.0)[0])
        raise InvalidInput(
            f"row {row} gives no probability to any category its stratum can reach; smooth the probabilities or "
            "check the stratum"
        )
    return np.asarray(ratios / largest)


def mixed(shares: Array, prior: Array) -> Array:
    """Return the shares with a small uniform part over the reachable categories."""
    reachable = prior > 0.0
    return np.asarray((1.0 - MIX) * shares + MIX * reachable / reachable.sum())


def estimating_functions(ratios: Array, shares: Array, prior: Array) -> Array:
    """Return phi_k = r_k / (pi . r) of each row, shape (n, K)."""
    return np.asarray(ratios / (ratios @ mixed(shares, prior))[:, None])


def information_matrix(ratios: Array, shares: Array, prior: Array, weights: Array | None = None) -> Array:
    """Return H = mean of phi phi^T over the rows, shape (K, K)."""
    phi = estimating_functions(ratios, shares, prior)
    w = np.full(len(phi), 1.0 / len(phi)) if weights is None else weights / weights.sum()
    return np.asarray(phi.T @ (phi * w[:, None]))
