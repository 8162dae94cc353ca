"""What must be said of trajectories themselves, before anything is fitted; of states, fits say it themselves."""

from collections.abc import Collection

import numpy as np

from secondlaw.errors import NotEnoughData
from secondlaw.trajectories.containers import Trajectories
from secondlaw.trajectories.discrete.jump_records import JumpRecords
from secondlaw.trajectories.flips import Flips
from secondlaw.trajectories.layout import FEWEST_BLOCKS
from secondlaw.trajectories.reading.recordings import Recording

__all__ = ["checked_data"]

_LEAP = 0.9  # share of a variable's range that a step must exceed to look like an angle that wraps around


def checked_data(
    recording: Recording, *, lag: int = 1, periodic: Collection[str] = ()
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return notes and warnings on the data.

    Parameters
    ----------
    recording : Recording
    lag : int
        Steps that a transition or window spans.
    periodic : collection of str
        Variables that are known to wrap around.

    Returns
    -------
    notes, warnings : tuple of str
        What was taken for what; what is doubtful, with its remedy.

    Raises
    ------
    NotEnoughData
        If no trajectory is longer than the lag, or no state is ever visited twice.

    Examples
    --------
    >>> from secondlaw.trajectories import Trajectories
    >>> checked_data(Recording.of(Trajectories.of([[0.0, 1.0] * 30])))[0]
    ('one trajectory: its stretches count as independent, so each must be longer than the memory of the process',)
    """
    if isinstance(recording.data, Flips | JumpRecords):
        return (), ()
    lengths = np.array([len(one) for one in recording.data.series])
    if (lengths <= lag).all():
        raise NotEnoughData(
            f"the lag of {lag} steps is longer than the data: the longest trajectory has {lengths.max()} steps"
        )
    notes, warnings = [], []
    if len(lengths) < FEWEST_BLOCKS:
        whole = "one trajectory: its" if len(lengths) == 1 else f"{len(lengths)} trajectories: their"
        notes.append(f"{whole} stretches count as independent, so each must be longer than the memory of the process")
    short = int((lengths <= lag).sum())
    if short:
        warnings.append(
            f"{short} of {len(lengths)} trajectories are no longer than the {lag} steps of the lag and are left out: "
            "take a shorter lag, or longer trajectories"
        )
    elif len(set(lengths.tolist())) > 1:
        notes.append(f"trajectories of {lengths.min()} to {lengths.max()} steps: each transition counts the same")
    if recording.kind == "continuous":
        warnings += _wraps(recording.trajectories, periodic)
    if recording.kind == "states":
        _require_revisits(recording)
    return tuple(notes), tuple(warnings)


def _require_revisits(recording: Recording) -> None:
    visits = np.bincount(np.concatenate([one[:, 0] for one in recording.numbered.series]).astype(np.int64))
    if visits.max() < 2:
        raise NotEnoughData(
            f"none of the {len(recording.states)} states is ever visited twice, so no jump can be set against its "
            "reverse: merge states, or record longer"
        )


def _wraps(data: Trajectories, known: Collection[str]) -> list[str]:
    """Return a warning where a variable leaps from one end of its range to the other and never half as far."""
    steps = [np.abs(np.diff(series, axis=0)) for series in data.series if len(series) > 1]
    if not steps:
        return []
    together = np.concatenate(data.series)
    share = np.concatenate(steps) / np.maximum(np.ptp(together, axis=0), 1e-300)
    leaps = (share > _LEAP).sum(axis=0)
    between = ((share > 1.0 - _LEAP) & (share <= _LEAP)).sum(axis=0)
    names = [
        name
        for name, far, some in zip(data.variables, leaps, between, strict=True)
        if far and some < far / 10 and name not in known
    ]
    return [
        f"{name} leaps from one end of its range to the other: if it wraps around, as an angle does, give its period "
        f"(--periods {name}=2pi)"
        for name in names
    ]
