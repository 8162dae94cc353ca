"""What a training run did and how good its classifier is on rows that trained no weight."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from secondlaw.behavior.classifiers.labelled import LabelledRow
from secondlaw.behavior.classifiers.protocol import Classifier
from secondlaw.behavior.taxonomy import OUTSIDE, Intent, Taxonomy
from secondlaw.errors import ModelFileError
from secondlaw.statistics.label_agreement import agreement
from secondlaw.types import Insufficient, Measured, measured_from_dict

__all__ = ["REPORT", "Scores", "TrainingReport", "scores_of"]

REPORT = "report.json"
SEED = 1
RESAMPLES = 500

Scores = Mapping[str, Measured]
"""Accuracy, kappa, macro-F1 and the recall of each category, with intervals by prompt."""


@dataclass(frozen=True, slots=True)
class TrainingReport:
    """The result of a training run.

    Parameters
    ----------
    identity : str
        ``name/version`` of the classifier.
    network : str
        ``"sequence"`` or ``"text-to-text"``.
    base : mapping
        Name, revision and sha256 of what training started from.
    epochs : tuple of mappings
        Of each epoch: training loss, validation loss (nats, class weights counted), kappa.
    best_epoch : int
        The epoch whose weights were kept, from 0.
    stopped_early : bool
    steps : int
    rows : mapping
        Number of training, validation and held-out rows.
    examples : mapping
        Number of training examples of each class of each task.
    class_weights : mapping
        Weight of each class in the loss.
    calibration : mapping
        Of each task: log loss on the validation rows before and after, temperatures.
    validation : mapping of ``"intent known"`` and ``"intent unknown"`` to scores
        On rows that chose the epoch and the calibration: a little too good.
    held_out : mapping, the same
        On rows that nothing was chosen by; empty if none were given.
    notes : tuple of str
        What a reader of the numbers must know.
    """

    identity: str
    network: str
    base: Mapping[str, Any]
    epochs: tuple[Mapping[str, float], ...]
    best_epoch: int
    stopped_early: bool
    steps: int
    rows: Mapping[str, int]
    examples: Mapping[str, Mapping[str, int]]
    class_weights: Mapping[str, float]
    calibration: Mapping[str, Any]
    validation: Mapping[str, Scores]
    held_out: Mapping[str, Scores] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return the report as plain JSON values."""
        plain = {name: _plain(getattr(self, name)) for name in ("validation", "held_out")}
        return {**asdict(self), **plain}

    @classmethod
    def from_file(cls, path: Path) -> "TrainingReport":
        """Read a report that :func:`~.training.train_transformer` has written.

        Raises
        ------
        ModelFileError
            If there is none.
        """
        try:
            values = json.loads(path.read_bytes())
            for name in ("validation", "held_out"):
                values[name] = {
                    known: {key: measured_from_dict(one) for key, one in scores.items()}
                    for known, scores in values[name].items()
                }
            return cls(**{**values, "epochs": tuple(values["epochs"]), "notes": tuple(values["notes"])})
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ModelFileError(f"the training report {path} cannot be read: {error}") from error


def scores_of(
    classifier: Classifier, rows: Sequence[LabelledRow], *, taxonomy: Taxonomy, groups: Sequence[str] | None = None
) -> dict[str, Scores]:
    """Measure a classifier on labelled rows, with their intents and without.

    Parameters
    ----------
    classifier : Classifier
    rows : sequence of LabelledRow
    taxonomy : Taxonomy
    groups : sequence of str, optional
        Unit of resampling of each row; default its prompt.

    Returns
    -------
    dict
        ``"intent known"`` (rows that state it, as stated) and ``"intent unknown"`` (all rows, inferred).
    """
    unit = [row.prompt_id for row in rows] if groups is None else list(groups)
    stated = [i for i, row in enumerate(rows) if row.intent != "unknown"]
    found: dict[str, Scores] = {}
    for name, chosen, known in (("intent known", stated, True), ("intent unknown", list(range(len(rows))), False)):
        if not chosen:
            found[name] = {"accuracy": Insufficient("no row states its intent")}
            continue
        of = [rows[i] for i in chosen]
        intents: list[Intent] = [row.intent if known else "unknown" for row in of]
        judged = classifier.judge([row.prompt for row in of], [row.response for row in of], intents)
        labels = [label or OUTSIDE for label in judged.labels(taxonomy)]  # no label is a wrong one
        found[name] = _scores([row.category for row in of], labels, [unit[i] for i in chosen], taxonomy)
    return found


def _scores(truth: Sequence[str], labels: Sequence[str], units: Sequence[str], taxonomy: Taxonomy) -> Scores:
    classes = (*taxonomy.keys, OUTSIDE) if OUTSIDE in labels else taxonomy.keys
    code = {key: k for k, key in enumerate(classes)}
    report = agreement(
        np.array([code[key] for key in truth]), np.array([code[key] for key in labels]), np.array(units),
        classes=classes, rng=np.random.default_rng(SEED), resamples=RESAMPLES,
    )  # fmt: skip
    recalls = {f"recall {key}": report.recall[code[key]] for key in taxonomy.keys}
    return {"accuracy": report.accuracy, "kappa": report.kappa, "macro-F1": report.macro_f1, **recalls}


def _plain(scores: Mapping[str, Scores]) -> dict[str, dict[str, Any]]:
    return {known: {key: one.to_dict() for key, one in some.items()} for known, some in scores.items()}
