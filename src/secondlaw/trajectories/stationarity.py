r"""A test of stationarity: whether means of variables, squares and products of neighbouring times drift.

Divergences of windows are entropy production only where nothing drifts. Trajectories (20 or more) are halved, and the
changes of the means from the first to the second half flip their signs at random; fewer trajectories are cut into
stretches, the slope of stretch means over time being compared with that of shuffled stretches, after division by
:math:`\sqrt{(1 + r) / (1 - r)}`, r being what neighbours still have in common. One p-value for all
variables comes from the largest standardised change (Westfall & Young 1993). Stretches must be longer than the memory;
where neighbours still resemble each other, fewer and longer ones are taken, and at last the test says that it is not to
be trusted.
"""

import itertools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from secondlaw.errors import InvalidInput, NotEnoughData
from secondlaw.trajectories.containers import Trajectories

__all__ = ["StationarityTest", "stationarity_test"]

Floats = NDArray[np.float64]

_FEWEST_TRAJECTORIES = 20
_STRETCHES = (32, 16)
_TIED = 1e-9


@dataclass(frozen=True, slots=True)
class StationarityTest:
    """Outcome of :func:`stationarity_test`.

    Parameters
    ----------
    p_value : float
        Chance of a drift as large in stationary data, over all statistics.
    drifts : dict of str to float
        Standardised change of each statistic: over the recording, in standard errors.
    largest : str
        The statistic that changes most.
    units : int
        Trajectories, or stretches, that were flipped or shuffled.
    dependence : float
        Largest correlation of neighbouring stretches, the drift taken off; 0 for many trajectories.
    warnings : tuple of str
    """

    p_value: float
    drifts: dict[str, float]
    largest: str
    units: int
    dependence: float
    warnings: tuple[str, ...]


def stationarity_test(data: Trajectories, *, rng: np.random.Generator, draws: int = 1999) -> StationarityTest:
    """Test whether the law of the data is the same throughout.

    Parameters
    ----------
    data : Trajectories
    rng : numpy.random.Generator
    draws : int
        Sign flips or shuffles.

    Raises
    ------
    NotEnoughData
        If trajectories are shorter than 8 points, or a few of them hold fewer than 128 together.
    InvalidInput
        If draws are fewer than 99.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> x = rng.normal(size=(2000, 1))
    >>> stationarity_test(Trajectories.of([x]), rng=rng).p_value > 0.05
    True
    >>> stationarity_test(Trajectories.of([x + np.linspace(0, 1, 2000)[:, None]]), rng=rng).p_value
    0.0005
    """
    if draws < 99:
        raise InvalidInput(f"a test needs 99 draws or more, got {draws}")
    if len(data) >= _FEWEST_TRAJECTORIES:
        return _many(data, rng, draws)
    return _few(data, rng, draws)


def _statistics(series: Floats) -> Floats:
    """Return variables, squares and products of neighbouring times of every step but the last, shape (n - 1, 3 dim)."""
    now, then = series[:-1], series[1:]
    return np.concatenate([now, now**2, now * then], axis=1)


def _names(data: Trajectories) -> list[str]:
    v = data.variables
    return [*v, *(f"{name}^2" for name in v), *(f"{name} {name}'" for name in v)]


def _many(data: Trajectories, rng: np.random.Generator, draws: int) -> StationarityTest:
    changes = []
    for series in data.series:
        if len(series) < 8:
            continue
        values = _statistics(series)
        middle = len(values) // 2
        changes.append(values[-middle:].mean(axis=0) - values[:middle].mean(axis=0))
    if len(changes) < _FEWEST_TRAJECTORIES:
        raise NotEnoughData(
            f"only {len(changes)} trajectories have 8 points or more: {_FEWEST_TRAJECTORIES} are needed"
        )
    change = np.stack(changes)
    spread = np.sqrt((change**2).sum(axis=0))
    scaled = np.divide(change, spread, out=np.zeros_like(change), where=spread > 0.0)
    signs = 1.0 - 2.0 * rng.integers(0, 2, size=(draws, len(change)))
    observed = scaled.sum(axis=0)
    return _outcome(data, observed, signs @ scaled, len(change), 0.0)


def _few(data: Trajectories, rng: np.random.Generator, draws: int) -> StationarityTest:
    values = [_statistics(series) for series in data.series if len(series) > 1]
    total = sum(len(part) for part in values)
    if total < 8 * _STRETCHES[-1]:
        raise NotEnoughData(
            f"{total} steps are too few to see a drift: {8 * _STRETCHES[-1]} are needed, or {_FEWEST_TRAJECTORIES} "
            "trajectories"
        )
    for wanted in _STRETCHES:
        means, times = _stretches(values, max(8, total // wanted))
        if len(means) < 8:
            continue
        centred = means - means.mean(axis=0)
        norm = np.sqrt((centred**2).sum(axis=0))
        scaled = np.divide(centred, norm, out=np.zeros_like(centred), where=norm > _TIED * np.abs(means).max())
        slope = times - times.mean()
        slope /= np.sqrt(slope @ slope)
        rest = scaled - np.outer(slope, slope @ scaled)
        left = (rest**2).sum(axis=0)
        neighbours = np.divide((rest[1:] * rest[:-1]).sum(axis=0), left, out=np.zeros_like(left), where=left > 0.0)
        dependence = float(neighbours.max())
        if dependence < 2.0 / np.sqrt(len(means)):
            break
    size = np.sqrt(len(means) - 1.0)
    alike = np.clip(neighbours + 1.0 / len(means), 0.0, 0.9)  # the rest of a line fit leans to -1/n
    observed = size * (slope @ scaled) * np.sqrt((1.0 - alike) / (1.0 + alike))
    drawn = np.stack([size * (rng.permutation(slope) @ scaled) for _ in range(draws)])
    return _outcome(data, observed, drawn, len(means), dependence)


def _stretches(values: list[Floats], length: int) -> tuple[Floats, Floats]:
    """Return means over stretches and the time of each within its trajectory, as a share of the longest."""
    longest = max(len(part) for part in values)
    means, times = [], []
    for part in values:
        pieces = max(1, len(part) // length)
        edges = np.arange(pieces + 1) * len(part) // pieces
        for a, b in itertools.pairwise(edges):
            means.append(part[a:b].mean(axis=0))
            times.append((a + b) / 2.0 / longest)
    return np.stack(means), np.array(times)


def _outcome(data: Trajectories, observed: Floats, drawn: Floats, units: int, dependence: float) -> StationarityTest:
    largest = int(np.argmax(np.abs(observed)))
    beaten = int((np.abs(drawn).max(axis=1) >= np.abs(observed[largest]) * (1.0 - _TIED)).sum())
    names = _names(data)
    out = []
    if dependence >= 2.0 / np.sqrt(units):
        out.append(
            f"neighbouring stretches still resemble each other (correlation {dependence:.2f}): the memory is not "
            "much shorter "
            "than the recording, and the test rejects too often; record longer"
        )
    drifts = {name: float(value) for name, value in zip(names, observed, strict=True)}
    return StationarityTest((1 + beaten) / (1 + len(drawn)), drifts, names[largest], units, dependence, tuple(out))
