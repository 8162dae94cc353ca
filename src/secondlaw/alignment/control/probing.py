r"""What a network's probes say, and how the gradient of the alignment loss meets that of their entropy."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from secondlaw.alignment.control.control_settings import Watched
from secondlaw.errors import InvalidInput

if TYPE_CHECKING:
    from torch import Tensor, nn

__all__ = ["evaluating", "goals_and_descent"]


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
