r"""How much of a corrected share is the classifier's own uncertainty.

The prior-shift correction trusts calibrated probabilities. A sample of responses with known categories shows what they
are worth: let :math:`q_k` be the posterior of category k under the corrected shares (a bounded score), and
:math:`M_{jk} = E[q_k \mid j]` its mean over the sample's responses of category j, a soft confusion table. Shares that
explain the mean score of the measured responses, :math:`\bar q_k = \sum_j \pi_j M_{jk}`, are found on the simplex by
minimal Kullback-Leibler divergence. For a calibrated classifier they equal the corrected shares; otherwise they are
rectified. Resampling the sample by its groups shows how far they move.

Where the groups are sources (data sets, models), the responses measured are yet another source, and what a new source
does differs from the mean of the known ones by as much as they differ from each other: resampling their *mean* would
shrink that doubt by their number. Each replicate therefore takes one source as the model of the new one. A percentile
interval over m sources then ends at the outermost of them, which the next source exceeds with probability 2 / (m + 1);
so each source's distance from the mean of all is stretched until the interval is the one that Student's t predicts for
another source (:func:`stretch`). How often intervals then hold what people found is measured in
scripts/calibrate_corrections.py.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from secondlaw.errors import InvalidInput

__all__ = ["CalibrationSample", "likelihood_ratios"]

Array = NDArray[np.float64]

MIX = 1e-3  # uniform part of the shares at which the estimating functions are taken, so that none is unbounded
SCORE_MIX = 0.1  # the same for posterior scores: a category without a share must still have one
SOURCES = 20
"""Groups up to which they are taken for sources; prompts of a calibration sample are more."""
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

    def draw_weights(self, n_draws: int, *, rng: np.random.Generator) -> Array:
        """Draw weights of the groups: one source a draw where groups are few, else a resample of all.

        Parameters
        ----------
        n_draws : int
            Number of draws.
        rng : numpy.random.Generator

        Returns
        -------
        array (n_draws, groups)

        Examples
        --------
        >>> sample = CalibrationSample(np.eye(2), np.arange(2), np.zeros(2, int), np.arange(2))
        >>> sample.draw_weights(3, rng=np.random.default_rng(0)).tolist()
        [[1.0, 0.0], [0.0, 1.0], [0.0, 1.0]]
        """
        groups = self.n_groups
        draws = 1 if groups <= SOURCES else groups
        return rng.multinomial(draws, np.full(groups, 1.0 / groups), size=n_draws).astype(np.float64)

    def soft_confusion(self, stratum: int, prior: Array, shares: Array, implied: Array, weights: Array) -> Array:
        """Return the mean posterior score of each category, per weighting of the sample.

        Parameters
        ----------
        stratum : int
            Stratum whose rows of the sample are used.
        prior : array (K,)
            Prior under which the stratum's probabilities are calibrated; zero where unreachable.
        shares : array (K,)
            Corrected shares of the stratum.
        implied : array (K, K)
            Table that holds for a calibrated classifier; used for categories that the sample lacks.
        weights : array (B, groups of the sample)
            How often each group counts.

        Returns
        -------
        array (B, K, K)
            True category by row, score by column; rows of reachable categories sum to one.
        """
        rows = np.flatnonzero((np.asarray(self.strata) == stratum) & (prior[np.asarray(self.labels)] > 0.0))
        tables = np.tile(implied, (len(weights), 1, 1))
        if not len(rows):
            return tables
        scores = posterior_scores(likelihood_ratios(self.probabilities[rows], prior), shares, prior)
        w, G = np.asarray(weights, dtype=np.float64), self.n_groups
        for j in np.flatnonzero(prior > 0.0):
            of = self.labels[rows] == j
            where = self.groups[rows][of]
            sums = np.stack([np.bincount(where, weights=score, minlength=G) for score in scores[of].T], axis=1)
            rows_of = np.bincount(where, minlength=G)
            mass = (w @ rows_of)[:, None]
            np.divide(w @ sums, mass, out=tables[:, j], where=mass > 0.0)
            tables[:, j] = self._stretched(tables[:, j], np.asarray(sums), rows_of, w)
        return tables

    @staticmethod
    def _stretched(drawn: Array, sums: Array, mass: NDArray[np.intp], weights: Array) -> Array:
        """Return rows of a category, those drawn from a single source moved away from the mean of the sources."""
        known, alone = mass > 0, (weights > 0.0).sum(axis=1) == 1
        sources = weights.shape[1]  # of the whole sample: strata with fewer of them would be stretched beyond use
        if not 2 <= sources <= SOURCES or not known.any() or not alone.any():
            return drawn
        mean = (sums[known] / mass[known, None]).mean(axis=0)
        of_known = alone & (weights @ known > 0.0)
        moved = np.maximum(mean + stretch(sources) * (drawn[of_known] - mean), MIX * mean + 1e-9)
        out = drawn.copy()
        out[of_known] = moved / moved.sum(axis=1, keepdims=True)
        return out


def stretch(sources: int, *, level: float = 0.95) -> float:
    """Return by how much the outermost of some sources must be moved outward to bound the next one.

    Student's t for a new observation, over the expected place of the outermost of `sources` normal ones (Blom 1958).

    Parameters
    ----------
    sources : int
        At least 2.
    level : float
        Probability that the next source lies inside.

    Examples
    --------
    >>> [round(stretch(m), 2) for m in (3, 6, 20)]
    [5.71, 2.17, 1.15]
    """
    from scipy.special import ndtri, stdtrit

    outermost = float(ndtri((sources - 0.375) / (sources + 0.25)))
    return float(stdtrit(sources - 1, 0.5 + level / 2)) * float(np.sqrt(1 + 1 / sources)) / outermost


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


def mixed(shares: Array, prior: Array, *, part: float = MIX) -> Array:
    """Return the shares with a small uniform part over the reachable categories."""
    reachable = prior > 0.0
    return np.asarray((1.0 - part) * shares + part * reachable / reachable.sum())


def posterior_scores(ratios: Array, shares: Array, prior: Array) -> Array:
    """Return the posterior of each category under the shares, slightly mixed; shape (n, K), rows sum to one."""
    joint = ratios * mixed(shares, prior, part=SCORE_MIX)
    return np.asarray(joint / joint.sum(axis=1, keepdims=True))


def implied_confusion(ratios: Array, shares: Array, prior: Array) -> Array:
    """Return the soft confusion table that a calibrated classifier has, from the measured rows; shape (K, K)."""
    phi = estimating_functions(ratios, shares, prior)
    table = phi.T @ posterior_scores(ratios, shares, prior)
    mass = table.sum(axis=1, keepdims=True)
    return np.asarray(np.divide(table, mass, out=np.eye(len(prior)), where=mass > 0.0))


def estimating_functions(ratios: Array, shares: Array, prior: Array) -> Array:
    """Return phi_k = r_k / (pi . r) of each row, shape (n, K)."""
    return np.asarray(ratios / (ratios @ mixed(shares, prior))[:, None])


def information_matrix(ratios: Array, shares: Array, prior: Array, weights: Array | None = None) -> Array:
    """Return H = mean of phi phi^T over the rows, shape (K, K)."""
    phi = estimating_functions(ratios, shares, prior)
    w = np.full(len(phi), 1.0 / len(phi)) if weights is None else weights / weights.sum()
    return np.asarray(phi.T @ (phi * w[:, None]))
