"""What a training leaves in its folder, and how it is taken away again: its own files, never others.

A folder is known for one of ours by a manifest that names a kind of classifier, or by a checkpoint. Files of a
training's names without either (a base's ``config.json`` and ``model.safetensors``) are somebody's: they are neither
deleted nor written over.
"""

import json
from pathlib import Path

from secondlaw.behavior.classifiers.shipped import MANIFEST
from secondlaw.errors import InvalidInput

__all__ = ["BEST", "CHECKPOINT", "FOLDER", "check_place", "drop_checkpoints", "drop_classifier"]

FOLDER, CHECKPOINT, BEST = "training", "checkpoint.pt", "best-{}.safetensors"
KINDS = ("embedded", "transformer")
WRITTEN = frozenset(
    {
        "model.safetensors", "config.json", "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json",
        "chat_template.jinja", "known.npz", "heads.npz", "report.json", "evaluations.json", "prompts.u64",
    }
)  # fmt: skip
"""Names under which trainings of either kind write, the manifest apart."""


def check_place(out: Path, *, base: Path) -> None:
    """Refuse a folder in which a training would write over files of somebody else.

    Raises
    ------
    InvalidInput
        If `out` is a file, is the base's own folder, or holds files that are of no classifier and no training.
    """
    if out.exists() and not out.is_dir():
        raise InvalidInput(f"{out} is a file; name a folder for the classifier")
    if out.resolve() == base.resolve():
        raise InvalidInput(f"{out} is the base itself, whose weights would be lost; name another folder")
    others = sorted({path.name for path in out.iterdir()} & {*WRITTEN, MANIFEST}) if out.is_dir() else []
    if others and not _is_classifier(out) and not _has_checkpoint(out):
        raise InvalidInput(
            f"{out} holds {others[0]}, which is of no classifier or training of secondlaw and would be written over; "
            "name another folder"
        )


def drop_classifier(out: Path) -> None:
    """Delete checkpoints and, if `out` holds a finished classifier, its files; all else stays.

    A folder must have passed :func:`check_place`. The manifest goes last, so that a kill leaves a folder that is
    still known for what it is.
    """
    drop_checkpoints(out)
    if _is_classifier(out):
        for name in [*sorted(WRITTEN), MANIFEST]:
            (out / name).unlink(missing_ok=True)


def drop_checkpoints(out: Path) -> None:
    """Delete the checkpoints of a training."""
    folder = out / FOLDER
    if not folder.is_dir():
        return
    for pattern in (CHECKPOINT, BEST.format("*")):
        for path in [*folder.glob(pattern), *folder.glob(f".{pattern}.part")]:
            path.unlink()
    if not any(folder.iterdir()):
        folder.rmdir()


def _has_checkpoint(out: Path) -> bool:
    folder = out / FOLDER
    return (folder / CHECKPOINT).is_file() or any(folder.glob(BEST.format("*")))


def _is_classifier(out: Path) -> bool:
    try:
        manifest = json.loads((out / MANIFEST).read_bytes())
    except OSError:
        return False
    except ValueError:  # damaged: the names beside it tell
        return all(path.name in {*WRITTEN, MANIFEST, FOLDER} or path.name[0] == "." for path in out.iterdir())
    return isinstance(manifest, dict) and manifest.get("kind") in KINDS
