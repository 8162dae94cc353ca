"""Whether recordings look like a diffusion seen at fine steps, so that currents may be taken before MaxEnt."""

import numpy as np

from secondlaw.trajectories.containers import Trajectories
from secondlaw.trajectories.currents.fitting import MOST_PARAMETERS

__all__ = ["looks_diffusive"]

_TOLERANCE = 0.1  # of squared steps: beyond it they do not grow as time
_FORESEEN = 0.05  # of squared steps that the drift explains: terms of first order in dt then cost a few per cent
_LEAST_SHARE = 0.5  # of recorded values that differ: few different ones are states, counts, or a coarse instrument


def looks_diffusive(data: Trajectories) -> bool:
    """Return whether steps are diffusive.

    Squares of double steps are twice those of single steps within 10 %, and the state foresees at most 5 % of the
    squared steps. Jumps, spikes, maps, errors of measurement and steps longer than a small part of the relaxation time
    fail this; MaxEnt makes no such assumption.

    Parameters
    ----------
    data : Trajectories

    Examples
    --------
    >>> from secondlaw.systems import spinning_particle
    >>> fine, coarse = (
    ...     Trajectories.of(
    ...         spinning_particle().simulate(points=500, dt=dt, trajectories=5, rng=np.random.default_rng(0)), dt=dt)
    ...     for dt in (0.01, 0.2)
    ... )
    >>> looks_diffusive(fine), looks_diffusive(coarse)
    (True, False)
    """
    if data.dim * (data.dim + 1) > MOST_PARAMETERS:
        return False
    long = [series for series in data.series if len(series) > 2]
    if not long:
        return False
    values = np.concatenate(long)
    distinct = np.array([len(np.unique(column)) for column in values.T])
    if (distinct < _LEAST_SHARE * len(values)).any():
        return False
    steps = np.concatenate([np.diff(series, axis=0) for series in long])
    once = np.maximum((steps**2).mean(axis=0), 1e-300)
    twice = np.mean(np.concatenate([series[2:] - series[:-2] for series in long]) ** 2, axis=0)
    if (np.abs(twice / (2.0 * once) - 1.0) > _TOLERANCE).any():
        return False
    before = np.concatenate([series[:-1] for series in long])
    table = np.column_stack([np.ones(len(before)), before - before.mean(axis=0)])
    foreseen = table @ np.linalg.lstsq(table, steps, rcond=None)[0]
    return bool(((foreseen**2).mean(axis=0) <= _FORESEEN * once).all())
