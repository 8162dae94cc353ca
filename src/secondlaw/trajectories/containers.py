"""Trajectories and the transitions that they hold, with the groups that were sampled independently."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from secondlaw.errors import InvalidInput, NotEnoughData
from secondlaw.trajectories.plain_numbers import as_columns, require_numbers

__all__ = ["Trajectories", "Transitions"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Transitions:
    """Pairs of states, one lag apart.

    Parameters
    ----------
    x0, x1 : ndarray of float64, shape (n, dim)
        State before and after.
    groups : ndarray of int64, shape (n,)
        The trajectory of each pair; pairs of one group stand together and in order of time.
    variables : tuple of str
        Names of the `dim` variables.
    dt : float or None
        Time between `x0` and `x1`; None where only steps are known.
    lag : int
        Steps between `x0` and `x1`.

    Examples
    --------
    >>> pairs = Trajectories.of([[0.0, 1.0, 0.0, 2.0]]).transitions()
    >>> pairs.x0[:, 0], pairs.x1[:, 0]
    (array([0., 1., 0.]), array([1., 0., 2.]))
    """

    x0: Floats
    x1: Floats
    groups: NDArray[np.int64]
    variables: tuple[str, ...]
    dt: float | None = None
    lag: int = 1

    def __post_init__(self) -> None:
        if self.x0.ndim != 2 or self.x0.shape != self.x1.shape or self.groups.shape != self.x0.shape[:1]:
            raise InvalidInput(
                f"transitions need x0 and x1 of one shape (n, dim) and n groups, got {self.x0.shape}, {self.x1.shape} "
                f"and {self.groups.shape}"
            )
        if len(self.variables) != self.x0.shape[1]:
            raise InvalidInput(f"{self.x0.shape[1]} variables need as many names, got {len(self.variables)}")
        for name, values in (("x0", self.x0), ("x1", self.x1)):
            require_numbers(values, name)
        _require_time(self.dt)

    def __len__(self) -> int:
        return len(self.x0)

    @classmethod
    def of(
        cls,
        x0: ArrayLike,
        x1: ArrayLike,
        *,
        groups: ArrayLike | None = None,
        variables: Sequence[str] = (),
        dt: float | None = None,
    ) -> "Transitions":
        """Make transitions from arrays; without `groups` every pair is its own group (independent pairs).

        Parameters
        ----------
        x0, x1 : array_like, shape (n, dim) or (n,)
        groups : array_like, optional, shape (n,)
            Any keys; pairs of one group are brought together in their order.
        variables : sequence of str
        dt : float, optional

        Raises
        ------
        InvalidInput
            If shapes do not agree or a value is not finite.
        """
        first, second = as_columns(x0, "x0"), as_columns(x1, "x1")
        keys = np.arange(len(first)) if groups is None else np.unique(np.asarray(groups), return_inverse=True)[1]
        if keys.shape != first.shape[:1] or first.shape != second.shape:
            raise InvalidInput(
                f"transitions need x0, x1 and groups of one length, got {first.shape}, {second.shape}, {keys.shape}"
            )
        order = np.argsort(keys, kind="stable")
        names = tuple(variables) or _names(first.shape[1])
        return cls(first[order], second[order], keys[order].astype(np.int64), names, dt)


@dataclass(frozen=True, slots=True)
class Trajectories:
    """One or more trajectories of the same variables, of equal or unequal lengths.

    Parameters
    ----------
    series : tuple of ndarray of float64, shape (steps, dim)
        Each was sampled independently of the others and is one group.
    variables : tuple of str
    dt : float or None
        Time between steps; rates per unit of time need it.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> data = Trajectories.of(rng.normal(size=(5, 100, 2)), dt=0.1)
    >>> len(data), data.dim, len(data.transitions(lag=2))
    (5, 2, 490)
    """

    series: tuple[Floats, ...]
    variables: tuple[str, ...]
    dt: float | None = None

    def __post_init__(self) -> None:
        if not self.series:
            raise NotEnoughData("no trajectory was given: pass an array (trajectory, time, variable) or a list")
        dim = self.series[0].shape[1]
        for number, values in enumerate(self.series):
            if values.shape[1] != dim:
                raise InvalidInput(
                    f"every trajectory needs the same variables: trajectory {number} has {values.shape[1]}, the first "
                    f"{dim}"
                )
            require_numbers(values, f"trajectory {number}")
        if len(self.variables) != dim:
            raise InvalidInput(f"{dim} variables need as many names, got {len(self.variables)}")
        _require_time(self.dt)

    def __len__(self) -> int:
        return len(self.series)

    @property
    def dim(self) -> int:
        """Number of variables."""
        return int(self.series[0].shape[1])

    @classmethod
    def of(
        cls, values: ArrayLike | Sequence[ArrayLike], *, variables: Sequence[str] = (), dt: float | None = None
    ) -> "Trajectories":
        """Make trajectories from an array or a list of arrays.

        Parameters
        ----------
        values : array_like
            Shape (trajectory, time, variable), (time, variable) for a single trajectory, or a list of arrays
            (time, variable) or (time,) of any lengths.
        variables : sequence of str
        dt : float, optional

        Raises
        ------
        InvalidInput
            If shapes do not fit or a value is not finite.
        NotEnoughData
            If there is no trajectory.
        """
        if isinstance(values, np.ndarray):
            if values.ndim not in (2, 3):
                raise InvalidInput(
                    f"an array of trajectories has the axes (trajectory, time, variable), or (time, variable) for one; "
                    f"got shape {values.shape}"
                )
            pieces: list[Any] = list(values) if values.ndim == 3 else [values]
        else:
            pieces = list(values)  # type: ignore[arg-type]
        series = tuple(as_columns(piece, f"trajectory {number}") for number, piece in enumerate(pieces))
        return cls(series, tuple(variables) or _names(series[0].shape[1] if series else 0), dt)

    @classmethod
    def from_xarray(
        cls,
        array: Any,  # noqa: ANN401 - an xarray.DataArray or xarray.Dataset
        *,
        time: str = "time",
        trajectory: str | None = None,
        dt: float | None = None,
        gaps: Literal["refuse", "cut"] = "refuse",
    ) -> "Trajectories":
        """Make trajectories from an array with named axes; see :func:`~secondlaw.trajectories.from_xarray`."""
        from secondlaw.trajectories.reading.conversion import from_xarray

        return from_xarray(array, time=time, trajectory=trajectory, dt=dt, gaps=gaps)

    @classmethod
    def from_dataframe(cls, frame: Any, **roles: Any) -> "Trajectories":  # noqa: ANN401
        """Make trajectories from a table; see :func:`~secondlaw.trajectories.from_dataframe`."""
        from secondlaw.trajectories.reading.conversion import from_dataframe

        return from_dataframe(frame, **roles)

    def transitions(self, lag: int = 1) -> Transitions:
        """Return the pairs (x(t), x(t + lag)) of every trajectory.

        Parameters
        ----------
        lag : int
            Steps between the two states, 1 or more.

        Raises
        ------
        NotEnoughData
            If no trajectory is longer than the lag.
        """
        if lag < 1:
            raise InvalidInput(f"a lag is one step or more, got {lag}")
        kept = [(number, values) for number, values in enumerate(self.series) if len(values) > lag]
        if not kept:
            longest = max(len(values) for values in self.series)
            raise NotEnoughData(f"the lag of {lag} steps is longer than the data: the longest trajectory has {longest}")
        return Transitions(
            np.concatenate([values[:-lag] for _, values in kept]),
            np.concatenate([values[lag:] for _, values in kept]),
            np.repeat([number for number, _ in kept], [len(values) - lag for _, values in kept]).astype(np.int64),
            self.variables,
            None if self.dt is None else self.dt * lag,
            lag,
        )


def _names(dim: int) -> tuple[str, ...]:
    return tuple(f"x{i}" for i in range(dim))


def _require_time(dt: float | None) -> None:
    if dt is not None and not (np.isfinite(dt) and dt > 0):
        raise InvalidInput(f"the time step dt must be positive, got {dt}")
