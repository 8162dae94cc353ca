"""What scored counts say: S, shares and rates of their cells, with intervals."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from secondlaw.behavior import HUMAN, Taxonomy, load_taxonomy
from secondlaw.behavior.classifiers.embedded import NAME
from secondlaw.behavior.observations import UNNAMED
from secondlaw.drift.cells import ClassifierError
from secondlaw.drift.results import Measurement
from secondlaw.pipeline.classifier_errors import errors_of, read_confusion
from secondlaw.pipeline.engines import default_classifier
from secondlaw.pipeline.measuring import MeasureOptions
from secondlaw.pipeline.scoring_result import Scored
from secondlaw.pipeline.settings import Settings
from secondlaw.pipeline.stored_cells import measure_counts

__all__ = ["measure_scored"]


def measure_scored(
    scored: Scored, settings: Settings, options: MeasureOptions, *, confusion: Path | None = None
) -> Measurement:
    """Measure what was scored, corrected by what is known of the classifier's error.

    Parameters
    ----------
    scored : Scored
    settings : Settings
    options : MeasureOptions
        Its `errors` are filled here.
    confusion : Path, optional
        See :func:`secondlaw.pipeline.classifier_errors.read_confusion`.

    Returns
    -------
    Measurement

    Raises
    ------
    NotEnoughData
        If nothing can be measured.
    """
    taxonomy = load_taxonomy(settings.taxonomy)
    errors = _errors(scored, settings, taxonomy, confusion)
    measured = measure_counts(scored.counts, replace(options, errors=errors), taxonomy=taxonomy, source=scored.source)
    return replace(measured, rows=scored.rows, warnings=(*scored.warnings, *measured.warnings), engine=scored.report)


def _errors(
    scored: Scored, settings: Settings, taxonomy: Taxonomy, confusion: Path | None
) -> Mapping[str | None, ClassifierError]:
    """Return what is known of the classifiers that the counts name, ours among them where labels of it were kept."""
    named = [name for name in scored.counts.names[4] if name not in (HUMAN, UNNAMED)]
    known = [scored.classifier]
    if scored.classifier.name != NAME and any(name.startswith(f"{NAME}/") for name in named):
        known.append(default_classifier(settings))
    errors = errors_of(known, named, taxonomy)
    if confusion is not None:
        errors.update(read_confusion(confusion, taxonomy, named))
    return errors
