"""The whole way from files to a measurement: read, label what has no label, measure."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from secondlaw.behavior.classifier_identity import SEVERAL, split_identity
from secondlaw.behavior.classifiers import Classifier
from secondlaw.behavior.classifiers.embedded import NAME
from secondlaw.behavior.observations import Observations
from secondlaw.drift.cells import ClassifierError
from secondlaw.drift.results import Measurement, RowSummary
from secondlaw.errors import InvalidInput
from secondlaw.formats import Format
from secondlaw.pipeline.classifier_errors import confused_classifier, errors_of, read_confusion
from secondlaw.pipeline.engines import default_classifier, engine_report, engine_warnings
from secondlaw.pipeline.inputs import Loaded, Source, load
from secondlaw.pipeline.labelling import label_observations
from secondlaw.pipeline.measuring import MeasureOptions, measure
from secondlaw.pipeline.requests_together import open_for_files
from secondlaw.pipeline.settings import Settings
from secondlaw.pipeline.settled_shares import known_priors, labelled_names, settle_shares
from secondlaw.pipeline.sources import named

__all__ = [
    "Labelled",
    "ProgressReporter",
    "default_classifier",
    "label_loaded",
    "measure_loaded",
    "measure_sources",
    "no_progress",
]

Advance = Callable[[int, int], None]
ProgressReporter = Callable[[str], Advance]
"""Shows how far a long part is: ``reporter("classifying")`` gives a callable for (done, total)."""


@dataclass(frozen=True, slots=True)
class Labelled:
    """Observations with their labels, what became of the rows, what is known of each classifier's error."""

    observations: Observations
    rows: RowSummary
    warnings: tuple[str, ...]
    errors: Mapping[str | None, ClassifierError]
    engine: Mapping[str, Any] | None = None


def no_progress(part: str) -> Advance:
    """Show nothing."""
    return lambda done, total: None


def measure_sources(
    sources: Sequence[Source],
    settings: Settings,
    options: MeasureOptions,
    *,
    file_format: Format | None = None,
    bad_rows: Path | None = None,
    partial: bool = False,
    unfinished: bool = False,
    examples: int = 5,
    classifier: str | None = None,
    confusion: Path | None = None,
    requests: Sequence[Path] = (),
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
    file_format, bad_rows, partial, unfinished, examples, requests
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
    loaded = load(
        sources,
        settings,
        file_format=file_format,
        bad_rows=bad_rows,
        partial=partial,
        unfinished=unfinished,
        examples=examples,
        requests=requests,
    )
    return measure_loaded(
        loaded,
        settings,
        options,
        name=name or named(source.path for source in sources),
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
    done = label_loaded(loaded, settings, classifier=classifier, confusion=confusion, progress=progress)
    measured = measure(
        done.observations,
        replace(options, errors=done.errors),
        source=name,
        rows=done.rows,
        warnings=done.warnings,
        progress=progress("measuring"),
    )
    return replace(measured, engine=done.engine)


def label_loaded(
    loaded: Loaded,
    settings: Settings,
    *,
    classifier: str | None = None,
    confusion: Path | None = None,
    progress: ProgressReporter | None = None,
) -> Labelled:
    """Label what has no label, and say what is known of the labels' error.

    Parameters
    ----------
    loaded : Loaded
    settings : Settings
    classifier : str, optional
        Only the labels of this classifier.
    confusion : Path, optional
        See :func:`secondlaw.pipeline.classifier_errors.read_confusion`.
    progress : ProgressReporter, optional
    """
    observations, rows = loaded.observations, loaded.rows
    if classifier is not None:
        if classifier.endswith(SEVERAL):
            raise InvalidInput(
                f"{classifier!r} stands for labels under several shares of harmful requests: leave --classifier out, "
                "and they are read under one"
            )
        whole = len(observations)
        observations = observations.select(classifier=classifier)
        rows = replace(rows, used=len(observations), set_aside=whole - len(observations))
    warnings = list(loaded.warnings)
    unprompted = sum(not prompt.strip() for prompt in observations.pending_prompts)
    if unprompted:
        warnings.append(f"{unprompted} of {rows.used} rows have no prompt: what their responses do to it is a guess")
    if confusion is not None and settings.harmful_share is None:  # a table of errors is of labels under one share
        share = split_identity(confused_classifier(confusion))[1]
        settings = settings.model_copy(update={"harmful_share": share or "prior"})
    standing = labelled_names(observations)
    engines = _engines(observations, settings)
    said: dict[str, Any] | None = None
    if observations.needs_labels:
        done = label_observations(observations, engines[0], progress=(progress or no_progress)("classifying"))
        rows = replace(rows, classified=done)
        warnings += engine_warnings(engines[0])
        said = engine_report(engines[0])
    warnings += settle_shares(observations, settings, standing=standing, priors=known_priors(engines))
    errors = errors_of(engines, observations.classifiers, observations.taxonomy)
    silent = int(((observations.label < 0) & (observations.human_label < 0)).sum())
    if silent:
        warnings.append(
            f"{silent} of {rows.used} rows have no label (no text, or none could be given) and are in no count"
        )
        rows = replace(rows, used=rows.used - silent, silent=silent)
    if confusion is not None:
        errors.update(read_confusion(confusion, observations.taxonomy, labelled_names(observations)))
    return Labelled(observations, rows, tuple(warnings), errors, said)


def _engines(observations: Observations, settings: Settings) -> list[Classifier]:
    """Return the engine asked for, where it is needed, and the embedded one where labels of it stand in the file."""
    names = [name for name in observations.classifiers if name is not None]
    ours = any(name.startswith(f"{NAME}/") for name in names)
    chosen = settings.engine
    wanted = observations.needs_labels or (chosen not in ("embedded", "judge") and bool(names))
    labels = settings if observations.needs_labels else settings.model_copy(update={"harmful_share": None})
    engines = [open_for_files(labels)] if wanted else []
    if ours and not (wanted and chosen == "embedded"):
        engines.append(default_classifier(settings))
    return engines
