"""The resampling design of a measurement: drawn once, used by every cell, so that differences stay paired."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from secondlaw.statistics.calibration import CalibrationSample
from secondlaw.statistics.resampling import block_ids, resample_weights

__all__ = ["Design"]


@dataclass(frozen=True, slots=True)
class Design:
    """Weights of the units of resampling, and of the classifier's calibration sample.

    Parameters
    ----------
    units : ndarray of int64, shape (groups,)
        Unit of each group (prompt, conversation): the group itself, or its block where there are very many.
    weights : ndarray, shape (resamples, units)
        How often each unit counts in each replicate.
    calibration_weights : ndarray, shape (resamples, calibration groups), or None
        The same for the calibration sample, so that all cells share the classifier's error.
    rng : numpy.random.Generator
        For the draws that cells make on their own.
    line : ndarray, shape (resamples,), or None
        Standard normal: where the line of harm lies in each replicate, the same for all cells.

    Examples
    --------
    >>> design = Design.draw(np.arange(5, dtype=np.uint64), resamples=200, rng=np.random.default_rng(0))
    >>> design.weights.shape
    (200, 5)
    """

    units: NDArray[np.int64]
    weights: NDArray[np.float64]
    calibration_weights: NDArray[np.float64] | None
    rng: np.random.Generator
    line: NDArray[np.float64] | None = None

    @classmethod
    def draw(
        cls,
        group_keys: NDArray[np.uint64],
        *,
        resamples: int,
        rng: np.random.Generator,
        calibration: CalibrationSample | None = None,
    ) -> "Design":
        """Draw a design.

        Parameters
        ----------
        group_keys : ndarray, shape (groups,)
            A stable key of each group.
        resamples : int
            Number of replicates.
        rng : numpy.random.Generator
        calibration : CalibrationSample, optional
            The classifier's.
        """
        units = block_ids(group_keys)
        weights = resample_weights(int(units.max(initial=-1)) + 1, resamples, rng=rng)
        of_calibration = line = None
        if calibration is not None and calibration.n_groups > 1:
            of_calibration = calibration.draw_weights(resamples, rng=rng)
            line = _normal(resamples, rng.spawn(1)[0])
        return cls(units, weights, of_calibration, rng, line)

    def covering(self, groups: NDArray[np.int64]) -> "Design":
        """Return the design with no replicate that leaves some groups without any response.

        Where the units of `groups` are few among all, a replicate may draw none of them; it then stands for these
        groups as they are. With g groups that befalls a share exp(-g) of the replicates.
        """
        units = np.unique(self.units[groups])
        empty = self.weights[:, units].sum(axis=1) <= 0.0
        if not empty.any():
            return self
        weights = self.weights.copy()
        weights[np.ix_(empty, units)] = 1.0
        return replace(self, weights=weights)


def _normal(n: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Return the quantiles of the standard normal distribution, in random order: a sample without noise."""
    from scipy.special import ndtri

    return np.asarray(ndtri((rng.permutation(n) + 0.5) / n))
