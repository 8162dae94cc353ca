"""Recordings from files, frames and arrays: trajectories with what kind of variables they hold."""

from secondlaw.trajectories.reading.conversion import from_dataframe, from_xarray
from secondlaw.trajectories.reading.recording_files import read_recording, read_trajectories
from secondlaw.trajectories.reading.recordings import Recording

__all__ = ["Recording", "from_dataframe", "from_xarray", "read_recording", "read_trajectories"]
