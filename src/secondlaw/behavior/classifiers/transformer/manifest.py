"""The manifest of a trained transformer: what it is, what it grew from, and the hash of every file it needs.

It is written last: a folder with a ``manifest.json`` is a finished model. The version is the hash of everything in the
manifest (and so of the weights, the label map and the calibration), so that whatever changes a label changes it.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from secondlaw.behavior.classifiers.shipped import MANIFEST
from secondlaw.behavior.classifiers.transformer.settings import KINDS, LABELS, TASKS
from secondlaw.errors import ModelFileError
from secondlaw.formats import replace_file, sha256_of

__all__ = ["MANIFEST", "is_finished", "read_manifest", "write_manifest"]

FORMAT = 1
KIND = "transformer"
VERSION_DIGITS = 12


def is_finished(folder: Path) -> bool:
    """Whether the folder holds a finished model of any engine."""
    return (folder / MANIFEST).exists()


def write_manifest(folder: Path, content: Mapping[str, Any], *, files: list[str]) -> dict[str, Any]:
    """Hash the files, derive the version, and write the manifest.

    Parameters
    ----------
    folder : Path
    content : mapping
        ``name``, ``network``, ``base``, ``settings``, ``calibration`` and the like, as JSON values.
    files : list of str
        Names of the files in `folder` that the model needs.

    Returns
    -------
    dict
        What was written.
    """
    whole: dict[str, Any] = {
        "kind": KIND, "format": FORMAT, **content, "labels": {task: list(LABELS[task]) for task in TASKS},
        "sha256": {name: sha256_of(folder / name) for name in sorted(files)},
    }  # fmt: skip
    whole["version"] = _version(whole)
    text = json.dumps(whole, indent=1, sort_keys=True) + "\n"
    replace_file(folder / MANIFEST, lambda path: _write(path, text))
    return whole


def read_manifest(folder: Path) -> dict[str, Any]:
    """Read a manifest and check the label map and every file's hash.

    Raises
    ------
    ModelFileError
        If the folder holds no transformer, its labels are not this version's, it was edited, or a file is missing or
        damaged.
    """
    try:
        content: dict[str, Any] = json.loads((folder / MANIFEST).read_bytes())
        kind, form, labels, hashes = (content[key] for key in ("kind", "format", "labels", "sha256"))
        _ = content["name"], content["version"], content["network"], content["calibration"], content["settings"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelFileError(
            f"{folder} holds no finished classifier: {MANIFEST} cannot be read ({type(error).__name__}: {error}); "
            "train one, or check the folder"
        ) from error
    if kind != KIND or form != FORMAT or content["network"] not in KINDS:
        raise ModelFileError(
            f"{folder / MANIFEST} is of engine {kind!r}, format {form} and network {content['network']!r}; this reads "
            f"engine {KIND!r}, format {FORMAT}, network {' or '.join(KINDS)}"
        )
    ours = {task: list(LABELS[task]) for task in TASKS}
    if labels != ours:
        raise ModelFileError(f"the label map of {folder} is {labels}, this version reads {ours}; train it again")
    if content["version"] != _version(content):
        raise ModelFileError(
            f"{folder / MANIFEST} was changed: its version {content['version']} is not the hash of its content, "
            f"{_version(content)}; copy the whole folder again, or train it again"
        )
    _check_files(folder, hashes)
    return content


def _version(content: Mapping[str, Any]) -> str:
    """Return the hash of all but the version itself."""
    rest = {key: value for key, value in content.items() if key != "version"}
    return hashlib.sha256(json.dumps(rest, sort_keys=True).encode()).hexdigest()[:VERSION_DIGITS]


def _check_files(folder: Path, hashes: Mapping[str, str]) -> None:
    for name, expected in hashes.items():
        path = folder / name
        if Path(name).name != name or not path.is_file():
            raise ModelFileError(f"{folder} lacks {name}, which its manifest names; copy the whole folder again")
        found = sha256_of(path)
        if found != expected:
            raise ModelFileError(
                f"{path} has sha256 {found}, the manifest says {expected}; the file is damaged or was changed: copy "
                "the whole folder again"
            )


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")
