"""What a caller asks of estimators by name: settings in plain values, and which estimator reads which of them."""

from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from typing import Any, Literal

from secondlaw.errors import InvalidInput
from secondlaw.statistics import LEVEL
from secondlaw.statistics.resampling import RESAMPLES

__all__ = ["Asked", "FieldAsked", "refuse_unread"]

BasisName = Literal["linear", "polynomial", "radial", "network"]


@dataclass(frozen=True, slots=True)
class FieldAsked:
    """What is asked of the field of currents; see :class:`~secondlaw.trajectories.Currents`.

    Parameters
    ----------
    basis : {"linear", "polynomial", "radial", "network"}
    degree : int
        Of polynomials.
    bumps : int
        Of radial functions.
    diffusion : {"constant", "state"}
        Whether the noise depends on the state.
    time_degree : int, optional
        For protocols: of polynomials of time.
    stencil : {1, 2}
        2 cancels the terms of first order in dt.
    measurement_noise : bool
    periods : tuple of (str, float)
        Variables that wrap around, and their periods.
    """

    basis: BasisName = "linear"
    degree: int = 3
    bumps: int = 40
    diffusion: Literal["constant", "state"] = "constant"
    time_degree: int | None = None
    stencil: Literal[1, 2] = 1
    measurement_noise: bool = False
    periods: tuple[tuple[str, float], ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {one.name: getattr(self, one.name) for one in fields(self)} | {"periods": dict(self.periods)}


@dataclass(frozen=True, slots=True)
class Asked:
    """What the caller wants of an estimator.

    Parameters
    ----------
    order : {1, 2, 3}
        Of the observables.
    lag : int
        Steps between the states of a transition, or of a window.
    window : int
        States of a window; 2 are transitions.
    odd : tuple of str
        Variables that change sign under time reversal.
    penalty : {"ridge", "l1"}
        What holds the parameters of observables back.
    memory : int, optional
        Steps of memory of a plug-in; chosen on held-out likelihood if None.
    field : FieldAsked
        Of currents.
    edges : tuple of (str, str)
        Transitions between states that are visible, for waiting times; all if empty.
    bins : int
        Of waiting times.
    device : str, optional
        Of torch, for flips and for the network of a field.
    level : float
    resamples : int
    blocks : int
        Stretches into which few trajectories are cut.
    """

    order: int = 2
    lag: int = 1
    window: int = 2
    odd: tuple[str, ...] = ()
    penalty: Literal["ridge", "l1"] = "ridge"
    memory: int | None = 1
    field: FieldAsked = field(default_factory=FieldAsked)
    edges: tuple[tuple[str, str], ...] = ()
    bins: int = 6
    device: str | None = None
    level: float = LEVEL
    resamples: int = RESAMPLES
    blocks: int = 100

    @property
    def common(self) -> dict[str, Any]:
        """The settings that every estimator knows."""
        return {"level": self.level, "resamples": self.resamples, "blocks": self.blocks}

    @property
    def changed(self) -> tuple[str, ...]:
        """Names of the settings, beside the common ones, that are not the usual ones."""
        usual, kept = Asked(), self.common
        return tuple(
            one.name
            for one in fields(self)
            if one.name not in kept and getattr(self, one.name) != getattr(usual, one.name)
        )

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {
            "order": self.order,
            "lag": self.lag,
            "window": self.window,
            "odd": list(self.odd),
            "penalty": self.penalty,
            "memory": "auto" if self.memory is None else self.memory,
            "field": self.field.to_dict(),
            "edges": [list(one) for one in self.edges],
            "bins": self.bins,
            "device": self.device,
            "blocks": self.blocks,
            "resamples": self.resamples,
        }


def refuse_unread(asked: Asked, name: str, reads: Sequence[str], readers: dict[str, list[str]]) -> None:
    """Refuse settings that an estimator does not read.

    Parameters
    ----------
    asked : Asked
    name : str
        Of the estimator.
    reads : sequence of str
    readers : dict of str to list of str
        The estimators that read each setting.

    Raises
    ------
    InvalidInput
        If a setting was changed that the estimator does not read.
    """
    for setting in asked.changed:
        if setting not in reads:
            others = " or ".join(readers[setting])
            remedy = f", or take {others}" if others else "; no estimator of such data does"
            raise InvalidInput(f"the estimator {name} does not read {WORDS[setting]}: leave it out{remedy}")


WORDS = {
    "order": "an order of observables", "lag": "a lag other than 1", "window": "windows", "odd": "odd variables",
    "penalty": "a penalty on parameters",
    "memory": "a memory", "field": "settings of a field (basis, degree, diffusion, stencil, time, periods)",
    "edges": "visible transitions", "bins": "bins of waiting times",
    "device": "a device",
}  # fmt: skip
"""The settings in words."""
