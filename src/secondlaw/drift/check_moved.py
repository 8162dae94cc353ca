"""After ``check`` found drift: in which prompt sets and intents, and in which prompts."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from secondlaw.behavior.taxonomy import Taxonomy
from secondlaw.drift.attribution import attribute_change
from secondlaw.drift.attribution_sides import Side
from secondlaw.drift.check_options import CheckOptions
from secondlaw.drift.check_results import MovedPrompt, MovedStratum
from secondlaw.drift.check_tables import PromptTable

__all__ = ["MOST_PROMPTS", "what_moved"]

MOST_PROMPTS = 10
"""Prompts named of those that moved."""


def what_moved(
    table: PromptTable,
    stratum_names: Sequence[str],
    group_keys: NDArray[np.uint64],
    taxonomy: Taxonomy,
    options: CheckOptions,
    rng: np.random.Generator,
) -> tuple[tuple[MovedStratum, ...], tuple[MovedPrompt, ...]]:
    """Return strata and prompts, and whether they moved: of the matched prompts, or where there is none, of all.

    Parameters
    ----------
    table : PromptTable
    stratum_names : sequence of str
    group_keys : ndarray of uint64, shape (groups,)
        By which prompts are named.
    taxonomy : Taxonomy
    options : CheckOptions
        Its alpha is the error rate: family-wise over strata, of false discoveries over prompts.
    rng : numpy.random.Generator
    """
    here = table.matched if table.matched.any() else np.ones(len(table.first), dtype=bool)
    names = [f"{key:016x}" for key in group_keys[here].tolist()]
    parts = {name: stratum_names[i] for name, i in zip(names, table.stratum[here].tolist(), strict=True)}
    found = attribute_change(
        Side(names, table.first[here]), Side(names, table.second[here]), categories=taxonomy.keys, parts=parts,
        rng=rng, level=1.0 - options.alpha,
    )  # fmt: skip
    strata = tuple(
        MovedStratum(
            one.part,
            one.n_prompts,
            dict(zip(taxonomy.keys, one.behavior, strict=True)),
            dict(zip(taxonomy.keys, one.mix, strict=True)),
            one.p_value if isinstance(one.p_value, float) else None,
            one.moved,
        )
        for one in found.parts
    )
    prompts = tuple(
        MovedPrompt(one.prompt, one.category, one.difference, one.p_value, one.moved)
        for one in found.prompts[:MOST_PROMPTS]
        if one.contribution > 0.0
    )
    return strata, prompts
