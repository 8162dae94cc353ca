"""What says how far a number can be trusted, and what an observable adds to it."""

from dataclasses import dataclass

from secondlaw.types import Estimate

__all__ = ["Contribution", "Diagnostics"]


@dataclass(frozen=True, slots=True)
class Contribution:
    """What an observable, or a set of them, adds to the held-out value.

    Parameters
    ----------
    name : str
    order : int
    estimate : Estimate
    """

    name: str
    order: int
    estimate: Estimate


@dataclass(frozen=True, slots=True)
class Diagnostics:
    """What says how far the number can be trusted.

    Parameters
    ----------
    transitions, observables, blocks, folds : int
    held_out_value : float
        The held-out mean before it is clipped at 0, in the result's unit.
    gap : float
        `train_value` less the held-out value.
    effective_sample_size : float
        ``(sum w)^2 / sum w^2`` of the exponential weights of held-out rows; the number of rows for quadratic forms.
    shrinkage : tuple of float
        Factor chosen for each fold; 0 means that inner folds found nothing.
    block_dependence : float
        Correlation of neighbouring blocks.
    normalisation : float
        Mean of the weights on held-out rows; 1 where the fitted entropy production obeys the fluctuation theorem.
    """

    transitions: int
    observables: int
    blocks: int
    folds: int
    held_out_value: float
    gap: float
    effective_sample_size: float
    shrinkage: tuple[float, ...]
    block_dependence: float
    normalisation: float
