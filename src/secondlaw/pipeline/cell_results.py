"""What is shown of measured cells and models: every number, or the reason why there is none."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from secondlaw.behavior.taxonomy import Taxonomy
from secondlaw.behavior.windows import Windows
from secondlaw.drift.cells import ClassifierError, MeasuredCell
from secondlaw.drift.divergence import divergence_estimates
from secondlaw.drift.estimates import (
    entropy_estimates,
    misaligned_estimate,
    share_estimates_of,
    uncorrected_estimates,
)
from secondlaw.drift.rates import measure_rates
from secondlaw.drift.results import CellResult, RateResult
from secondlaw.errors import InvalidInput, NotEnoughData
from secondlaw.pipeline.cells import CellKey, CellSource
from secondlaw.statistics.confusion import draw_confusions
from secondlaw.statistics.shares import subset_share
from secondlaw.types import Insufficient, Measured

__all__ = ["Cells", "by_model", "cell_result", "drawn", "named_models", "rate_results", "require_models"]

Cells = Mapping[CellKey, MeasuredCell | str]


def drawn(error: ClassifierError, resamples: int, rng: np.random.Generator) -> ClassifierError:
    """Draw a confusion table once for all cells, which share the classifier's error."""
    if error.confusion is None:
        return error
    return replace(error, confusion_draws=draw_confusions(error.confusion, resamples, rng=rng))


def by_model(cells: Cells) -> dict[tuple[str, str], dict[int, MeasuredCell]]:
    """Return the measured cells by (stream, model) and step."""
    models: dict[tuple[str, str], dict[int, MeasuredCell]] = {}
    for key, cell in cells.items():
        if isinstance(cell, MeasuredCell):
            models.setdefault((key.stream, key.model), {})[key.step] = cell
    return models


def named_models(
    models: Mapping[tuple[str, str], Mapping[int, MeasuredCell]],
) -> dict[str, Mapping[int, MeasuredCell]]:
    """Return the models by name, with their stream where there are several."""
    several = len({stream for stream, _ in models}) > 1
    return {f"{stream}: {model}" if several else model: cells for (stream, model), cells in models.items()}


def require_models(sources: list[CellSource], cells: Cells, pairs: tuple[tuple[str, str], ...]) -> None:
    """Refuse a pair that was asked for and does not occur in one stream, or of which no cell could be measured."""
    keys = [source.key for source in sources]
    for pair in pairs:
        if not set.intersection(*({key.stream for key in keys if key.model == one} for one in pair)):
            known = ", ".join(sorted({key.model for key in keys}))
            raise InvalidInput(f"no stream holds both {pair[0]} and {pair[1]}; the models are: {known}")
        for one in pair:
            reasons = {str(cells[key]) for key in keys if key.model == one and isinstance(cells[key], str)}
            if not any(isinstance(cells[key], MeasuredCell) for key in keys if key.model == one):
                raise NotEnoughData(f"nothing can be measured of {one}: {'; '.join(sorted(reasons)[:3])}")


def cell_result(
    one: CellSource,
    cells: Cells,
    changed: Mapping[tuple[str, str], Insufficient],
    first_steps: Mapping[tuple[str, str], int],
    *,
    taxonomy: Taxonomy,
    windows: Windows | None,
    level: float,
) -> CellResult:
    """Return what is shown of a cell: every number, or the reason why there is none."""
    key, cell = one.key, cells[one.key]
    window = windows.start_of(key.step).isoformat() if windows else None
    outside: Measured = Insufficient("no labelled response")
    if len(one.outside):
        outside = subset_share(one.outside, [False, True], level=level)
    if isinstance(cell, str):
        none = Insufficient(cell)
        return CellResult(
            key.stream, key.model, key.step, window, len(one.rows), int(np.unique(one.rows.groups).size), one.counts,
            dict.fromkeys(taxonomy.keys, none), dict.fromkeys(("pooled", "within", "between"), none), none, outside,
            dict.fromkeys(("jensen_shannon", "total_variation"), none), "none", "machine", one.classifier,
        )  # fmt: skip
    first = first_steps[key.stream, key.model]
    baseline = cells[CellKey(key.stream, key.model, first)]
    divergence: dict[str, Measured] = dict.fromkeys(
        ("jensen_shannon", "total_variation"), Insufficient(f"step {first} is the baseline itself")
    )
    if key.step != first and key[:2] in changed:
        divergence = dict.fromkeys(divergence, changed[key.stream, key.model])
    elif key.step != first and isinstance(baseline, MeasuredCell):
        divergence = divergence_estimates(cell, baseline, first, level=level)
    return CellResult(
        stream=key.stream,
        model=key.model,
        step=key.step,
        window=window,
        n=cell.n,
        n_prompts=cell.n_groups,
        counts=one.counts,
        shares=share_estimates_of(cell, taxonomy, level),
        entropy=entropy_estimates(cell, level),
        misaligned_share=misaligned_estimate(cell, taxonomy, level),
        outside_share=outside,
        divergence=divergence,
        correction=cell.correction,
        labels=cell.labels,
        classifier=one.classifier,
        uncorrected=uncorrected_estimates(cell, taxonomy, level),
        notes=cell.notes,
    )


def rate_results(
    models: Mapping[tuple[str, str], Mapping[int, MeasuredCell]],
    changed: Mapping[tuple[str, str], Insufficient],
    level: float,
) -> tuple[RateResult, ...]:
    """Return the drift rate of every model, or the reason why there is none."""
    found = []
    for (stream, model), cells in models.items():
        none = changed.get((stream, model))
        if none is not None:
            found.append(RateResult(stream, model, len(cells), none, none, none, None))
        else:
            found.append(measure_rates(stream, model, cells, level=level))
    return tuple(found)
