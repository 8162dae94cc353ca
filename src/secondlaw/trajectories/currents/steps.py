"""Steps of trajectories at several lags, in standardised coordinates, in the order of their blocks."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from secondlaw.errors import InvalidInput, NotEnoughData
from secondlaw.trajectories.containers import Trajectories, Transitions
from secondlaw.trajectories.layout import FEWEST_BLOCKS, Layout, lay_out

__all__ = ["Coordinates", "LagRows", "Steps", "coordinates_of", "steps_of"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Coordinates:
    """How states are standardised: ``z = (x - centre) / scale``; variables that wrap around have a period.

    Parameters
    ----------
    centre, scale, period : ndarray, shape (dim,)
        The period is 0 for variables that do not wrap around; with one, the scale makes it 2 pi.
    first, last : float
        Times between which functions of time are defined.
    """

    centre: Floats
    scale: Floats
    period: Floats
    first: float
    last: float

    @property
    def dim(self) -> int:
        """Number of variables."""
        return len(self.centre)

    def into(self, x: Floats) -> Floats:
        """Return standardised states."""
        return np.asarray((x - self.centre) / self.scale)

    def features(self, z: Floats) -> Floats:
        """Return z where a variable does not wrap around, its cosine and sine where it does; shape (n, f)."""
        columns: list[Floats] = []
        for axis, period in enumerate(self.period):
            columns += [np.cos(z[:, axis]), np.sin(z[:, axis])] if period else [z[:, axis]]
        return np.stack(columns, axis=1)

    def chain(self, z: Floats, slopes: Floats) -> Floats:
        """Return derivatives by z, shape (n, K, dim), of functions with derivatives by the features."""
        columns, place = [], 0
        for axis, period in enumerate(self.period):
            if period:
                turned = np.cos(z[:, None, axis]) * slopes[:, :, place + 1]
                columns.append(turned - np.sin(z[:, None, axis]) * slopes[:, :, place])
            else:
                columns.append(slopes[:, :, place])
            place += 2 if period else 1
        return np.stack(columns, axis=2)

    def clock(self, times: Floats) -> Floats:
        """Return times from -1 to 1 over the recording."""
        return np.asarray(2.0 * (times - self.first) / max(self.last - self.first, 1e-300) - 1.0)


@dataclass(frozen=True, slots=True)
class LagRows:
    """The rows of one lag.

    Parameters
    ----------
    start, stop : ndarray of int64, shape (n,)
        Where the two states stand in :attr:`Steps.states`.
    block : ndarray of int64, shape (n,)
    counts : ndarray, shape (B,)
        Rows of each block.
    """

    start: Ints
    stop: Ints
    block: Ints
    counts: Floats


@dataclass(frozen=True, slots=True)
class Steps:
    """States of all trajectories and how they are cut.

    Parameters
    ----------
    states : ndarray, shape (N, dim)
        Standardised.
    times : ndarray, shape (N,)
    layout : Layout
        Of the rows of lag 1; its last column is the place of the first state.
    dt : float
    rows : dict
        By lag; those of lag 1 stand in the order of the layout.
    coordinates : Coordinates
    variables : tuple of str
    squares : dict
        By lag, the sums of :func:`~secondlaw.trajectories.currents.moments.increments`, as far as they were asked for.
    """

    states: Floats
    times: Floats
    layout: Layout
    dt: float
    rows: Mapping[int, LagRows]
    coordinates: Coordinates
    variables: tuple[str, ...]
    squares: dict[int, Floats] = field(default_factory=dict, repr=False)

    @property
    def dim(self) -> int:
        """Number of variables."""
        return int(self.states.shape[1])

    def fold_of_block(self) -> Ints:
        """Return the fold of each block, shape (B,)."""
        return np.repeat(np.arange(len(self.layout.folds) - 1), np.diff(self.layout.folds))

    def complete(self, lag: int) -> bool:
        """Whether every block has rows of this lag."""
        return lag in self.rows and bool((self.rows[lag].counts > 0).all())


def coordinates_of(data: Trajectories, periods: Mapping[str, float]) -> Coordinates:
    """Return the standardisation of `data`.

    Raises
    ------
    InvalidInput
        If a period is not positive or names no variable, or a variable never changes.
    """
    for name, length in periods.items():
        if name not in data.variables or not (np.isfinite(length) and length > 0.0):
            raise InvalidInput(
                f"a period must be positive and of one of {', '.join(data.variables)}, got {name!r}: {length}"
            )
    everything = np.concatenate(data.series)
    period = np.array([periods.get(name, 0.0) for name in data.variables])
    spread = everything.std(axis=0)
    still = [name for name, width in zip(data.variables, spread, strict=True) if width <= 0.0]
    if still:
        raise InvalidInput(f"{', '.join(still[:5])} never changes, so it has neither noise nor current: leave it out")
    centre = np.where(period > 0.0, 0.0, everything.mean(axis=0))
    scale = np.where(period > 0.0, period / (2.0 * np.pi), spread)
    longest = max(len(series) for series in data.series)
    return Coordinates(centre, scale, period, 0.0, (longest - 1) * float(data.dt or 1.0))


def steps_of(
    data: Trajectories, *, blocks: int, folds: int, lags: tuple[int, ...], coordinates: Coordinates, in_time: bool
) -> Steps:
    """Standardise and cut trajectories.

    Parameters
    ----------
    data : Trajectories
        With its dt.
    blocks, folds : int
    lags : tuple of int
        With 1 among them.
    coordinates : Coordinates
    in_time : bool
        Whether fields depend on time, so that every fold needs realisations of the whole protocol.

    Raises
    ------
    InvalidInput
        If dt is missing.
    NotEnoughData
        If steps are too few, or realisations too few for fields that depend on time.
    """
    if data.dt is None:
        raise InvalidInput("currents are rates and need the time between steps: pass dt")
    if in_time and len(data) < FEWEST_BLOCKS:
        raise NotEnoughData(
            f"fields that depend on time need {FEWEST_BLOCKS} or more realisations of the protocol, got {len(data)}"
        )
    z = [coordinates.into(series) for series in data.series]
    for axis in np.flatnonzero(coordinates.period):
        for series in z:
            series[:, axis] = np.unwrap(series[:, axis])
    lengths = np.array([len(series) for series in z])
    offsets = np.cumsum(lengths) - lengths
    states = np.concatenate(z)
    times = np.concatenate([np.arange(length) * data.dt for length in lengths])
    place = [first + np.arange(length) for first, length in zip(offsets, lengths, strict=True)]
    marked = Trajectories(
        tuple(np.column_stack([series, where]) for series, where in zip(z, place, strict=True)),
        (*data.variables, "place"),
        data.dt,
    )
    pairs: Transitions = marked.transitions()
    layout = lay_out(pairs, blocks=blocks, folds=folds)
    start = layout.x0[:, -1].astype(np.int64)
    block = np.repeat(np.arange(layout.blocks), np.diff(layout.starts))
    rows = {lag: _rows(start, block, lag, layout.blocks) for lag in lags}
    return Steps(states, times, layout, float(data.dt), rows, coordinates, data.variables)


def _rows(start: Ints, block: Ints, lag: int, blocks: int) -> LagRows:
    """Keep the rows whose next `lag` - 1 steps follow in the same trajectory and block."""
    n, more = len(start), lag - 1
    kept = np.arange(n - more) if n > more else np.empty(0, dtype=np.int64)
    if more:
        kept = kept[(start[kept + more] == start[kept] + more) & (block[kept + more] == block[kept])]
    counts = np.bincount(block[kept], minlength=blocks).astype(np.float64)
    return LagRows(start[kept], start[kept] + lag, block[kept], counts)
