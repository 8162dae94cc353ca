"""Checkpoints of a plain training loop under alignment work: a resumed run goes on bit for bit.

Kept in one file, written whole or not at all: parameters and buffers, the optimiser, the controller with its law and
the place in its log, PyTorch's own random state, and that of generators and schedulers that are named. What else draws
random numbers or holds a place in the data is the loop's to keep, in `extra`.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from secondlaw.alignment.control.controller import AlignmentController
from secondlaw.errors import FileFormatError
from secondlaw.formats import replace_file

if TYPE_CHECKING:
    import torch

__all__ = ["load_checkpoint", "save_checkpoint"]

_VERSION = 1


def save_checkpoint(
    path: str | Path,
    controller: AlignmentController,
    *,
    optimizer: "torch.optim.Optimizer",
    stateful: Mapping[str, Any] | None = None,
    extra: Mapping[str, Any] | None = None,
) -> None:
    """Write everything that the run needs to go on.

    Parameters
    ----------
    path : str or Path
    controller : AlignmentController
    optimizer : torch.optim.Optimizer
    stateful : mapping, optional
        Whatever has ``state_dict`` (schedulers) or ``get_state`` (``torch.Generator``), by name.
    extra : mapping, optional
        Plain values, returned by :func:`load_checkpoint`.
    """
    import torch

    whole = {
        "version": _VERSION,
        "model": controller.model.state_dict(),
        "optimizer": optimizer.state_dict(),
        "controller": controller.state_dict(),
        "random": torch.get_rng_state(),
        "device_random": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
        "stateful": {name: _state_of(one) for name, one in (stateful or {}).items()},
        "extra": dict(extra or {}),
    }
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    replace_file(target, lambda part: torch.save(whole, part))


def load_checkpoint(
    path: str | Path,
    controller: AlignmentController,
    *,
    optimizer: "torch.optim.Optimizer",
    stateful: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Put model, optimiser, controller, log and random states back, and return `extra`.

    Raises
    ------
    FileFormatError
        If the file is no such checkpoint, or lacks a state that is asked for.
    InvalidInput
        If it is of another law or other settings.
    """
    import torch

    try:
        whole = torch.load(Path(path), weights_only=True, map_location="cpu")
        version = whole["version"]
    except FileNotFoundError:
        raise
    except Exception as error:  # torch raises many kinds for a file that is none of its own
        raise FileFormatError(
            f"{path} is no checkpoint of a run under alignment work ({type(error).__name__})"
        ) from error
    missing = set(stateful or {}) - set(whole["stateful"])
    if version != _VERSION or missing:
        raise FileFormatError(f"{path} is of version {version} and lacks {sorted(missing)}: save it with these names")
    controller.model.load_state_dict(whole["model"])
    optimizer.load_state_dict(whole["optimizer"])
    controller.load_state_dict(whole["controller"])
    for name, one in (stateful or {}).items():
        load = one.load_state_dict if hasattr(one, "load_state_dict") else one.set_state
        load(whole["stateful"][name])
    torch.set_rng_state(whole["random"])
    if whole["device_random"] and torch.cuda.is_available():
        torch.cuda.set_rng_state_all(whole["device_random"])
    extra: dict[str, Any] = whole["extra"]
    return extra


def _state_of(one: Any) -> Any:  # noqa: ANN401 - anything with a state
    return one.state_dict() if hasattr(one, "state_dict") else one.get_state()
