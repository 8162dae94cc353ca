"""One cell (model, step): which labels count, which correction applies, and every quantity with its replicates.

The correction follows from what is there, in this order:

1. every row has a human label: these are measured as they are;
2. :data:`ENOUGH_HUMAN_LABELS` or more rows have one: PPI++;
3. the machine's probabilities and the prior under which they are calibrated: EM for prior shift, by intent;
4. the machine's confusion counts: EM on the confusion matrix;
5. nothing: the machine's labels as they are, and every number says *uncorrected*.
"""

from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from secondlaw.drift.design import Design
from secondlaw.drift.results import Correction
from secondlaw.errors import NotEnoughData
from secondlaw.statistics.calibration import CalibrationSample
from secondlaw.statistics.cells import CellReplicates, Replicated, cell_replicates
from secondlaw.statistics.closed_form import plug_in
from secondlaw.statistics.confusion import confusion_shares
from secondlaw.statistics.em import em_shares
from secondlaw.statistics.em_within import em_within
from secondlaw.statistics.ppi import ppi_shares
from secondlaw.statistics.share_entropy import entropy_from_shares

__all__ = ["ENOUGH_HUMAN_LABELS", "CellRows", "ClassifierError", "MeasuredCell", "measure_cell"]

ENOUGH_HUMAN_LABELS = 100
"""Human labels in a cell from which PPI++ is used (the spec's checked case: 100 and 300)."""

EXPANDED = 1 << 27
"""Most numbers of an expanded weights matrix (1 GiB) for which within-group entropy is corrected."""

CLASSIFIER_DRAWS = 200
"""Draws of the classifier's part of the variance: its share of the variance is then known to a tenth of itself."""

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Labels = Literal["human", "machine", "both"]


@dataclass(frozen=True, slots=True)
class CellRows:
    """The rows of one cell that lie inside the taxonomy.

    Parameters
    ----------
    groups : ndarray of int, shape (n,)
        Group (prompt, conversation) of each row.
    label, human : ndarray of int, shape (n,)
        The machine's and a person's category, -1 for none.
    strata : ndarray of int, shape (n,)
        Intent of the prompt: 0 benign, 1 harmful, 2 unknown.
    probabilities : ndarray, shape (n, K), or None
        The machine's; rows of NaN have none.
    inclusion : ndarray, shape (n,), or None
        Probability with which a row was chosen for human labelling; NaN where not stated.
    """

    groups: Ints
    label: Ints
    human: Ints
    strata: Ints
    probabilities: Floats | None = None
    inclusion: Floats | None = None

    def __len__(self) -> int:
        return len(self.groups)


@dataclass(frozen=True, slots=True)
class ClassifierError:
    """What is known of the error of the classifier that labelled a cell.

    Parameters
    ----------
    priors : ndarray, shape (3, K), or None
        Prior under which its probabilities are calibrated, by intent (benign, harmful, unknown).
    calibration : CalibrationSample or None
        Responses with known categories on which it was never trained.
    confusion : ndarray, shape (K, K), or None
        Counts of (true, predicted) categories.
    """

    priors: Floats | None = None
    calibration: CalibrationSample | None = None
    confusion: Floats | None = None


@dataclass(frozen=True, slots=True)
class MeasuredCell:
    """Every quantity of a cell on the shared design.

    Parameters
    ----------
    shares : Replicated, shape (K,)
    misaligned, pooled : Replicated
    within, between : Replicated or None
        None if every group has one response, or (for blocks) not computed; then `within_reason` says why.
    n, n_groups : int
        Responses and groups.
    correction, labels
        See the module.
    shares_method, entropy_method, within_method : str
        In words.
    raw : CellReplicates
        The same read off the labels as they are.
    group_counts : ndarray, shape (n_groups, K)
        Labels by group, as counted.
    group_ids : ndarray of int, shape (n_groups,)
        Which groups these are.
    notes : tuple of str
    classifier_replicates : ndarray, shape (draws,), or None
        The pooled entropy with only the classifier varied.
    """

    shares: Replicated
    misaligned: Replicated
    pooled: Replicated
    within: Replicated | None
    between: Replicated | None
    n: int
    n_groups: int
    correction: Correction
    labels: Labels
    shares_method: str
    entropy_method: str
    within_method: str
    raw: CellReplicates
    group_counts: Ints
    group_ids: Ints
    notes: tuple[str, ...] = field(default=())
    classifier_replicates: Floats | None = None


def measure_cell(
    rows: CellRows, design: Design, *, misaligned: NDArray[np.bool_], error: ClassifierError | None = None
) -> MeasuredCell:
    """Measure one cell.

    Parameters
    ----------
    rows : CellRows
    design : Design
        Shared by all cells of the measurement.
    misaligned : ndarray of bool, shape (K,)
        Which categories are misaligned.
    error : ClassifierError, optional
        What is known of the classifier.

    Returns
    -------
    MeasuredCell

    Raises
    ------
    NotEnoughData
        If no row has a label.
    """
    error = error or ClassifierError()
    labelled = (rows.label >= 0) | (rows.human >= 0)
    if not labelled.any():
        raise NotEnoughData("no row of the cell has a label")
    rows = _take(rows, labelled)
    seen = rows.human >= 0
    all_human = bool(seen.all())
    counted = rows.human if all_human else np.where(rows.label >= 0, rows.label, rows.human)
    table, ids, units = _count(counted, rows.groups, len(misaligned), design)
    raw = cell_replicates(table, design.weights, rng=design.rng, misaligned=misaligned, blocks=units)
    members = misaligned.astype(np.float64)
    n_human = int(seen.sum())
    if all_human:
        return _plain(raw, table, ids, "human")
    if n_human >= ENOUGH_HUMAN_LABELS and np.unique(rows.groups[seen]).size > 1:
        return _by_people(rows, design, members, raw, table, ids)
    notes: tuple[str, ...] = ()
    if n_human:
        notes = (f"{n_human} human labels are too few for PPI++, which needs {ENOUGH_HUMAN_LABELS} in a cell",)
    if error.priors is not None and rows.probabilities is not None and not np.isnan(rows.probabilities).any():
        return _by_prior_shift(rows, design, members, error, raw, table, ids, notes)
    if error.confusion is not None:
        return _by_confusion(rows, design, members, error.confusion, raw, table, ids, notes)
    return _plain(raw, table, ids, "machine", notes)


def _take(rows: CellRows, keep: NDArray[np.bool_]) -> CellRows:
    return CellRows(
        rows.groups[keep],
        rows.label[keep],
        rows.human[keep],
        rows.strata[keep],
        None if rows.probabilities is None else rows.probabilities[keep],
        None if rows.inclusion is None else rows.inclusion[keep],
    )


def _count(labels: Ints, groups: Ints, categories: int, design: Design) -> tuple[Ints, Ints, Ints]:
    """Return counts by group (g, K), the groups (g,) and their units (g,)."""
    ids, inverse = np.unique(groups, return_inverse=True)
    flat = np.bincount(inverse * categories + labels, minlength=len(ids) * categories)
    return flat.reshape(len(ids), categories).astype(np.int64), ids.astype(np.int64), design.units[ids]


def _plain(raw: CellReplicates, table: Ints, ids: Ints, labels: Labels, notes: tuple[str, ...] = ()) -> MeasuredCell:
    source = "human labels" if labels == "human" else "uncorrected machine labels"
    groups = f"{len(ids)} groups" if len(ids) > 1 else "1 group: sampling error within it only"
    how = f"{source}; bootstrap over {groups}, widened to the Dirichlet-multinomial posterior"
    assert raw.misaligned is not None  # noqa: S101 - asked for in measure_cell
    return MeasuredCell(
        shares=raw.shares,
        misaligned=raw.misaligned,
        pooled=raw.pooled,
        within=raw.within,
        between=raw.between,
        n=raw.n,
        n_groups=len(ids),
        correction="none",
        labels=labels,
        shares_method=how,
        entropy_method=f"Miller-Madow with the cluster-robust variance (NSB below 50 effective responses); {how}",
        within_method=f"Dirichlet-multinomial posterior mean; {how}",
        raw=raw,
        group_counts=table,
        group_ids=ids,
        notes=notes,
    )


def _by_people(
    rows: CellRows, design: Design, members: Floats, raw: CellReplicates, table: Ints, ids: Ints
) -> MeasuredCell:
    machine = rows.label >= 0
    one_hot = np.where(machine[:, None], np.eye(len(members))[np.maximum(rows.label, 0)], 1.0 / len(members))
    predicted = one_hot
    if rows.probabilities is not None:
        absent = np.asarray(np.isnan(rows.probabilities).any(axis=1))
        predicted = np.where(absent[:, None], one_hot, rows.probabilities)
    inclusion = rows.inclusion
    seen = rows.human >= 0
    stated = inclusion is not None and not np.isnan(inclusion[seen]).any()
    fit = ppi_shares(
        predicted, rows.human, design.units[rows.groups], design.weights, inclusion=inclusion if stated else None
    )
    notes: tuple[str, ...] = ("within and between are read off uncorrected machine labels",)
    if not stated:
        notes = ("human-labelled rows are taken as chosen at random with equal probability", *notes)
    method = f"PPI++ with {fit.n_labelled} human labels, bootstrap over {len(ids)} groups"
    return _corrected(
        Replicated(fit.shares, fit.replicates), members, raw, table, ids, "ppi++", "both", method, notes,
        within=raw.within, within_method="uncorrected machine labels; Dirichlet-multinomial posterior mean",
    )  # fmt: skip


def _by_prior_shift(
    rows: CellRows,
    design: Design,
    members: Floats,
    error: ClassifierError,
    raw: CellReplicates,
    table: Ints,
    ids: Ints,
    notes: tuple[str, ...],
) -> MeasuredCell:
    assert rows.probabilities is not None and error.priors is not None  # noqa: S101, PT018 - checked by the caller
    probabilities = rows.probabilities.astype(np.float64)
    calibrated = error.calibration if design.calibration_weights is not None else None
    fit = em_shares(
        probabilities,
        error.priors,
        rows.strata,
        design.units[rows.groups],
        design.weights,
        calibration=calibrated,
        calibration_weights=design.calibration_weights if calibrated is not None else None,
        rng=design.rng,
    )
    within = None
    within_method = "every group has one response"
    if raw.within is not None and len(ids) * len(design.weights) <= EXPANDED:
        position = np.searchsorted(ids, rows.groups)
        try:
            inner = em_within(
                probabilities,
                error.priors,
                rows.strata,
                position,
                design.weights[:, design.units[ids]],
                corrected=fit,
            )
            within = Replicated(np.asarray(inner.value), inner.replicates)
            within_method = f"{inner.method}; bootstrap over {len(ids)} groups"
        except NotEnoughData as short:
            within_method = str(short)
    elif raw.within is not None:
        within_method = f"{len(ids)} groups are too many to correct within groups; measure fewer steps at a time"
    doubt = ", with the classifier's own uncertainty" if calibrated is not None else ""
    method = f"EM for prior shift on calibrated probabilities, by intent{doubt}; bootstrap over {len(ids)} groups"
    found = _corrected(
        Replicated(fit.shares, fit.replicates), members, raw, table, ids, "em", "machine", method, notes,
        within=within, within_method=within_method,
    )  # fmt: skip
    if calibrated is None:
        return found
    return replace(found, classifier_replicates=_classifier_alone(probabilities, rows, design, error, calibrated))


def _classifier_alone(
    probabilities: Floats, rows: CellRows, design: Design, error: ClassifierError, calibrated: CalibrationSample
) -> Floats:
    """Return the pooled entropy where every prompt stays and only the classifier's calibration sample is resampled."""
    assert error.priors is not None and design.calibration_weights is not None  # noqa: S101, PT018
    draws = design.calibration_weights[:CLASSIFIER_DRAWS]
    fit = em_shares(
        probabilities,
        error.priors,
        rows.strata,
        design.units[rows.groups],
        np.ones((len(draws), design.weights.shape[1])),
        calibration=calibrated,
        calibration_weights=draws,
    )
    return np.asarray(plug_in(np.maximum(fit.replicates, 0.0)))


def _by_confusion(
    rows: CellRows,
    design: Design,
    members: Floats,
    confusion: Floats,
    raw: CellReplicates,
    table: Ints,
    ids: Ints,
    notes: tuple[str, ...],
) -> MeasuredCell:
    by_unit = np.zeros((design.weights.shape[1], len(members)))
    np.add.at(by_unit, design.units[ids], table.astype(np.float64))
    fit = confusion_shares(by_unit, confusion, design.weights, rng=design.rng)
    method = f"EM on the confusion matrix of {confusion.sum():g} labels; bootstrap over {len(ids)} groups"
    notes = (*notes, "within and between are read off uncorrected machine labels")
    return _corrected(
        Replicated(fit.shares, fit.replicates), members, raw, table, ids, "em", "machine", method, notes,
        within=raw.within, within_method="uncorrected machine labels; Dirichlet-multinomial posterior mean",
    )  # fmt: skip


def _corrected(
    shares: Replicated,
    members: Floats,
    raw: CellReplicates,
    table: Ints,
    ids: Ints,
    correction: Correction,
    labels: Labels,
    method: str,
    notes: tuple[str, ...],
    *,
    within: Replicated | None,
    within_method: str,
) -> MeasuredCell:
    entropy = entropy_from_shares(shares.point, shares.replicates)
    pooled = Replicated(np.asarray(entropy.value), entropy.replicates)
    uncorrected = correction == "ppi++" or within is raw.within
    between = None
    if within is not None and uncorrected:
        between = raw.between
    elif within is not None:
        inner = Replicated(np.minimum(within.point, pooled.point), within.replicates)
        difference = pooled - inner
        between = Replicated(difference.point, np.maximum(difference.replicates, 0.0))
        within = inner
    return MeasuredCell(
        shares=shares,
        misaligned=Replicated(np.asarray(shares.point @ members), shares.replicates @ members),
        pooled=pooled,
        within=within,
        between=between,
        n=raw.n,
        n_groups=len(ids),
        correction=correction,
        labels=labels,
        shares_method=method,
        entropy_method=f"plug-in, bias removed by bootstrap; {method}",
        within_method=within_method,
        raw=raw,
        group_counts=table,
        group_ids=ids,
        notes=notes,
    )
