r"""Alignment work in a training loop of plain PyTorch, or of anything that calls :meth:`AlignmentController.loss`.

Every m updates the controller measures the goals on a probe set, the largest eigenvalue of the Fisher information if
asked for, gamma_crit = (lambda_max / 2) ln N, and lets its law say gamma; at every update it adds the alignment loss
with the coefficient that :mod:`~secondlaw.alignment.control.work_coefficient` derives from gamma, kept below 2 / (eta
lambda_max). Logged work is the sum of gamma over updates, and beside it what that did to S to first order, in nats.
"""

import warnings
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from secondlaw.alignment.arguments import rate
from secondlaw.alignment.control.control_settings import ControlSettings
from secondlaw.alignment.control.goal_measurement import GoalMeasurement
from secondlaw.alignment.control.laws import WorkLaw
from secondlaw.alignment.control.probing import Goals, Instruments, finite_loss
from secondlaw.alignment.control.training_log import TrainingLog
from secondlaw.alignment.control.work_coefficient import loss_coefficient, stable_coefficient
from secondlaw.alignment.published import critical_work
from secondlaw.errors import InvalidInput

if TYPE_CHECKING:
    from torch import Tensor, nn

__all__ = ["AlignmentController"]

_VERSION = 1
_REMEMBERED = (
    "step", "clipped", "work", "entropy_work", "gamma", "coefficient", "largest_eigenvalue", "descent", "measured",
    "last",
)  # fmt: skip


class AlignmentController:
    """Measures goals while a network trains, and adds the alignment work that a law asks for.

    Parameters
    ----------
    model : torch.nn.Module
    law : WorkLaw
        Says gamma at every measurement.
    probes : callable
        Takes the model; returns its goals on the probe set as a tensor of shape (probes, goals): probabilities with
        gradient, or whole numbers, which are counts of sampled goals.
    alignment_loss : callable
        Takes the model; returns the scalar whose gradient is the work: the divergence from a reference policy, or the
        cross-entropy of aligned demonstrations. Called once an update while gamma is above 0, and at measurements.
    learning_rate : float or callable
        eta of the update to come.
    intended, proxy : array_like or callable, optional
        Goals to compare with, shape (goals,) or (probes, goals); a callable takes the step, for a proxy that moves.
    curvature : float or callable, optional
        lambda_max, or a function of the model that returns it (or an object with ``value``), called at every
        `curvature_every`-th measurement; :func:`~secondlaw.alignment.control.fisher_curvature` makes one. Without it
        there is no gamma_crit and no bound of the coefficient.
    settings : ControlSettings, optional
        How often is measured, and how gamma is read.
    log : TrainingLog or path, optional

    Attributes
    ----------
    gamma, coefficient : float
        Alignment work that the law asked for last, and the coefficient that carries it, before any bound.
    work, entropy_work : float
        Sum of gamma over updates as far as it was applied, and of eta * coefficient * <grad S, grad A>: by how many
        nats that lowered S, to first order.
    clipped : int
        Updates at which the coefficient was bounded.
    last : dict or None
        The measurement made last, as logged.

    Examples
    --------
    >>> import torch
    >>> from secondlaw.alignment.control import ConstantWork, ControlSettings
    >>> _ = torch.manual_seed(0)
    >>> model, inputs = torch.nn.Linear(3, 4), torch.randn(20, 3)
    >>> wanted = torch.tensor([0.7, 0.1, 0.1, 0.1])
    >>> def aligned(net):
    ...     return -(net(inputs).log_softmax(1) @ wanted).mean()
    >>> control = AlignmentController(
    ...     model, ConstantWork(2.0), probes=lambda net: net(inputs).softmax(1), alignment_loss=aligned,
    ...     learning_rate=0.5, intended=wanted, curvature=1.0, settings=ControlSettings(every=25))
    >>> optimizer = torch.optim.SGD(model.parameters(), lr=0.5)
    >>> for _ in range(51):
    ...     task = torch.nn.functional.cross_entropy(model(inputs), torch.full((20,), 3))
    ...     optimizer.zero_grad()
    ...     control.loss(task).backward()
    ...     optimizer.step()
    >>> print(control.last["mean_entropy"]["value"] > 1.0, control.work)
    True 102.0
    """

    def __init__(
        self,
        model: "nn.Module",
        law: WorkLaw,
        *,
        probes: Callable[["nn.Module"], "Tensor"],
        alignment_loss: Callable[["nn.Module"], "Tensor"],
        learning_rate: float | Callable[[], float],
        intended: Goals | None = None,
        proxy: Goals | None = None,
        curvature: float | Callable[["nn.Module"], Any] | None = None,
        settings: ControlSettings | None = None,
        log: TrainingLog | str | Path | None = None,
    ) -> None:
        self.model, self.law = model, law
        self.settings = ControlSettings() if settings is None else settings
        self._alignment_loss, self._learning_rate = alignment_loss, learning_rate
        self.log = log if isinstance(log, TrainingLog) or log is None else TrainingLog(log)
        if self.settings.unit == "critical" and curvature is None:
            raise InvalidInput("gamma in units of gamma_crit needs the curvature: give lambda_max or a function for it")
        weights = [weight for weight in model.parameters() if weight.requires_grad]
        self._instruments = Instruments(model, weights, probes, intended, proxy, curvature, self.settings)
        self.parameters = sum(weight.numel() for weight in weights)
        if self.parameters < 2:
            raise InvalidInput(f"the model has {self.parameters} trainable parameters: there is nothing to align")
        self.step = self.clipped = self.measured = 0
        self.work = self.entropy_work = self.gamma = self.coefficient = 0.0
        self.largest_eigenvalue: float | None = None
        self.descent: float | None = None
        self.last: dict[str, Any] | None = None

    @property
    def critical_work(self) -> float | None:
        """gamma_crit of the paper at the curvature measured last; None without one."""
        if self.largest_eigenvalue is None:
            return None
        return critical_work(largest_eigenvalue=self.largest_eigenvalue, parameters=self.parameters)

    def loss(self, task_loss: "Tensor") -> "Tensor":
        """Return the loss to minimise at this update: the task's, and the alignment loss times its coefficient.

        Raises
        ------
        InvalidInput
            If a loss is NaN or infinite.
        """
        finite_loss(task_loss, "task's loss", step=self.step)
        added = self.term()
        return task_loss if added is None else task_loss + added

    def term(self) -> "Tensor | None":
        """Return what this update adds to the loss, None where that is nothing, and count the update."""
        eta = rate(self._learning_rate() if callable(self._learning_rate) else self._learning_rate, "learning_rate")
        due = self.step % self.settings.every == 0
        aligned = None
        if due or self.coefficient > 0.0:
            aligned = finite_loss(self._alignment_loss(self.model), "alignment loss", step=self.step)
            if due:
                self._measure(aligned, eta)
        applied = self._bounded(eta)
        share = applied / self.coefficient if self.coefficient > 0.0 else float(self.gamma == 0.0)
        self.work += self.gamma * share
        if self.descent is not None:
            self.entropy_work += eta * applied * self.descent
        self.step += 1
        return None if applied == 0.0 or aligned is None else applied * aligned

    def state_dict(self) -> dict[str, Any]:
        """Return everything the controller remembers, as plain JSON values."""
        position = None if self.log is None else self.log.position
        own = {"version": _VERSION, "settings": asdict(self.settings), "law": self.law.state, "log": position}
        return own | {name: getattr(self, name) for name in _REMEMBERED}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a state; the log is taken back to where it was.

        Raises
        ------
        InvalidInput
            If the state is of other settings or another law.
        """
        if state.get("version") != _VERSION or state.get("settings") != asdict(self.settings):
            raise InvalidInput(
                f"the state is of a controller with the settings {state.get('settings')}, not {self.settings}: go on "
                "with the same ones"
            )
        self.law.restore(state["law"])
        for name in _REMEMBERED:
            setattr(self, name, state[name])
        if self.log is not None:
            self.log.rewind(state["log"] or 0)

    def _measure(self, aligned: "Tensor", eta: float) -> None:
        """Measure goals and curvature, ask the law, and log."""
        settings = self.settings
        found, self.descent = self._instruments.goals(aligned, self.step)
        if self._instruments.curvature is not None and self.measured % settings.curvature_every == 0:
            self.largest_eigenvalue = self._instruments.largest_eigenvalue()
        wanted = rate(
            self.law.update(getattr(found.entropies, settings.watched), elapsed=float(settings.every)), "gamma"
        )
        self.gamma = wanted * (self.critical_work or 0.0) if settings.unit == "critical" else wanted
        carried = loss_coefficient(self.gamma, reading=settings.reading, learning_rate=eta, descent=self.descent)
        self.coefficient = 0.0 if carried is None else carried
        self.measured += 1
        self.last = self._said(found, aligned, eta, carried is not None)
        if self.log is not None:
            self.log.append(self.step, found, gamma=self.gamma, work=self.work, whole=self.last)

    def _said(self, found: GoalMeasurement, aligned: "Tensor", eta: float, carried: bool) -> dict[str, Any]:
        applied = self._limited(eta)
        said = {
            **found.to_dict(),
            "gamma": self.gamma,
            "critical_work": self.critical_work,
            "largest_eigenvalue": self.largest_eigenvalue,
            "parameters": self.parameters,
            "learning_rate": eta,
            "reading": self.settings.reading,
            "coefficient": applied,
            "clipped": applied < self.coefficient,
            "alignment_loss": float(aligned.detach()),
            "entropy_rate": None if self.descent is None else -eta * applied * self.descent,
            "work": self.work,
            "entropy_work": self.entropy_work,
        }
        if not carried:
            said["note"] = "the alignment loss does not lower S here: no coefficient carries gamma"
        return said

    def _limited(self, eta: float) -> float:
        if self.largest_eigenvalue is None:
            return self.coefficient
        limit = stable_coefficient(eta, self.largest_eigenvalue, headroom=self.settings.headroom)
        return min(self.coefficient, limit)

    def _bounded(self, eta: float) -> float:
        """Return the coefficient kept stable; where that changes it, count, and say so once."""
        applied = self._limited(eta)
        if applied < self.coefficient:
            if not self.clipped:
                warnings.warn(
                    f"step {self.step}: a coefficient of {self.coefficient:.4g} diverges at learning rate {eta:.4g} "
                    f"and curvature {self.largest_eigenvalue:.4g}; {applied:.4g} is used. Lower the learning rate "
                    "for more work",
                    RuntimeWarning,
                    stacklevel=4,
                )
            self.clipped += 1
        return applied
