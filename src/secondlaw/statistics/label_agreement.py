r"""How well labels agree with the truth: accuracy, recall, precision, F1, Cohen's kappa, each with an interval.

Everything is a function of the confusion matrix ``M`` (rows: truth, columns: label), and a resample of groups only
reweights the groups' own matrices, so that one matrix product gives all replicates:

.. math:: \mathrm{F1}_k = \frac{2 M_{kk}}{M_{k\cdot} + M_{\cdot k}}, \qquad
          \kappa = \frac{p_o - p_e}{1 - p_e}, \quad p_o = \sum_k \frac{M_{kk}}{n},
          \quad p_e = \sum_k \frac{M_{k\cdot} M_{\cdot k}}{n^2}

(Cohen, Educ. Psychol. Meas. 20, 37 (1960)). Accuracy, recall and precision are shares and have the exact interval of
:mod:`secondlaw.statistics.shares`. F1 and kappa take at each end the outer one of the grouped bootstrap, widened for
few groups, and of the Dirichlet-multinomial posterior of the matrix: labels without a single error are no proof of
perfection. Agreement of several annotators is in :mod:`~secondlaw.statistics.rater_agreement`, calibration in
:mod:`~secondlaw.statistics.calibration_error`, abstention in :mod:`~secondlaw.statistics.abstention`, the
correlation of entropies in :mod:`~secondlaw.statistics.entropy_ranking`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from secondlaw.errors import InvalidInput, NotEnoughData
from secondlaw.statistics.cell_model import CellSums, posterior_draws
from secondlaw.statistics.intervals import LEVEL, centred_interval
from secondlaw.statistics.resampling import RESAMPLES, block_ids, resample_weights
from secondlaw.statistics.shares import subset_share
from secondlaw.types import SHARE, Estimate, Insufficient, Measured

__all__ = ["KAPPA", "AgreementReport", "agreement", "cohen_kappa", "f1_scores"]

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]

KAPPA = "kappa"
"""Unit of a chance-corrected agreement: 1 is perfect, 0 is what chance gives."""


@dataclass(frozen=True, slots=True)
class AgreementReport:
    """Agreement of labels with the truth.

    Parameters
    ----------
    classes : tuple of str
        Names of the K classes, in the order of everything below.
    accuracy : Estimate
        Share of rows whose label is the truth.
    macro_f1 : Estimate or Insufficient
        Mean of F1 over the classes that occur in truth or labels.
    kappa : Estimate or Insufficient
        Cohen's; insufficient if truth and labels are all of one class.
    recall, precision, f1 : tuple of Estimate or Insufficient
        Of each class; insufficient where the class has no true row, no label, neither.
    confusion : ndarray of int64, shape (K, K)
        Rows: truth, columns: label.
    n, groups : int
        Rows, and groups of them.
    """

    classes: tuple[str, ...]
    accuracy: Estimate
    macro_f1: Measured
    kappa: Measured
    recall: tuple[Measured, ...]
    precision: tuple[Measured, ...]
    f1: tuple[Measured, ...]
    confusion: Codes
    n: int
    groups: int


def agreement(
    truth_codes: ArrayLike,
    predicted_codes: ArrayLike,
    groups: ArrayLike,
    *,
    classes: Sequence[str],
    rng: np.random.Generator,
    level: float = LEVEL,
    resamples: int = RESAMPLES,
) -> AgreementReport:
    """Measure how well labels agree with the truth.

    Parameters
    ----------
    truth_codes, predicted_codes : array_like of int, shape (n,)
        Class of each row, 0 to K - 1; rows without both are left out beforehand.
    groups : array_like, shape (n,)
        The unit that was sampled independently: the prompt of each row.
    classes : sequence of str, length K
        Names of the classes.
    rng : numpy.random.Generator
        Source of randomness.
    level : float
        Nominal coverage of each interval on its own.
    resamples : int
        Number of replicates.

    Returns
    -------
    AgreementReport

    Raises
    ------
    NotEnoughData
        If there is no row.
    InvalidInput
        If the columns differ in length or a code names no class.

    Examples
    --------
    >>> truth, label = [0, 0, 0, 1, 1, 1] * 10, [0, 0, 1, 1, 1, 1] * 10
    >>> report = agreement(truth, label, np.arange(60), classes=("a", "b"), rng=np.random.default_rng(0))
    >>> print(report.accuracy, report.kappa, sep=" | ")
    0.833 [0.714, 0.918] | 0.667 [0.463, 0.840] kappa
    """
    names = tuple(classes)
    K = len(names)
    truth, label = checked_codes(truth_codes, K, "truth"), checked_codes(predicted_codes, K, "labels")
    units = checked_units(groups, len(truth))
    if label.shape != truth.shape:
        raise InvalidInput(f"truth and labels differ in length: {len(truth)} and {len(label)} rows")
    tables = np.zeros((int(units.max()) + 1, K * K))
    np.add.at(tables, (units, truth * K + label), 1.0)
    by_group = tables.reshape(-1, K, K)
    hits, true, said = np.diagonal(by_group, axis1=1, axis2=2), by_group.sum(axis=2), by_group.sum(axis=1)
    present = (true + said).sum(axis=0) > 0
    drawn = _Drawn.of(tables, level=level, resamples=resamples, rng=rng)

    def f1_of(k: int) -> Measured:
        return drawn.measured(
            lambda m: f1_scores(m)[..., k], unit=SHARE, lowest=0.0, why=f"no row is {names[k]}, truly or by label"
        )

    def share_of(k: int, all_: Floats, why: str) -> Measured:
        return _share(hits[:, k], all_[:, k], level) if all_[:, k].any() else Insufficient(f"{why} {names[k]}")

    return AgreementReport(
        classes=names,
        accuracy=_share(hits.sum(axis=1), tables.sum(axis=1), level),
        macro_f1=drawn.measured(lambda m: _macro(f1_scores(m)[..., present]), unit=SHARE, lowest=0.0, why="no class"),
        kappa=drawn.measured(
            cohen_kappa, unit=KAPPA, lowest=-1.0, why=f"truth and labels are all {names[int(present.argmax())]}"
        ),
        recall=tuple(share_of(k, true, "no row is truly") for k in range(K)),
        precision=tuple(share_of(k, said, "no row is labelled") for k in range(K)),
        f1=tuple(f1_of(k) for k in range(K)),
        confusion=by_group.sum(axis=0).astype(np.int64),
        n=len(truth),
        groups=np.unique(groups).size,
    )


def f1_scores(matrix: ArrayLike) -> Floats:
    """Return F1 of each class from confusion matrices (..., K, K), NaN for a class without row and label.

    Examples
    --------
    >>> f1_scores([[8, 2], [1, 9]]).round(3)
    array([0.842, 0.857])
    """
    m = np.asarray(matrix, dtype=np.float64)
    both = m.sum(axis=-1) + m.sum(axis=-2)
    hits = 2.0 * np.diagonal(m, axis1=-2, axis2=-1)
    return np.asarray(np.divide(hits, both, out=np.full(both.shape, np.nan), where=both > 0))


def cohen_kappa(matrix: ArrayLike) -> Floats:
    """Return Cohen's kappa of confusion matrices (..., K, K), NaN where one class holds everything.

    Examples
    --------
    >>> round(float(cohen_kappa([[8, 2], [1, 9]])), 3)
    0.7
    """
    m = np.asarray(matrix, dtype=np.float64)
    p = m / m.sum(axis=(-2, -1), keepdims=True)
    chance = np.asarray((p.sum(axis=-1) * p.sum(axis=-2)).sum(axis=-1))
    observed = np.trace(p, axis1=-2, axis2=-1)
    room = np.asarray(1.0 - chance)
    return np.asarray(np.divide(observed - chance, room, out=np.full(room.shape, np.nan), where=room > 1e-12))


def checked_codes(codes: ArrayLike, classes: int, what: str, *, missing: bool = False) -> Codes:
    """Return class codes as int64, or say what is wrong with them; -1 is allowed where ratings may be missing."""
    array = np.asarray(codes)
    if classes < 2:
        raise InvalidInput(f"agreement needs two classes or more, got {classes}")
    if array.size == 0:
        raise NotEnoughData(f"there are no {what} to compare: check that any row has both a label and the truth")
    if array.dtype.kind not in "iu":
        raise InvalidInput(f"{what} are codes of classes, whole numbers from 0 to {classes - 1}, got {array.dtype}")
    lowest = -1 if missing else 0
    if array.min() < lowest or array.max() >= classes:
        raise InvalidInput(f"{what} go from {lowest} to {classes - 1}, got {array.min()} to {array.max()}")
    return array.astype(np.int64)


def checked_units(groups: ArrayLike, rows: int) -> Codes:
    """Return the resampled unit of each row, 0 to units - 1 without a gap."""
    keys = np.asarray(groups)
    if keys.shape != (rows,):
        raise InvalidInput(f"groups name the prompt of each of {rows} rows, got shape {keys.shape}")
    return np.unique(block_ids(keys), return_inverse=True)[1].astype(np.int64)


@dataclass(frozen=True, slots=True)
class _Drawn:
    """Confusion matrices that the data make plausible: bootstrap (None with one group) and posterior, (draws, K, K)."""

    matrix: Floats  # (K, K)
    bootstrap: Floats | None
    posterior: Floats
    groups: int
    level: float

    @classmethod
    def of(cls, tables: Floats, *, level: float, resamples: int, rng: np.random.Generator) -> "_Drawn":
        groups, K = len(tables), round(tables.shape[1] ** 0.5)
        draws, _ = posterior_draws(CellSums.of(tables, groups), resamples, rng)
        bootstrap = None
        if groups > 1:
            bootstrap = (resample_weights(groups, resamples, rng=rng) @ tables).reshape(-1, K, K)
        return cls(tables.sum(axis=0).reshape(K, K), bootstrap, draws.shares.reshape(-1, K, K), groups, level)

    def measured(self, of: Callable[[Floats], Floats], *, unit: str, lowest: float, why: str) -> Measured:
        """Return a functional of the matrix with the outer ends of both distributions, holding the point."""
        point, tails = float(of(self.matrix)), [(1.0 - self.level) / 2.0, (1.0 + self.level) / 2.0]
        if not np.isfinite(point):
            return Insufficient(why)
        ends, words = [np.quantile(of(self.posterior), tails)], "Dirichlet posterior, one group: sampling error within"
        if self.bootstrap is not None:
            ends.append(np.array(centred_interval(point, of(self.bootstrap), self.level, groups=self.groups)))
            words = f"bootstrap over {self.groups} groups joined with Dirichlet posterior"
        low, high = min(float(e[0]) for e in ends), max(float(e[1]) for e in ends)
        low, high = max(lowest, min(low, point)), min(1.0, max(high, point))
        return Estimate(point, low, high, self.level, round(float(self.matrix.sum())), unit, words, "rows")


def _macro(scores: Floats) -> Floats:
    """Average over classes, leaving out those that a resample lost."""
    known = np.isfinite(scores)
    return np.asarray(np.where(known, scores, 0.0).sum(axis=-1) / np.maximum(known.sum(axis=-1), 1))


def _share(hits: Floats, all_: Floats, level: float) -> Estimate:
    found = subset_share(np.stack([hits, all_ - hits], axis=1), [True, False], level=level)
    return replace(found, n_unit="rows")
