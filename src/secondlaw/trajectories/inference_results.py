"""What was inferred from a recording, as plain values for text, page and JSON."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from secondlaw.trajectories.diagnostics import Contribution
from secondlaw.trajectories.flips import Flips
from secondlaw.trajectories.methods import Asked
from secondlaw.trajectories.reading.recordings import Recording
from secondlaw.trajectories.results import EntropyProduction
from secondlaw.types import Estimate, Insufficient

__all__ = ["Inference", "Path", "Rung"]

Floats = NDArray[np.float64]

MOST_LISTED = 1000
"""Contributions in the JSON output: the largest, whatever their sign."""


@dataclass(frozen=True, slots=True)
class Rung:
    """A fit with another setting.

    Parameters
    ----------
    at : int
        The order, or the lag.
    result : EntropyProduction
    gain : Estimate or None
        What it adds to the rung below, with a paired interval.
    """

    at: int
    result: EntropyProduction
    gain: Estimate | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {
            "at": self.at,
            **self.result.estimate.to_dict(),
            "train_value": self.result.train_value,
            "p_value": None if self.result.null is None else self.result.null.p_value,
            "gain": None if self.gain is None else self.gain.to_dict(),
        }


@dataclass(frozen=True, slots=True)
class Path:
    """Entropy production gathered along a trajectory.

    Parameters
    ----------
    trajectory : int
    times : ndarray, shape (points,)
        In steps, or in the unit of time.
    gathered : ndarray, shape (points,)
        In nats.
    """

    trajectory: int
    times: Floats
    gathered: Floats


@dataclass(frozen=True, slots=True)
class Inference:
    """Entropy production of a recording, and what belongs to it.

    Parameters
    ----------
    source : str
    recording : Recording
    estimator, words, reason : str
        The estimator, what it is, and why it was taken.
    asked : Asked
    seed : int
    result : EntropyProduction
    variables : tuple of Contribution or Insufficient
        The value divided among the variables.
    orders : tuple of Rung
        Nested sets of observables up to each order, where they were asked for.
    lags : tuple of Rung
    per_spike : Estimate or None
        Per spike, where the variables are neurons.
    paths : tuple of Path
    asymmetry : ndarray, shape (N, N), optional
        Fitted ``theta_ij - theta_ji``, where the estimator has couplings.
    notes, warnings : tuple of str
    """

    source: str
    recording: Recording
    estimator: str
    words: str
    reason: str
    asked: Asked
    seed: int
    result: EntropyProduction
    variables: tuple[Contribution, ...] | Insufficient
    orders: tuple[Rung, ...] = ()
    lags: tuple[Rung, ...] = ()
    per_spike: Estimate | None = None
    paths: tuple[Path, ...] = field(default=(), repr=False)
    asymmetry: Floats | None = field(default=None, repr=False)
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def estimate(self) -> Estimate:
        """The held-out value."""
        return self.result.estimate

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values; of more than 1,000 contributions the largest."""
        plain = self.result.to_dict()
        listed, left_out = plain["contributions"], 0
        if isinstance(listed, list) and len(listed) > MOST_LISTED:
            left_out = len(listed) - MOST_LISTED
            listed = sorted(listed, key=lambda one: -abs(one["value"]))[:MOST_LISTED]
        return {
            "source": self.source,
            **plain,
            "warnings": list(self.warnings),
            "notes": list(self.notes),
            "estimator": {"name": self.estimator, "words": self.words, "reason": self.reason},
            "settings": {
                "order": self.asked.order,
                "lag": self.asked.lag,
                "window": self.asked.window,
                "odd": list(self.asked.odd),
                "blocks": self.asked.blocks,
                "resamples": self.asked.resamples,
                "seed": self.seed,
            },
            "data": _data(self.recording),
            "contributions": listed,
            "contributions_left_out": left_out,
            "variables": (
                self.variables.to_dict()
                if isinstance(self.variables, Insufficient)
                else [{"name": one.name, **one.estimate.to_dict()} for one in self.variables]
            ),
            "orders": [one.to_dict() for one in self.orders],
            "lags": [one.to_dict() for one in self.lags],
            "per_spike": None if self.per_spike is None else self.per_spike.to_dict(),
        }


def _data(recording: Recording) -> dict[str, Any]:
    data = recording.data
    if isinstance(data, Flips):
        states, spins = data.spins.shape
        return {"kind": "flips", "trajectories": None, "steps": states, "variables": spins, "dt": None, "states": None}
    return {
        "kind": recording.kind,
        "trajectories": len(data.series),
        "steps": sum(len(one) for one in data.series),
        "variables": data.dim,
        "dt": data.dt,
        "states": list(recording.states) or None,
    }
