"""Where the weights that fine-tuning starts from come from: a local folder, or a hub at a commit that cannot move.

Only ``safetensors`` are opened (pickled weights run code when loaded), and no code of a repository is ever run. The
sha256 of the weights goes into the manifest, so that a result names exactly what it grew from.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from secondlaw.behavior.classifiers.transformer.hub import AtCommit, snapshot
from secondlaw.errors import InvalidInput, ModelFileError
from secondlaw.formats import sha256_of

__all__ = ["Base", "find_base"]

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
    base: str | Path,
    *,
    allow_download: bool = False,
    quiet: bool = False,
    cache: Path | None = None,
    endpoint: str | None = None,
) -> Base:
    """Find the weights to start from.

    Parameters
    ----------
    base : str or Path
        A folder with ``config.json``, ``*.safetensors`` and a tokenizer, or ``REPOSITORY@COMMIT`` with the commit's 40
        hexadecimal digits.
    allow_download : bool
        Whether a repository may be fetched; else it must be in the hub's cache on this machine.
    quiet : bool
        No progress bars while it is fetched.
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
    at = AtCommit.read(str(base))
    if at is None:
        raise InvalidInput(
            f"base is a folder or REPOSITORY@COMMIT with a full commit hash of 40 hexadecimal digits (branches and "
            f"tags can move), got {str(base)!r}, which is neither"
        )
    remedy = "allow the download (--download), or give a local folder"
    found = snapshot(
        at, WANTED, allow_download=allow_download, remedy=remedy, quiet=quiet, cache=cache, endpoint=endpoint
    )
    return _described(found, at.repository, at.commit)


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
