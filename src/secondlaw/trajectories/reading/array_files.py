"""Arrays in files: ``.npy``, ``.npz``, HDF5 (h5py), zarr and netCDF (xarray), the last three where installed."""

import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from secondlaw.errors import FileFormatError, InvalidInput
from secondlaw.trajectories.reading.installed import required

__all__ = ["ARRAY_SUFFIXES", "ZARR", "open_dataset", "read_arrays"]

Arrays = dict[str, NDArray[np.generic]]

HDF5, ZARR = (".h5", ".hdf5", ".hdf"), ".zarr"


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
        others = "one without a name: leave key out" if "" in found else ", ".join(list(found)[:20]) or "none"
        raise InvalidInput(f"{path.name} holds no array {key!r}, but {others}")
    return {key: found[key]}


def _npy(path: Path) -> Arrays:
    try:
        return {"": np.load(path, allow_pickle=False)}
    except (ValueError, EOFError) as error:
        said = "it holds Python objects: save numbers" if "pickle" in str(error) else error
        raise FileFormatError(f"{path.name} is no array of NumPy: {said}") from error


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
    members = sorted(opened.members(max_depth=None), key=lambda pair: pair[0])
    return {name: np.asarray(item[...]) for name, item in members if isinstance(item, zarr.Array)}


def _netcdf(path: Path) -> Arrays:
    with open_dataset(path) as opened:
        return {str(name): np.asarray(item.values) for name, item in opened.data_vars.items()}


def open_dataset(path: Path) -> Any:  # noqa: ANN401 - an xarray.Dataset
    """Open a file whose arrays have named axes: netCDF, or a zarr store that xarray has written.

    Raises
    ------
    FileFormatError
        If xarray cannot read it.
    InvalidInput
        If xarray is not installed.
    """
    xarray = required(
        "xarray", f"{path.name} has named axes, which", remedy="pip install xarray and an engine such as h5netcdf"
    )
    try:
        return xarray.open_zarr(path, consolidated=False) if path.suffix.lower() == ZARR else xarray.open_dataset(path)
    except Exception as error:  # engines raise errors of many kinds
        raise FileFormatError(f"{path.name} is no file that xarray reads: {error}") from error


ARRAY_SUFFIXES: dict[str, Callable[[Path], Arrays]] = {
    ".npy": _npy, ".npz": _npz, ZARR: _zarr, ".nc": _netcdf, **dict.fromkeys(HDF5, _hdf5),
}  # fmt: skip
"""How a file of each suffix is read."""
