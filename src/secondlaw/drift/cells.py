"""The values of one cell (model, step): its rows, what is known of the classifier's error, and what was measured."""

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from secondlaw.drift.results import Correction
from secondlaw.statistics.calibration import CalibrationSample
from secondlaw.statistics.cells import CellReplicates, Replicated

__all__ = ["CellRows", "ClassifierError", "Labels", "MeasuredCell"]

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Labels = Literal["human", "machine", "both"]


@dataclass(frozen=True, slots=True)
class CellRows:
    """The rows of one cell.

    Parameters
    ----------
    groups : ndarray of int, shape (n,)
        Group (prompt, conversation) of each row.
    label, human : ndarray of int, shape (n,)
        The machine's and a person's category, -1 for none, K for outside the taxonomy.
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

    def take(self, keep: NDArray[np.bool_]) -> "CellRows":
        """Return some of the rows."""
        return CellRows(
            self.groups[keep],
            self.label[keep],
            self.human[keep],
            self.strata[keep],
            None if self.probabilities is None else self.probabilities[keep],
            None if self.inclusion is None else self.inclusion[keep],
        )

    def inside(self, categories: int) -> "CellRows":
        """Return the rows that lie inside the taxonomy, by a person's label where there is one."""
        best = np.where(self.human >= 0, self.human, self.label)
        kept = self.take((best >= 0) & (best < categories))
        label, human = (np.where(of == categories, -1, of) for of in (kept.label, kept.human))
        return CellRows(kept.groups, label, human, kept.strata, kept.probabilities, kept.inclusion)


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
    confusion_draws : ndarray, shape (resamples, K, K), or None
        Draws of the table, made once for all cells, which share the classifier's error.
    line_spread : float
        Log odds of harm by which a new source is off in all its responses of unknown intent (one sigma); 0 where
        nothing is known of it.
    line_integrated : bool
        Whether the probabilities have that integrated out, response by response.
    expected_harm : float or None
        Share of harmful requests that unknown intents are calibrated under, before what was done says anything.
    moved : float
        By how much the classifier moved the log odds of harm of unknown intents, told the share of harmful requests;
        priors and calibration sample are without.
    """

    priors: Floats | None = None
    calibration: CalibrationSample | None = None
    confusion: Floats | None = None
    confusion_draws: Floats | None = None
    line_spread: float = 0.0
    line_integrated: bool = True
    expected_harm: float | None = None
    moved: float = 0.0

    def confusion_in(self, strata: Ints) -> Floats | None:
        """Return counts of (true, predicted) categories for responses of some strata, or None where none are known.

        Parameters
        ----------
        strata : ndarray of int
            Strata that occur; the calibration sample's responses of these are counted.
        """
        if self.confusion is not None or self.calibration is None:
            return self.confusion
        sample = self.calibration
        mine = np.isin(sample.strata, strata)
        categories = sample.probabilities.shape[1]
        flat = sample.labels[mine] * categories + sample.probabilities[mine].argmax(axis=1)
        return np.bincount(flat, minlength=categories**2).reshape(categories, categories).astype(np.float64)


@dataclass(frozen=True, slots=True)
class MeasuredCell:
    """Every quantity of a cell on the shared design.

    Parameters
    ----------
    shares : Replicated, shape (K,)
    misaligned, pooled : Replicated
    within, between : Replicated or None
        None where `within_method` says why they could not be measured.
    n, n_groups : int
        Responses and groups.
    correction : {"ppi++", "em", "none"}
    labels : {"human", "machine", "both"}
    shares_method, entropy_method, within_method : str
        In words.
    raw : CellReplicates
        The same read off the labels as they are.
    group_counts : ndarray, shape (n_groups, K)
        Labels by group, as counted.
    group_ids : ndarray of int, shape (n_groups,)
        Which groups these are.
    notes : tuple of str
        What the reader must know.
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

    @property
    def uncorrected(self) -> bool:
        """Whether the numbers are read off machine labels as they are."""
        return self.correction == "none" and self.labels != "human"
