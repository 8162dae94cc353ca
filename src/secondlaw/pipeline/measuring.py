"""The measurement: from observations to everything that ``measure``, ``compare`` and ``demo`` show."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from secondlaw.behavior.observations import Observations
from secondlaw.behavior.taxonomy import OUTSIDE, Taxonomy
from secondlaw.behavior.windows import Windows
from secondlaw.drift.cells import ClassifierError, MeasuredCell
from secondlaw.drift.design import Design
from secondlaw.drift.results import Example, Measurement, RowSummary
from secondlaw.drift.stretched_runs import replay
from secondlaw.drift.variance import variance_shares
from secondlaw.errors import NotEnoughData
from secondlaw.pipeline.cell_results import by_model, cell_result, drawn, named_models, rate_results, require_models
from secondlaw.pipeline.cells import CONFUSED, CellSource, cell_sources, measure_sources
from secondlaw.pipeline.likeness import unlike_steps
from secondlaw.pipeline.pairs import compare_pairs
from secondlaw.pipeline.settings import Settings
from secondlaw.types import Estimate, Insufficient

__all__ = ["MeasureOptions", "measure", "measure_cells"]

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class MeasureOptions:
    """How to measure.

    Parameters
    ----------
    level : float
        Coverage of intervals.
    resamples, permutations : int
        Of the bootstrap and of the tests.
    seed : int
        Of every random draw.
    every : str or None
        Window that turns times into steps.
    min_n : int
        Cells with fewer responses are reported as insufficient.
    pairs : tuple of (base, tuned)
        Models to compare; if empty, the models named base and tuned where a file holds both.
    replay_steps : int
        Length of the simulated run; 0 for none.
    replay_responses : int
        Its responses a prompt and step.
    errors : mapping of classifier name to ClassifierError
        What is known of each classifier's error.
    """

    level: float = 0.95
    resamples: int = 1000
    permutations: int = 2000
    seed: int = 0
    every: str | None = None
    min_n: int = 1
    pairs: tuple[tuple[str, str], ...] = ()
    replay_steps: int = 0
    replay_responses: int = 100
    errors: Mapping[str | None, ClassifierError] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        settings: Settings,
        *,
        pairs: tuple[tuple[str, str], ...] = (),
        replay_steps: int = 0,
        replay_responses: int = 100,
    ) -> "MeasureOptions":
        """Take from the settings what they say."""
        return cls(
            level=settings.level,
            resamples=settings.resamples,
            permutations=settings.permutations,
            seed=settings.seed,
            every=settings.every,
            min_n=settings.min_n,
            pairs=pairs,
            replay_steps=replay_steps,
            replay_responses=replay_responses,
        )


def measure(
    observations: Observations,
    options: MeasureOptions,
    *,
    source: str,
    rows: RowSummary,
    warnings: tuple[str, ...] = (),
    progress: Progress | None = None,
) -> Measurement:
    """Measure labelled observations.

    Parameters
    ----------
    observations : Observations
        Labelled; see :func:`secondlaw.pipeline.labelling.label_observations`.
    options : MeasureOptions
    source : str
        Name of what was read, for the report.
    rows : RowSummary
        What became of the rows.
    warnings : tuple of str
        What reading has to say.
    progress : callable, optional
        Called with (cells done, cells in all).

    Returns
    -------
    Measurement

    Raises
    ------
    NotEnoughData
        If no cell can be measured, or none of a model that is to be compared.
    InvalidInput
        If a model that is to be compared does not occur.
    """
    observations = observations.in_windows(options.every)
    return measure_cells(
        cell_sources(observations, min_n=options.min_n),
        observations.group_hashes,
        options,
        taxonomy=observations.taxonomy,
        windows=observations.windows,
        source=source,
        rows=rows,
        examples=_examples(observations),
        warnings=warnings,
        progress=progress,
    )


def measure_cells(
    sources: list[CellSource],
    group_keys: NDArray[np.uint64],
    options: MeasureOptions,
    *,
    taxonomy: Taxonomy,
    windows: Windows | None,
    source: str,
    rows: RowSummary,
    examples: tuple[Example, ...] = (),
    warnings: tuple[str, ...] = (),
    progress: Progress | None = None,
    cells_only: bool = False,
) -> Measurement:
    """Measure cells, wherever their rows come from.

    Parameters
    ----------
    sources : list of CellSource
    group_keys : uint64 array, shape (groups,)
        A stable key of each group that the rows of the cells name.
    options : MeasureOptions
    taxonomy : Taxonomy
    windows : Windows or None
        Which times the steps stand for.
    source : str
        Name of what was read.
    rows : RowSummary
    examples : tuple of Example
    warnings : tuple of str
    progress : callable, optional
    cells_only : bool
        Leave out what is said of several cells together: rates, parts of the variance, comparisons, warnings.

    Returns
    -------
    Measurement

    Raises
    ------
    NotEnoughData, InvalidInput
        As :func:`measure`.
    """
    misaligned = np.array(taxonomy.misaligned)
    rng = np.random.default_rng(options.seed)
    calibration = next((e.calibration for e in options.errors.values() if e.calibration is not None), None)
    design = Design.draw(group_keys, resamples=options.resamples, rng=rng, calibration=calibration)
    options = replace(options, errors={name: drawn(e, options.resamples, rng) for name, e in options.errors.items()})
    cells = measure_sources(sources, design, taxonomy=taxonomy, errors=options.errors, progress=progress)
    if not any(isinstance(cell, MeasuredCell) for cell in cells.values()):
        reasons = "; ".join(sorted({str(cell) for cell in cells.values()})) or "there is no row"
        raise NotEnoughData(f"{source}: nothing can be measured: {reasons}")
    models = by_model(cells)
    changed = unlike_steps(sources, cells)
    require_models(sources, cells, options.pairs)
    first_steps = {model: min(found) for model, found in models.items()}
    measurement = Measurement(
        source=source,
        taxonomy=taxonomy,
        level=options.level,
        resamples=options.resamples,
        seed=options.seed,
        rows=rows,
        cells=tuple(
            cell_result(one, cells, changed, first_steps, taxonomy=taxonomy, windows=windows, level=options.level)
            for one in sources
        ),
        examples=examples,
        warnings=warnings,
    )
    if cells_only:
        return measurement
    compared, failed = compare_pairs(
        sources,
        models,
        design,
        taxonomy,
        pairs=options.pairs or (("base", "tuned"),),
        errors=options.errors,
        level=options.level,
        permutations=options.permutations,
        seed=options.seed,
    )
    measurement = replace(
        measurement,
        rates=rate_results(models, changed, options.level),
        variance=tuple(
            shares
            for model, found in named_models(models).items()
            for shares in variance_shares(model, found, design, level=options.level)
        ),
        comparisons=compared,
    )
    measurement = replace(measurement, warnings=(*warnings, *_warnings(measurement), *failed))
    return _with_replay(measurement, models, misaligned, options, rng)


def _examples(observations: Observations) -> tuple[Example, ...]:
    return tuple(
        Example(
            model=model,
            step=int(observations.step[one.row]),
            category=category,
            prompt=one.prompt,
            response=one.response,
        )
        for model in observations.models
        for category in (*observations.taxonomy.keys, OUTSIDE)
        for one in observations.examples(model, category)
    )


def _warnings(measurement: Measurement) -> list[str]:
    """Say what a reader must know before the numbers."""
    found = []
    cells = measurement.cells
    count = f"{len(cells)} cell{'s' if len(cells) > 1 else ''}"
    broken = [cell for cell in cells if isinstance(cell.entropy["pooled"], Insufficient)]
    if broken:
        first = broken[0]
        found.append(
            f"no numbers for {len(broken)} of {count}; {first.model}, step {first.step}: {first.entropy['pooled']}"
        )
    plain = sum(cell.correction == "none" and cell.labels == "machine" and cell not in broken for cell in cells)
    if plain:
        found.append(
            f"uncorrected for the classifier's error, read off machine labels as they are: {plain} of {count}. Label"
            " again with 'secondlaw classify', add 100 human labels a cell, or give --confusion"
        )
    confused = [(cell, note) for cell in cells for note in cell.notes if note.startswith(CONFUSED)]
    if confused:
        first, note = confused[0]
        found.append(f"flagged in {len(confused)} of {count}; {first.model}, step {first.step}: {note}")
    single = sum(cell.n_prompts == 1 for cell in cells)
    if single:
        found.append(f"{single} of {count} with a single prompt: their intervals say nothing of other prompts")
    outside = [
        (one.outside_share, one)
        for one in cells
        if isinstance(one.outside_share, Estimate) and one.outside_share.low > OUTSIDE_EXPECTED
    ]
    if outside:
        share, worst = max(outside, key=lambda pair: pair[0].value)
        found.append(
            f"more responses outside the taxonomy than {100 * OUTSIDE_EXPECTED:.0f} % in {len(outside)} of {count} "
            f"(most: {worst.model}, step {worst.step}, {share}): read some of them"
        )
    return found


OUTSIDE_EXPECTED = 0.02
"""Share of known responses that the classifier calls outside, rounded up; more is worth a look."""


def _with_replay(
    measurement: Measurement,
    models: Mapping[tuple[str, str], Mapping[int, MeasuredCell]],
    misaligned: NDArray[np.bool_],
    options: MeasureOptions,
    rng: np.random.Generator,
) -> Measurement:
    if not options.replay_steps:
        return measurement
    long_enough = {model: cells for model, cells in named_models(models).items() if len(cells) > 1}
    if not long_enough:
        return replace(
            measurement, warnings=(*measurement.warnings, "no replay: it stretches two recorded steps or more")
        )
    simulated = replay(
        long_enough,
        misaligned=misaligned,
        steps=options.replay_steps,
        responses_per_prompt=options.replay_responses,
        rng=rng,
    )
    return replace(measurement, replay=simulated)
