"""Which classifier labels: the embedded one, a judge, a trained one (a folder, here or on a hub), or a user's function.

A function is imported only where its name is given (``--engine MODULE:FUNCTION``): importing runs its module.
"""

import hashlib
import os
from pathlib import Path
from types import ModuleType
from typing import Any

from secondlaw.behavior.classifiers import CallableClassifier, Classifier, load_default_classifier
from secondlaw.behavior.classifiers.embedded import EmbeddedClassifier
from secondlaw.behavior.classifiers.large import LARGE, load_large_classifier
from secondlaw.errors import InvalidInput
from secondlaw.language import SentenceEmbedder
from secondlaw.pipeline.own_functions import import_named
from secondlaw.pipeline.settings import Settings

__all__ = [
    "default_classifier",
    "embedder_of",
    "engine_folder",
    "engine_report",
    "engine_warnings",
    "open_embedded",
    "open_engine",
    "open_folder",
    "stated_share",
]

MOST_WORKERS = 4
"""Processes that classify unless told otherwise: each holds the model, 100 MB."""
VERSION_DIGITS = 12


def open_engine(spec: str, settings: Settings) -> Classifier:
    """Open a classifier by its name on the command line.

    Parameters
    ----------
    spec : str
        ``embedded``, ``embedded-large``, ``judge``, a folder with ``manifest.json``, such a folder on a hub
        (``OWNER/NAME@COMMIT`` with 40 hexadecimal digits: fetched once, unless settings forbid it, and then in the
        hub's cache), or ``MODULE:FUNCTION``.
    settings : Settings

    Returns
    -------
    Classifier

    Raises
    ------
    InvalidInput
        If `spec` names none of these, the function cannot be imported or used, or settings state a share of harmful
        requests for an engine that takes none, or one that is yet to be read off a file.
    ModelFileError
        If a file of the classifier is missing or damaged, or it cannot be fetched.

    Examples
    --------
    >>> from secondlaw.pipeline.settings import Settings
    >>> open_engine("embedded", Settings()).name
    'secondlaw-embedded'
    """
    share = stated_share(settings)
    return _open(spec, settings) if share is None else open_embedded(spec, settings).expecting(share)


def open_embedded(spec: str, settings: Settings) -> EmbeddedClassifier:
    """Open an engine that can be told a share of harmful requests, and tell it none.

    Raises
    ------
    InvalidInput
        If `spec` is another engine.
    """
    opened = _open(spec, settings)
    if not isinstance(opened, EmbeddedClassifier):
        raise InvalidInput(
            f"harmful_share {settings.harmful_share} is for embedded engines; {spec} judges intents in its own way: "
            "state the intent of requests instead"
        )
    return opened


def stated_share(settings: Settings) -> float | None:
    """Return the share of harmful requests that settings state; None: what the classifier expects untold.

    Raises
    ------
    InvalidInput
        If it is yet to be read off a file.
    """
    if settings.harmful_share == "auto":
        raise InvalidInput(
            "harmful_share auto reads a whole file of responses before it labels the first: measure, compare, check, "
            "classify and classifier evaluate do; here the setting harmful_share is a number or is left out"
        )
    return None if settings.harmful_share == "prior" else settings.harmful_share


def _open(spec: str, settings: Settings) -> Classifier:
    if spec == "embedded":
        return default_classifier(settings)
    if spec == LARGE:
        return load_large_classifier(
            folder=settings.models_dir, workers=_workers(settings), download=not settings.offline
        )
    if spec == "judge":
        from secondlaw.pipeline.judging import open_judge

        judge: Classifier = open_judge(settings)
        return judge
    if (folder := engine_folder(spec, settings)) is not None:
        return open_folder(folder, settings)
    module, _, name = spec.rpartition(":")
    if module and name.replace(".", "").isidentifier() and not set(module) & set("/\\"):
        return _own(spec)
    told = " (there is no such folder)" if set(spec) & set("/.") else ""
    if "@" in spec:
        told = " (there is no such folder, and a repository needs its full commit hash: branches and tags can move)"
    raise InvalidInput(
        f"--engine is embedded, {LARGE}, judge, a folder of a trained classifier, OWNER/NAME@COMMIT of a hub with "
        f"40 hexadecimal digits, or MODULE:FUNCTION; {spec!r} is none of these{told}"
    )


def engine_folder(spec: str, settings: Settings) -> Path | None:
    """Return the folder of a trained classifier, after fetching it if it is on a hub; None if `spec` names none.

    Raises
    ------
    ModelFileError
        If it is on a hub and neither in the hub's cache nor can be fetched.
    """
    if spec and Path(spec).is_dir():
        return Path(spec)
    if "@" not in spec:
        return None
    from secondlaw.behavior.classifiers.transformer.hub import AtCommit
    from secondlaw.behavior.classifiers.transformer.published import find_published

    at = AtCommit.read(spec)
    return None if at is None else find_published(at, allow_download=not settings.offline)


def open_folder(folder: Path, settings: Settings) -> Classifier:
    """Open a classifier that ``secondlaw classifier train`` wrote.

    Raises
    ------
    InvalidInput
        If the folder holds none, or one of a kind that this version does not know.
    ModelFileError
        If a file is missing or damaged.
    """
    from secondlaw.behavior.classifiers.training_folder import load_embedded, read_manifest

    kind = read_manifest(folder)["kind"]
    if kind == "embedded":
        return load_embedded(
            folder, models=settings.models_dir, workers=_workers(settings), download=not settings.offline
        )
    if kind == "transformer":
        from secondlaw.behavior.classifiers.transformer import load_transformer

        return load_transformer(folder)
    raise InvalidInput(f"{folder} holds a classifier of the kind {kind!r}; this version knows embedded and transformer")


def default_classifier(settings: Settings) -> Classifier:
    """Load the embedded classifier as the settings say."""
    return load_default_classifier(
        folder=settings.models_dir, workers=_workers(settings), download=not settings.offline
    )


def engine_report(classifier: Classifier) -> dict[str, Any] | None:
    """Return what an engine says of its own work (a judge: requests, tokens, cost), as plain JSON values."""
    report = getattr(classifier, "report", None)
    return None if report is None else dict(report())


def engine_warnings(classifier: Classifier) -> list[str]:
    """Return what the reader of an engine's labels must know."""
    usage = getattr(classifier, "usage", None)
    if usage is None:
        return []
    cost = "" if usage.cost is None else f", cost {usage.cost:.4g}"
    spent = (
        f"{classifier.identity}: {usage.requests:,} requests, {usage.prompt_tokens:,} tokens read and "
        f"{usage.completion_tokens:,} written{cost}"
    )
    return [*usage.warnings(), spent]


def embedder_of(settings: Settings) -> SentenceEmbedder:
    """Return the embedder as the settings say."""
    return SentenceEmbedder(folder=settings.models_dir, workers=_workers(settings), download=not settings.offline)


def _workers(settings: Settings) -> int:
    return settings.workers or min(os.cpu_count() or 1, MOST_WORKERS)


def _own(spec: str) -> Classifier:
    """Import a user's function, or a ready classifier."""
    found, module = import_named(spec, option="--engine")
    if isinstance(found, Classifier) and not isinstance(found, type):
        return found
    if isinstance(found, type) or not callable(found):
        raise InvalidInput(f"--engine {spec} is a {type(found).__name__}, neither function nor classifier")
    stated = getattr(found, "version", None) or getattr(module, "__version__", None)
    return CallableClassifier(found, name=spec.rpartition(":")[2], version=str(stated or _hash_of(module)))


def _hash_of(module: ModuleType) -> str:
    """Return the hash of a module's file as version: whatever changes a label changes it."""
    file = getattr(module, "__file__", None)
    if file is None or not Path(file).is_file():
        return "unversioned"
    return hashlib.sha256(Path(file).read_bytes()).hexdigest()[:VERSION_DIGITS]
