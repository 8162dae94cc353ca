"""Files whose arrays have named axes: netCDF, and zarr stores that xarray has written."""

import importlib.util
from pathlib import Path
from typing import Any

from secondlaw.errors import InvalidInput
from secondlaw.trajectories.reading.array_files import ZARR, open_dataset
from secondlaw.trajectories.reading.columns import CLOCKS, RUNS, ColumnRoles
from secondlaw.trajectories.reading.conversion import trajectories_of_axes
from secondlaw.trajectories.reading.recordings import Recording

__all__ = ["read_named_axes"]

SUFFIXES = (".nc", ZARR)


def read_named_axes(path: Path, roles: ColumnRoles, *, key: str | None = None) -> Recording | None:
    """Read trajectories by the names of axes, None where a file has no axis of time or none with a name.

    The axis of time, and that of trajectories, are those that `roles` name, else those with a usual name such as
    ``time`` and ``run``; all others are variables.

    Parameters
    ----------
    path : Path
    roles : ColumnRoles
        `group` and `time` are axes, `variables` are arrays.
    key : str, optional
        The array to take.

    Raises
    ------
    InvalidInput
        If an array or axis that was named is missing.
    NotEnoughData
        If values are missing and gaps are refused.
    """
    if path.suffix.lower() not in SUFFIXES or (path.suffix.lower() == ZARR and not _has_names(path)):
        return None
    with open_dataset(path) as found:
        axes = [str(axis) for axis in found.dims]
        time = roles.time or _usual(axes, CLOCKS)
        if time is None:
            return None
        wanted = [key] if key is not None else list(roles.variables)
        held = sorted(map(str, found.data_vars))  # engines do not keep the order of a file
        names = wanted or [name for name in held if time in found[name].dims]
        missing = [name for name in names if name not in held]
        if missing or not names:
            arrays = ", ".join(held[:20]) or "none"
            said = f"no array {missing[0]!r}, but {arrays}" if missing else f"no array with an axis {time!r}: {arrays}"
            raise InvalidInput(f"{path.name} holds {said}")
        trajectory = roles.group or _usual([axis for axis in axes if axis != time], RUNS)
        data, holes = trajectories_of_axes(
            found[names], time=time, trajectory=trajectory, dt=roles.dt, gaps=roles.gaps, source=path.name
        )
        idle = [] if wanted else [name for name in held if name not in names]
    notes = [f"axis {time!r} is time, {repr(trajectory) if trajectory else 'none'} counts trajectories"]
    if idle:
        notes.append(f"arrays without time were left out: {', '.join(idle[:5])}")
    if holes:
        notes.append(f"{holes} steps without a value were left out: trajectories are cut there")
    return Recording.of(data, notes=tuple(notes))


def _usual(axes: list[str], names: tuple[str, ...]) -> str | None:
    return next((axis for axis in axes if axis.lower() in names), None)


def _has_names(path: Path) -> bool:
    """Return whether xarray is installed and has written this store."""
    if importlib.util.find_spec("xarray") is None or importlib.util.find_spec("zarr") is None:
        return False
    import zarr

    try:
        opened = zarr.open(str(path), mode="r")
    except Exception:  # the reader of arrays says what is wrong
        return False
    if isinstance(opened, zarr.Array):
        return False
    return any(_named(item) for _, item in opened.arrays())


def _named(item: Any) -> bool:  # noqa: ANN401 - a zarr.Array
    return bool(getattr(item.metadata, "dimension_names", None) or item.attrs.get("_ARRAY_DIMENSIONS"))
