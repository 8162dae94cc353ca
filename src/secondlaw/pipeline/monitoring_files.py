"""A recorded log as steps: read whole, put in order, cut, with all that was found on the way."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from itertools import islice, pairwise
from pathlib import Path

import numpy as np

from secondlaw.behavior import load_taxonomy, window_seconds
from secondlaw.behavior.taxonomy import Taxonomy
from secondlaw.drift.monitoring_plan import ScoreField
from secondlaw.drift.step_counts import StepCounts, StepRow
from secondlaw.drift.step_counts_builder import StepBuilder
from secondlaw.drift.step_counts_policy import StepPolicy, StepTallies
from secondlaw.errors import FileFormatError, InvalidInput, NotEnoughData
from secondlaw.formats import BadRow, Format, Quarantine, Row, quarantine_path, read_rows
from secondlaw.pipeline.inputs import MANY_BAD
from secondlaw.pipeline.monitoring import StepRowReader, lateness_of
from secondlaw.pipeline.settings import Settings
from secondlaw.pipeline.sources import Source

__all__ = ["RecordedSteps", "read_steps"]

BATCH = 4096
Progress = Callable[[str], Callable[[int, int], None]]
SORTED_BY_PROMPT = 0.5
"""Share of neighbours with the same prompt from which a log is taken to be sorted by prompt."""


@dataclass(frozen=True, slots=True)
class RecordedSteps:
    """A log cut into steps.

    Parameters
    ----------
    steps : tuple of StepCounts
        Of all streams and models, in the order in which they were closed.
    taxonomy : Taxonomy
    policy : StepPolicy
    tallies : StepTallies
    read, bad, labelled, out_of_order : int
        Rows read, bad ones, those that the engine labelled, those that stood after a row of a later step.
    quarantine : str or None
        Where the bad rows are.
    warnings : tuple of str
    """

    steps: tuple[StepCounts, ...]
    taxonomy: Taxonomy
    policy: StepPolicy
    tallies: StepTallies
    read: int
    bad: int
    labelled: int
    out_of_order: int
    quarantine: str | None
    warnings: tuple[str, ...]


def read_steps(
    source: Source,
    settings: Settings,
    *,
    score: ScoreField | None = None,
    classifier: str | None = None,
    file_format: Format | None = None,
    bad_rows: Path | None = None,
    partial: bool = False,
    unfinished: bool = False,
    as_arrived: bool = False,
    mix_rows: bool = False,
    progress: Progress | None = None,
) -> RecordedSteps:
    """Read a log and cut it into steps.

    Parameters
    ----------
    source : Source
        A file, or ``-``; with a model, only its rows.
    settings : Settings
        How to read, label and cut: rows_per_step, else the steps that rows state, else `every`.
    score : ScoreField, optional
        See :class:`~secondlaw.pipeline.monitoring.StepRowReader`, also for `classifier`.
    file_format, bad_rows, partial, unfinished
        See :func:`secondlaw.pipeline.inputs.load`.
    as_arrived : bool
        Take the rows in the order of the file, as a live watch would: what comes after its step was closed is late. By
        default they are sorted by step or time.
    mix_rows : bool
        With rows_per_step: rows of one stated step (or of all, where none is stated) are put in random order before
        they are cut, since a log sorted by prompt is not the stream that it records.
    progress : callable, optional

    Raises
    ------
    NotEnoughData
        If no row can be used.
    InvalidInput
        If nothing says what a step is, or only some rows have a step or a time.
    FileFormatError
        If the file is damaged and `partial` is false.
    """
    if mix_rows and settings.rows_per_step is None:
        raise InvalidInput("--mix-rows goes with --rows-per-step: other steps hold the same rows in any order")
    taxonomy = load_taxonomy(settings.taxonomy)
    where = bad_rows or quarantine_path(source.path)
    warnings: list[str] = []
    rows: list[StepRow] = []
    with Quarantine(where, max_bad=settings.max_bad) as quarantine:
        reader = StepRowReader(
            settings,
            taxonomy=taxonomy,
            bad=quarantine.add,
            score=score,
            classifier=classifier,
            model=source.model,
            progress=progress("classifying") if progress else None,
        )
        lines = _until_damage(read_rows(source.path, file_format=file_format, unfinished=unfinished), partial, warnings)
        while batch := list(islice(lines, BATCH)):
            rows += reader.read(batch)
    if quarantine.count:
        warnings.append(quarantine.describe())
    if not rows:
        first = quarantine.first[0] if quarantine.count else None
        why = "" if first is None else f"; the first bad row is line {first.line}: {first.reason}"
        what = "" if source.model is None else f" of the model {source.model}"
        raise NotEnoughData(f"{source.path}: there is no row{what} that can be used{why}")
    policy = _policy(rows, settings, as_arrived=as_arrived)
    moved = 0
    if mix_rows:
        rows = _mixed(rows, np.random.default_rng([settings.seed, 2]))
    elif policy.kind != "rows" and not as_arrived:
        rows, moved = _sorted(rows, policy)
    builder = StepBuilder(policy, width=len(taxonomy.keys), scored=score is not None)
    steps = (*builder.add_all(rows), *builder.end())
    tallies = builder.tallies
    total = len(rows) + quarantine.count
    if quarantine.count > MANY_BAD * total:
        warnings.insert(
            0, f"{100 * quarantine.count / total:.0f} % OF THE ROWS ARE BAD: the others may be of another kind"
        )
    warnings += [*_said(tallies, moved, policy, score), *reader.warnings(), *_order_warning(rows, policy, mix_rows)]
    return RecordedSteps(
        steps,
        taxonomy,
        policy,
        tallies,
        total,
        quarantine.count,
        reader.labelled,
        moved,
        str(where) if quarantine.count else None,
        tuple(warnings),
    )


def _until_damage(rows: Iterator[Row | BadRow], partial: bool, warnings: list[str]) -> Iterator[Row | BadRow]:
    try:
        yield from rows
    except FileFormatError as damage:
        if not partial:
            raise FileFormatError(f"{damage}, or use the rows before the damage with --partial") from damage
        warnings.append(f"{damage}; only the rows before the damage are used (--partial)")


def _policy(rows: Sequence[StepRow], settings: Settings, *, as_arrived: bool) -> StepPolicy:
    """Return how the rows are cut; steps or times that only some rows have are refused."""
    every = None if settings.every is None else window_seconds(settings.every)
    stepped = sum(row.step is not None for row in rows)
    if settings.rows_per_step is None and 0 < stepped < len(rows):
        raise InvalidInput(
            f"{stepped} of {len(rows)} rows state a step, the others none: give every row one, or --rows-per-step"
        )
    has_step = stepped == len(rows)
    lateness = lateness_of(settings.lateness, by_step=has_step) if as_arrived else 0.0
    policy = StepPolicy.of(
        has_step=has_step, every=every, rows_per_step=settings.rows_per_step, lateness=lateness, horizon=None
    )
    timeless = sum(row.time is None for row in rows)
    if policy.kind == "time" and timeless:
        raise InvalidInput(
            f"--every {settings.every} cuts ts into steps, but {timeless} of {len(rows)} rows have no ts"
        )
    if policy.kind != "step":
        return policy
    numbers = sorted({row.step for row in rows if row.step is not None})
    stride = reduce(math.gcd, (later - one for one, later in pairwise(numbers)), 0)
    return replace(policy, stride=max(stride, 1), offset=numbers[0] if stride > 1 else 0)


def _sorted(rows: list[StepRow], policy: StepPolicy) -> tuple[list[StepRow], int]:
    """Return the rows by step or time, and how many stood after a row of a later step of their stream."""
    latest: dict[tuple[str, str], float] = {}
    moved = 0
    for row in rows:
        place = float(row.step or 0) if policy.kind == "step" else float((row.time or 0.0) // policy.every)
        before = latest.get((row.stream, row.model), -math.inf)
        moved += place < before
        latest[row.stream, row.model] = max(before, place)
    if policy.kind == "step":
        return sorted(rows, key=lambda row: row.step or 0), moved
    return sorted(rows, key=lambda row: row.time or 0.0), moved


def _mixed(rows: list[StepRow], rng: np.random.Generator) -> list[StepRow]:
    chance = rng.random(len(rows)).tolist()
    order = sorted(range(len(rows)), key=lambda i: (rows[i].step or 0, chance[i]))
    return [rows[i] for i in order]


def _said(tallies: StepTallies, moved: int, policy: StepPolicy, score: ScoreField | None) -> list[str]:
    said = []
    if moved:
        said.append(
            f"{moved:,} rows stand after rows of a later step: sorted (--as-arrived takes them as a tail would)"
        )
    said += tallies.words(scored=score is not None, rows_per_step=policy.rows)
    if policy.stride > 1:
        said.append(f"stated steps grow by {policy.stride}: this is taken as one step of the monitors")
    return said


def _order_warning(rows: Sequence[StepRow], policy: StepPolicy, mixed: bool) -> list[str]:
    """Warn of a log that is sorted by prompt: its steps differ in their prompts, which is no drift."""
    if policy.kind != "rows" or mixed or len(rows) < 2:
        return []
    alike = sum(one.cluster == two.cluster for one, two in pairwise(rows)) / (len(rows) - 1)
    clusters: dict[str, int] = {}
    for row in rows:
        clusters[row.cluster] = clusters.get(row.cluster, 0) + 1
    expected = sum((n / len(rows)) ** 2 for n in clusters.values())
    if alike < max(SORTED_BY_PROMPT, 2 * expected):
        return []
    return [
        f"{100 * alike:.0f} % of neighbouring rows have the same prompt: a log sorted by prompt gives steps that "
        "differ in their prompts, not in the model; --mix-rows puts the rows of a step in random order first"
    ]
