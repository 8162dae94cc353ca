"""Where the weights that fine-tuning starts from come from: a local folder, or a hub at a commit that cannot move.

Only ``safetensors`` are opened (pickled weights run code when loaded), and no code of a repository is ever run. The
sha256 of the weights goes into the manifest, so that a result names exactly what it grew from.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from secondlaw.errors import InvalidInput, ModelFileError
from secondlaw.formats import sha256_of

__all__ = ["Base", "find_base"]

AT_COMMIT = re.compile(r"(?P<repository>[\w.-]+(/[\w.-]+)?)@(?P<commit>[0-9a-f]{40})")
WANTED = ("*.json", "*.safetensors", "*.model", "*.txt")
"""Files of a repository that are needed: configuration, weights, tokenizer."""


@dataclass(frozen=True, slots=True)
class Base:
    """Weights, configuration and tokenizer on this machine.

    Parameters
    ----------
    folder : Path
    name : str
        Repository, or the folder's own name.
    revision : str or None
        The commit, if it came from a hub.
    sha256 : mapping of file name to hash
        Of the weights files.
    """

    folder: Path
    name: str
    revision: str | None
    sha256: Mapping[str, str]


def find_base(
    base: str | Path, *, allow_download: bool = False, cache: Path | None = None, endpoint: str | None = None
) -> Base:
    """Find the weights to start from.

    Parameters
    ----------
    base : str or Path
        A folder with ``config.json``, ``*.safetensors`` and a tokenizer, or ``REPOSITORY@COMMIT`` with the commit's 40
        hexadecimal digits.
    allow_download : bool
        Whether a repository may be fetched; else it must be in the hub's cache on this machine.
    cache, endpoint
        Of the hub; default its client's own.

    Raises
    ------
    InvalidInput
        If `base` is neither a folder nor pinned to a commit.
    ModelFileError
        If files are missing or cannot be fetched.
    """
    folder = Path(base).expanduser()
    if folder.is_dir():
        return _described(folder, folder.resolve().name, None)
    found = AT_COMMIT.fullmatch(str(base))
    if found is None:
        raise InvalidInput(
            f"base is a folder or REPOSITORY@COMMIT with a full commit hash of 40 hexadecimal digits (branches and "
            f"tags can move), got {str(base)!r}, which is neither"
        )
    repository, commit = found["repository"], found["commit"]
    return _described(_fetched(repository, commit, allow_download, cache, endpoint), repository, commit)


def _fetched(repository: str, commit: str, allow_download: bool, cache: Path | None, endpoint: str | None) -> Path:
    from huggingface_hub import snapshot_download

    try:
        return Path(
            snapshot_download(
                repository, revision=commit, allow_patterns=list(WANTED), local_files_only=not allow_download,
                cache_dir=cache, endpoint=endpoint, max_workers=1,
            )
        )  # fmt: skip
    except Exception as error:  # the hub's client raises its own classes, and those of two HTTP libraries
        why = str(error).splitlines()[0] if str(error) else type(error).__name__
        remedy = "check name, commit and network" if allow_download else "allow the download, or give a local folder"
        raise ModelFileError(f"{repository}@{commit} is not available ({why}); {remedy}") from error


def _described(folder: Path, name: str, revision: str | None) -> Base:
    weights = sorted(folder.glob("*.safetensors"))
    if not (folder / "config.json").is_file():
        raise ModelFileError(f"{name} has no config.json; a base is a folder that transformers has saved")
    if not weights:
        raise ModelFileError(
            f"{name} has no *.safetensors; pickled weights (*.bin) are not opened, since loading them runs code: save "
            "the model again with safetensors"
        )
    return Base(folder, name, revision, {path.name: sha256_of(path) for path in weights})
