"""Corrections of a classifier's error in one cell: by people's labels, by prior shift, by a confusion table."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from secondlaw.behavior.taxonomy import INTENTS
from secondlaw.drift.cells import CellRows, ClassifierError, Labels
from secondlaw.drift.design import Design
from secondlaw.drift.results import Correction
from secondlaw.errors import NotEnoughData
from secondlaw.statistics.calibration import CalibrationSample
from secondlaw.statistics.cells import CellReplicates, Replicated
from secondlaw.statistics.closed_form import plug_in
from secondlaw.statistics.confusion import confusion_shares, draw_confusions
from secondlaw.statistics.em import CorrectedShares, em_shares
from secondlaw.statistics.em_within import em_within
from secondlaw.statistics.ppi import ppi_shares
from secondlaw.statistics.score_fit import score_fit

__all__ = ["Corrected", "by_confusion", "by_people", "by_prior_shift"]

Floats = NDArray[np.float64]

EXPANDED = 1 << 27
"""Most numbers of an expanded weights matrix (1 GiB) for which within-group entropy is corrected."""
CLASSIFIER_DRAWS = 200
"""Draws of the classifier's part of the variance: its share of the variance is then known to a tenth of itself."""
MISFIT = 0.01
"""P-value below which the scores of a cell contradict the prior-shift assumption."""
MISFIT_DISTANCE = 0.1
"""Total variation of the scores below which a misfit, however significant, is too small to matter."""
PLAIN_WITHIN = "uncorrected machine labels; Dirichlet-multinomial posterior mean"


@dataclass(frozen=True, slots=True)
class Corrected:
    """Corrected shares of a cell with their replicates, and what goes with them.

    Parameters
    ----------
    shares : Replicated, shape (K,)
    correction, labels, method
        As in :class:`~secondlaw.drift.cells.MeasuredCell`.
    within : Replicated or None
        Corrected entropy within groups; None where `within_method` says why there is none.
    within_method : str
    within_corrected : bool
        Whether `within` is corrected as well; otherwise it is read off the labels as they are.
    notes : tuple of str
    classifier_replicates : ndarray or None
    """

    shares: Replicated
    correction: Correction
    labels: Labels
    method: str
    within: Replicated | None
    within_method: str
    within_corrected: bool = False
    notes: tuple[str, ...] = ()
    classifier_replicates: Floats | None = None


def by_people(rows: CellRows, design: Design, raw: CellReplicates) -> Corrected:
    """Correct by the human labels of a part of the rows: PPI++ per category, projected on the simplex.

    *Outside the taxonomy* is one more category while correcting, since people and machine disagree on it too.
    """
    categories = len(raw.shares.point)
    known = (rows.label >= 0)[:, None]
    predicted = np.where(known, np.eye(categories + 1)[np.maximum(rows.label, 0)], 1.0 / (categories + 1))
    if rows.probabilities is not None:
        usable = ~np.asarray(np.isnan(rows.probabilities).any(axis=1)) & (rows.label != categories)
        padded = np.column_stack([np.nan_to_num(rows.probabilities), np.zeros(len(rows))])
        predicted = np.where(usable[:, None], padded, predicted)
    seen = rows.human >= 0
    stated = rows.inclusion is not None and not np.isnan(rows.inclusion[seen]).any()
    fit = ppi_shares(
        predicted,
        rows.human,
        design.units[rows.groups],
        design.weights,
        inclusion=rows.inclusion if stated else None,
        rng=design.rng,
    )
    notes: tuple[str, ...] = ("within and between are read off uncorrected machine labels",)
    if not stated:
        notes = ("human-labelled rows are taken as chosen at random with equal probability", *notes)
    method = f"PPI++ with {fit.n_labelled} human labels, bootstrap over {raw.groups} groups"
    inside, drawn = fit.shares[:categories], fit.replicates[:, :categories]
    if inside.sum() <= 0.0:
        raise NotEnoughData("by the human labels every response lies outside the taxonomy")
    mass = drawn.sum(axis=1, keepdims=True)
    shares = inside / inside.sum()
    drawn = np.where(mass > 0.0, drawn / np.maximum(mass, 1e-300), shares)
    return Corrected(Replicated(shares, drawn), "ppi++", "both", method, raw.within, PLAIN_WITHIN, notes=notes)


def by_prior_shift(rows: CellRows, design: Design, raw: CellReplicates, error: ClassifierError) -> Corrected:
    """Correct by EM on calibrated probabilities, by intent; the classifier's own uncertainty where it is known."""
    if error.priors is None or rows.probabilities is None:
        raise NotEnoughData("a correction for prior shift needs probabilities and the prior of their calibration")
    probabilities, contradicting = _within_reach(rows.probabilities.astype(np.float64), error.priors[rows.strata])
    units = design.units[rows.groups]
    calibration = error.calibration if design.calibration_weights is not None else None
    fit = em_shares(
        probabilities,
        error.priors,
        rows.strata,
        units,
        design.weights,
        calibration=calibration,
        calibration_weights=design.calibration_weights if calibration is not None else None,
        rng=design.rng,
    )
    within, within_method = _within(probabilities, rows, design, raw, error.priors, fit)
    doubt, alone = "", None
    notes: tuple[str, ...] = ()
    if calibration is not None:
        doubt = ", with the classifier's own uncertainty"
        notes = _misfit(probabilities, rows, design, error.priors, calibration, fit)
        alone = _classifier_alone(probabilities, rows, design, error.priors, calibration)
    if contradicting:
        notes = (
            f"{contradicting} responses are labelled with what their intent cannot lead to; they say nothing",
            *notes,
        )
    method = f"EM for prior shift on calibrated probabilities, by intent{doubt}; bootstrap over {raw.groups} groups"
    return Corrected(
        Replicated(fit.shares, fit.replicates), "em", "machine", method, within, within_method,
        within_corrected=True, notes=notes, classifier_replicates=alone,
    )  # fmt: skip


def _within_reach(probabilities: Floats, prior: Floats) -> tuple[Floats, int]:
    """Give the prior to rows whose probability lies on unreachable categories alone; return how many there are."""
    lost = np.where(prior > 0.0, probabilities, 0.0).sum(axis=1) <= 0.0
    return np.where(lost[:, None], prior, probabilities), int(lost.sum())


def by_confusion(
    rows: CellRows, design: Design, raw: CellReplicates, error: ClassifierError, priors: Floats
) -> Corrected:
    """Correct the counts of labels by a confusion table, by intent.

    `priors` (3, K) only says which categories an intent can reach: those above 0.
    """
    if error.confusion is None:
        raise NotEnoughData("a correction by a confusion table needs its counts")
    confusion = error.confusion
    categories, units = len(confusion), design.units[rows.groups]
    draws = error.confusion_draws
    if draws is None:
        draws = draw_confusions(confusion, len(design.weights), rng=design.rng)
    shares, replicates = np.zeros(categories), np.zeros((len(design.weights), categories))
    mass = np.zeros(len(design.weights))
    for stratum in np.unique(rows.strata):
        mine = rows.strata == stratum
        by_unit = np.zeros((design.weights.shape[1], categories))
        np.add.at(by_unit, (units[mine], rows.label[mine]), 1.0)
        fit = confusion_shares(
            by_unit, confusion, design.weights, confusion_draws=draws, reachable=priors[stratum] > 0.0
        )
        weight = design.weights @ by_unit.sum(axis=1)
        shares += fit.shares * mine.mean()
        replicates += weight[:, None] * fit.replicates
        mass += weight
    replicates = np.where(mass[:, None] > 0.0, replicates / np.maximum(mass, 1e-300)[:, None], shares)
    method = f"EM on the confusion table of {confusion.sum():g} labels; bootstrap over {raw.groups} groups"
    notes = ("within and between are read off uncorrected machine labels",)
    return Corrected(Replicated(shares, replicates), "em", "machine", method, raw.within, PLAIN_WITHIN, notes=notes)


def _within(
    probabilities: Floats, rows: CellRows, design: Design, raw: CellReplicates, priors: Floats, fit: CorrectedShares
) -> tuple[Replicated | None, str]:
    ids, position = np.unique(rows.groups, return_inverse=True)
    if raw.within is None:
        return None, "one response per group: repeat the prompts to see the entropy within them"
    if len(ids) * len(design.weights) > EXPANDED:
        return None, f"{len(ids)} groups are too many to correct the entropy within them; measure shorter steps"
    weights = design.weights[:, design.units[ids]]
    try:
        inner = em_within(probabilities, priors, rows.strata, position, weights, corrected=fit)
    except NotEnoughData as short:
        return None, str(short)
    method = f"{inner.method}; bootstrap over {len(ids)} groups"
    return Replicated(np.asarray(inner.value), inner.replicates), method


def _misfit(
    probabilities: Floats,
    rows: CellRows,
    design: Design,
    priors: Floats,
    calibration: CalibrationSample,
    fit: CorrectedShares,
) -> tuple[str, ...]:
    """Say where the scores contradict the assumption that categories score as they did in the calibration."""
    found = []
    assert design.calibration_weights is not None  # noqa: S101 - the caller has a calibration
    for stratum in np.unique(rows.strata):
        mine = rows.strata == stratum
        try:
            seen = score_fit(
                probabilities[mine],
                priors[stratum],
                design.units[rows.groups[mine]],
                design.weights,
                shares=fit.strata_shares[stratum],
                share_replicates=fit.strata_replicates[stratum],
                reference=calibration,
                reference_weights=design.calibration_weights,
                stratum=int(stratum),
            )
        except NotEnoughData:
            continue
        if seen.p_value < MISFIT and seen.distance > MISFIT_DISTANCE:
            found.append(
                f"responses to {INTENTS[stratum]} prompts do not score like the classifier's calibration data "
                f"(p = {seen.p_value:.2g}, total variation {seen.distance:.2f}): the correction's assumption is in "
                "doubt, label some by hand"
            )
    return tuple(found)


def _classifier_alone(
    probabilities: Floats, rows: CellRows, design: Design, priors: Floats, calibration: CalibrationSample
) -> Floats:
    """Return the pooled entropy where every prompt stays and only the classifier's calibration sample is resampled."""
    assert design.calibration_weights is not None  # noqa: S101 - the caller has a calibration
    draws = design.calibration_weights[:CLASSIFIER_DRAWS]
    fit = em_shares(
        probabilities,
        priors,
        rows.strata,
        design.units[rows.groups],
        np.ones((len(draws), design.weights.shape[1])),
        calibration=calibration,
        calibration_weights=draws,
    )
    return np.asarray(plug_in(np.maximum(fit.replicates, 0.0)))
