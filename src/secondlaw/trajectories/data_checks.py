"""What must be said of the data themselves, before anything is fitted."""

import numpy as np

from secondlaw.errors import NotEnoughData
from secondlaw.trajectories.flips import Flips
from secondlaw.trajectories.layout import FEWEST_BLOCKS
from secondlaw.trajectories.reading.recordings import Recording

__all__ = ["checked_data"]

_OFTEN = 10  # times that a jump must be seen before the absence of its reverse is remarkable
_SELDOM = 5  # visits below which a state says nothing
_SHOWN = 3


def checked_data(recording: Recording, *, lag: int = 1) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return notes and warnings on the data.

    Parameters
    ----------
    recording : Recording
    lag : int
        Steps that a transition or window spans.

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
    if isinstance(recording.data, Flips):
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
    if recording.kind == "states":
        warnings += _states(recording, lag)
    return tuple(notes), tuple(warnings)


def _states(recording: Recording, lag: int) -> list[str]:
    data = recording.numbered
    pairs = data.transitions(lag)
    count = len(recording.states)
    before, after = (x[:, 0].astype(np.int64) for x in (pairs.x0, pairs.x1))
    visits = np.bincount(np.concatenate([one[:, 0] for one in data.series]).astype(np.int64))
    if visits.max() < 2:
        raise NotEnoughData(
            f"none of the {count} states is ever visited twice, so no jump can be set against its reverse: merge "
            "states, or record longer"
        )
    warnings = []
    if count == 2:
        warnings.append("two states carry no current: the value is 0 whatever the process; tell more states apart")
    rare = int((visits < _SELDOM).sum())
    if rare > count / 2:
        warnings.append(
            f"{rare} of {count} states are visited fewer than {_SELDOM} times and say nothing: merge states, or record "
            "longer"
        )
    jumps = np.bincount(before * count + after, minlength=count * count).reshape(count, count)
    a, b = np.nonzero((jumps >= _OFTEN) & (jumps.T == 0))
    if len(a):
        order = np.argsort(-jumps[a, b], kind="stable")[:_SHOWN]
        shown = ", ".join(
            f"{recording.states[a[k]]} -> {recording.states[b[k]]} ({jumps[a[k], b[k]]} times)" for k in order
        )
        warnings.append(
            f"{len(a)} jumps never occur in reverse, such as {shown}: the true value may be without bound, and the one "
            "shown grows with the length of the recording; look for a reverse that is merely rare"
        )
    return warnings
