r"""What is measured of a network: its probes' goals, how the alignment loss meets their entropy, the curvature."""

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from secondlaw.alignment.arguments import positive
from secondlaw.alignment.control.control_settings import ControlSettings, Watched
from secondlaw.alignment.control.goal_measurement import GoalMeasurement, measure_goals
from secondlaw.errors import InvalidInput

if TYPE_CHECKING:
    from torch import Tensor, nn

__all__ = ["Goals", "Instruments", "evaluating", "finite_loss", "goals_and_descent"]

Goals = ArrayLike | Callable[[int], ArrayLike]


@dataclass(frozen=True, slots=True, eq=False)
class Instruments:
    """What an :class:`~secondlaw.alignment.control.AlignmentController` measures with.

    Parameters
    ----------
    model, probes, intended, proxy, curvature, settings
        As there.
    weights : sequence of torch.Tensor
        Trained parameters.
    """

    model: "nn.Module"
    weights: "Sequence[Tensor]"
    probes: "Callable[[nn.Module], Tensor]"
    intended: Goals | None
    proxy: Goals | None
    curvature: "float | Callable[[nn.Module], Any] | None"
    settings: ControlSettings

    def goals(self, aligned: "Tensor", step: int) -> tuple[GoalMeasurement, float | None]:
        """Return the goals at a step, and <grad S, grad A> where they carry a gradient."""
        with evaluating(self.model):
            goals, descent = goals_and_descent(
                self.model, self.probes, aligned, weights=self.weights, watched=self.settings.watched
            )
        intended, proxy = (one(step) if callable(one) else one for one in (self.intended, self.proxy))
        rng = np.random.default_rng([self.settings.seed, step])
        return measure_goals(goals, rng=rng, intended=intended, proxy=proxy), descent

    def largest_eigenvalue(self) -> float:
        """Return lambda_max, as stated or as measured now."""
        with evaluating(self.model):
            found: Any = self.curvature(self.model) if callable(self.curvature) else self.curvature
        return positive(getattr(found, "value", found), "the curvature lambda_max")


def goals_and_descent(
    model: "nn.Module",
    probes: "Callable[[nn.Module], Tensor]",
    aligned: "Tensor",
    *,
    weights: "Sequence[Tensor]",
    watched: Watched,
) -> tuple[NDArray[Any], float | None]:
    """Return the goals of the probes, and <grad S, grad A> where these carry a gradient.

    Parameters
    ----------
    model : torch.nn.Module
    probes : callable
        Returns goals of shape (probes, goals): probabilities, or counts.
    aligned : torch.Tensor
        The alignment loss A, with its graph, which is kept.
    weights : sequence of torch.Tensor
        Trained parameters.
    watched : str
        Which entropy is meant by S.

    Returns
    -------
    tuple
        Probabilities (float64) or counts (whole numbers); and how fast S falls along -grad A, nats for one unit of
        flow time at coefficient 1. None for counts, which have no gradient.
    """
    import torch

    goals = probes(model)
    if not isinstance(goals, torch.Tensor):
        raise InvalidInput(f"probes must return a tensor of shape (probes, goals), got {type(goals).__name__}")
    descent = None
    if goals.requires_grad:
        shares = goals / goals.sum(dim=-1, keepdim=True)
        if watched == "entropy_of_mean":
            shares = shares.mean(dim=0, keepdim=True)
        entropy = torch.special.entr(shares).sum(dim=-1).mean()
        uphill = torch.autograd.grad(entropy, weights, allow_unused=True)
        pull = torch.autograd.grad(aligned, weights, allow_unused=True, retain_graph=True)
        pairs = ((a, b) for a, b in zip(uphill, pull, strict=True) if a is not None and b is not None)
        descent = float(sum(float((a.double() * b.double()).sum()) for a, b in pairs))
    values = goals.detach().cpu()
    array: NDArray[Any] = (values.double() if values.is_floating_point() else values).numpy()
    return np.asarray(array), descent


def finite_loss(loss: "Tensor", name: str, *, step: int) -> "Tensor":
    """Return a loss that is neither NaN nor infinite.

    Raises
    ------
    InvalidInput
        If it is.
    """
    value = float(loss.detach())
    if not math.isfinite(value):
        raise InvalidInput(
            f"the {name} is {value} at step {step}: lower the learning rate or clip gradients, and go on from the last "
            "checkpoint"
        )
    return loss


@contextmanager
def evaluating(model: "nn.Module") -> Iterator[None]:
    """Put a model into evaluation mode, and every part of it back as it was."""
    modes = [(part, part.training) for part in model.modules()]
    model.eval()
    try:
        yield
    finally:
        for part, mode in modes:
            part.training = mode
