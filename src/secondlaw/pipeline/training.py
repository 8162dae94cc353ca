"""``secondlaw classifier train``: an engine trained on labelled files, with reports on what it never saw."""

import hashlib
import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from secondlaw.behavior.classifiers.evaluation import EvaluationOptions, Predictions, evaluate
from secondlaw.behavior.classifiers.evaluation_json import evaluation_to_dict
from secondlaw.behavior.classifiers.labelled import GIVEN_BY_PEOPLE, LabelledRow, prompt_groups
from secondlaw.behavior.classifiers.protocol import Classifier
from secondlaw.behavior.classifiers.shipped import load_weights
from secondlaw.behavior.classifiers.training import SPLITS, TrainingOptions, check_rows, describe_rows, train_embedded
from secondlaw.behavior.classifiers.training_folder import (
    EVALUATIONS,
    MANIFEST,
    PROMPTS_FILE,
    PROMPTS_SHA,
    prompt_hashes,
    read_manifest,
)
from secondlaw.behavior.classifiers.training_folds import Fold, unseen_model_folds, unseen_source_folds
from secondlaw.behavior.classifiers.training_heads import Start
from secondlaw.behavior.taxonomy import Intent, Taxonomy
from secondlaw.errors import InvalidInput, ModelFileError
from secondlaw.formats import replace_file
from secondlaw.language import SentenceEmbedder
from secondlaw.pipeline.engines import embedder_of
from secondlaw.pipeline.settings import Settings
from secondlaw.types import Insufficient

if TYPE_CHECKING:
    from secondlaw.behavior.classifiers.transformer import Base, TransformerSettings

__all__ = ["EVALUATIONS", "EngineKind", "TrainRequest", "Trained", "read_trained", "train_engine"]

EngineKind = Literal["embedded", "transformer"]
Progress = Callable[[str], Callable[[int, int], None]]
OF_CLASS = "class_weights."
"""Beginning of a setting's name that gives one class its weight."""
HELD_OUT, VALIDATION = 0.15, 0.15


@dataclass(frozen=True, slots=True)
class TrainRequest:
    """What to train.

    Parameters
    ----------
    out : Path
    engine : {"embedded", "transformer"}
    start : {"adapt", "recalibrate", "scratch"}
        Of the embedded engine.
    base, network : str or None
        Of a transformer: folder or ``REPOSITORY@COMMIT``, and ``sequence`` or ``text-to-text``.
    settings : mapping
        Of a transformer: members of ``TransformerSettings``, and ``class_weights.CLASS`` for the weight of one class.
    allow_download : bool
    splits : tuple of str or None
        What is held out; None for all (embedded) or prompts (transformer, which trains anew for each).
    evaluation : EvaluationOptions
    force : bool
        Start again, whatever training stands in the folder.
    quiet : bool
        No progress bars while a base is fetched.
    """

    out: Path
    engine: EngineKind = "embedded"
    start: Start = "adapt"
    base: str | None = None
    network: Literal["sequence", "text-to-text"] = "sequence"
    settings: Mapping[str, Any] = field(default_factory=dict)
    allow_download: bool = False
    splits: tuple[str, ...] | None = None
    evaluation: EvaluationOptions = field(default_factory=EvaluationOptions)
    force: bool = False
    quiet: bool = False


@dataclass(frozen=True, slots=True)
class Trained:
    """A trained classifier: its identity, its manifest, its held-out reports, and what its rows were."""

    identity: str
    manifest: dict[str, Any]
    reports: dict[str, Any]
    data: dict[str, Any]


def train_engine(
    rows: Sequence[LabelledRow],
    taxonomy: Taxonomy,
    request: TrainRequest,
    settings: Settings,
    *,
    progress: Progress | None = None,
) -> Trained:
    """Train a classifier on labelled rows.

    Parameters
    ----------
    rows : sequence of LabelledRow
    taxonomy : Taxonomy
    request : TrainRequest
    settings : Settings
    progress : callable, optional

    Raises
    ------
    NotEnoughData
        If the rows are all of one category, or too few.
    InvalidInput
        If the folder holds something else, the request does not fit the engine, or a download is asked for that
        settings forbid.
    """
    check_rows(rows, taxonomy)
    if request.engine == "transformer":
        hashes = _train_transformer(rows, taxonomy, request, progress, offline=settings.offline)
        replace_file(request.out / PROMPTS_FILE, lambda path: path.write_bytes(hashes))
    else:
        if request.base is not None or request.settings:
            raise InvalidInput("--base and --set belong to --engine transformer; the embedded engine has one encoder")
        options = TrainingOptions(
            request.start, request.splits or ("prompt", "model", "source"), request.evaluation, request.force
        )
        embedder: SentenceEmbedder = embedder_of(settings)
        try:
            train_embedded(rows, taxonomy, out=request.out, embedder=embedder, options=options, progress=progress)
        finally:
            embedder.close()
    return read_trained(request.out)


def read_trained(folder: Path) -> Trained:
    """Return what a folder says of the classifier in it.

    Raises
    ------
    InvalidInput
        If it holds none.
    ModelFileError
        If manifest, weights or reports are damaged: a card of other weights would be a lie.
    """
    manifest, path = read_manifest(folder), folder / EVALUATIONS
    _check_files(folder, manifest["kind"])
    try:
        stored: dict[str, Any] = json.loads(path.read_bytes()) if path.is_file() else manifest
        identity = f"{manifest['name']}/{manifest['version']}"
        return Trained(identity, manifest, dict(stored.get("report", {})), dict(stored.get("data", {})))
    except (ValueError, KeyError, AttributeError) as error:
        torn, remedy = (path, "") if path.is_file() else (folder / MANIFEST, " with --force")
        raise ModelFileError(
            f"{torn} cannot be read ({error!r}); give the command that trained the classifier again{remedy}"
        ) from error


def _check_files(folder: Path, kind: str) -> None:
    """Raise ModelFileError if a file of the classifier is not the one that its manifest names."""
    if kind == "transformer":
        from secondlaw.behavior.classifiers.transformer import manifest

        manifest.read_manifest(folder)
    elif kind == "embedded":
        load_weights(folder)


def _train_transformer(
    rows: Sequence[LabelledRow],
    taxonomy: Taxonomy,
    request: TrainRequest,
    progress: Progress | None,
    *,
    offline: bool,
) -> bytes:
    """Train on most prompts, report on the others; for each model or source held out, train anew beside.

    Returns the hashes of the prompts that the classifier in the folder learned from, those that stopped and calibrated
    it included.
    """
    from secondlaw.behavior.classifiers.transformer import split_by_prompt

    out, splits = request.out, request.splits or ("prompt",)
    wrong = [split for split in splits if split not in SPLITS]
    if wrong:
        raise InvalidInput(f"what is held out is {', '.join(SPLITS)}, got {wrong[0]!r}")
    fitted = partial(_fitted, taxonomy=taxonomy, request=request, base=_base_of(request, offline), progress=progress)
    rng = np.random.default_rng([request.evaluation.seed, 3])
    train, held = split_by_prompt(rows, share=HELD_OUT, rng=rng) if "prompt" in splits else (list(rows), [])
    hashes = prompt_hashes(row.prompt for row in train)
    classifier = fitted(train, out=out, said="training")
    if _reported(out, classifier.identity) == list(splits):
        return hashes  # this very training is finished: train_transformer refuses any other
    reports: dict[str, Any] = {}
    beside: list[Path] = []
    if held:
        fold = Fold(
            f"{HELD_OUT:.0%} of the prompts, which it did not learn from",
            np.ones(len(held), dtype=np.bool_),
            np.zeros(len(held), dtype=np.bool_),
        )
        reports["unseen prompt"] = _held_out(held, [(fold, classifier)], taxonomy, request, "prompt")
    for split, folds in _folds(rows, splits).items():
        if isinstance(folds, Insufficient):
            reports[f"unseen {split}"] = folds.to_dict()
            continue
        judged = []
        for number, fold in enumerate(folds):
            beside.append(out.with_name(f"{out.name}.without-{split}-{number + 1}"))
            others = [row for row, trained in zip(rows, fold.trained, strict=True) if trained]
            said = f"training without {fold.name}"
            judged.append((fold, fitted(others, out=beside[-1], said=said)))
        reports[f"unseen {split}"] = _held_out(rows, judged, taxonomy, request, split)
    content = {
        "classifier": classifier.identity, "splits": list(splits), PROMPTS_SHA: hashlib.sha256(hashes).hexdigest(),
        "data": describe_rows(train), "report": reports,
    }  # fmt: skip
    text = json.dumps(content, indent=1, allow_nan=False) + "\n"
    replace_file(out / EVALUATIONS, lambda path: path.write_text(text, encoding="utf-8"))
    for folder in beside:
        shutil.rmtree(folder, ignore_errors=True)  # they served the report alone
    return hashes


def _folds(rows: Sequence[LabelledRow], splits: Sequence[str]) -> dict[str, tuple[Fold, ...] | Insufficient]:
    groups, found = prompt_groups(rows), {}
    if "model" in splits:
        found["model"] = unseen_model_folds([row.model for row in rows], groups)
    if "source" in splits:
        found["source"] = unseen_source_folds([row.source for row in rows], groups)
    return found


def _reported(out: Path, identity: str) -> list[str] | None:
    """Return what the reports in a folder held out; None if they are of another classifier, damaged or not there."""
    try:
        stored = json.loads((out / EVALUATIONS).read_bytes())
        of_this = stored.get("classifier", identity) == identity  # once they named none
        return list(stored["splits"]) if of_this and isinstance(stored["report"], dict) else None
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def _base_of(request: TrainRequest, offline: bool) -> "Base":
    """Find what training starts from, once for all trainings, after a look at all that may be wrong without it."""
    from secondlaw.behavior.classifiers.transformer import find_base
    from secondlaw.behavior.classifiers.transformer.requirements import require_torch

    if request.base is None:
        raise InvalidInput("--engine transformer needs --base: a folder with a checkpoint, or REPOSITORY@COMMIT")
    _settings_of(request)
    require_torch()
    if request.allow_download and offline and not Path(request.base).expanduser().is_dir():
        raise InvalidInput(
            f"--download may not fetch {request.base}: the setting offline (SECONDLAW_OFFLINE) forbids it; leave one "
            "of them out (a base in the hub's cache needs no download)"
        )
    return find_base(request.base, allow_download=request.allow_download, quiet=request.quiet)


def _settings_of(request: TrainRequest) -> "TransformerSettings":
    """Return the settings of a transformer, those that name a class gathered."""
    from secondlaw.behavior.classifiers.transformer import TransformerSettings

    weights = {key.removeprefix(OF_CLASS): one for key, one in request.settings.items() if key.startswith(OF_CLASS)}
    plain = {key: one for key, one in request.settings.items() if not key.startswith(OF_CLASS)}
    if weights and "class_weights" in plain:
        raise InvalidInput("--set gives class_weights twice: of all classes together and of some by name")
    given: dict[str, Any] = {"name": request.out.resolve().name, "seed": request.evaluation.seed, **plain}
    names = [one.name for one in fields(TransformerSettings)]
    wrong = [name for name in given if name not in names]
    if wrong:
        raise InvalidInput(
            f"--set names {wrong[0]!r}; a setting of a transformer is {', '.join(names)} or {OF_CLASS}CLASS"
        )
    return TransformerSettings(**given | ({"class_weights": weights} if weights else {}))


def _fitted(
    rows: Sequence[LabelledRow],
    *,
    taxonomy: Taxonomy,
    request: TrainRequest,
    base: "Base",
    progress: Progress | None,
    out: Path,
    said: str,
) -> Classifier:
    from secondlaw.behavior.classifiers.transformer import load_transformer, split_by_prompt, train_transformer

    rng = np.random.default_rng([request.evaluation.seed, 4])
    train, validation = split_by_prompt(rows, share=VALIDATION, rng=rng)
    train_transformer(
        train,
        validation,
        base=base,
        out=out,
        kind=request.network,
        taxonomy=taxonomy,
        settings=_settings_of(request),
        replace=request.force,
        progress=progress(said) if progress else None,
    )
    return load_transformer(out)


def _held_out(
    rows: Sequence[LabelledRow],
    judged: Sequence[tuple[Fold, Classifier]],
    taxonomy: Taxonomy,
    request: TrainRequest,
    split: str,
) -> dict[str, Any]:
    """Return the report on rows that people labelled and that their judge never saw."""
    kept: list[LabelledRow] = []
    parts: dict[Literal["known", "unknown"], list[Predictions]] = {"known": [], "unknown": []}
    for fold, classifier in judged:
        some = [row for row, held in zip(rows, fold.held, strict=True) if held and row.strength in GIVEN_BY_PEOPLE]
        kept += some
        for way, into in parts.items():
            intents: list[Intent] = [row.intent if way == "known" else "unknown" for row in some]
            said = classifier.judge([row.prompt for row in some], [row.response for row in some], intents)
            into.append(Predictions.of(said, taxonomy))
    if not kept:
        return Insufficient("no held-out row was labelled by a person: other labels carry no accuracy").to_dict()
    found = evaluate(
        kept,
        {way: _joined(into) for way, into in parts.items()},
        taxonomy,
        classifier=f"{request.out.resolve().name}, trained without these {split}s,",
        options=replace(request.evaluation, by=("model",) if split == "model" else ("source",)),
        notes=[f"held out: {'; '.join(fold.name for fold, _ in judged)}"],
    )
    return evaluation_to_dict(found)


def _joined(parts: Sequence[Predictions]) -> Predictions:
    probs = [part.probs for part in parts if part.probs is not None]
    return Predictions(
        np.concatenate([part.labels for part in parts]),
        np.concatenate(probs) if len(probs) == len(parts) else None,
        np.concatenate([part.outside for part in parts]),
    )
