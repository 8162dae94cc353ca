"""Recordings from files: arrays, tables with one row a step, spikes as sparse events, flips of single spins."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from secondlaw.errors import InvalidInput, NotEnoughData, SourceError
from secondlaw.trajectories.containers import Trajectories
from secondlaw.trajectories.flips import Flips
from secondlaw.trajectories.reading.array_files import ARRAY_SUFFIXES, read_arrays
from secondlaw.trajectories.reading.columns import ColumnRoles, Gaps, cut_at_gaps, trajectories_of_columns
from secondlaw.trajectories.reading.jump_tables import jumps_of_columns
from secondlaw.trajectories.reading.named_axes import read_named_axes
from secondlaw.trajectories.reading.recordings import Recording
from secondlaw.trajectories.reading.spike_events import spike_trains
from secondlaw.trajectories.reading.table_files import read_table

__all__ = ["read_recording", "read_trajectories"]

Arrays = dict[str, NDArray[np.generic]]

TABLE_SUFFIXES = (".csv", ".tsv", ".parquet", ".jsonl", ".ndjson", ".gz", ".zst")
TIMES = ("time", "times", "t", "bin", "bins")
NEURONS = ("neuron", "neurons", "unit", "units", "id")


def read_trajectories(
    path: str | Path, *, key: str | None = None, group: str | None = None, dt: float | None = None
) -> Trajectories:
    """Read trajectories from a file; :func:`read_recording` says more of what it holds.

    Parameters
    ----------
    path : str or Path
    key : str, optional
    group : str, optional
    dt : float, optional
        As in :func:`read_recording`.

    Raises
    ------
    SourceError, FileFormatError, InvalidInput
        As :func:`read_recording`.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     np.savez(Path(folder) / "x.npz", x=np.zeros((3, 10, 2)))
    ...     len(read_trajectories(Path(folder) / "x.npz"))
    3
    """
    return read_recording(path, key=key, group=group, dt=dt).trajectories


def read_recording(
    path: str | Path,
    *,
    key: str | None = None,
    variables: Sequence[str] = (),
    group: str | None = None,
    time: str | None = None,
    dt: float | None = None,
    bin_width: float | None = None,
    jumps: bool = False,
    gaps: Gaps = "refuse",
) -> Recording:
    """Read what a file holds.

    Parameters
    ----------
    path : str or Path
        ``.npy``: an array (trajectory, time, variable), (time, variable) or (time,). ``.npz``, HDF5 (``.h5``), zarr:
        one such array, or several (time, variable) of one trajectory each; or the arrays `spins` and `flipped` of
        single-spin flips; or `packed` and `shape`, a binary raster (variable, time) with its bits packed along time.
        Tables (CSV, Parquet, JSON lines, also compressed): one row a step. netCDF, and zarr that xarray has written:
        axes of time and trajectory by their names.
    key : str, optional
        The array to take, where there are several.
    variables : sequence of str
        Columns of a table with the variables; by default all but those of group and time. A single column of text, or
        of few whole numbers, is a state.
    group, time : str, optional
        Columns that name the trajectory and the time of a row; or axes with names.
    dt : float, optional
        Time between steps; found from the column of time if None.
    bin_width : float, optional
        The file holds spikes, as events (time, neuron): columns or arrays of these names, or an array (event, 2).
    jumps : bool
        The file holds jumps in continuous time: columns or arrays of the times at which states are entered, and of the
        states.
    gaps : {"refuse", "cut"}
        What is done where values or steps are missing.

    Raises
    ------
    SourceError
        If the file cannot be opened.
    FileFormatError
        If it is not what its name says.
    InvalidInput
        If it holds no trajectories, or the package for its format is not installed.
    NotEnoughData
        If values are missing and gaps are refused.
    """
    path = Path(path)
    if path.suffix.lower() not in (*ARRAY_SUFFIXES, *TABLE_SUFFIXES):
        known = ", ".join((*ARRAY_SUFFIXES, *TABLE_SUFFIXES))
        raise InvalidInput(f"{path.name} is none of {known}: convert it, or pass an array from Python")
    if not path.exists():
        raise SourceError(f"{path} cannot be opened: there is no file of this name")
    roles = ColumnRoles(variables, group, time, dt, gaps)
    if jumps and (bin_width is not None or dt is not None):
        raise InvalidInput("jumps in continuous time have neither bins nor steps: leave out the bin width and dt")
    try:
        if jumps:
            return _jumps(path, variables, key, time=time, group=group)
        named = read_named_axes(path, roles, key=key) if bin_width is None else None
        if named is not None:
            return named
        if path.suffix.lower() in ARRAY_SUFFIXES:
            if variables or group or time:
                raise InvalidInput(f"{path.name} holds arrays without columns: group, time and columns are for tables")
            return _of_arrays(read_arrays(path, key=key), path.name, dt=dt, bin_width=bin_width, gaps=gaps)
        columns = read_table(path, [*variables, *filter(None, (group, time))] if variables else None)
    except OSError as error:
        raise SourceError(f"{path} cannot be opened: {error.strerror or error}") from error
    if bin_width is not None:
        neuron = variables[0] if variables else None
        return _events(columns, path.name, bin_width, dt, time=time, neuron=neuron, group=group)
    data, states, notes = trajectories_of_columns(columns, roles, source=path.name)
    return Recording.of(data, states=states, notes=notes)


def _jumps(path: Path, variables: Sequence[str], key: str | None, *, time: str | None, group: str | None) -> Recording:
    arrays = path.suffix.lower() in ARRAY_SUFFIXES
    columns = read_arrays(path, key=key) if arrays else read_table(path)
    if {one.shape for one in columns.values()} != {next(iter(columns.values())).shape[:1]}:
        raise InvalidInput(f"{path.name}: jumps need arrays of one length, of times and of states")
    state = variables[0] if variables else None
    return jumps_of_columns(columns, source=path.name, time=time, state=state, group=group)


def _of_arrays(found: Arrays, name: str, *, dt: float | None, bin_width: float | None, gaps: Gaps) -> Recording:
    if bin_width is not None:
        alone = next(iter(found.values()))
        if len(found) == 1 and alone.ndim == 2 and alone.shape[1] == 2:
            found = {"time": alone[:, 0], "neuron": alone[:, 1]}
        return _events(found, name, bin_width, dt)
    if {"spins", "flipped"} <= found.keys():
        couplings = np.asarray(found["couplings"], dtype=np.float64) if "couplings" in found else None
        return Recording(Flips.of(found["spins"], found["flipped"]), "flips", couplings=couplings)
    if {"packed", "shape"} <= found.keys():
        rows, steps = (int(one) for one in found["shape"])
        raster = np.unpackbits(found["packed"].astype(np.uint8), axis=1)[:rows, :steps].T
        return Recording.of(Trajectories.of(raster.astype(np.float64), dt=dt))
    if not found:
        raise NotEnoughData(f"{name} holds no array")
    arrays = list(found.values())
    if any(array.ndim not in ((1, 2, 3) if len(arrays) == 1 else (1, 2)) for array in arrays):
        shapes = ", ".join(f"{key} {array.shape}".strip() for key, array in list(found.items())[:10])
        raise InvalidInput(
            f"{name} holds {shapes}: one array (trajectory, time, variable) or several (time, variable) are needed; "
            "name one with key"
        )
    if all(array.ndim == 1 for array in arrays) and arrays[0].dtype.kind in "UST":
        text = {"state": np.concatenate(arrays), "run": np.repeat(np.arange(len(arrays)), [len(a) for a in arrays])}
        data, states, notes = trajectories_of_columns(text, ColumnRoles(group="run", dt=dt, gaps=gaps), source=name)
        return Recording.of(data, states=states, notes=notes)
    series = [one for array in arrays for one in (array if array.ndim == 3 else [array])]
    numbers = [_numbers(one, name) for one in series]
    kept, holes = cut_at_gaps(numbers, gaps=gaps, source=name)
    notes = (f"{holes} steps without a value were left out: trajectories are cut there",) if holes else ()
    return Recording.of(Trajectories.of(kept, dt=dt), notes=notes)


def _numbers(values: NDArray[np.generic], name: str) -> NDArray[np.float64]:
    if values.dtype.kind not in "biuf":
        raise InvalidInput(f"{name} must hold numbers, got {values.dtype}")
    array = values.astype(np.float64)
    return array[:, None] if array.ndim == 1 else array


def _events(
    columns: Arrays,
    name: str,
    width: float,
    dt: float | None,
    *,
    time: str | None = None,
    neuron: str | None = None,
    group: str | None = None,
) -> Recording:
    when = _named(columns, time, TIMES, name, "times")
    who = _named(columns, neuron, NEURONS, name, "neurons")
    if when.dtype.kind not in "iuf":
        raise InvalidInput(f"{name}: the times of spikes must be numbers, got {when[0]!r}")
    if group is not None and group not in columns:
        raise InvalidInput(f"{name} has no column {group!r}, but {', '.join(columns)}")
    train = spike_trains(when, who, width=width, groups=None if group is None else columns[group], dt=dt)
    notes = (f"{train.merged} spikes share a bin with another of the same neuron and count once",) * bool(train.merged)
    return replace(Recording.of(train.data), spikes_per_step=train.spikes_per_bin, notes=notes)


def _named(columns: Arrays, asked: str | None, usual: Sequence[str], name: str, what: str) -> NDArray[np.generic]:
    chosen = [asked] if asked is not None else [one for one in columns if one.lower() in usual][:1]
    if not chosen or chosen[0] not in columns:
        raise InvalidInput(
            f"{name} names no {what}: it holds {', '.join(columns) or 'nothing'}; a bin width reads spikes as events "
            f"with a column such as {usual[0]!r}"
        )
    return columns[chosen[0]]
