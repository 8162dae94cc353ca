"""The curvature that a controller asks for, from the Fisher information on batches of data."""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from secondlaw.alignment.arguments import counted

if TYPE_CHECKING:
    from torch import nn

    from secondlaw.alignment.fisher import LargestEigenvalue, Normalise

__all__ = ["fisher_curvature"]

TOLERANCE = 1e-2
"""Relative: gamma_crit is proportional to lambda_max, and minibatches scatter by more."""


def fisher_curvature(
    batches: Iterable[Any],
    *,
    view: "Callable[[nn.Module], nn.Module] | None" = None,
    tolerance: float = TOLERANCE,
    normalise: "Normalise" = "token",
    most_products: int = 100,
) -> "Callable[[nn.Module], LargestEigenvalue]":
    """Return a function of a model that gives the largest eigenvalue of its true Fisher information.

    Parameters
    ----------
    batches : iterable
        What :class:`~secondlaw.alignment.fisher.FisherProducts` takes; kept. Few samples bias lambda_max upwards.
    view : callable, optional
        Takes the model; returns a module with the same parameters whose output is the logits that are meant, for
        example those of the goals alone.
    tolerance, normalise, most_products
        As in :func:`~secondlaw.alignment.fisher.largest_eigenvalue` and ``FisherProducts``.

    Returns
    -------
    callable
        Every call starts from the same vector, so that the value depends on the model alone and a resumed run finds
        the same.

    Examples
    --------
    >>> import torch
    >>> model = torch.nn.Linear(2, 2, bias=False).double()
    >>> with torch.no_grad():
    ...     _ = model.weight.zero_()
    >>> measure = fisher_curvature([torch.tensor([[2.0, 0.0], [0.0, 1.0]], dtype=torch.float64)])
    >>> round(measure(model).value, 6)
    1.0
    """
    kept = list(batches)
    counted(most_products, "most_products")

    def measure(model: "nn.Module") -> "LargestEigenvalue":
        from secondlaw.alignment.fisher import FisherProducts, largest_eigenvalue

        seen = model if view is None else view(model)
        products = FisherProducts(seen, kept, kind="exact", normalise=normalise)
        return largest_eigenvalue(products, tolerance=tolerance, most_products=most_products)

    return measure
