r"""By how much two runs differ: changes of shares, S and distances, on prompts that weigh alike in both.

Where the mix of strata differs, each stratum is measured by itself and the strata are put together again with one set
of weights for both runs, :math:`N M / (N + M)`: a shift of the prompt mix is no change of the model. Where matched
prompts have other numbers of responses in the two runs, responses of the fuller one are left out until they are equal.
Labels are corrected for the classifier's error as in every measurement (:mod:`secondlaw.drift.measuring`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from secondlaw.behavior.taxonomy import Taxonomy
from secondlaw.drift.cells import CellRows, ClassifierError, MeasuredCell
from secondlaw.drift.design import Design
from secondlaw.drift.divergence import divergence_from_replicates
from secondlaw.drift.measuring import measure_cell
from secondlaw.statistics.cells import Replicated, cell_replicates, estimate_from_replicates
from secondlaw.statistics.divergence import jensen_shannon, total_variation
from secondlaw.statistics.share_entropy import entropy_from_shares
from secondlaw.types import NATS, SHARE, Insufficient, Measured

__all__ = ["RunSide", "changes_of", "measure_side", "outside_share", "shares_of"]

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class RunSide:
    """One run, measured: its strata put together.

    Parameters
    ----------
    shares : Replicated, shape (K,)
    misaligned, pooled : Replicated
    within : Replicated or None
    prompts, responses : int
    method : str
        How labels were read or corrected.
    uncorrected : bool
    notes : tuple of str
    """

    shares: Replicated
    misaligned: Replicated
    pooled: Replicated
    within: Replicated | None
    prompts: int
    responses: int
    method: str
    uncorrected: bool
    notes: tuple[str, ...]


def measure_side(
    rows: CellRows,
    part: Ints,
    weights: Mapping[int, float],
    design: Design,
    taxonomy: Taxonomy,
    *,
    error: ClassifierError | None,
    reachable: NDArray[np.bool_],
) -> RunSide:
    """Measure one run.

    Parameters
    ----------
    rows : CellRows
    part : ndarray of int, shape (n,)
        Stratum of each row; rows of strata without a weight are left out.
    weights : mapping of stratum to float
        They sum to 1. With a single stratum the run is measured as it is.
    design : Design
        Shared by both runs.
    taxonomy : Taxonomy
    error : ClassifierError or None
    reachable : ndarray of bool, shape (3, K)
    """
    misaligned = np.array(taxonomy.misaligned)
    names = sorted(weights)
    cells = [
        measure_cell(rows.take(part == name), design, misaligned=misaligned, error=error, reachable=reachable)
        for name in names
    ]
    if len(cells) == 1:
        one = cells[0]
        return RunSide(
            one.shares, one.misaligned, one.pooled, one.within, one.n_groups, one.n, one.shares_method,
            one.uncorrected, one.notes,
        )  # fmt: skip
    share = [weights[name] for name in names]
    shares = _mean([cell.shares for cell in cells], share)
    shares = Replicated(shares.point / shares.point.sum(), _on_simplex(shares.replicates))
    entropy = entropy_from_shares(shares.point, shares.replicates, noise=_noise(cells, share, design, shares.point))
    inner = [cell.within for cell in cells]
    return RunSide(
        shares=shares,
        misaligned=_mean([cell.misaligned for cell in cells], share),
        pooled=Replicated(np.asarray(entropy.value), entropy.replicates),
        within=_mean([one for one in inner if one is not None], share) if None not in inner else None,
        prompts=sum(cell.n_groups for cell in cells),
        responses=sum(cell.n for cell in cells),
        method=f"standardised over {len(cells)} strata; {cells[0].shares_method}",
        uncorrected=any(cell.uncorrected for cell in cells),
        notes=tuple(dict.fromkeys(note for cell in cells for note in cell.notes)),
    )


def _mean(parts: Sequence[Replicated], weights: Sequence[float]) -> Replicated:
    point = sum(w * one.point for w, one in zip(weights, parts, strict=True))
    drawn = sum(w * one.replicates for w, one in zip(weights, parts, strict=True))
    return Replicated(np.asarray(point), np.asarray(drawn))


def _on_simplex(shares: Floats) -> Floats:
    positive = np.maximum(shares, 0.0)
    return np.asarray(positive / positive.sum(axis=1, keepdims=True))


def _noise(cells: Sequence[MeasuredCell], weights: Sequence[float], design: Design, point: Floats) -> Floats | None:
    """Return the shares under resampling of the responses alone; None where labels are corrected."""
    if any(cell.correction != "none" for cell in cells):
        return None
    out = np.zeros((len(design.weights), len(point)))
    for cell, weight in zip(cells, weights, strict=True):
        drawn = design.covering(cell.group_ids).weights[:, design.units[cell.group_ids]] @ cell.group_counts
        out += weight * drawn / drawn.sum(axis=1, keepdims=True)
    return _on_simplex(out)


def outside_share(counts: Floats, taking: NDArray[np.bool_], design: Design) -> Replicated:
    """Return a run's share of responses outside the taxonomy.

    Parameters
    ----------
    counts : ndarray, shape (groups, 2)
        Responses inside and outside.
    taking : ndarray of bool, shape (groups,)
        Which groups count.
    design : Design
    """
    ids = np.flatnonzero(taking & (counts.sum(axis=1) > 0))
    drawn = cell_replicates(
        counts[ids], design.covering(ids).weights, rng=design.rng, misaligned=[False, True], blocks=design.units[ids]
    )
    assert drawn.misaligned is not None  # noqa: S101 - asked for
    return drawn.misaligned


def shares_of(side: RunSide, taxonomy: Taxonomy, *, level: float) -> dict[str, Measured]:
    """Return the share of each category in a run."""
    return {
        key: estimate_from_replicates(
            side.shares[k], n=side.responses, method=side.method, level=level, unit=SHARE, bounds=(0.0, 1.0)
        )
        for k, key in enumerate(taxonomy.keys)
    }


def changes_of(
    base: RunSide, candidate: RunSide, taxonomy: Taxonomy, *, prompts: int, level: float
) -> dict[str, Measured]:
    """Return every change, candidate minus base, with intervals from the joint bootstrap over prompts.

    Parameters
    ----------
    base, candidate : RunSide
        Measured on one design.
    taxonomy : Taxonomy
    prompts : int
        Prompts that carry the changes.
    level : float
        Coverage.
    """
    how = f"joint bootstrap over {prompts} prompts; {candidate.method}"

    def change(one: Replicated, two: Replicated, unit: str, bound: float) -> Measured:
        return estimate_from_replicates(
            two - one, n=prompts, method=how, level=level, unit=unit, n_unit="prompts", bounds=(-bound, bound)
        )

    top = float(np.log(len(taxonomy.keys)))
    inner: Measured = Insufficient("one response per prompt: repeat the prompts to see the entropy within them")
    if base.within is not None and candidate.within is not None:
        inner = change(base.within, candidate.within, NATS, top)
    distances = {
        name: divergence_from_replicates(
            candidate.shares, base.shares, distance, n=prompts, unit=unit, method=f"bias removed; {how}", level=level,
            n_unit="prompts",
        )
        for name, distance, unit in (
            ("total_variation", total_variation, SHARE),
            ("jensen_shannon", jensen_shannon, NATS),
        )
    }  # fmt: skip
    return {
        **distances,
        "misaligned": change(base.misaligned, candidate.misaligned, SHARE, 1.0),
        "entropy": change(base.pooled, candidate.pooled, NATS, top),
        "entropy_within": inner,
        **{
            f"category:{key}": change(base.shares[k], candidate.shares[k], SHARE, 1.0)
            for k, key in enumerate(taxonomy.keys)
        },
    }
