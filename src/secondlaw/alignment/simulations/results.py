"""What a simulation gave, as plain values for text, page and JSON."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from secondlaw.alignment.phase import PhaseVerdict
from secondlaw.statistics.student import student_reach
from secondlaw.types import Estimate, Insufficient, Measured

__all__ = ["Quantity", "SimulatedPaths", "Simulation", "SweepResult"]

Floats = NDArray[np.float64]

MOST_POINTS = 200


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number from the simulation beside the exact one.

    Parameters
    ----------
    name, words : str
    measured : Measured
    exact : float or None
        Where the model has it in closed form or by quadrature.
    """

    name: str
    words: str
    measured: Measured
    exact: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {"name": self.name, "words": self.words, "measured": self.measured.to_dict(), "exact": self.exact}


@dataclass(frozen=True, slots=True, eq=False)
class SimulatedPaths:
    """Trajectories.

    Parameters
    ----------
    times : ndarray, shape (points,)
    entropy : ndarray, shape (points, trials)
        S of every trial, nats.
    pooled : ndarray, shape (points,), or None
        S(E[p]) over the trials, nats.
    shares : ndarray, shape (points, trials, goals), or None
    unit : str
        Of the times.
    """

    times: Floats
    entropy: Floats
    pooled: Floats | None = None
    shares: Floats | None = None
    unit: str = "time"


@dataclass(frozen=True, slots=True, eq=False)
class SweepResult:
    """A sweep over alignment work.

    Parameters
    ----------
    verdict : PhaseVerdict
    control : ndarray, shape (n,)
        gamma in units of `reference`.
    reference, order : str
        What gamma is divided by, and what is followed.
    sizes : tuple of float
    size_words : str
    means : ndarray, shape (sizes, n)
        Of the order parameter.
    work : ndarray, shape (n,)
        gamma at the model's own size.
    entropies : dict of str to ndarray
        Exact entropies there, by name, nats.
    noiseless : bool
        Whether the noise is left out, so that no trial differs from another.
    """

    verdict: PhaseVerdict
    control: Floats
    reference: str
    order: str
    sizes: tuple[float, ...]
    size_words: str
    means: Floats
    work: Floats
    entropies: dict[str, Floats]
    noiseless: bool = False

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {
            "verdict": self.verdict.to_dict(),
            "control": self.control.tolist(),
            "reference": self.reference,
            "order": self.order,
            "sizes": list(self.sizes),
            "size": self.size_words,
            "means": self.means.tolist(),
            "work": self.work.tolist(),
            "entropies": {name: values.tolist() for name, values in self.entropies.items()},
        }


@dataclass(frozen=True, slots=True, eq=False)
class Simulation:
    """A simulated model.

    Parameters
    ----------
    settings : dict
        With the seed and the level.
    quantities : tuple of Quantity
        At the end of the run.
    paths : SimulatedPaths
    operating : tuple of (str, float, float), or None
        Which entropy, how much of it is tolerated, nats, and the least alignment work that holds it.
    sweep : SweepResult or None
    notes, warnings : tuple of str
    """

    settings: dict[str, Any]
    quantities: tuple[Quantity, ...]
    paths: SimulatedPaths
    operating: tuple[str, float, float] | None = None
    sweep: SweepResult | None = None
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = field(default=())

    def band(self, level: float = 0.9) -> tuple[Floats, Floats, Floats, Floats]:
        """Return times, mean, low and high of S over trials, at most 200 points; the band holds `level` of them."""
        kept = np.unique(np.linspace(0, len(self.paths.times) - 1, MOST_POINTS).astype(np.int64))
        some = self.paths.entropy[kept]
        low, high = np.quantile(some, [(1.0 - level) / 2.0, (1.0 + level) / 2.0], axis=1)
        return self.paths.times[kept], some.mean(axis=1), low, high

    def quantity(self, name: str) -> Quantity | None:
        """Return a quantity by its name."""
        return next((one for one in self.quantities if one.name == name), None)

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        times, mean, low, high = (one.tolist() for one in self.band())
        return {
            "settings": self.settings,
            "quantities": [one.to_dict() for one in self.quantities],
            "operating_point": None
            if self.operating is None
            else dict(zip(("entropy", "tolerance", "work"), self.operating, strict=True)),
            "sweep": None if self.sweep is None else self.sweep.to_dict(),
            "path": {"unit": self.paths.unit, "band": 0.9, "times": times, "mean": mean, "low": low, "high": high},
            "notes": list(self.notes),
            "warnings": list(self.warnings),
        }


def student(
    values: Floats, *, level: float, unit: str, least: float | None = None, most: float | None = None
) -> Measured:
    """Return the mean over trials with Student's interval, cut to what the quantity can be."""
    n = values.size
    middle, spread = float(values.mean()), float(values.std(ddof=1))
    if n < 2:
        return Insufficient("one trial has no spread")
    reach = student_reach(level, n - 1) * spread / float(np.sqrt(n))
    low = middle - reach if least is None else max(middle - reach, least)
    high = middle + reach if most is None else min(middle + reach, most)
    return Estimate(middle, low, high, level, n, unit, f"Student, {n} trials", "trials")
