"""The files that ship: weights of the heads and the adapter with which prompts are read, each checked by its hash."""

import hashlib
import io
import json
from collections.abc import Sequence
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from secondlaw.errors import ModelFileError
from secondlaw.formats import sha256_of
from secondlaw.language import SentenceEmbedder

__all__ = ["LINE_SPREAD", "MANIFEST", "Reader", "checked_file", "load_weights", "prompt_reader", "shipped_folder"]

MANIFEST = "manifest.json"
LINE_SPREAD = 2.0
"""Sources draw the line of harm in different places: log odds by which that of a new one is off (one sigma).

Both shipped intent heads were calibrated with this integrated out.
"""


class Reader(Protocol):
    """What reads prompts for an intent head."""

    def embed(self, texts: Sequence[str], /) -> npt.NDArray[np.float32]:
        """Return a vector a text."""

    def close(self) -> None:
        """Let go of what is held."""


def load_weights(folder: Path | None = None) -> tuple[dict[str, Any], dict[str, npt.NDArray[np.generic]]]:
    """Read manifest and weights, checked against the recorded sha256.

    Parameters
    ----------
    folder : Path, optional
        Default: the folder inside the package.

    Raises
    ------
    ModelFileError
        If a file is missing or damaged.
    """
    manifest = _manifest(folder)
    try:
        raw = _place(folder).joinpath(manifest["weights"]).read_bytes()
    except (OSError, KeyError) as error:
        raise _unreadable(folder, error) from error
    found = hashlib.sha256(raw).hexdigest()
    if found != manifest["sha256"]:
        raise ModelFileError(
            f"the classifier's weights {manifest['weights']} have sha256 {found}, the manifest says "
            f"{manifest['sha256']}; {_remedy(folder)}"
        )
    with np.load(io.BytesIO(raw), allow_pickle=False) as stored:
        return manifest, {name: stored[name] for name in stored.files}


def prompt_reader(
    *, folder: Path | None = None, threads: int = 1, workers: int = 1, download: bool = True
) -> SentenceEmbedder:
    """Return the embedder that reads prompts for the intent head: MiniLM with the shipped adapter.

    Parameters
    ----------
    folder, threads, workers, download
        See :func:`~secondlaw.behavior.classifiers.default.load_default_classifier`.

    Raises
    ------
    ModelFileError
        If the adapter is missing or damaged.
    """
    manifest = _manifest(None)
    path = checked_file(shipped_folder() / manifest["adapter"], manifest["adapter_sha256"])
    return SentenceEmbedder(
        folder=folder, max_tokens=manifest["max_tokens"], threads=threads, workers=workers, download=download,
        adapter=path,
    )  # fmt: skip


def shipped_folder() -> Path:
    """Return the folder inside the package."""
    return Path(str(_place(None)))


def checked_file(path: Path, sha256: str) -> Path:
    """Return the path of an adapter that ships.

    Raises
    ------
    ModelFileError
        If it cannot be read, or has another hash than the manifest says.
    """
    try:
        found = sha256_of(path)
    except OSError as error:
        raise ModelFileError(f"the adapter {path} cannot be read ({error}); reinstall secondlaw") from error
    if found != sha256:
        raise ModelFileError(
            f"the adapter {path.name} has sha256 {found}, the manifest says {sha256}; reinstall secondlaw"
        )
    return path


def _place(folder: Path | None) -> Traversable:
    return folder if folder is not None else resources.files("secondlaw.behavior.classifiers").joinpath("data")


def _manifest(folder: Path | None) -> dict[str, Any]:
    try:
        manifest: dict[str, Any] = json.loads(_place(folder).joinpath(MANIFEST).read_bytes())
    except (OSError, ValueError) as error:
        raise _unreadable(folder, error) from error
    return manifest


def _remedy(folder: Path | None) -> str:
    return "reinstall secondlaw" if folder is None else "restore the folder, or train it again"


def _unreadable(folder: Path | None, error: Exception) -> ModelFileError:
    return ModelFileError(f"the classifier's weights in {_place(folder)} cannot be read ({error}); {_remedy(folder)}")
