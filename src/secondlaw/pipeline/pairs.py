"""Pairs of models, compared on the prompts that both answered at each step."""

from collections.abc import Mapping

import numpy as np

from secondlaw.behavior.taxonomy import Taxonomy
from secondlaw.drift.cells import ClassifierError, MeasuredCell
from secondlaw.drift.comparison import compare_models, no_comparison
from secondlaw.drift.design import Design
from secondlaw.drift.results import Comparison
from secondlaw.errors import NotEnoughData
from secondlaw.pipeline.cells import CellKey, CellSource, measure_sources
from secondlaw.pipeline.likeness import unlike

__all__ = ["compare_pairs"]


def compare_pairs(
    sources: list[CellSource],
    models: Mapping[tuple[str, str], Mapping[int, MeasuredCell]],
    design: Design,
    taxonomy: Taxonomy,
    *,
    pairs: tuple[tuple[str, str], ...],
    errors: Mapping[str | None, ClassifierError],
    level: float,
    permutations: int,
    seed: int,
) -> tuple[tuple[Comparison, ...], list[str]]:
    """Compare the pairs asked for, on prompts that both answered at each step; and say where that failed."""
    found: list[Comparison] = []
    failed: list[str] = []
    classifiers = {source.key: source.classifier for source in sources}
    for base, tuned in pairs:
        for stream in sorted({s for s, _ in models}):
            if (stream, base) not in models or (stream, tuned) not in models:
                continue
            ours, theirs = _matched(sources, models, stream, base, tuned)
            matched = [
                {
                    key.step: cell
                    for key, cell in measure_sources(part, design, taxonomy=taxonomy, errors=errors).items()
                    if isinstance(cell, MeasuredCell)
                }
                if isinstance(part, list)
                else part
                for part in (ours, theirs)
            ]
            if not set(matched[0]) & set(matched[1]):
                continue
            why = unlike(
                (classifiers[CellKey(stream, model, step)], cell)
                for model, part in zip((base, tuned), matched, strict=True)
                for step, cell in part.items()
            )
            if why is not None:
                found.append(no_comparison(base, tuned, why))
                continue
            try:
                compared = compare_models(
                    base,
                    matched[0],
                    tuned,
                    matched[1],
                    misaligned=np.array(taxonomy.misaligned),
                    level=level,
                    permutations=permutations,
                    rng=np.random.default_rng([seed, len(found)]),
                )
            except NotEnoughData as short:
                failed.append(f"{base} and {tuned} were not compared: {short}")
                continue
            found.append(compared)
    return tuple(found), failed


def _matched(
    sources: list[CellSource],
    models: Mapping[tuple[str, str], Mapping[int, MeasuredCell]],
    stream: str,
    base: str,
    tuned: str,
) -> tuple[list[CellSource] | Mapping[int, MeasuredCell], list[CellSource] | Mapping[int, MeasuredCell]]:
    """Return the cells of both models if their prompts agree at every common step, else what must be measured anew."""
    ours, theirs = models[stream, base], models[stream, tuned]
    common = sorted(set(ours) & set(theirs))
    shared = {step: np.intersect1d(ours[step].group_ids, theirs[step].group_ids) for step in common}
    if not any(len(both) for both in shared.values()):
        return ours, theirs
    if all(np.array_equal(ours[step].group_ids, theirs[step].group_ids) for step in common):
        return ours, theirs
    by_key = {source.key: source for source in sources}
    parts: tuple[list[CellSource], list[CellSource]] = ([], [])
    for step, both in shared.items():
        if len(both):
            for part, model in zip(parts, (base, tuned), strict=True):
                part.append(by_key[CellKey(stream, model, step)].of_groups(both))
    return parts
