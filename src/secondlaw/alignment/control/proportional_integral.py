r"""Alignment work in proportion to the entropy above a target, and to its integral.

.. math:: \gamma = \mathrm{clip}\Big(\gamma_0 + K_P\,e + K_I \int e\,dt,\; \gamma_{min}, \gamma_{max}\Big),
          \qquad e = S - S_{target}

The proportional part alone leaves a lasting offset where work is needed all the time, as under a mis-specified reward;
the integral removes it. At a bound the integral grows no further than what brings gamma there (anti-windup by clamping,
Astrom and Hagglund, PID Controllers, 1995), so that a long saturation is not paid back later.
"""

from collections.abc import Mapping
from typing import Any, ClassVar

from secondlaw.alignment.arguments import positive, rate
from secondlaw.alignment.control.laws import checked_state
from secondlaw.errors import InvalidInput
from secondlaw.types import Estimate

__all__ = ["ProportionalIntegral"]


class ProportionalIntegral:
    """A PI law on S(t) - S_target.

    Parameters
    ----------
    target : float
        S_target, nats.
    proportional : float
        K_P, gamma per nat.
    integral : float
        K_I, gamma per nat and unit of time.
    base : float
        gamma_0, the work at the target before anything was integrated.
    lowest, highest : float
        Bounds of gamma.

    Raises
    ------
    InvalidInput
        If a value is negative or not finite, both gains are 0, or the bounds are no range that holds `base`.

    Examples
    --------
    >>> law = ProportionalIntegral(target=0.5, proportional=2.0, integral=0.5, highest=10.0)
    >>> seen = Estimate(0.9, 0.8, 1.0, 0.95, 40, "nats", "measured")
    >>> [round(law.update(seen, elapsed=1.0), 2) for _ in range(3)]
    [1.0, 1.2, 1.4]
    """

    kind: ClassVar[str] = "proportional-integral"

    def __init__(
        self,
        *,
        target: float,
        proportional: float,
        integral: float,
        highest: float,
        base: float = 0.0,
        lowest: float = 0.0,
    ) -> None:
        self.target = rate(target, "target")
        self.proportional, self.integral = rate(proportional, "proportional"), rate(integral, "integral")
        self.base, self.lowest = rate(base, "base"), rate(lowest, "lowest")
        self.highest = positive(highest, "highest")
        if self.proportional == self.integral == 0.0:
            raise InvalidInput("a proportional-integral law needs a gain above 0: give proportional or integral")
        if not self.lowest <= self.base <= self.highest or self.lowest == self.highest:
            raise InvalidInput(
                f"gamma needs bounds lowest <= base <= highest that differ, got {lowest:g}, {base:g}, {highest:g}"
            )
        self._accumulated, self._gamma = 0.0, self.base

    @property
    def gamma(self) -> float:
        """The alignment work that holds now."""
        return self._gamma

    @property
    def saturated(self) -> bool:
        """Whether gamma is at a bound."""
        return self._gamma in (self.lowest, self.highest)

    def update(self, entropy: Estimate, *, elapsed: float) -> float:
        """Return gamma after an entropy measured `elapsed` units of time after the last one."""
        error = entropy.value - self.target
        grown = self._accumulated + error * positive(elapsed, "elapsed")
        wanted = self.base + self.proportional * error + self.integral * grown
        held = min(max(wanted, self.lowest), self.highest)
        if wanted > held:
            grown = min(grown, max(self._accumulated, self._filling(held, error)))
        elif wanted < held:
            grown = max(grown, min(self._accumulated, self._filling(held, error)))
        self._accumulated, self._gamma = grown, held
        return self._gamma

    def _filling(self, bound: float, error: float) -> float:
        """Return the integral that brings gamma just to a bound."""
        if self.integral == 0.0:
            return self._accumulated
        return (bound - self.base - self.proportional * error) / self.integral

    @property
    def state(self) -> dict[str, Any]:
        """Settings, the integral of the error (nats times time), and gamma."""
        names = ("target", "proportional", "integral", "base", "lowest", "highest")
        settings = {name: getattr(self, name) for name in names}
        return {"kind": self.kind, "settings": settings, "accumulated": self._accumulated, "gamma": self._gamma}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from a state of the same settings."""
        checked = checked_state(self, state)
        self._accumulated, self._gamma = float(checked["accumulated"]), float(checked["gamma"])
