"""Is there a phase transition? A test on sweeps at several sizes, with its uncertainty.

Near a transition the order parameter's curves over the control cross in one point, and the susceptibility's peak (its
slope in the logarithm of the control) grows with the size; in a crossover neither happens. Both are judged on a
bootstrap over trials. A third verdict is for equations that merely hit a floor: the order parameter is 0 on one side at
every size and no size sharpens it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from secondlaw.alignment.phase_curves import crossings, growth, peaks, resampled
from secondlaw.errors import InvalidInput, NotEnoughData
from secondlaw.statistics.intervals import LEVEL
from secondlaw.types import Estimate

__all__ = ["PhaseVerdict", "Sweep", "phase_transition_test"]

Floats = NDArray[np.float64]
Kind = Literal["transition", "crossover", "threshold"]

FEWEST_SIZES, FEWEST_CONTROLS, FEWEST_TRIALS = 3, 8, 5
# Share of a curve's largest value that counts as nothing.
_FLOOR = 0.01


@dataclass(frozen=True, slots=True, eq=False)
class Sweep:
    """The order parameter over the control at one size.

    Parameters
    ----------
    size : float
        Number of goals, of parameters, of steps; larger is nearer to the limit.
    control : array_like, shape (n,)
        Increasing and positive, in units of the supposed critical value; the same at every size.
    order : array_like, shape (n, trials)
        Order parameter of every trial.
    """

    size: float
    control: Floats
    order: Floats

    def __post_init__(self) -> None:
        control, order = np.asarray(self.control, dtype=np.float64), np.asarray(self.order, dtype=np.float64)
        if control.ndim != 1 or control.size < FEWEST_CONTROLS:
            raise NotEnoughData(f"a sweep needs at least {FEWEST_CONTROLS} values of the control, got {control.size}")
        if (control <= 0.0).any() or (np.diff(control) <= 0.0).any():
            raise InvalidInput("the control must be positive and increase along the sweep")
        if order.ndim != 2 or order.shape[0] != control.size or not np.isfinite(order).all():
            raise InvalidInput(
                f"the order parameter must be finite, of shape ({control.size}, trials); got {order.shape}"
            )
        if order.shape[1] < FEWEST_TRIALS:
            raise NotEnoughData(f"a sweep needs at least {FEWEST_TRIALS} trials, got {order.shape[1]}")
        object.__setattr__(self, "control", control)
        object.__setattr__(self, "order", order)


@dataclass(frozen=True, slots=True)
class PhaseVerdict:
    """What the sweeps say.

    Parameters
    ----------
    kind : str
        ``"transition"``, ``"crossover"`` or ``"threshold"``.
    reason : str
        Why, in a sentence.
    crossings : tuple of Estimate
        Control at which the curves of neighboring sizes cross; empty where they do not cross once.
    peaks : tuple of Estimate
        Largest slope of the order parameter in the logarithm of the control, a size each.
    growth : Estimate
        Exponent b of peak ~ (ln size)^b; 1/2 for the random-energy model in the limit, 0 without a transition.
    floor : tuple of float or None
        Between which values of the control the largest size reaches the floor.
    """

    kind: Kind
    reason: str
    crossings: tuple[Estimate, ...]
    peaks: tuple[Estimate, ...]
    growth: Estimate
    floor: tuple[float, float] | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {
            "kind": self.kind,
            "reason": self.reason,
            "crossings": [one.to_dict() for one in self.crossings],
            "peaks": [one.to_dict() for one in self.peaks],
            "growth": self.growth.to_dict(),
            "floor": None if self.floor is None else list(self.floor),
        }


def phase_transition_test(sweeps: Sequence[Sweep], *, rng: np.random.Generator, level: float = LEVEL) -> PhaseVerdict:
    """Judge sweeps at three or more sizes.

    Parameters
    ----------
    sweeps : sequence of Sweep
        By size; all over the same values of the control, at least eight of them.
    rng : numpy.random.Generator
        Of the bootstrap over trials.
    level : float

    Returns
    -------
    PhaseVerdict

    Raises
    ------
    NotEnoughData
        With fewer than three sizes.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> x = np.geomspace(0.3, 3.0, 9)
    >>> def sweep(size, steepness):
    ...     curve = x**steepness / (1 + x**steepness)
    ...     return Sweep(size, x, curve[:, None] + rng.normal(0, 0.02, (9, 40)))
    >>> phase_transition_test([sweep(10, 1), sweep(100, 2), sweep(1000, 3)], rng=rng).kind
    'transition'
    >>> phase_transition_test([sweep(10, 1), sweep(100, 1), sweep(1000, 1)], rng=rng).kind
    'crossover'
    """
    ordered = sorted(sweeps, key=lambda one: one.size)
    if len({one.size for one in ordered}) < FEWEST_SIZES:
        raise NotEnoughData(f"a test of a transition needs at least {FEWEST_SIZES} sizes, got {len(ordered)}")
    control = ordered[0].control
    if any(one.control.shape != control.shape or not np.allclose(one.control, control) for one in ordered):
        raise InvalidInput("all sweeps must use the same values of the control, in units of the critical value")
    if ordered[0].size <= 1.0:
        raise InvalidInput(f"sizes must exceed 1, got {ordered[0].size}")
    means = np.stack([one.order.mean(axis=1) for one in ordered])  # (size, control)
    drawn = np.stack([resampled(one.order, rng) for one in ordered])  # (size, control, resample)

    steepest, steepest_drawn = peaks(means, drawn, control, [one.order.shape[1] for one in ordered], level)
    growing = growth(np.array([one.size for one in ordered]), steepest, steepest_drawn, level)
    crossed = crossings(means, drawn, control, level)
    return _verdict(control, crossed, steepest, growing, _floor(means, control))


def _floor(means: Floats, control: Floats) -> tuple[float, float] | None:
    """Return the bracket in which the largest size reaches the floor, if every size has one and stays on it."""
    bracket = None
    for curve in np.abs(means):
        nothing = curve <= _FLOOR * curve.max()
        if not nothing[-1] and nothing[0]:
            nothing, ends = nothing[::-1], control[::-1]
        else:
            ends = control
        first = int(np.argmax(nothing))
        if not nothing.any() or first == 0 or not nothing[first:].all():
            return None
        bracket = tuple(sorted((float(ends[first - 1]), float(ends[first]))))
    return bracket  # type: ignore[return-value]


def _verdict(
    control: Floats,
    crossings: tuple[Estimate, ...],
    peaks: list[Estimate],
    growth: Estimate,
    floor: tuple[float, float] | None,
) -> PhaseVerdict:
    spacing = float(np.exp(np.diff(np.log(control)).max()))
    together = False
    if crossings:
        values = [one.value for one in crossings]
        overlap = max(one.low for one in crossings) <= min(one.high for one in crossings)
        together = overlap or max(values) / min(values) <= spacing
    if together and growth.low > 0.0:
        at = float(np.exp(np.mean([np.log(one.value) for one in crossings])))
        reason = f"the curves cross at {at:.3g} and the peak grows as (ln size)^{growth.value:.2f}"
        return PhaseVerdict("transition", reason, crossings, tuple(peaks), growth)
    if floor is not None:
        reason = (
            f"the order parameter is 0 from {floor[0]:.3g} to {floor[1]:.3g} on, at every size: a floor, no transition"
        )
        return PhaseVerdict("threshold", reason, crossings, tuple(peaks), growth, floor)
    why = "the curves do not cross in one point" if not together else "the peak does not grow with the size"
    if not together and growth.low <= 0.0:
        why += f", and the peak does not grow (exponent {growth.value:.2f} [{growth.low:.2f}, {growth.high:.2f}])"
    return PhaseVerdict("crossover", why, crossings, tuple(peaks), growth)
