"""Where the uncertainty of S comes from: responses, prompts, classifier; and whether k = 50 does what k = 100 does."""

from collections.abc import Mapping

from secondlaw.drift.cells import MeasuredCell
from secondlaw.drift.design import Design
from secondlaw.drift.results import VarianceShares
from secondlaw.errors import NotEnoughData
from secondlaw.statistics.variance import decompose_variance, entropy_influence
from secondlaw.types import Insufficient, Measured

__all__ = ["variance_shares"]

MOST_WEIGHTS = 1 << 24
"""Most numbers of a weights matrix by group, 128 MiB: with very many groups fewer replicates are taken."""
UNKNOWN_ERRORS = "nothing is known of them, and they come on top"
UNSPLIT_ERRORS = "they are corrected for, but their part cannot be told apart"
FEWEST = 100
"""Fewest replicates; with so many groups the components vary little."""


def variance_shares(
    model: str, cells: Mapping[int, MeasuredCell], design: Design, *, level: float
) -> tuple[VarianceShares, ...]:
    """Decompose the variance of S in a model's first and last cell.

    The parts of responses and prompts are those of the labels as counted: what a response adds to a corrected S has no
    bound where a corrected share is all but 0.

    Parameters
    ----------
    model : str
    cells : mapping of int to MeasuredCell
    design : Design
        On which the cells were measured.
    level : float

    Returns
    -------
    tuple of VarianceShares
        One for each cell where the variance can be split at all.
    """
    found = []
    for step in sorted({min(cells), max(cells)}):
        cell = cells[step]
        draws = max(FEWEST, min(len(design.weights), MOST_WEIGHTS // len(cell.group_ids)))
        weights = design.weights[:draws, design.units[cell.group_ids]]
        try:
            split = decompose_variance(
                cell.group_counts,
                weights,
                influence=entropy_influence(cell.group_counts.sum(axis=0)),
                classifier_replicates=cell.classifier_replicates,
                level=level,
            )
        except NotEnoughData:
            continue
        gain: Measured
        try:
            gain = split.doubling_removes(split.prompts, split.responses, level=level)
        except NotEnoughData as short:
            gain = Insufficient(str(short))
        parts = {"sampling": split.sampling, "prompt": split.prompt}
        if cell.labels != "human":
            reason = Insufficient(UNKNOWN_ERRORS if cell.uncorrected else UNSPLIT_ERRORS)
            parts["classifier"] = reason if cell.classifier_replicates is None else split.classifier
        found.append(VarianceShares(model, split.responses, parts, gain, step))
    return tuple(found)
