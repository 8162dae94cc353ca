"""Where a new source draws the line between harmful and harmless requests: one doubt for all its responses.

Told no intent, a classifier reads from the request whether it should be refused, and sources differ in where that line
lies. A classifier that integrates this out states the spread (:class:`~secondlaw.drift.cells.ClassifierError`); the
correction for prior shift then reads its log odds without that shrinkage, and lets the line move in the replicates, the
same for all cells. See :mod:`secondlaw.statistics.common_shift`.

Categories that only harmful requests can reach are one side, those that only benign ones can reach the other.
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from secondlaw.drift.cells import ClassifierError
from secondlaw.drift.design import Design
from secondlaw.statistics.common_shift import (
    log_odds,
    log_odds_of_side,
    shift_effects,
    shrinkage,
    tilted,
    two_sided,
    unshrunk,
)
from secondlaw.statistics.em import CorrectedShares
from secondlaw.statistics.simplex import project_simplex

__all__ = ["given_the_line", "harm_evidence", "moved_harm", "with_its_doubt"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Strata = NDArray[np.signedinteger]


def given_the_line(probabilities: Floats, strata: Ints, error: ClassifierError) -> tuple[Floats, ClassifierError]:
    """Return probabilities, and the classifier's error, with the shift of the line no longer integrated out.

    A move towards a stated share of harmful requests is taken back as well.

    Parameters
    ----------
    probabilities : ndarray, shape (n, K)
    strata : ndarray of int, shape (n,)
        Intent of each response.
    error : ClassifierError
        With priors.
    """
    assert error.priors is not None  # noqa: S101 - the caller has them
    if error.moved:
        probabilities = moved_harm(probabilities, strata, error, by=-error.moved)
    if not error.line_spread or not error.line_integrated:
        return probabilities, error
    sample = error.calibration
    if sample is not None:
        sample = replace(sample, probabilities=_unshrunk(sample.probabilities, sample.strata, error))
    return _unshrunk(probabilities, strata, error), replace(error, calibration=sample)


def with_its_doubt(
    fit: CorrectedShares,
    probabilities: Floats,
    strata: Ints,
    units: Ints,
    weights: Floats,
    *,
    error: ClassifierError,
    design: Design,
) -> CorrectedShares:
    """Return corrected shares whose replicates move with the line of harm.

    Parameters
    ----------
    fit : CorrectedShares
        With `weights`.
    probabilities : ndarray, shape (n, K)
        From :func:`given_the_line`.
    strata, units : ndarray of int, shape (n,)
        Intent and unit of resampling of each response.
    weights : ndarray, shape (B, units)
        How often each unit counts in each replicate.
    error : ClassifierError
        With priors; its `line_spread` says how far the line may move.
    design : Design
        Draws the line once for all cells.
    """
    assert error.priors is not None  # noqa: S101 - the caller has them
    if not error.line_spread or design.line is None:
        return fit
    sides, shifts = _sides(error.priors), error.line_spread * design.line[: len(weights)]
    total = weights @ np.bincount(units, minlength=weights.shape[1])
    in_strata, replicates = fit.strata_replicates.copy(), fit.replicates.copy()
    for stratum in np.unique(strata):
        prior, mine = error.priors[stratum], strata == stratum
        if not two_sided(prior, sides):
            continue
        can = prior > 0.0
        moved = np.zeros_like(replicates)
        effect = shift_effects(probabilities[mine], prior, sides, shifts)
        moved[:, can] = project_simplex(in_strata[stratum][:, can] + effect[:, can])
        part = weights @ np.bincount(units[mine], minlength=weights.shape[1]) / total
        replicates += part[:, None] * (moved - in_strata[stratum])
        in_strata[stratum] = moved
    return replace(fit, replicates=np.maximum(replicates, 0.0), strata_replicates=in_strata)


def moved_harm(probabilities: Floats, strata: Strata, error: ClassifierError, *, by: float) -> Floats:
    """Return probabilities whose log odds of harm are moved in the strata that leave the intent open; shape (n, K)."""
    return _where_open(probabilities, strata, error, lambda p, prior, sides: tilted(p, sides, by))


def harm_evidence(probabilities: Floats, error: ClassifierError, *, stratum: int) -> Floats | None:
    """Return what responses of a stratum say of the harm of their requests, the line of harm taken to be known.

    Parameters
    ----------
    probabilities : ndarray, shape (n, K)
    error : ClassifierError
        With priors and the share of harm that is expected.
    stratum : int

    Returns
    -------
    ndarray, shape (n,), or None
        Log likelihood ratios of harmful requests; None where the stratum states the intent, the categories do not
        tell, or nothing is known of what is expected.
    """
    if (
        error.priors is None
        or error.expected_harm is None
        or not two_sided(error.priors[stratum], _sides(error.priors))
    ):
        return None
    said = log_odds_of_side(probabilities, _sides(error.priors)) - log_odds(error.expected_harm) - error.moved
    return np.asarray(said / (shrinkage(error.line_spread) if error.line_integrated else 1.0))


def _sides(priors: Floats) -> Ints:
    """Return 1 for what only harmful requests reach, -1 for what only benign ones reach, 0 for the rest."""
    benign, harmful = priors[0] > 0.0, priors[1] > 0.0
    return np.asarray(harmful.astype(np.int64) - benign.astype(np.int64))


def _unshrunk(probabilities: Floats, strata: Strata, error: ClassifierError) -> Floats:
    return _where_open(
        probabilities, strata, error, lambda p, prior, sides: unshrunk(p, prior, sides, error.line_spread)
    )


def _where_open(
    probabilities: Floats, strata: Strata, error: ClassifierError, change: Callable[[Floats, Floats, Ints], Floats]
) -> Floats:
    """Change the probabilities of the strata that leave the intent open, given these, their prior and the sides."""
    assert error.priors is not None  # noqa: S101 - the caller has them
    out, sides = np.array(probabilities, dtype=np.float64), _sides(error.priors)
    for stratum in np.unique(strata):
        if two_sided(error.priors[stratum], sides):
            mine = strata == stratum
            out[mine] = change(out[mine], error.priors[stratum], sides)
    return out
