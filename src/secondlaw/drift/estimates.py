"""From a measured cell to the numbers that are shown: each an estimate, or the reason why there is none."""

import math
from collections.abc import Mapping

import numpy as np

from secondlaw.behavior.taxonomy import Taxonomy
from secondlaw.drift.cells import MeasuredCell
from secondlaw.statistics.cells import Replicated, estimate_from_replicates
from secondlaw.statistics.shares import subset_share
from secondlaw.types import SHARE, Insufficient, Measured

__all__ = ["entropy_estimates", "misaligned_estimate", "share_estimates_of", "uncorrected_estimates"]

UNCORRECTED = "uncorrected"


def _method(cell: MeasuredCell, words: str) -> str:
    if cell.uncorrected and UNCORRECTED not in words:
        return f"{words}; {UNCORRECTED}"
    return words


def share_estimates_of(cell: MeasuredCell, taxonomy: Taxonomy, level: float) -> dict[str, Measured]:
    """Return the share of every category."""
    return {
        key: estimate_from_replicates(
            cell.shares[k],
            n=cell.n,
            method=_method(cell, cell.shares_method),
            level=level,
            unit=SHARE,
            bounds=(0.0, 1.0),
        )
        for k, key in enumerate(taxonomy.keys)
    }


def misaligned_estimate(cell: MeasuredCell, taxonomy: Taxonomy, level: float) -> Measured:
    """Return the misaligned share; labels read as they are get the exact interval of the survey literature."""
    if cell.correction == "none":
        found = subset_share(cell.group_counts, np.array(taxonomy.misaligned), level=level)
        source = "human labels" if cell.labels == "human" else f"{UNCORRECTED} machine labels"
        return found.noted(source)
    return estimate_from_replicates(
        cell.misaligned, n=cell.n, method=cell.shares_method, level=level, unit=SHARE, bounds=(0.0, 1.0)
    )


def entropy_estimates(cell: MeasuredCell, level: float) -> dict[str, Measured]:
    """Return pooled, within and between entropy in nats."""
    top = math.log(len(cell.shares.point))
    pooled = estimate_from_replicates(
        cell.pooled, n=cell.n, method=_method(cell, cell.entropy_method), level=level, bounds=(0.0, top)
    )
    found: dict[str, Measured] = {"pooled": pooled}
    inner: Mapping[str, Replicated | None] = {"within": cell.within, "between": cell.between}
    for name, quantity in inner.items():
        if quantity is None:
            found[name] = Insufficient(cell.within_method)
            continue
        words = cell.within_method if name == "within" else f"pooled - within; {cell.within_method}"
        found[name] = estimate_from_replicates(
            quantity, n=cell.n_groups, method=_method(cell, words), level=level, n_unit="prompts", bounds=(0.0, top)
        )
    return found


def uncorrected_estimates(cell: MeasuredCell, taxonomy: Taxonomy, level: float) -> dict[str, Measured]:
    """Return entropy and misaligned share read off the labels as they are, where the cell was corrected."""
    if cell.correction == "none":
        return {}
    words = f"{UNCORRECTED} labels"
    entropy = estimate_from_replicates(cell.raw.pooled, n=cell.n, method=words, level=level)
    members = np.array(taxonomy.misaligned)
    return {"entropy": entropy, "misaligned_share": subset_share(cell.group_counts, members, level=level).noted(words)}
