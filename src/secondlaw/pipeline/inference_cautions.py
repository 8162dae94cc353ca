"""What the command says of recordings beside what fits and tests say: variables that look like velocities."""

import numpy as np
from numpy.typing import NDArray

from secondlaw.trajectories import Trajectories
from secondlaw.trajectories.asked import Asked
from secondlaw.trajectories.reading.recordings import Recording

__all__ = ["velocity_warnings"]

Floats = NDArray[np.float64]

_FORESEEN = 0.95  # correlation of the steps of a position with its velocity; .98 half a relaxation time apart
_NEAR = 0.1  # by which the step a velocity foresees may differ from the step that is seen, where dt is known
_MOST = 200  # variables, of which all pairs are looked at


def velocity_warnings(recording: Recording, asked: Asked) -> tuple[str, ...]:
    """Return a warning of variables that move as others say and are not named as odd under time reversal.

    The step of a position is dt times the mean of its velocity before and after. Without dt the velocity must also
    move less as the position says than the reverse, which tells it from a turning motion.

    Parameters
    ----------
    recording : Recording
    asked : Asked
        Whose odd variables are known.

    Examples
    --------
    >>> from secondlaw.systems import heat_conducting_oscillators
    >>> x = heat_conducting_oscillators().simulate(points=200, dt=0.1, trajectories=20, rng=np.random.default_rng(0))
    >>> data = Recording.of(Trajectories.of(x, variables=("x1", "x2", "v1", "v2"), dt=0.1))
    >>> velocity_warnings(data, Asked())[0][:50]
    'v1, v2 look like the velocities of x1, x2: velocit'
    >>> velocity_warnings(data, Asked(odd=("v1", "v2")))
    ()
    """
    if recording.kind != "continuous" or not 1 < recording.trajectories.dim <= _MOST:
        return ()
    data = recording.trajectories
    alike, slopes = _foreseen(data)
    found = alike > _FORESEEN
    if data.dt is not None:
        found &= np.abs(slopes / data.dt - 1.0) < _NEAR
    else:
        found &= np.abs(alike.T) < _FORESEEN
    pairs = [(int(a), int(b)) for a, b in np.argwhere(found) if a != b and data.variables[b] not in asked.odd]
    if not pairs:
        return ()
    places, speeds = (", ".join(dict.fromkeys(data.variables[pair[k]] for pair in pairs)) for k in (0, 1))
    are, them = ("look like the velocities", "them") if "," in speeds else ("looks like the velocity", "it")
    return (
        f"{speeds} {are} of {places}: velocities are odd under time reversal, and the value means nothing where they "
        f"count as even; name {them} (--odd {speeds.replace(', ', ',')}), or leave {them} out",
    )


def _foreseen(data: Trajectories) -> tuple[Floats, Floats]:
    """Return correlations and slopes of steps, one row a variable, with the mean of variables before and after."""
    long = [one for one in data.series if len(one) > 1]
    size = (data.dim, data.dim)
    if not long:
        return np.zeros(size), np.zeros(size)
    moves = np.concatenate([np.diff(one, axis=0) for one in long])
    centre = np.concatenate([(one[1:] + one[:-1]) / 2.0 for one in long])
    centre -= centre.mean(axis=0)
    cross, spread = moves.T @ centre, (centre**2).sum(axis=0)
    length = np.sqrt(np.outer((moves**2).sum(axis=0), spread))
    alike = np.divide(cross, length, out=np.zeros(size), where=length > 0.0)
    slopes = np.divide(cross, spread[None, :], out=np.zeros(size), where=spread[None, :] > 0.0)
    return alike, slopes
