"""The correction of one cell for prior shift: EM on calibrated probabilities, by intent.

Measured on nine models and sets of 200 or more responses labelled by people, judged by heads that never saw the source
(scripts/calibrate_corrections.py, heads 1.4.0): with the intent stated S is off by .08 nats in the median (.14 as the
machine labels it), with the intent unknown by .06 (.17), and 95 % intervals, stretched to bound another source and
moved with the line of harm (:mod:`secondlaw.drift.line_of_harm`), hold it in nine and eight, a share in .90 and .97.
Heads of 1.3.0, with the doubt of the line left to each response: .18, seven and .86 with the intent unknown. A line
that varies by the spread of the calibration sample's sources (Student's t) holds .89: too few sources, two of them
ours; the line alone, without the stretch, .91. Heads of 1.1.0, before the line: .12 and .20, six and seven, .89 and .87
(unstretched: .84 and .76; stretched by the sources of each stratum alone, of which benign prompts have three: eight and
seven, .93 and .87, and shares of the demo up to .7). That categories score as in the calibration sample does not hold
there, which notes of all these cells but three say; a hundred labels by people bring the median to .01, and heads
trained on rows of the source, with prompts they never saw and the intent stated, to .005.

Without labels a correction is as near as sources score alike. Cells drawn from these sources, with shares of refusals
from 0 to 1: .02, within .1 in .84, S held in .94. Simulated sources whose refusals are off by a normal deviate of 0, 1
and 2 log odds: .03, .05 and .07, within .1 in .90, .77 and .61, S held in .99, .96 and .94. In the mean error none of
eleven others is nearer on cells so drawn or simulated: likelihood ratios sharpened (three ways) or given the slope
within sources (two), histograms of scores (of all sources, by source and averaged or weighted by fit, moved by the
shift that fits best), the confusion table, labels as they are. Means and medians of the replicates are not nearer on
drawn cells, nor a line fitted to the cell (two ways) on the nine; rectified scores are not for heads trained on the
source. With earlier heads tempered or bounded scores, shares drawn to the prior or to the counts of labels and a prior
of its own for each stated intent were not nearer throughout.
"""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from secondlaw.behavior.taxonomy import INTENTS
from secondlaw.drift.cells import CellRows, ClassifierError
from secondlaw.drift.corrections import EXACT, Corrected, widened
from secondlaw.drift.design import Design
from secondlaw.drift.line_of_harm import given_the_line, with_its_doubt
from secondlaw.errors import NotEnoughData
from secondlaw.statistics.calibration import CalibrationSample
from secondlaw.statistics.cells import CellReplicates, Replicated
from secondlaw.statistics.closed_form import plug_in
from secondlaw.statistics.em import CorrectedShares, em_shares
from secondlaw.statistics.em_by_prompt import em_within
from secondlaw.statistics.label_scores import complete_scores
from secondlaw.statistics.prior_shift_fit import score_fit
from secondlaw.statistics.resampling import resample_weights

__all__ = ["by_prior_shift"]

Floats = NDArray[np.float64]

EXPANDED = 1 << 27
"""Most numbers of an expanded weights matrix (1 GiB) for which within-group entropy is corrected."""
CLASSIFIER_DRAWS = 200
"""Draws of the classifier's part of the variance: its share of the variance is then known to a tenth of itself."""
MISFIT = 0.01
"""P-value below which the scores of a cell contradict the prior-shift assumption."""
MISFIT_DRAWS = 200
"""Replicates of that test, and random blocks of the calibration sample's rows that vary in them."""
MISFIT_DISTANCE = 0.1
"""Total variation of the scores below which a misfit, however significant, is too small to matter."""


def by_prior_shift(rows: CellRows, design: Design, raw: CellReplicates, error: ClassifierError) -> Corrected:
    """Correct by EM on calibrated probabilities, by intent; the classifier's own uncertainty where it is known."""
    if error.priors is None or rows.probabilities is None:
        raise NotEnoughData("a correction for prior shift needs probabilities and the prior of their calibration")
    rows, probabilities, notes = _readable(rows, error.priors)
    probabilities, error = given_the_line(probabilities, rows.strata, error)
    assert error.priors is not None  # noqa: S101 - as above
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
    doubt, alone = "", None
    if calibration is not None:
        doubt = ", with the classifier's own uncertainty"
        notes = (*_misfit(probabilities, rows, design, error.priors, calibration, fit), *notes)
        alone = _classifier_alone(probabilities, rows, design, error, calibration)
    fit = with_its_doubt(fit, probabilities, rows.strata, units, design.weights, error=error, design=design)
    within, within_method = _within(probabilities, rows, design, raw, error.priors, fit)
    drawn = widened(fit.shares, fit.replicates, fit.noise, raw.groups, raw.effective, design)
    method = (
        f"EM for prior shift on calibrated probabilities, by intent{doubt}; bootstrap over {raw.groups} groups, {EXACT}"
    )
    return Corrected(
        Replicated(fit.shares, drawn), fit.noise, "em", "machine", method, within, within_method,
        within_corrected=True, notes=notes, classifier_replicates=alone,
    )  # fmt: skip


def _readable(rows: CellRows, priors: Floats) -> tuple[CellRows, Floats, tuple[str, ...]]:
    """Return the rows that EM can read with their probabilities, and what had to be done for it.

    Rows that only a person labelled are sure; rows with a label and no probabilities are read through the error rates
    that the other rows show.
    """
    assert rows.probabilities is not None  # noqa: S101 - the caller has them
    given = rows.probabilities.astype(np.float64)
    by_hand = np.isnan(given).any(axis=1) & (rows.label < 0) & (rows.human >= 0)
    given[by_hand] = np.eye(given.shape[1])[rows.human[by_hand]]
    lacking = int(np.isnan(given).any(axis=1).sum())
    done = complete_scores(given, rows.label, priors, rows.strata)
    silent = np.asarray(np.isnan(done.probabilities).any(axis=1))
    if silent.any():
        rows, done = rows.take(~silent), replace(done, probabilities=done.probabilities[~silent])
    probabilities, contradicting = _within_reach(done.probabilities, priors[rows.strata])
    notes = []
    if done.by_label:
        notes.append(
            f"{done.by_label} of {len(given)} responses have a label but no label_probs: they are read with the error "
            "rates of labels that the others show"
        )
    if lacking > done.by_label:
        notes.append(
            f"{lacking - done.by_label} of {len(given)} responses have no label_probs and a label that none with "
            "label_probs has: they are left out"
        )
    if by_hand.any():
        notes.append(f"{int(by_hand.sum())} responses that only a person labelled count as labelled")
    if contradicting:
        notes.append(f"{contradicting} responses are labelled with what their intent cannot lead to; they say nothing")
    return rows, probabilities, tuple(notes)


def _within_reach(probabilities: Floats, prior: Floats) -> tuple[Floats, int]:
    """Give the prior to rows whose probability lies on unreachable categories alone; return how many there are."""
    lost = np.where(prior > 0.0, probabilities, 0.0).sum(axis=1) <= 0.0
    return np.where(lost[:, None], prior, probabilities), int(lost.sum())


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
    # Whether the sample as it is describes this cell, not whether some source might: so its rows vary, not its sources.
    draws = min(MISFIT_DRAWS, len(design.weights))
    blocks = design.rng.permutation(len(calibration.labels)) % MISFIT_DRAWS
    reference = replace(calibration, groups=blocks.astype(np.intp))
    reference_weights = resample_weights(reference.n_groups, draws, rng=design.rng)
    for stratum in np.unique(rows.strata):
        mine = rows.strata == stratum
        try:
            seen = score_fit(
                probabilities[mine],
                priors[stratum],
                design.units[rows.groups[mine]],
                design.weights[:draws],
                shares=fit.strata_shares[stratum],
                share_replicates=fit.strata_replicates[stratum][:draws],
                reference=reference,
                reference_weights=reference_weights,
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
    probabilities: Floats, rows: CellRows, design: Design, error: ClassifierError, calibration: CalibrationSample
) -> Floats:
    """Return the pooled entropy where every prompt stays and only the classifier varies: sample and line of harm."""
    assert design.calibration_weights is not None  # noqa: S101 - the caller has a calibration
    assert error.priors is not None  # noqa: S101 - and priors
    draws, units = design.calibration_weights[:CLASSIFIER_DRAWS], design.units[rows.groups]
    as_they_are = np.ones((len(draws), design.weights.shape[1]))
    fit = em_shares(
        probabilities,
        error.priors,
        rows.strata,
        units,
        as_they_are,
        calibration=calibration,
        calibration_weights=draws,
    )
    fit = with_its_doubt(fit, probabilities, rows.strata, units, as_they_are, error=error, design=design)
    return np.asarray(plug_in(np.maximum(fit.replicates, 0.0)))
