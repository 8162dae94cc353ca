"""Checkpoints of a training run: everything the next step depends on, in one file that is replaced whole.

The folder ``training`` inside the output holds ``checkpoint.pt`` (weights, optimizer, schedule, random state, epoch,
position in it, history) and ``best-EPOCH.safetensors``. The best weights of an epoch are written under a name of their
own *before* the checkpoint that speaks of them, so that a kill between the two leaves a checkpoint whose files all
exist; the evaluation is then simply done again, with the same result.
"""

from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_model, save_model

from secondlaw.behavior.classifiers.transformer.leftovers import BEST, CHECKPOINT, FOLDER, drop_checkpoints
from secondlaw.behavior.classifiers.transformer.networks import Network
from secondlaw.errors import InvalidInput, ModelFileError
from secondlaw.formats import replace_file

__all__ = ["CheckpointStore"]

START_AGAIN = "start again with --force (resume=False)"


class CheckpointStore:
    """The checkpoints of one run.

    Parameters
    ----------
    out : Path
        Folder of the model to be.
    fingerprint : str
        Hash of everything that must be the same for a run to be continued: rows, settings, base, library versions.
    """

    def __init__(self, out: Path, *, fingerprint: str) -> None:
        self._folder, self._fingerprint = out / FOLDER, fingerprint

    def load(self, device: torch.device) -> dict[str, Any] | None:
        """Return the last checkpoint, or None if there is none.

        Raises
        ------
        InvalidInput
            If it is another run's.
        ModelFileError
            If it cannot be read.
        """
        path = self._folder / CHECKPOINT
        if not path.is_file():
            return None
        try:
            state: dict[str, Any] = torch.load(path, map_location=device, weights_only=True)
            other = state["fingerprint"] != self._fingerprint
        except Exception as error:  # torch raises many classes on a damaged file
            raise ModelFileError(f"checkpoint {path} cannot be read ({type(error).__name__}); {START_AGAIN}") from error
        if other:
            raise InvalidInput(
                f"{path} is a checkpoint of other rows, settings, base or library versions; give another folder, or "
                f"{START_AGAIN}"
            )
        return state

    def save(self, state: dict[str, Any]) -> None:
        """Write a checkpoint in place of the last."""
        self._folder.mkdir(parents=True, exist_ok=True)
        whole = {**state, "fingerprint": self._fingerprint}
        replace_file(self._folder / CHECKPOINT, lambda path: torch.save(whole, path))

    def save_best(self, network: Network, epoch: int) -> None:
        """Write the weights of an epoch."""
        self._folder.mkdir(parents=True, exist_ok=True)
        replace_file(self._folder / BEST.format(epoch), lambda path: save_model(network, str(path)))

    def forget_but(self, epoch: int) -> None:
        """Delete the weights of all epochs but one; called when a checkpoint names that one."""
        for path in self._folder.glob(BEST.format("*")):
            if path.name != BEST.format(epoch):
                path.unlink()

    def load_best(self, network: Network, epoch: int) -> None:
        """Put the weights of an epoch into the network.

        Raises
        ------
        ModelFileError
            If they are missing or damaged.
        """
        path = self._folder / BEST.format(epoch)
        try:
            load_model(network, str(path))
        except Exception as error:  # safetensors raises its own classes and RuntimeError
            raise ModelFileError(
                f"the best weights {path} cannot be read ({type(error).__name__}); {START_AGAIN}"
            ) from error

    def clear(self) -> None:
        """Delete all checkpoints."""
        drop_checkpoints(self._folder.parent)
