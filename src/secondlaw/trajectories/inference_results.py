"""What was inferred from a recording, as plain values for text, page and JSON."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from secondlaw.trajectories.asked import Asked
from secondlaw.trajectories.currents.result import CurrentProduction
from secondlaw.trajectories.diagnostics import Contribution
from secondlaw.trajectories.discrete.jump_records import JumpRecords
from secondlaw.trajectories.discrete.markov_plug_in import MarkovProduction
from secondlaw.trajectories.flips import Flips
from secondlaw.trajectories.process_checks import ProcessChecks
from secondlaw.trajectories.reading.recordings import Recording
from secondlaw.trajectories.results import EntropyProduction
from secondlaw.types import Estimate, Insufficient, Measured

__all__ = ["Inference", "PairPart", "Path", "Rung"]

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
class PairPart:
    """Two spins and how unequally they act on each other.

    Parameters
    ----------
    one, other : str
        Their names.
    onto_one, onto_other : float
        Fitted theta of the flips of `one` with the state of `other`, and the reverse; equal in equilibrium.
    estimate : Estimate
        What both add to the mean of ``theta . g`` over held-out flips.
    """

    one: str
    other: str
    onto_one: float
    onto_other: float
    estimate: Estimate

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {
            "one": self.one, "other": self.other, "onto_one": self.onto_one, "onto_other": self.onto_other,
            "part": self.estimate.to_dict(),
        }  # fmt: skip


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
    pairs : tuple of PairPart
        Of flips of single spins: the pairs that act on each other most unequally.
    checks : ProcessChecks or None
        Tests of stationarity and of memory.
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
    pairs: tuple[PairPart, ...] = ()
    checks: ProcessChecks | None = None
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def estimate(self) -> Estimate:
        """The held-out value."""
        return self.result.estimate

    @property
    def extrapolated(self) -> Measured | None:
        """Of currents: the value without its term of first order in dt; no bound."""
        return self.result.extrapolated if isinstance(self.result, CurrentProduction) else None

    @property
    def by_lag(self) -> tuple[tuple[float, Estimate], ...]:
        """Of currents: the value of the same field at dt, 2 dt, ..."""
        return self.result.by_lag if isinstance(self.result, CurrentProduction) else ()

    @property
    def in_memory(self) -> Measured | None:
        """Of a plug-in: what its values tend to as memory grows; no bound."""
        return self.result.in_memory if isinstance(self.result, MarkovProduction) else None

    @property
    def by_memory(self) -> tuple[tuple[int, Estimate], ...]:
        """Of a plug-in: its values at growing memory."""
        return self.result.by_memory if isinstance(self.result, MarkovProduction) else ()

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values; of more than 1,000 contributions the largest."""
        plain = self.result.to_dict()
        listed, left_out = plain["contributions"], 0
        if isinstance(listed, list) and len(listed) > MOST_LISTED:
            left_out = len(listed) - MOST_LISTED
            listed = sorted(listed, key=lambda one: -abs(one["value"]))[:MOST_LISTED]
        return {
            "source": self.source,
            "extrapolated": None,
            "by_lag": [],
            "in_memory": None,
            "by_memory": [],
            **plain,
            "warnings": list(self.warnings),
            "notes": list(self.notes),
            "estimator": {"name": self.estimator, "words": self.words, "reason": self.reason},
            "settings": {**self.asked.to_dict(), "seed": self.seed},
            "checks": None if self.checks is None else self.checks.to_dict(),
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
            "pairs": [one.to_dict() for one in self.pairs],
            "per_spike": None if self.per_spike is None else self.per_spike.to_dict(),
        }


def _data(recording: Recording) -> dict[str, Any]:
    data = recording.data
    if isinstance(data, Flips):
        states, spins = data.spins.shape
        return {"kind": "flips", "trajectories": None, "steps": states, "variables": spins, "dt": None, "states": None}
    if isinstance(data, JumpRecords):
        return {
            "kind": "jumps", "trajectories": len(data.states), "steps": data.jumps, "variables": 1, "dt": None,
            "states": list(recording.states),
        }  # fmt: skip
    return {
        "kind": recording.kind,
        "trajectories": len(data.series),
        "steps": sum(len(one) for one in data.series),
        "variables": data.dim,
        "dt": data.dt,
        "states": list(recording.states) or None,
    }
