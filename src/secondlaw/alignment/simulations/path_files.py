"""Simulated trajectories in files: CSV, Parquet or NumPy's archive."""

from pathlib import Path

import numpy as np

from secondlaw.alignment.simulations.results import SimulatedPaths
from secondlaw.errors import InvalidInput
from secondlaw.formats.whole_files import replace_file

__all__ = ["SUFFIXES", "check_suffix", "write_paths"]

SUFFIXES = (".csv", ".npz", ".parquet")
MOST_GOALS = 100
"""Goals whose shares become columns of a table; an archive holds any number."""


def write_paths(paths: SimulatedPaths, path: Path) -> None:
    """Write trajectories, the old file staying whole until the new one is.

    Parameters
    ----------
    paths : SimulatedPaths
    path : Path
        ``.csv`` or ``.parquet``: a row for every trial and time, columns ``trial``, ``time``, ``S`` and, where there
        are goals, ``p1``, ``p2`` ... ``.npz``: arrays ``times`` (points,), ``S`` (points, trials), ``shares``
        (points, trials, goals).

    Raises
    ------
    InvalidInput
        If the name ends in none of these, or pyarrow is needed and not installed.
    """
    check_suffix(path)
    suffix = path.suffix.lower()
    if suffix == ".npz":
        arrays = {"times": paths.times, "S": paths.entropy}
        if paths.shares is not None:
            arrays["shares"] = paths.shares

        def archive(part: Path) -> None:
            with part.open("wb") as file:
                np.savez_compressed(file, **arrays)  # type: ignore[arg-type]

        replace_file(path, archive)
        return
    columns = _columns(paths)
    if suffix == ".csv":
        whole = np.stack(list(columns.values()), axis=1)
        formats = ["%d", *["%.10g"] * (len(columns) - 1)]
        replace_file(
            path,
            lambda part: np.savetxt(part, whole, delimiter=",", header=",".join(columns), comments="", fmt=formats),
        )
        return
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise InvalidInput(f"{path} is Parquet, which needs: pip install 'secondlaw[parquet]'") from error
    table = pyarrow.table(columns)
    replace_file(path, lambda part: pyarrow.parquet.write_table(table, part))


def check_suffix(path: Path | None) -> None:
    """Refuse a name that says no known format."""
    if path is not None and path.suffix.lower() not in SUFFIXES:
        raise InvalidInput(f"the paths' file ends in one of {', '.join(SUFFIXES)}, got {path.name}")


def _columns(paths: SimulatedPaths) -> dict[str, np.ndarray]:
    points, trials = paths.entropy.shape
    columns: dict[str, np.ndarray] = {
        "trial": np.repeat(np.arange(trials), points),
        "time": np.tile(paths.times, trials),
        "S": paths.entropy.T.ravel(),
    }
    if paths.shares is not None and paths.shares.shape[2] <= MOST_GOALS:
        for goal in range(paths.shares.shape[2]):
            columns[f"p{goal + 1}"] = paths.shares[:, :, goal].T.ravel()
    return columns
