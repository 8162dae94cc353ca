"""Trajectories from files: NumPy arrays (.npy, .npz) and tables (.csv) with one row a step."""

import csv
import zipfile
from pathlib import Path

import numpy as np

from secondlaw.errors import FileFormatError, InvalidInput, SourceError
from secondlaw.trajectories.containers import Trajectories

__all__ = ["read_trajectories"]


def read_trajectories(
    path: str | Path, *, key: str | None = None, group: str | None = None, dt: float | None = None
) -> Trajectories:
    """Read trajectories from a file.

    Parameters
    ----------
    path : str or Path
        ``.npy``: an array (trajectory, time, variable) or (time, variable). ``.npz``: one such array, or several arrays
        (time, variable), each one trajectory, in the order of their names. ``.csv``: a header, then one row a step.
    key : str, optional
        The array of an ``.npz`` to take; needed where its arrays are not all trajectories of the same variables.
    group : str, optional
        The column of a ``.csv`` that names the trajectory; without it, the file is one trajectory.
    dt : float, optional
        Time between steps.

    Raises
    ------
    SourceError
        If the file cannot be opened.
    FileFormatError
        If it cannot be read as what its name says.
    InvalidInput
        If the arrays do not have the axes above.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     np.savez(Path(folder) / "x.npz", x=np.zeros((3, 10, 2)))
    ...     len(read_trajectories(Path(folder) / "x.npz"))
    3
    """
    path = Path(path)
    readers = {".npy": _npy, ".npz": _npz, ".csv": _csv}
    if path.suffix not in readers:
        raise InvalidInput(f"{path.name} is none of {', '.join(readers)}: convert it, or pass an array")
    try:
        return readers[path.suffix](path, key, group, dt)
    except OSError as error:
        raise SourceError(f"{path} cannot be opened: {error.strerror or error}") from error


def _npy(path: Path, key: str | None, group: str | None, dt: float | None) -> Trajectories:
    try:
        return Trajectories.of(np.load(path, allow_pickle=False), dt=dt)
    except (ValueError, EOFError) as error:
        if isinstance(error, InvalidInput):
            raise
        raise FileFormatError(f"{path.name} is no array of NumPy: {error}") from error


def _npz(path: Path, key: str | None, group: str | None, dt: float | None) -> Trajectories:
    try:
        with np.load(path, allow_pickle=False) as file:
            names = list(file)
            if key is not None and key not in names:
                raise InvalidInput(f"{path.name} holds no array {key!r}, but {', '.join(names)}")
            arrays = [file[name] for name in ([key] if key is not None else names)]
    except (zipfile.BadZipFile, ValueError, EOFError) as error:
        if isinstance(error, InvalidInput):
            raise
        raise FileFormatError(f"{path.name} is no .npz file of NumPy: {error}") from error
    if len(arrays) == 1:
        return Trajectories.of(arrays[0], dt=dt)
    if any(array.ndim != 2 for array in arrays):
        shapes = ", ".join(f"{name} {array.shape}" for name, array in zip(names, arrays, strict=True))
        raise InvalidInput(f"{path.name} holds arrays that are not all (time, variable): {shapes}; name one with key=")
    return Trajectories.of(arrays, dt=dt)


def _csv(path: Path, key: str | None, group: str | None, dt: float | None) -> Trajectories:
    with path.open(newline="", encoding="utf-8-sig") as file:
        rows = csv.reader(file)
        header = next(rows, [])
        if group is not None and group not in header:
            raise InvalidInput(f"{path.name} has no column {group!r}, but {', '.join(header)}")
        where = header.index(group) if group is not None else None
        series: dict[str, list[list[float]]] = {}
        for row in rows:
            if not row:
                continue
            name = row.pop(where) if where is not None and where < len(row) else ""
            try:
                series.setdefault(name, []).append([float(cell) for cell in row])
            except ValueError as error:
                raise FileFormatError(f"{path.name}, line {rows.line_num}: {error}; every cell is a number") from error
            if len(row) != len(header) - (where is not None):
                raise FileFormatError(f"{path.name}, line {rows.line_num}: {len(row)} cells under {len(header)} names")
    names = [name for number, name in enumerate(header) if number != where]
    return Trajectories.of(list(series.values()), variables=names, dt=dt)
