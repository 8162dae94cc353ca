"""Two finished runs, checked: the tests, the sizes of change, the verdict, and what moved.

==============  =====================================================================================
distribution    whether the categories are distributed differently (G statistic); size: total variation
misaligned      the misaligned share; only a rise is drift
entropy         the pooled entropy S, in either direction
category:KEY    one category's share, in either direction
outside         the share of responses in no category; only a rise is drift
==============  =====================================================================================

Several checks share alpha by Holm's method: where both runs answer alike, the probability of calling any of them is at
most alpha. That is the null of every test, and categories that change places at the same S are no case of it: *entropy*
is therefore called only where the interval of the change of S excludes 0 as well. P-values come from labels as counted
(a constant error of the classifier costs power, not validity), sizes of change from labels corrected where a correction
is at hand.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from secondlaw.behavior.taxonomy import Taxonomy
from secondlaw.drift.attribution_tests import holm
from secondlaw.drift.cells import CellRows, ClassifierError
from secondlaw.drift.check_design import RunDesign, count_labels, design_of, require_prompts
from secondlaw.drift.check_effects import RunSide, changes_of, measure_side, outside_share, shares_of
from secondlaw.drift.check_moved import what_moved
from secondlaw.drift.check_options import CheckOptions
from secondlaw.drift.check_permutation import run_test
from secondlaw.drift.check_results import Checked, CheckResult, CheckSide
from secondlaw.drift.check_tables import PromptTable
from secondlaw.drift.check_warnings import check_warnings
from secondlaw.drift.design import Design
from secondlaw.drift.gates import decide, signed
from secondlaw.errors import NotEnoughData
from secondlaw.statistics.cells import estimate_from_replicates
from secondlaw.statistics.permutation import p_text
from secondlaw.types import SHARE, Estimate, Insufficient, Measured

__all__ = ["RunRows", "check_runs"]

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

SIZES = {"distribution": "total_variation"}
"""Which change says how large it is, where it has another name than the check."""


@dataclass(frozen=True, slots=True)
class RunRows:
    """The rows of one run.

    Parameters
    ----------
    name : str
    rows : CellRows
    labels : str
        Who labelled.
    error : ClassifierError or None
    """

    name: str
    rows: CellRows
    labels: str
    error: ClassifierError | None = None


def check_runs(
    base: RunRows,
    candidate: RunRows,
    *,
    strata: Ints,
    stratum_names: Sequence[str],
    group_keys: NDArray[np.uint64],
    taxonomy: Taxonomy,
    reachable: NDArray[np.bool_],
    design: Design,
    options: CheckOptions,
    rng: np.random.Generator,
) -> CheckResult:
    """Check a candidate run against a base run.

    Parameters
    ----------
    base, candidate : RunRows
        Groups of both are codes into one table.
    strata : ndarray of int, shape (groups,)
        Prompt set and intent of each group.
    stratum_names : sequence of str
    group_keys : ndarray of uint64, shape (groups,)
        Stable hashes, by which prompts are named.
    taxonomy : Taxonomy
    reachable : ndarray of bool, shape (3, K)
        Which categories a prompt of each intent can lead to.
    design : Design
        Over all groups.
    options : CheckOptions
    rng : numpy.random.Generator

    Returns
    -------
    CheckResult
        Also where data are missing: verdict ``"no-data"``.

    Raises
    ------
    InvalidInput
        If the permutations are too few for alpha.
    """
    runs = base, candidate
    K, groups = len(taxonomy.keys), len(strata)
    counts = [count_labels(run.rows, groups, K) for run in runs]
    table = PromptTable(counts[0], counts[1], strata)
    sides = tuple(_side(run, one, K) for run, one in zip(runs, counts, strict=True))
    try:
        for run, one in zip(runs, counts, strict=True):
            if not one.any():
                raise NotEnoughData(f"{run.name} has no labelled response inside the taxonomy {taxonomy.name}: n = 0")
        answered = _answered(runs, strata, K)
        require_prompts(answered, [base.name, candidate.name], most=options.max_missing)
        plan = design_of(table, stratum_names)
        taking = table.taking_part()
        options.require_power(taking.least_p(), len(taking.first))
    except NotEnoughData as short:
        return CheckResult("no-data", str(short), sides[0], sides[1])
    measured = [_measured(i, run, plan, design, taxonomy, reachable, rng) for i, run in enumerate(runs)]
    prompts = plan.tested.matched + plan.tested.dealt
    changes = changes_of(measured[0], measured[1], taxonomy, prompts=prompts, level=options.level)
    changes["outside"] = _outside(answered, design, options)
    checks = _checks(table, answered, changes, taxonomy, (base.name, candidate.name), options, rng)
    drifted, unsure = ([one for one in checks if one.verdict == verdict] for verdict in ("drift", "inconclusive"))
    verdict = "drift" if drifted else "inconclusive" if unsure else "pass"
    moved, single = (
        what_moved(table, stratum_names, group_keys, taxonomy, options, rng) if verdict != "pass" else ((), ())
    )
    return CheckResult(
        verdict=verdict,  # type: ignore[arg-type]
        message="; ".join(one.message for one in drifted or unsure or checks),
        base=sides[0],
        candidate=sides[1],
        tested=plan.tested,
        checks=tuple(checks),
        changes=changes,
        shares={
            name: shares_of(one, taxonomy, level=options.level)
            for name, one in zip(("base", "candidate"), measured, strict=True)
        },
        strata=moved,
        prompts=single,
        warnings=check_warnings(
            table, plan, measured, changes, options, drifted=any(one.name == "distribution" for one in drifted)
        ),
    )


def _side(run: RunRows, counts: Floats, categories: int) -> CheckSide:
    best = np.where(run.rows.human >= 0, run.rows.human, run.rows.label)
    held = counts.sum(axis=1)
    return CheckSide(run.name, int(held.sum()), int((held > 0).sum()), int((best == categories).sum()), run.labels)


def _measured(
    side: int,
    run: RunRows,
    plan: RunDesign,
    design: Design,
    taxonomy: Taxonomy,
    reachable: NDArray[np.bool_],
    rng: np.random.Generator,
) -> RunSide:
    rows = run.rows.inside(len(taxonomy.keys))
    rows = rows.take(plan.keep(rows.groups, side, rng))
    return measure_side(
        rows, plan.part[rows.groups], plan.weights, design, taxonomy, error=run.error, reachable=reachable
    )


def _answered(runs: Sequence[RunRows], strata: Ints, categories: int) -> PromptTable:
    """Return responses inside and outside the taxonomy by prompt: a prompt answered outside alone is not missing."""
    tables = []
    for run in runs:
        best = np.where(run.rows.human >= 0, run.rows.human, run.rows.label)
        known = best >= 0
        flat = np.bincount(run.rows.groups[known] * 2 + (best[known] == categories), minlength=2 * len(strata))
        tables.append(flat.reshape(len(strata), 2))
    return PromptTable(tables[0], tables[1], strata)


def _outside(answered: PromptTable, design: Design, options: CheckOptions) -> Measured:
    """Return the change of the share outside the taxonomy."""
    if "outside" not in options.on and not (answered.first[:, 1].any() or answered.second[:, 1].any()):
        return Insufficient("no response of either run lies outside the taxonomy")
    taking = answered.matched
    for _, one, two in answered.dealt():
        taking[one] = taking[two] = True
    base, candidate = (outside_share(side, taking, design) for side in (answered.first, answered.second))
    return estimate_from_replicates(
        candidate - base, n=int(taking.sum()), method="joint bootstrap over prompts, labels as counted",
        level=options.level, unit=SHARE, n_unit="prompts", bounds=(-1.0, 1.0),
    )  # fmt: skip


def _checks(
    table: PromptTable,
    answered: PromptTable,
    changes: Mapping[str, Measured],
    taxonomy: Taxonomy,
    names: tuple[str, str],
    options: CheckOptions,
    rng: np.random.Generator,
) -> list[Checked]:
    contrasts = np.concatenate([[taxonomy.misaligned], np.eye(len(taxonomy.keys))]).astype(np.float64)
    found = run_test(table, contrasts=contrasts, permutations=options.permutations, rng=rng)
    p_values = {"distribution": found.distribution, "entropy": found.entropy}
    p_values |= dict(zip(("misaligned", *(f"category:{key}" for key in taxonomy.keys)), found.contrasts, strict=True))
    if "outside" in options.on:
        p_values["outside"] = run_test(
            answered, contrasts=[[0.0, 1.0]], permutations=options.permutations, rng=rng
        ).contrasts[0]
    adjusted = holm([p_values[name] for name in options.on])
    return [
        _one(name, changes[SIZES.get(name, name)], p_values[name], p, names, options)
        for name, p in zip(options.on, adjusted, strict=True)
    ]


def _one(
    name: str, change: Measured, p_value: float, adjusted: float, names: tuple[str, str], options: CheckOptions
) -> Checked:
    assert isinstance(change, Estimate)  # noqa: S101 - every change that can be asked for is an estimate here
    outcome = decide(name, change, rejects=adjusted <= options.alpha, tolerance=options.tolerance)
    what = {
        "distribution": "total variation", "misaligned": "misaligned share", "entropy": "S",
        "outside": "share outside the taxonomy",
    }.get(name, f"share of {name.removeprefix('category:')}")  # fmt: skip
    moved = f"{change} between" if name == "distribution" else f"changes by {signed(change)} from"
    link = "and" if name == "distribution" else "to"
    several = "" if len(options.on) == 1 else f", adjusted {p_text(adjusted)}"
    bound = "" if options.tolerance is None else f", tolerance {options.tolerance:g}"
    message = (
        f"{what} {moved} {names[0]} {link} {names[1]}, {p_text(p_value)}{several} "
        f"(alpha {options.alpha:g}{bound}, {change.n} {change.n_unit})"
    )
    return Checked(name, "drift" if outcome == "fail" else outcome, message, change, p_value, adjusted)
