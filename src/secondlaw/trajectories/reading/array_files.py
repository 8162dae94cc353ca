"""Arrays in files: ``.npy``, ``.npz``, HDF5 (h5py), zarr and netCDF (xarray), the last three where installed."""

import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from secondlaw.errors import FileFormatError, InvalidInput, SecondLawError
from secondlaw.trajectories.reading.installed import required

__all__ = ["ARRAY_SUFFIXES", "read_arrays"]

Arrays = dict[str, NDArray[np.generic]]

HDF5 = (".h5", ".hdf5", ".hdf")


def read_arrays(path: Path, *, key: str | None = None) -> Arrays:
    """Read the arrays of a file by name.

    Parameters
    ----------
    path : Path
    key : str, optional
        The array to take, in HDF5 and zarr with its path inside the file.

    Returns
    -------
    dict of str to ndarray
        All arrays, in the order of the file, or that of `key` alone; a ``.npy`` has one, named "".

    Raises
    ------
    FileFormatError
        If the file is not what its name says.
    InvalidInput
        If there is no array `key`, or the package that reads the format is not installed.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     np.savez(Path(folder) / "x.npz", a=np.zeros((3, 2)), b=np.zeros(4))
    ...     {name: array.shape for name, array in read_arrays(Path(folder) / "x.npz").items()}
    {'a': (3, 2), 'b': (4,)}
    """
    found = ARRAY_SUFFIXES[path.suffix.lower()](path)
    if key is None:
        return found
    if key not in found:
        raise InvalidInput(f"{path.name} holds no array {key!r}, but {', '.join(list(found)[:20]) or 'none'}")
    return {key: found[key]}


def _npy(path: Path) -> Arrays:
    try:
        return {"": np.load(path, allow_pickle=False)}
    except (ValueError, EOFError) as error:
        raise FileFormatError(f"{path.name} is no array of NumPy: {error}") from error


def _npz(path: Path) -> Arrays:
    try:
        with np.load(path, allow_pickle=False) as file:
            return {name: file[name] for name in file}
    except (zipfile.BadZipFile, ValueError, EOFError, TypeError) as error:
        raise FileFormatError(f"{path.name} is no .npz file of NumPy: {error}") from error


def _hdf5(path: Path) -> Arrays:
    h5py = required("h5py", f"{path.name} is HDF5, which", remedy="pip install 'secondlaw[hdf5]'")
    found: Arrays = {}

    def take(name: str, item: Any) -> None:  # noqa: ANN401 - a group or a dataset
        if isinstance(item, h5py.Dataset):
            values = item[()]
            found[name] = values.astype(str) if values.dtype.kind in "OS" else values

    try:
        with h5py.File(path, "r") as file:
            file.visititems(take)
    except OSError as error:
        raise FileFormatError(f"{path.name} is no sound HDF5 file: {error}") from error
    return found


def _zarr(path: Path) -> Arrays:
    zarr = required("zarr", f"{path.name} is zarr, which", remedy="pip install zarr")
    try:
        opened = zarr.open(str(path), mode="r")
    except Exception as error:  # zarr raises errors of many kinds, some of its own
        raise FileFormatError(f"{path.name} is no zarr store: {error}") from error
    if isinstance(opened, zarr.Array):
        return {"": np.asarray(opened[...])}
    return {name: np.asarray(item[...]) for name, item in sorted(opened.arrays())}


def _netcdf(path: Path) -> Arrays:
    xarray = required(
        "xarray", f"{path.name} is netCDF, which", remedy="pip install xarray and an engine such as h5netcdf"
    )
    try:
        with xarray.open_dataset(path) as opened:
            return {str(name): np.asarray(item.values) for name, item in opened.data_vars.items()}
    except SecondLawError:
        raise
    except Exception as error:  # engines raise errors of many kinds
        raise FileFormatError(f"{path.name} is no netCDF file that xarray reads: {error}") from error


ARRAY_SUFFIXES: dict[str, Callable[[Path], Arrays]] = {
    ".npy": _npy, ".npz": _npz, ".zarr": _zarr, ".nc": _netcdf, **dict.fromkeys(HDF5, _hdf5),
}  # fmt: skip
"""How a file of each suffix is read."""
