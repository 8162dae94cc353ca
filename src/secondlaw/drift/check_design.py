"""Which prompts of two runs are compared: matched or dealt, their strata, what is missing, weights for both runs."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from secondlaw.drift.cells import CellRows
from secondlaw.drift.check_results import PromptMix, PromptsTested
from secondlaw.drift.check_tables import PromptTable
from secondlaw.errors import NotEnoughData

__all__ = ["LEAST_MIX", "RunDesign", "count_labels", "design_of", "require_prompts"]

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

LEAST_MIX = 0.02
"""Total variation of two mixes up to which they count as one: no share can differ by more for it alone."""
SAME_PROMPTS = 0.5
"""Where at least this part of the smaller run's prompts is matched, both were to answer the same prompts."""


def count_labels(rows: CellRows, groups: int, categories: int) -> Floats:
    """Return labels by group (groups, K): people's where all rows have one, else the machine's, as in cells."""
    inside = rows.inside(categories)
    by_people = bool((inside.human >= 0).all())
    label = inside.human if by_people else np.where(inside.label >= 0, inside.label, inside.human)
    flat = np.bincount(inside.groups * categories + label, minlength=groups * categories)
    return flat.reshape(groups, categories).astype(np.float64)


def require_prompts(table: PromptTable, names: Sequence[str], *, most: float) -> None:
    """Refuse runs of the same prompts of which one lacks many.

    Raises
    ------
    NotEnoughData
        If more than the share `most` of one run's prompts is missing from the other and nothing stands in for them.
    """
    n, m = table.sizes
    matched = int(table.matched.sum())
    alone = int((n > 0).sum()) - matched, int((m > 0).sum()) - matched
    if matched < SAME_PROMPTS * (matched + min(alone)):
        return
    for lacking, own in ((1, 0), (0, 1)):
        whole = matched + alone[own]
        missing = alone[own] - alone[lacking]
        if missing > most * whole:
            raise NotEnoughData(
                f"{names[lacking]} lacks {missing} of the {whole} prompts of {names[own]} ({100 * missing / whole:.0f} "
                f"%): what is missing may well be of another kind. Complete the run, or compare what is there with "
                f"--max-missing {math.ceil(100 * missing / whole) / 100:.2f} or more"
            )


@dataclass(frozen=True, slots=True)
class RunDesign:
    """What is compared with what.

    Parameters
    ----------
    tested : PromptsTested
    part : ndarray of int, shape (groups,)
        Stratum in which a group is measured; -1 takes no part.
    weights : dict of int to float
        Of these strata, the same for both runs.
    goals : tuple of ndarray, shape (groups,), or None
        Responses a group to which the matched prompts are thinned; None where they weigh alike already.
    """

    tested: PromptsTested
    part: Ints
    weights: dict[int, float]
    goals: tuple[Floats, Floats] | None

    def keep(self, groups: Ints, side: int, rng: np.random.Generator) -> NDArray[np.bool_]:
        """Return which rows of a run are measured, given each row's group."""
        taking = self.part[groups] >= 0
        if self.goals is None:
            return np.asarray(taking)
        order = np.lexsort((rng.random(len(groups)), groups))
        opened = np.concatenate([[True], np.diff(groups[order]) != 0])
        first = np.maximum.accumulate(np.where(opened, np.arange(len(order)), 0))
        rank = np.empty(len(order), dtype=np.int64)
        rank[order] = np.arange(len(order)) - first
        return np.asarray(taking & (rank < self.goals[side][groups]))


def design_of(table: PromptTable, stratum_names: Sequence[str]) -> RunDesign:
    """Return which prompts take part, and the strata over which the sizes of change are standardised.

    Parameters
    ----------
    table : PromptTable
    stratum_names : sequence of str
        Of its strata.

    Raises
    ------
    NotEnoughData
        If no prompt takes part.
    """
    n, m = table.sizes
    matched, dealt = table.matched, table.dealt()
    part = np.full(len(n), -1)
    part[matched] = 2 * table.stratum[matched]
    for name, one, two in dealt:
        part[one] = part[two] = 2 * name + 1
    if (part < 0).all():
        of = [sorted({stratum_names[i] for i in table.stratum[size > 0].tolist()}) for size in (n, m)]
        raise NotEnoughData(
            f"the runs have no prompt in common, and no prompt set and intent with two prompts of each: the first has "
            f"{', '.join(of[0][:5])}, the second {', '.join(of[1][:5])}. Give both runs the same prompts, or state "
            "prompt_set and intent alike"
        )
    goals = _goals(table, matched)
    sizes = (n, m) if goals is None else goals
    names = np.unique(part[part >= 0]).tolist()
    total = np.array([[size[part == name].sum() for name in names] for size in sizes])  # (2, strata)
    mixes = total / total.sum(axis=1, keepdims=True)
    standardised = len(names) > 1 and 0.5 * float(np.abs(mixes[0] - mixes[1]).sum()) > LEAST_MIX
    harmonic = total[0] * total[1] / total.sum(axis=0)
    share = (harmonic / harmonic.sum()).tolist()
    weights = dict(zip(names, share, strict=True)) if standardised else {0: 1.0}
    mix = tuple(
        PromptMix(stratum_names[name // 2], name % 2 == 0, float(mixes[0, i]), float(mixes[1, i]), share[i])
        for i, name in enumerate(names)
    )
    swapped, others = int(matched.sum()), sum(len(one) + len(two) for _, one, two in dealt)
    kept = sum(float(goal[part >= 0].sum()) for goal in table.goals())
    tested = PromptsTested(
        kind="mixed" if swapped and others else "paired" if swapped else "unpaired",
        matched=swapped,
        dealt=others,
        not_used=int((part < 0).sum()),
        left_out=1.0 - kept / float((n + m)[part >= 0].sum()),
        standardised=standardised,
        mix=mix,
    )
    return RunDesign(tested, part if standardised else np.where(part >= 0, 0, -1), weights, goals)


def _goals(table: PromptTable, matched: NDArray[np.bool_]) -> tuple[Floats, Floats] | None:
    """Return the numbers of responses that matched prompts keep, where the runs weigh these prompts differently."""
    n, m = table.sizes
    if not matched.any():
        return None
    a, b = n[matched] / n[matched].sum(), m[matched] / m[matched].sum()
    if 0.5 * float(np.abs(a - b).sum()) <= LEAST_MIX:
        return None
    least = np.minimum(n, m)
    return np.where(matched, least, n), np.where(matched, least, m)
