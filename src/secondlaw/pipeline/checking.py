"""The whole way of ``check``: read two runs, label what has no label, refuse what cannot be compared, test, name."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from secondlaw.behavior.classifier_identity import split_identity
from secondlaw.behavior.observations import Observations
from secondlaw.behavior.taxonomy import INTENTS
from secondlaw.drift.cells import ClassifierError
from secondlaw.drift.check_options import CheckOptions
from secondlaw.drift.check_results import CheckResult, MovedPrompt
from secondlaw.drift.checks import RunRows, check_runs
from secondlaw.drift.design import Design
from secondlaw.errors import InvalidInput, NotEnoughData
from secondlaw.formats import Format, Row, read_rows
from secondlaw.pipeline.cells import CellSource, cell_sources
from secondlaw.pipeline.inputs import Source, load
from secondlaw.pipeline.runs import Labelled, ProgressReporter, label_loaded
from secondlaw.pipeline.settings import Settings
from secondlaw.statistics.confusion import draw_confusions

__all__ = ["check_sources"]

MANY_SILENT = 0.2
"""A larger share of rows that are bad or without a label is missing data: the others may be of another kind."""
LONGEST_TEXT = 400


def check_sources(
    sources: Sequence[Source],
    settings: Settings,
    options: CheckOptions,
    *,
    file_format: Format | None = None,
    bad_rows: Path | None = None,
    partial: bool = False,
    unfinished: bool = False,
    classifier: str | None = None,
    confusion: Path | None = None,
    requests: Sequence[Path] = (),
    texts: bool = False,
    progress: ProgressReporter | None = None,
) -> CheckResult:
    """Check a candidate run against a base run.

    Parameters
    ----------
    sources : two Sources
        Base and candidate, in one stream, with different names.
    settings : Settings
    options : CheckOptions
    file_format, bad_rows, partial, unfinished, requests
        See :func:`secondlaw.pipeline.inputs.load`.
    classifier, confusion
        See :func:`secondlaw.pipeline.runs.label_loaded`.
    texts : bool
        Whether prompts that moved are shown with their text.
    progress : ProgressReporter, optional

    Returns
    -------
    CheckResult

    Raises
    ------
    InvalidInput
        If the two runs are labelled by different classifiers, or one by people.
    NotEnoughData
        If a run has no row.
    SourceError
        If a file cannot be read.
    """
    loaded = load(
        sources, settings, file_format=file_format, bad_rows=bad_rows, partial=partial, unfinished=unfinished,
        examples=0, requests=requests,
    )  # fmt: skip
    done = label_loaded(loaded, settings, classifier=classifier, confusion=confusion, progress=progress)
    runs = _runs(done, [str(source.name) for source in sources])
    _require_alike(runs)
    observations = done.observations
    rng = np.random.default_rng([settings.seed, 2])
    calibration = next((e.calibration for e in done.errors.values() if e.calibration is not None), None)
    design = Design.draw(observations.group_hashes, resamples=settings.resamples, rng=rng, calibration=calibration)
    errors = {name: _drawn(error, settings.resamples, rng) for name, error in done.errors.items()}
    strata, names = _strata(observations)
    base, candidate = (RunRows(run.key.model, run.rows, _labels(run), errors.get(run.classifier)) for run in runs)
    found = check_runs(
        base, candidate, strata=strata, stratum_names=names, group_keys=observations.group_hashes,
        taxonomy=observations.taxonomy, reachable=np.array([observations.taxonomy.reachable(i) for i in INTENTS]),
        design=design, options=options, rng=rng,
    )  # fmt: skip
    rows = done.rows
    missing = (rows.bad + rows.silent) / max(1, rows.bad + rows.silent + rows.used)
    if found.verdict != "no-data" and missing > max(MANY_SILENT, options.max_missing):
        found = replace(
            found,
            verdict="no-data",
            message=f"{100 * missing:.0f} % of the rows are bad or have no label: those that are left may well be of "
            f"another kind. Mend them, or compare what is there with --max-missing {missing + 0.01:.2f}",
        )
    return replace(
        found,
        prompts=_named_prompts(found.prompts, observations, sources, file_format, texts),
        warnings=(*done.warnings, *_step_warnings(observations), *found.warnings),
        settings={
            "on": list(options.on), "alpha": options.alpha, "family": "Holm", "tolerance": options.tolerance,
            "level": options.level, "permutations": options.permutations, "resamples": settings.resamples,
            "seed": settings.seed, "max_missing": options.max_missing, "taxonomy": observations.taxonomy.name,
        },
    )  # fmt: skip


def _runs(done: Labelled, names: Sequence[str]) -> list[CellSource]:
    """Return base and candidate, each with all its steps in one."""
    whole = replace(done.observations, step=np.zeros_like(done.observations.step))
    found = {one.key.model: one for one in cell_sources(whole)}
    for name in names:
        if name not in found:
            raise NotEnoughData(f"{name} has no row that can be used (n = 0): {_why(done.warnings)}")
    return [found[name] for name in names]


def _why(warnings: Sequence[str]) -> str:
    return "; ".join(warnings[:2]) or "give a file with one response a line"


def _labels(run: CellSource) -> str:
    if len(run.rows) and bool((run.rows.human >= 0).all()):
        return "people"
    return run.classifier or "unnamed"


def _require_alike(runs: Sequence[CellSource]) -> None:
    """Refuse labels of different making: they move without the model having moved."""
    remedy = (
        "label both runs with one classifier (secondlaw classify --relabel), choose labels that both carry with "
        "--classifier NAME, or tell the two kinds of drift apart with an anchor set (secondlaw anchor)"
    )
    for run in runs:
        versions = "labels of" in (run.problem or "")
        if versions:
            raise InvalidInput(f"classifier changed within {run.key.model}: {run.problem}; {remedy}")
    labels = [_labels(run) for run in runs]
    if len({split_identity(name)[0] for name in labels}) == 1:
        remedy = f"these labels cannot be brought under one share of harmful requests without label_probs: {remedy}"
    silent = [not (run.rows.label >= 0).any() and not (run.rows.human >= 0).any() for run in runs]
    if labels[0] != labels[1] and not any(silent):
        raise InvalidInput(
            f"classifier changed: {runs[0].key.model} is labelled by {labels[0]}, {runs[1].key.model} by {labels[1]}, "
            f"so a difference could be the labels' and not the model's: {remedy}"
        )


def _drawn(error: ClassifierError, resamples: int, rng: np.random.Generator) -> ClassifierError:
    if error.confusion is None:
        return error
    return replace(error, confusion_draws=draw_confusions(error.confusion, resamples, rng=rng))


def _strata(observations: Observations) -> tuple[NDArray[np.int64], list[str]]:
    """Return the stratum of each group, and the strata's names: prompt set and intent, or ``mixed`` where they vary."""
    sets = ("", *observations.prompt_sets)
    code = (observations.prompt_set.astype(np.int64) + 1) * len(INTENTS) + observations.intent
    groups = len(observations.group_hashes)
    low, high = np.full(groups, np.iinfo(np.int64).max), np.full(groups, -1, dtype=np.int64)
    np.minimum.at(low, observations.group, code)
    np.maximum.at(high, observations.group, code)
    mixed = len(sets) * len(INTENTS)
    of_group = np.where(low == high, high, mixed)
    of_group[high < 0] = mixed
    used, strata = np.unique(of_group, return_inverse=True)
    names = []
    for one in used.tolist():
        if one == mixed:
            names.append("mixed")
            continue
        intent = INTENTS[one % len(INTENTS)]
        name = sets[one // len(INTENTS)]
        names.append(f"{name}, {intent}" if name else intent)
    return strata.astype(np.int64), names


def _step_warnings(observations: Observations) -> list[str]:
    """Say where the runs cover other steps, which are pooled."""
    steps = [set(np.unique(observations.step[observations.model == m]).tolist()) for m in range(2)]
    if len(observations.models) != 2 or steps[0] == steps[1]:
        return []
    a, b = (f"{len(one)} ({min(one)} to {max(one)})" if len(one) > 1 else f"step {min(one)}" for one in steps)
    return [
        f"the runs cover different steps, {a} against {b}: each is pooled over its own; secondlaw compare matches steps"
    ]


def _named_prompts(
    prompts: Sequence[MovedPrompt],
    observations: Observations,
    sources: Sequence[Source],
    file_format: Format | None,
    texts: bool,
) -> tuple[MovedPrompt, ...]:
    """Return the prompts with the lines where they first stand, and their ids as the candidate's file gives them."""
    if not prompts:
        return ()
    code = {f"{key:016x}": i for i, key in enumerate(observations.group_hashes.tolist())}
    models = [observations.models.index(str(source.name)) for source in sources]
    lines = {}
    for one in prompts:
        mine = observations.group == code[one.key]
        lines[one.key] = tuple(int(observations.line[mine & (observations.model == m)].min()) for m in models)
    rows = {} if sources[1].path == "-" else _rows_at({two for _, two in lines.values()}, sources[1].path, file_format)
    return tuple(_named(one, (lines[one.key][0], lines[one.key][1]), rows, texts) for one in prompts)


def _rows_at(lines: set[int], path: str, file_format: Format | None) -> dict[int, Row]:
    found = {}
    for row in islice(read_rows(path, file_format=file_format), max(lines) + 1):
        if isinstance(row, Row) and row.line in lines:
            found[row.line] = row
        if len(found) == len(lines):
            break
    return found


def _named(one: MovedPrompt, lines: tuple[int, int], rows: dict[int, Row], texts: bool) -> MovedPrompt:
    value = rows[lines[1]].value if lines[1] in rows else {}
    stated = value.get("prompt_id")
    text = value.get("prompt") if texts else None
    return replace(
        one,
        prompt_id=None if stated is None else str(stated)[:200],
        lines=lines,
        text=text[:LONGEST_TEXT] if isinstance(text, str) else None,
    )
