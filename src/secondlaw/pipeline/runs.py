"""The whole way from files to a measurement: read, label what has no label, measure."""

import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from secondlaw.behavior.classifiers import Classifier, load_default_classifier
from secondlaw.behavior.classifiers.embedded import NAME
from secondlaw.drift.cells import ClassifierError
from secondlaw.drift.results import Measurement
from secondlaw.formats import Format
from secondlaw.language import HubLocation
from secondlaw.pipeline.classifier_errors import error_of, read_confusion
from secondlaw.pipeline.inputs import Loaded, Source, load
from secondlaw.pipeline.labelling import label_observations
from secondlaw.pipeline.measuring import MeasureOptions, measure
from secondlaw.pipeline.settings import Settings

__all__ = ["ProgressReporter", "default_classifier", "measure_loaded", "measure_sources", "no_progress"]

Advance = Callable[[int, int], None]
MOST_WORKERS = 4
"""Processes that classify unless told otherwise: each holds the model, 100 MB."""


ProgressReporter = Callable[[str], Advance]
"""Shows how far a long part is: ``reporter("classifying")`` gives a callable for (done, total)."""


def no_progress(part: str) -> Advance:
    """Show nothing."""
    return lambda done, total: None


def default_classifier(settings: Settings) -> Classifier:
    """Load the embedded classifier as the settings say."""
    hub = None
    if settings.model_hub is not None:
        repository, _, rest = settings.model_hub.partition("@")
        revision, _, path = rest.partition(":")
        hub = HubLocation(repository, revision, path)
    workers = settings.workers or min(os.cpu_count() or 1, MOST_WORKERS)
    return load_default_classifier(folder=settings.models_dir, workers=workers, hub=hub)


def measure_sources(
    sources: Sequence[Source],
    settings: Settings,
    options: MeasureOptions,
    *,
    file_format: Format | None = None,
    bad_rows: Path | None = None,
    partial: bool = False,
    examples: int = 5,
    classifier: str | None = None,
    confusion: Path | None = None,
    name: str | None = None,
    progress: ProgressReporter | None = None,
) -> Measurement:
    """Read sources, label what has no label, and measure.

    Parameters
    ----------
    sources : sequence of Source
    settings : Settings
    options : MeasureOptions
        Its `errors` are filled here.
    file_format, bad_rows, partial, examples
        See :func:`secondlaw.pipeline.inputs.load`.
    classifier : str, optional
        Only the labels of this classifier.
    confusion : Path, optional
        See :func:`secondlaw.pipeline.classifier_errors.read_confusion`.
    name : str, optional
        What the report calls the input; the files' names by default.
    progress : ProgressReporter, optional

    Returns
    -------
    Measurement
    """
    loaded = load(sources, settings, file_format=file_format, bad_rows=bad_rows, partial=partial, examples=examples)
    return measure_loaded(
        loaded,
        settings,
        options,
        name=name or ", ".join(source.path for source in sources),
        classifier=classifier,
        confusion=confusion,
        progress=progress,
    )


def measure_loaded(
    loaded: Loaded,
    settings: Settings,
    options: MeasureOptions,
    *,
    name: str,
    classifier: str | None = None,
    confusion: Path | None = None,
    progress: ProgressReporter | None = None,
) -> Measurement:
    """Label what has no label and measure."""
    progress = progress or no_progress
    observations, rows = loaded.observations, loaded.rows
    if classifier is not None:
        observations = observations.select(classifier=classifier)
    warnings = list(loaded.warnings)
    unprompted = sum(not prompt.strip() for prompt in observations.pending_prompts)
    if unprompted:
        warnings.append(f"{unprompted} of {rows.used} rows have no prompt: what their responses do to it is a guess")
    errors: dict[str | None, ClassifierError] = {}
    ours = [name for name in observations.classifiers if name.startswith(f"{NAME}/")]
    if observations.needs_labels or ours:
        engine = default_classifier(settings)
        if observations.needs_labels:
            done = label_observations(observations, engine, progress=progress("classifying"))
            rows = replace(rows, classified=done)
        errors[engine.identity] = error_of(engine, observations.taxonomy)
    silent = int(((observations.label < 0) & (observations.human_label < 0)).sum())
    if silent:
        warnings.append(f"{silent} of {rows.used} rows have neither a label nor a text and are in no count")
    if confusion is not None:
        errors.update(read_confusion(confusion, observations.taxonomy, observations.classifiers))
    return measure(
        observations,
        replace(options, errors=errors),
        source=name,
        rows=rows,
        warnings=tuple(warnings),
        progress=progress("measuring"),
    )
