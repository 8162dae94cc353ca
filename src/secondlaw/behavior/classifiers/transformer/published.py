"""A trained classifier that was uploaded to a hub: fetched once at a commit that cannot move, then in the hub's cache.

Any kind of classifier that ``secondlaw classifier train`` wrote, as its ``manifest.json`` says. Only the files that the
manifest names are fetched, none of a kind that runs code when it is read (pickles, scripts); whoever loads the folder
checks their hashes, as for any other.
"""

from collections.abc import Iterable
from functools import partial
from pathlib import Path

from secondlaw.behavior.classifiers.training_folder import EVALUATIONS, MANIFEST, PROMPTS_FILE, read_manifest
from secondlaw.behavior.classifiers.transformer.hub import AtCommit, snapshot
from secondlaw.behavior.classifiers.transformer.report import REPORT
from secondlaw.errors import InvalidInput, ModelFileError

__all__ = ["find_published"]

BESIDE = (EVALUATIONS, REPORT, PROMPTS_FILE, "README.md", "MODEL_CARD.md")
"""What belongs to a classifier and no manifest names: reports, hashes of its prompts, cards."""
HARMLESS = (".json", ".safetensors", ".npz", ".model", ".txt", ".jinja")
"""Endings of files that are read and never run."""


def find_published(
    at: AtCommit, *, allow_download: bool, cache: Path | None = None, endpoint: str | None = None
) -> Path:
    """Return the folder of a classifier that is on a hub.

    Parameters
    ----------
    at : AtCommit
    allow_download : bool
        Whether it may be fetched; else it must be in the hub's cache on this machine, and no request is made.
    cache, endpoint
        Of the hub; default its client's own.

    Raises
    ------
    ModelFileError
        If it is neither there nor can be fetched, or the repository holds no classifier.
    """
    remedy = "the setting offline (SECONDLAW_OFFLINE) forbids to fetch it: copy its folder here and name that"
    get = partial(snapshot, at, remedy=remedy, quiet=True, cache=cache, endpoint=endpoint)
    try:
        return _whole(at, get((MANIFEST,), allow_download=False), f"in the hub's cache on this machine; {remedy}")
    except ModelFileError:
        if not allow_download:
            raise
    first = (MANIFEST, *BESIDE)  # before the large ones: where those are in the cache, these are too
    named = _named(at, get(first, allow_download=True))
    return _whole(at, get((*first, *named), allow_download=True), "on the hub; upload the whole folder")


def _whole(at: AtCommit, folder: Path, place: str) -> Path:
    """Return the folder if it holds every file that its manifest names."""
    lacking = [name for name in _named(at, folder) if not (folder / name).is_file()]
    if lacking:
        raise ModelFileError(f"{at} is not available: its {lacking[0]} is not {place}")
    return folder


def _named(at: AtCommit, folder: Path) -> list[str]:
    """Return the files that a manifest names.

    Raises
    ------
    ModelFileError
        If there is none, or it names what no classifier needs.
    """
    try:
        manifest = read_manifest(folder)
    except InvalidInput as error:
        raise ModelFileError(f"{at} holds no {MANIFEST}, so it is no classifier that secondlaw has trained") from error
    hashes = manifest.get("sha256")
    names: Iterable[object] = hashes if isinstance(hashes, dict) else [manifest.get("weights")]
    found = [str(name) for name in names]
    for name in found:
        plain = Path(name).name == name and not set(name) & set("*?[")
        if not plain or name.startswith(".") or not name.endswith(HARMLESS):
            raise ModelFileError(
                f"the {MANIFEST} of {at} names {name!r}, which no classifier needs; no file that it names was fetched"
            )
    return found
