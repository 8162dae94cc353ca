"""Force and velocity fields on a grid, with intervals and visits, as plain data for charts."""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from secondlaw.errors import InvalidInput
from secondlaw.statistics import LEVEL
from secondlaw.trajectories.containers import Trajectories
from secondlaw.trajectories.currents.fields import StateFunctions
from secondlaw.trajectories.currents.model import CurrentModel
from secondlaw.trajectories.currents.result import CurrentProduction

__all__ = ["FieldMap", "field_map"]

Floats = NDArray[np.float64]
Kind = Literal["velocity", "force", "drift", "score", "current"]

_MARGIN = 0.005  # of the states beyond each edge of the map


@dataclass(frozen=True, slots=True)
class FieldMap:
    """A field on a grid.

    Parameters
    ----------
    kind : str
    axes : tuple of str
        The one or two variables of the grid.
    variables : tuple of str
        Components of the field.
    places : ndarray, shape (n, axes)
        Middle of each cell.
    values : ndarray, shape (n, variables)
    low, high : ndarray, shape (n, variables), or None
        Ends of the intervals, each for itself; None where there are none (networks; scores; noise that depends on the
        state).
    visits : ndarray of int64, shape (n,)
        Recorded states in each cell, whatever the variables that are not shown: a field says little where there are
        none.
    level : float
    note : str
        At which values of the other variables, and time.
    """

    kind: str
    axes: tuple[str, ...]
    variables: tuple[str, ...]
    places: Floats
    values: Floats
    low: Floats | None
    high: Floats | None
    visits: NDArray[np.int64]
    level: float
    note: str

    def to_rows(self) -> list[dict[str, Any]]:
        """Return one dictionary a cell and component."""
        rows = []
        for n, place in enumerate(self.places):
            for c, name in enumerate(self.variables):
                rows.append(
                    {
                        **{axis: float(v) for axis, v in zip(self.axes, place, strict=True)},
                        "component": name,
                        "value": float(self.values[n, c]),
                        "low": None if self.low is None else float(self.low[n, c]),
                        "high": None if self.high is None else float(self.high[n, c]),
                        "visits": int(self.visits[n]),
                    }
                )
        return rows


def field_map(
    result: CurrentProduction,
    data: Trajectories,
    *,
    kind: Kind = "velocity",
    axes: tuple[str, ...] | None = None,
    cells: int = 20,
    time: float | None = None,
    level: float = LEVEL,
) -> FieldMap:
    """Return a field on a grid over the states of `data`.

    Parameters
    ----------
    result : CurrentProduction
    data : Trajectories
        For the extent of the grid and the visits.
    kind : {"velocity", "force", "drift", "score", "current"}
        ``"current"`` is the velocity times the density of visits, defined with one or two variables.
    axes : tuple of one or two str, optional
        The first two variables if None; the other variables stand at their means.
    cells : int
        Along each axis.
    time : float, optional
        Needed where fields depend on time; visits are of all times.
    level : float

    Raises
    ------
    InvalidInput
        If an axis is no variable, or the current is asked for with more than two variables.

    Examples
    --------
    >>> from secondlaw.systems import spinning_particle
    >>> from secondlaw.trajectories.currents.estimator import Currents
    >>> rng = np.random.default_rng(0)
    >>> data = Trajectories.of(spinning_particle().simulate(points=500, dt=0.01, trajectories=40, rng=rng), dt=0.01)
    >>> field = field_map(Currents().fit(data, rng=rng), data, cells=8)
    >>> field.values.shape, bool((field.low < field.high).all())
    ((64, 2), True)
    """
    names = data.variables
    shown = names[:2] if axes is None else tuple(axes)
    if not 1 <= len(shown) <= 2 or set(shown) - set(names) or len(set(shown)) < len(shown):
        raise InvalidInput(f"a map has one or two axes among {', '.join(names)}, got {shown}")
    if cells < 2:
        raise InvalidInput(f"a map needs two cells or more along each axis, got {cells}")
    if kind == "current" and len(names) != len(shown):
        raise InvalidInput("the current on a map needs all variables on its axes: take velocity")
    model = result.model
    states = np.concatenate(data.series)
    for axis in np.flatnonzero(model.coordinates.period):
        states[:, axis] %= model.coordinates.period[axis]
    places, edges = _grid(states[:, [names.index(name) for name in shown]], cells)
    x = np.tile(states.mean(axis=0), (len(places), 1))
    for column, name in enumerate(shown):
        x[:, names.index(name)] = places[:, column]
    inside = states[:, [names.index(name) for name in shown]]
    visits = np.histogramdd(inside, bins=edges)[0].ravel()
    values, error = _field(model, "velocity" if kind == "current" else kind, x, time)
    if kind == "current":
        volume = float(np.prod([edge[1] - edge[0] for edge in edges]))
        density = visits[:, None] / (len(states) * volume)
        values, error = values * density, None if error is None else error * density
    from scipy.stats import norm

    reach = None if error is None else float(norm.ppf((1.0 + level) / 2.0)) * error
    others = [f"{name} = {value:.3g}" for name, value in zip(names, states.mean(axis=0), strict=True)]
    fixed = [text for name, text in zip(names, others, strict=True) if name not in shown]
    note = "; ".join([*fixed, *([] if time is None else [f"time = {time:.3g}"])])
    return FieldMap(
        kind, shown, names, places, values, None if reach is None else values - reach,
        None if reach is None else values + reach, visits.astype(np.int64), level, note,
    )  # fmt: skip


def _grid(states: Floats, cells: int) -> tuple[Floats, list[Floats]]:
    ends = np.quantile(states, [_MARGIN, 1.0 - _MARGIN], axis=0)
    edges = [np.linspace(low, high, cells + 1) for low, high in ends.T]
    middles = [(edge[1:] + edge[:-1]) / 2.0 for edge in edges]
    return np.stack([m.ravel() for m in np.meshgrid(*middles, indexing="ij")], axis=1), edges


def _field(model: CurrentModel, kind: str, x: Floats, time: float | None) -> tuple[Floats, Floats | None]:
    """Return values, and standard errors where blocks have a known influence; that of constant D is left out."""
    z, times = model.into(x, time)
    scale = model.coordinates.scale
    if kind == "score":
        return model.score(x, times), None
    if kind == "drift":
        drift = model.drift(x, times)
        functions = None if model.drift_field is None else model.drift_field.functions
        return drift, _errors(functions, model.drift_influence, z, times, np.diag(scale))
    if kind == "force":
        functions = getattr(model.force_field, "functions", None)
        return model.force(x, times), _errors(functions, model.force_influence, z, times, np.diag(1.0 / scale))
    if kind != "velocity":
        raise InvalidInput(f"a map shows velocity, force, drift, score or current, got {kind!r}")
    functions = getattr(model.force_field, "functions", None) if model.noise.functions is None else None
    turn = scale[:, None] * model.noise.mean
    return model.velocity(x, times), _errors(functions, model.force_influence, z, times, turn)


def _errors(
    functions: StateFunctions | None, influence: Floats | None, z: Floats, times: Floats, turn: Floats
) -> Floats | None:
    if functions is None or influence is None:
        return None
    moved = np.einsum("nk,bjk->nbj", functions.values(z, times), influence, optimize=True) @ turn.T
    blocks = len(influence)
    return np.asarray(np.sqrt((moved**2).sum(axis=1) * blocks / (blocks - 1.0)))
