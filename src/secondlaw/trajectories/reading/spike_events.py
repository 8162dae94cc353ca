"""Spikes as sparse events (time, neuron), counted in bins: one binary variable a neuron."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from secondlaw.errors import InvalidInput, NotEnoughData
from secondlaw.trajectories.containers import Trajectories

__all__ = ["SpikeTrain", "spike_trains"]

Floats = NDArray[np.float64]

_MOST_CELLS = 1 << 28  # bins x neurons that are laid out at once: 2 GiB of numbers


@dataclass(frozen=True, slots=True)
class SpikeTrain:
    """Binned spikes.

    Parameters
    ----------
    data : Trajectories
        1 where a neuron fires in a bin, else 0; one trajectory a recording.
    spikes_per_bin : float
        Mean number of neurons that fire in a bin.
    merged : int
        Spikes that shared a bin with another of the same neuron, and are counted once.
    """

    data: Trajectories
    spikes_per_bin: float
    merged: int


def spike_trains(
    times: ArrayLike,
    neurons: ArrayLike,
    *,
    width: float,
    groups: ArrayLike | None = None,
    start: float | None = None,
    stop: float | None = None,
    dt: float | None = None,
) -> SpikeTrain:
    """Count spikes in bins.

    Parameters
    ----------
    times : array_like, shape (events,)
        In any unit, or numbers of bins (with a `width` of 1).
    neurons : array_like, shape (events,)
        Number or name of the neuron of each event.
    width : float
        Width of a bin, in the unit of `times`.
    groups : array_like, shape (events,), optional
        Recording of each event; each is one trajectory from its first to its last spike.
    start, stop : float, optional
        Where the recording begins and ends; by default with its first and its last spike.
    dt : float, optional
        Width of a bin in the unit of the rates that are wanted; without it values are per bin.

    Raises
    ------
    InvalidInput
        If shapes differ, times are not finite or the width is not positive.
    NotEnoughData
        If there is no event.

    Examples
    --------
    >>> train = spike_trains([0.01, 0.03, 0.031, 0.09], [0, 1, 1, 0], width=0.02, start=0.0)
    >>> train.data.series[0].T.tolist(), train.merged
    ([[1.0, 0.0, 0.0, 0.0, 1.0], [0.0, 1.0, 0.0, 0.0, 0.0]], 1)
    """
    clock, names = np.asarray(times, dtype=np.float64), np.asarray(neurons)
    keys = np.zeros(len(clock), dtype=np.int64) if groups is None else np.asarray(groups)
    if clock.ndim != 1 or names.shape != clock.shape or keys.shape != clock.shape:
        raise InvalidInput(f"events need times and neurons of one length, got {clock.shape} and {names.shape}")
    if not width > 0.0:
        raise InvalidInput(f"the width of a bin is positive, got {width}")
    if not np.isfinite(clock).all():
        raise InvalidInput(f"{int((~np.isfinite(clock)).sum())} events have no finite time: leave them out")
    inside = np.ones(len(clock), dtype=np.bool_)
    inside &= clock >= (-np.inf if start is None else start)
    inside &= clock < (np.inf if stop is None else stop)
    clock, names, keys = clock[inside], names[inside], keys[inside]
    if not len(clock):
        raise NotEnoughData("there is no spike between start and stop: check their unit")
    labels, columns = np.unique(names, return_inverse=True)
    series, merged, fired = [], 0, 0
    for key in dict.fromkeys(keys.tolist()):
        rows = keys == key
        raster, again = _raster(clock[rows], columns[rows], len(labels), width, start, stop)
        series.append(raster)
        merged += again
        fired += int(rows.sum()) - again
    data = Trajectories.of(series, variables=[_label(label) for label in labels.tolist()], dt=dt)
    return SpikeTrain(data, fired / sum(map(len, series)), merged)


def _label(label: object) -> str:
    """Return a neuron's name: its own, or n and its number."""
    if isinstance(label, float) and label.is_integer():
        return f"n{label:.0f}"
    return label if isinstance(label, str) else f"n{label}"


def _raster(
    times: Floats, columns: NDArray[np.int64], neurons: int, width: float, start: float | None, stop: float | None
) -> tuple[Floats, int]:
    first = float(times.min()) if start is None else start
    # A time that is a multiple of the width lies on an edge: rounding must not put it into the bin below.
    bins = np.floor((times - first) / width + 1e-9).astype(np.int64)
    count = int(bins.max()) + 1 if stop is None else max(int(np.ceil((stop - first) / width - 1e-9)), 1)
    bins = np.minimum(bins, count - 1)
    if count * neurons > _MOST_CELLS:
        raise InvalidInput(
            f"{count} bins of {neurons} neurons are more than {_MOST_CELLS}: take wider bins or fewer neurons"
        )
    raster = np.zeros((count, neurons))
    raster[bins, columns] = 1.0
    return raster, len(times) - int(raster.sum())
