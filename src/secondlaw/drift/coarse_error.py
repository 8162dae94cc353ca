r"""What is known of a classifier's error where only its labels were kept, not its probabilities.

A label k of a response whose prompt has intent s is evidence too: category j is as likely as
:math:`\pi_{sj} P_s(k \mid j)`, with the rates :math:`P_s` of the classifier's calibration sample and the prior
:math:`\pi_s` under which its probabilities are calibrated. These *coarse* probabilities stand for those that were not
kept, for the measured responses and for the calibration sample alike, so that the correction for prior shift and its
doubt between sources go on unchanged, with less information. The rates say what labels are worth on average over
sources, so the line of harm moves on their scale: of the spread, what integrating it out leaves of log odds.
"""

import numpy as np
from numpy.typing import NDArray

from secondlaw.drift.cells import ClassifierError
from secondlaw.drift.line_of_harm import moved_harm
from secondlaw.statistics.calibration import CalibrationSample
from secondlaw.statistics.common_shift import shrinkage

__all__ = ["coarse_error", "coarse_probabilities"]

PSEUDO_COUNT = 0.5
"""Jeffreys' prior on the rates: a label never seen for a category is unlikely, not impossible."""

Floats = NDArray[np.float64]


def coarse_probabilities(error: ClassifierError) -> Floats | None:
    """Return the probabilities that a label stands for, by intent.

    Parameters
    ----------
    error : ClassifierError
        With priors and a calibration sample.

    Returns
    -------
    ndarray, shape (3, K, K), or None
        Intent, label, probability of each category; None where the error is not known.

    Examples
    --------
    >>> sample = CalibrationSample(np.repeat(np.eye(2), 50, axis=0), np.repeat([0, 1], 50), np.zeros(100, int),
    ...                            np.arange(100))
    >>> error = ClassifierError(priors=np.full((3, 2), 0.5), calibration=sample)
    >>> coarse_probabilities(error)[0].round(2).tolist()
    [[0.99, 0.01], [0.01, 0.99]]
    """
    if error.priors is None or error.calibration is None:
        return None
    sample, categories = error.calibration, error.priors.shape[1]
    labels = _labels(error, sample)
    found = np.empty((len(error.priors), categories, categories))
    for stratum, prior in enumerate(error.priors):
        mine = sample.strata == stratum
        flat = np.bincount(sample.labels[mine] * categories + labels[mine], minlength=categories**2)
        rates = flat.reshape(categories, categories) + PSEUDO_COUNT
        joint = (prior[:, None] * rates / rates.sum(axis=1, keepdims=True)).T  # (label, category)
        mass = joint.sum(axis=1, keepdims=True)
        found[stratum] = np.divide(joint, mass, out=np.tile(prior, (categories, 1)), where=mass > 0.0)
    return found


def coarse_error(error: ClassifierError) -> ClassifierError:
    """Return the same knowledge for labels alone; unchanged where there is no calibration sample."""
    table = coarse_probabilities(error)
    if table is None or error.calibration is None:
        return error
    sample = error.calibration
    labels = _labels(error, sample)
    coarse = CalibrationSample(table[sample.strata, labels], sample.labels, sample.strata, sample.groups)
    spread = error.line_spread * (shrinkage(error.line_spread) if error.line_integrated else 1.0)
    return ClassifierError(priors=error.priors, calibration=coarse, line_spread=spread, line_integrated=False)


def _labels(error: ClassifierError, sample: CalibrationSample) -> NDArray[np.intp]:
    """Return the labels that the classifier gives the responses of its sample."""
    probabilities = sample.probabilities
    if error.moved:
        probabilities = moved_harm(probabilities, sample.strata, error, by=error.moved)
    out: NDArray[np.intp] = probabilities.argmax(axis=1)
    return out
