"""What the reader of a ``check`` must know before the numbers."""

from collections.abc import Mapping, Sequence

import numpy as np

from secondlaw.drift.check_design import RunDesign
from secondlaw.drift.check_effects import RunSide
from secondlaw.drift.check_options import CheckOptions
from secondlaw.drift.check_permutation import THINNINGS
from secondlaw.drift.check_tables import PromptTable
from secondlaw.drift.gates import signed
from secondlaw.types import Estimate, Measured

__all__ = ["check_warnings"]


def check_warnings(
    table: PromptTable,
    plan: RunDesign,
    measured: Sequence[RunSide],
    changes: Mapping[str, Measured],
    options: CheckOptions,
    *,
    drifted: bool,
) -> tuple[str, ...]:
    """Return what a reader must know before the numbers.

    Parameters
    ----------
    table : PromptTable
    plan : RunDesign
    measured : sequence of RunSide
        Base and candidate.
    changes : mapping of str to Measured
    options : CheckOptions
    drifted : bool
        Whether the distribution was found to differ.
    """
    found, tested = [], plan.tested
    if np.array_equal(table.first, table.second):
        found.append("both runs hold the same labels for every prompt: is this the same file twice?")
    if tested.kind != "paired":
        found.append(
            f"{tested.dealt} prompts were answered by one run alone: their test takes both runs to have drawn the "
            "prompts of a stratum from one population; the same prompts in both runs need no such assumption"
        )
    if tested.not_used:
        found.append(f"{tested.not_used} prompts have no counterpart in the other run's strata and take no part")
    if tested.left_out > 0.0:
        found.append(
            f"the runs have different numbers of responses for like prompts: the test leaves "
            f"{100 * tested.left_out:.1f} % of the responses out at random (mean p of {THINNINGS} draws)"
        )
    if tested.standardised:
        found.append("the mix of prompts differs between the runs: sizes of change are standardised to one mix")
    if any(side.uncorrected for side in measured):
        found.append("uncorrected machine labels")
    size = changes["total_variation"]
    if drifted and isinstance(size, Estimate) and size.low <= 0.0:
        found.append(
            "the labels of the two runs differ, but the interval of the total variation reaches 0: it also carries "
            "what is not known of the classifier's error and of rare categories"
        )
    found += list(dict.fromkeys(note for side in measured for note in side.notes))
    outside = changes["outside"]
    if isinstance(outside, Estimate) and "outside" not in options.on and (outside.low > 0.0 or outside.high < 0.0):
        found.append(
            f"the share of responses outside the taxonomy changes by {signed(outside)}, which no other number shows: "
            "read some, or add --on outside"
        )
    return tuple(found)
