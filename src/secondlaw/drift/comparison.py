"""A first model against a second: effective alignment work, differences of level, and whether behavior differs at all.

Every difference is second minus first (tuned - base); gamma_eff = sigma_base - dS/dt_tuned is defined the other way.

Prompts that both models answered at a step are matched; the numbers use these alone. Intervals come from the shared
resampling design (a prompt is drawn for both models and all steps together), p-values from swapping base and tuned
within prompts, on the labels as counted: a classifier's constant error costs power there, not validity. Where the two
have no prompt in common, prompts are dealt to the models anew instead, which takes them to be of one kind.
"""

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from secondlaw.drift.cells import MeasuredCell
from secondlaw.drift.divergence import divergence_from_replicates
from secondlaw.drift.rates import series_of
from secondlaw.drift.results import Comparison
from secondlaw.drift.swap_table import swap_table
from secondlaw.errors import InvalidInput, NotEnoughData
from secondlaw.statistics.cells import Replicated, estimate_from_replicates
from secondlaw.statistics.divergence import total_variation
from secondlaw.statistics.slopes import effective_alignment_work, slope
from secondlaw.statistics.swap_permutations import SwapTest, deal_test, swap_test
from secondlaw.types import NATS, SHARE, Insufficient, Measured

__all__ = ["compare_models", "no_comparison"]

LEAST_BASE_ENTROPY = 0.05
"""Nats; about S of a model of which one response in a hundred differs from the others. A ratio to less says nothing."""
Series = Mapping[int, MeasuredCell]
Floats = NDArray[np.float64]


def compare_models(
    base_name: str,
    base: Series,
    tuned_name: str,
    tuned: Series,
    *,
    misaligned: NDArray[np.bool_],
    level: float,
    permutations: int,
    rng: np.random.Generator,
) -> Comparison:
    """Compare two models on matched steps.

    Parameters
    ----------
    base_name, tuned_name : str
    base, tuned : mapping of int to MeasuredCell
        Cells by step, of matched prompts (or of none in common), measured on one design.
    misaligned : ndarray of bool, shape (K,)
    level : float
        Coverage of the intervals.
    permutations : int
        Random swaps of each test.
    rng : numpy.random.Generator

    Returns
    -------
    Comparison

    Raises
    ------
    NotEnoughData
        If no step is matched.
    """
    steps = sorted(set(base) & set(tuned))
    if not steps:
        raise NotEnoughData(
            f"{base_name} has the steps {_some(base)}, {tuned_name} the steps {_some(tuned)}: none is matched"
        )
    ours, theirs = {s: base[s] for s in steps}, {s: tuned[s] for s in steps}
    of_base, of_tuned = _groups_of(ours), _groups_of(theirs)
    paired = any(np.intersect1d(ours[s].group_ids, theirs[s].group_ids).size for s in steps)
    prompts = (np.intersect1d(of_base, of_tuned) if paired else np.union1d(of_base, of_tuned)).tolist()
    test, untested = None, []
    if len({cell.labels == "human" for cell in (*ours.values(), *theirs.values())}) > 1:
        untested = ["no p-values: some cells are counted by people, others by the machine"]
    else:
        try:
            table, blocks = swap_table(ours, theirs, prompts, paired=paired, permutations=permutations, rng=rng)
            test = (swap_test if paired else deal_test)(
                table, steps=steps, misaligned=misaligned, n_permutations=permutations, rng=rng
            )
            if blocks is not None:
                untested.append(
                    f"p-values from {blocks:,} random blocks of prompts: all {len(prompts):,} need too much memory"
                )
        except (InvalidInput, NotEnoughData) as short:
            untested = [f"no p-values: {short}"]
    sigma, tuned_rate, work = _rates(ours, theirs, level)
    notes = untested if len(steps) != 2 else [*untested, "rates need three steps or more to be worth much"]
    if not paired:
        notes.append("no prompt in common: the two sets of prompts are taken to be of one kind")
    if any(cell.uncorrected for cell in (*ours.values(), *theirs.values())):
        notes.append("uncorrected machine labels")
    return _comparison(base_name, tuned_name, ours, theirs, prompts, test, (sigma, tuned_rate, work), level, notes)


def no_comparison(base_name: str, tuned_name: str, reason: Insufficient) -> Comparison:
    """Return a comparison that holds a reason instead of numbers."""
    return Comparison(
        base=base_name, tuned=tuned_name, matched_prompts=0, matched_steps=0, sigma=reason, tuned_rate=reason,
        alignment_work=reason, alignment_work_p=None, entropy_difference=reason, entropy_difference_p=None,
        entropy_suppression=reason, misaligned_difference=reason, misaligned_difference_p=None, distribution_p=None,
        permutations=0, notes=(reason.reason,), total_variation=reason,
    )  # fmt: skip


def _comparison(
    base_name: str,
    tuned_name: str,
    base: Series,
    tuned: Series,
    prompts: list[int],
    test: SwapTest | None,
    rates: tuple[Measured, Measured, Measured],
    level: float,
    notes: list[str],
) -> Comparison:
    entropy = [_mean(cells, lambda cell: cell.pooled) for cells in (base, tuned)]
    misaligned = [_mean(cells, lambda cell: cell.misaligned) for cells in (base, tuned)]
    how = f"mean over {len(base)} steps, joint bootstrap over {len(prompts)} prompts"
    n = len(prompts)
    return Comparison(
        base=base_name,
        tuned=tuned_name,
        matched_prompts=np.intersect1d(_groups_of(base), _groups_of(tuned)).size,
        matched_steps=len(base),
        sigma=rates[0],
        tuned_rate=rates[1],
        alignment_work=rates[2],
        alignment_work_p=test.alignment_work if test else None,
        entropy_difference=estimate_from_replicates(
            entropy[1] - entropy[0], n=n, method=how, level=level, unit=NATS, n_unit="prompts"
        ),
        entropy_difference_p=test.entropy_difference if test else None,
        entropy_suppression=_suppression(entropy[0], entropy[1], n, how, level),
        misaligned_difference=estimate_from_replicates(
            misaligned[1] - misaligned[0], n=n, method=how, level=level, unit=SHARE, n_unit="prompts"
        ),
        misaligned_difference_p=test.misaligned_difference if test else None,
        distribution_p=test.distribution if test else None,
        permutations=test.permutations if test else 0,
        notes=tuple(notes),
        total_variation=divergence_from_replicates(
            _mean_shares(base), _mean_shares(tuned), total_variation, n=n, unit=SHARE, method=f"bias removed; {how}",
            level=level, n_unit="prompts",
        ),
    )  # fmt: skip


def _rates(base: Series, tuned: Series, level: float) -> tuple[Measured, Measured, Measured]:
    """Return sigma, the tuned rate and gamma_eff."""
    steps, values, replicates = series_of(base, lambda cell: cell.pooled)
    _, tuned_values, tuned_replicates = series_of(tuned, lambda cell: cell.pooled)
    try:
        return (
            slope(values, steps=steps, replicates=replicates, level=level),
            slope(tuned_values, steps=steps, replicates=tuned_replicates, level=level),
            effective_alignment_work(
                values,
                tuned_values,
                steps=steps,
                base_replicates=replicates,
                tuned_replicates=tuned_replicates,
                level=level,
            ),
        )
    except NotEnoughData as short:
        reason = Insufficient(str(short))
        return reason, reason, reason


def _mean(cells: Series, quantity: Callable[[MeasuredCell], Replicated]) -> Replicated:
    _, values, replicates = series_of(cells, quantity)
    return Replicated(np.asarray(values.mean()), replicates.mean(axis=1))


def _mean_shares(cells: Series) -> Replicated:
    shares = [cell.shares for cell in cells.values()]
    return Replicated(
        np.mean([one.point for one in shares], axis=0), np.mean([one.replicates for one in shares], axis=0)
    )


def _suppression(base: Replicated, tuned: Replicated, n: int, how: str, level: float) -> Measured:
    """Return 1 - S_tuned / S_base of the means over steps."""
    least = float(np.quantile(base.replicates, (1.0 - level) / 2.0))
    if least < LEAST_BASE_ENTROPY:
        return Insufficient(
            f"S of the first model may be as small as {max(least, 0.0):.3f} nats (it is {float(base.point):.3f}): "
            "there is hardly anything to suppress, and a ratio to it would be arbitrary"
        )
    below = np.maximum(base.replicates, LEAST_BASE_ENTROPY)
    ratio = Replicated(np.asarray(1.0 - tuned.point / base.point), 1.0 - tuned.replicates / below)
    return estimate_from_replicates(
        ratio, n=n, method=f"1 - S_tuned / S_base; {how}", level=level, unit=SHARE, n_unit="prompts"
    )


def _groups_of(cells: Series) -> NDArray[np.int64]:
    """Return the groups of all cells, ascending."""
    seen = np.zeros(max(int(cell.group_ids.max()) for cell in cells.values()) + 1, dtype=bool)
    for cell in cells.values():
        seen[cell.group_ids] = True
    return np.nonzero(seen)[0]


def _some(cells: Series) -> str:
    shown = [str(step) for step in sorted(cells)]
    return ", ".join(shown[:5]) + (" ..." if len(shown) > 5 else "")
