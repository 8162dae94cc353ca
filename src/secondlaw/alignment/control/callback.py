"""Alignment work in the Trainer of transformers.

Imported on its own, since it needs transformers:
``from secondlaw.alignment.control.callback import AlignmentCallback``.

The gradient of the alignment loss is added after the Trainer has clipped that of the task, right before the optimiser's
step, once an update however many batches are accumulated.
"""

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar, cast

from secondlaw.alignment.control.control_settings import ControlSettings
from secondlaw.alignment.control.controller import AlignmentController
from secondlaw.alignment.control.laws import WorkLaw
from secondlaw.alignment.control.probing import Goals
from secondlaw.alignment.control.training_log import TrainingLog
from secondlaw.errors import InvalidInput, ModelFileError

try:
    from transformers import TrainerCallback
    from transformers.trainer_callback import ExportableState
except ImportError as error:
    raise ModelFileError(
        "AlignmentCallback needs transformers, not installed here; run: pip install 'secondlaw[alignment]'"
    ) from error

if TYPE_CHECKING:
    from pathlib import Path

    import torch
    from torch import Tensor, nn
    from transformers import TrainerControl, TrainerState, TrainingArguments

__all__ = ["AlignmentCallback"]


class AlignmentCallback(TrainerCallback, ExportableState):
    """Adds alignment work to a ``transformers.Trainer``, and logs it.

    Its state is kept in the Trainer's own checkpoints: ``trainer.train(resume_from_checkpoint=...)`` with a callback of
    the same settings goes on where the run was, its log included. Leave ``restore_callback_states_from_checkpoint`` at
    its default: functions cannot be restored from a file. One process at a time.

    Parameters
    ----------
    law, probes, alignment_loss, intended, proxy, curvature, settings, log
        As in :class:`~secondlaw.alignment.control.AlignmentController`; the learning rate is that of the optimiser's
        first group at the time.

    Attributes
    ----------
    controller : AlignmentController or None
        From the begin of training on.

    Examples
    --------
    ``Trainer(model=model, args=args, train_dataset=data, callbacks=[AlignmentCallback(ConstantWork(2.0), ...)])``
    """

    _NAME: ClassVar[str] = "AlignmentCallback"

    def __init__(
        self,
        law: WorkLaw,
        *,
        probes: "Callable[[nn.Module], Tensor]",
        alignment_loss: "Callable[[nn.Module], Tensor]",
        intended: Goals | None = None,
        proxy: Goals | None = None,
        curvature: "float | Callable[[nn.Module], Any] | None" = None,
        settings: ControlSettings | None = None,
        log: "TrainingLog | str | Path | None" = None,
    ) -> None:
        self._law, self._probes, self._alignment_loss = law, probes, alignment_loss
        self._intended, self._proxy, self._curvature = intended, proxy, curvature
        self._settings = settings
        self._log = log if isinstance(log, TrainingLog) or log is None else TrainingLog(log)
        self._optimizer: torch.optim.Optimizer | None = None
        self.controller: AlignmentController | None = None

    def state(self) -> dict[str, Any]:
        """Return what a checkpoint of the Trainer keeps."""
        kept = None if self.controller is None else self.controller.state_dict()
        return {"args": {}, "attributes": {"kept": kept}}

    def on_train_begin(
        self, args: "TrainingArguments", state: "TrainerState", control: "TrainerControl", **given: object
    ) -> None:
        """Make the controller; on a resumed run, put it back where it was."""
        if args.world_size > 1:
            raise InvalidInput(f"alignment work runs in one process, got {args.world_size}: start the Trainer in one")
        self._optimizer = cast("torch.optim.Optimizer", given["optimizer"])
        self.controller = AlignmentController(
            cast("nn.Module", given["model"]),
            self._law,
            probes=self._probes,
            alignment_loss=self._alignment_loss,
            learning_rate=self._learning_rate,
            intended=self._intended,
            proxy=self._proxy,
            curvature=self._curvature,
            settings=self._settings,
            log=self._log,
        )
        callbacks = cast("dict[str, Any]", state.stateful_callbacks)
        saved = callbacks.setdefault(self._NAME, self.state())
        kept = (saved[-1] if isinstance(saved, list) else saved)["attributes"]["kept"]
        if state.global_step == 0:
            return
        if kept is not None and kept["step"] == state.global_step:
            self.controller.load_state_dict(kept)
        else:  # the checkpoint was made before there was any alignment work
            self.controller.step = state.global_step

    def on_pre_optimizer_step(
        self, args: "TrainingArguments", state: "TrainerState", control: "TrainerControl", **given: object
    ) -> None:
        """Add the gradient of the alignment loss to that of the task."""
        controller = self._running()
        if not args.fp16:  # a scaler meets infinite gradients, and skips their update
            self._check_gradients(cast("nn.Module", given["model"]), state.global_step)
        added = controller.term()
        if added is not None:
            added.backward()  # type: ignore[no-untyped-call]

    def on_train_end(
        self, args: "TrainingArguments", state: "TrainerState", control: "TrainerControl", **given: object
    ) -> None:
        """Force the log to the disk."""
        if self._log is not None:
            self._log.close()

    def _learning_rate(self) -> float:
        optimizer = self._optimizer
        if optimizer is None:
            raise InvalidInput("the Trainer has no optimiser yet: alignment work begins with training")
        return float(optimizer.param_groups[0]["lr"])

    def _running(self) -> AlignmentController:
        if self.controller is None:
            raise InvalidInput("alignment work begins with training: add the callback before trainer.train()")
        return self.controller

    @staticmethod
    def _check_gradients(model: "nn.Module", step: int) -> None:
        total = sum(float(weight.grad.sum()) for weight in model.parameters() if weight.grad is not None)
        if not math.isfinite(total):
            raise InvalidInput(
                f"the gradient of the task's loss is {total} at step {step}: lower the learning rate, and go on from "
                "the last checkpoint"
            )
