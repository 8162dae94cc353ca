"""Spikes of the Allen Institute's Visual Behavior Neuropixels sessions, binned; needs the package allensdk.

The sessions are downloaded by allensdk (some 3 GB each) and are under the terms of the Allen Institute; nothing of them
is part of this package.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from secondlaw.errors import InvalidInput, NotEnoughData
from secondlaw.trajectories.reading.installed import required
from secondlaw.trajectories.reading.recordings import Recording
from secondlaw.trajectories.reading.spike_events import spike_trains

__all__ = ["BIN", "load_session", "session_recording"]

BIN = 0.01
"""Seconds of a bin in arXiv 2505.10444."""


def load_session(session_id: int, cache: str | Path) -> Any:  # noqa: ANN401 - a BehaviorEcephysSession
    """Return a session from allensdk's cache, downloading it where it is missing.

    Parameters
    ----------
    session_id : int
        The ecephys_session_id.
    cache : str or Path
        Folder in which allensdk keeps what it downloads.

    Raises
    ------
    InvalidInput
        If allensdk is not installed.
    """
    module = required(
        "allensdk.brain_observatory.behavior.behavior_project_cache", "reading Neuropixels sessions",
        remedy="pip install allensdk (it supports older versions of Python and NumPy: convert there, and save as .npz)",
    )  # fmt: skip
    project = module.VisualBehaviorNeuropixelsProjectCache.from_s3_cache(cache_dir=str(cache))
    return project.get_ecephys_session(ecephys_session_id=session_id)


def session_recording(
    session: Any,  # noqa: ANN401
    *,
    areas: Sequence[str] = (),
    start: float | None = None,
    stop: float | None = None,
    width: float = BIN,
    most: int | None = None,
) -> Recording:
    """Bin the spikes of a session: one binary variable a unit, one step a bin.

    Values are then nats per bin; :func:`secondlaw.pipeline.inferring.infer` tells them per spike too.

    Parameters
    ----------
    session : BehaviorEcephysSession
        Or another object with `spike_times` (unit id to seconds), ``get_units()`` with the columns `quality` and
        `peak_channel_id`, and ``get_channels()`` with `structure_acronym`, both indexed by id.
    areas : sequence of str
        Acronyms such as ``"VISp"``; all if empty. Units of other quality than "good" are left out.
    start, stop : float, optional
        Seconds; by default from the first to the last spike. Sessions hold blocks of different stimuli: choose one.
    width : float
        Seconds of a bin.
    most : int, optional
        The units that fire most are kept.

    Raises
    ------
    NotEnoughData
        If no unit is left.
    """
    units = session.get_units()
    units = units[units["quality"] == "good"]
    if areas:
        where = session.get_channels()["structure_acronym"]
        units = units[units["peak_channel_id"].map(where).isin(list(areas))]
    low, high = (-np.inf if start is None else start), (np.inf if stop is None else stop)
    trains = {str(unit): np.asarray(session.spike_times[unit], dtype=np.float64) for unit in units.index}
    trains = {unit: times[(times >= low) & (times < high)] for unit, times in trains.items()}
    kept = sorted((unit for unit in trains if len(trains[unit])), key=lambda unit: (-len(trains[unit]), unit))[:most]
    if not kept:
        raise NotEnoughData(f"no good unit of {', '.join(areas) or 'any area'} fires between {start} and {stop} s")
    if not width > 0.0:
        raise InvalidInput(f"the width of a bin is positive, got {width}")
    train = spike_trains(
        np.concatenate([trains[unit] for unit in kept]),
        np.repeat(kept, [len(trains[unit]) for unit in kept]),
        width=width,
        start=start,
        stop=stop,
    )
    return replace(Recording.of(train.data), spikes_per_step=train.spikes_per_bin)
