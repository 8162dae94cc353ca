"""How a controller measures and works: one frozen value, recorded with every state."""

from dataclasses import dataclass
from typing import Literal, get_args

from secondlaw.alignment.arguments import counted
from secondlaw.alignment.control.work_coefficient import HEADROOM, READINGS, Reading, stable_coefficient
from secondlaw.errors import InvalidInput

__all__ = ["ControlSettings", "Unit", "Watched"]

Unit = Literal["absolute", "critical"]
Watched = Literal["mean_entropy", "entropy_of_mean"]


@dataclass(frozen=True, slots=True)
class ControlSettings:
    """Settings of an :class:`~secondlaw.alignment.control.AlignmentController`.

    Parameters
    ----------
    every : int
        m, updates from one measurement to the next.
    curvature_every : int
        Measurements from one lambda_max to the next.
    unit : {"absolute", "critical"}
        Whether the law's gamma is one, or a multiple of the gamma_crit measured last.
    reading : str
        How gamma becomes the coefficient of the alignment loss; see
        :mod:`~secondlaw.alignment.control.work_coefficient`.
    watched : {"mean_entropy", "entropy_of_mean"}
        Which entropy the law sees: E[S(p)], or S(E[p]).
    headroom : float
        Share of the bound 2 / (eta lambda_max) that the coefficient may reach.
    seed : int
        Of the resampling of probes; step and seed give its generator, so that a resumed run has the same intervals.

    Examples
    --------
    >>> ControlSettings(every=0)
    Traceback (most recent call last):
    secondlaw.errors.InvalidInput: every must be a whole number of at least 1, got 0
    """

    every: int = 50
    curvature_every: int = 1
    unit: Unit = "absolute"
    reading: Reading = "coefficient"
    watched: Watched = "mean_entropy"
    headroom: float = HEADROOM
    seed: int = 0

    def __post_init__(self) -> None:
        counted(self.every, "every")
        counted(self.curvature_every, "curvature_every")
        counted(self.seed, "seed", least=0)
        stable_coefficient(1.0, 1.0, headroom=self.headroom)
        for name, choices in (("unit", get_args(Unit)), ("reading", READINGS), ("watched", get_args(Watched))):
            if getattr(self, name) not in choices:
                raise InvalidInput(f"{name} is one of {', '.join(choices)}, got {getattr(self, name)!r}")
