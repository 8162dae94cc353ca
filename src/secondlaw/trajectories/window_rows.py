r"""Windows of several successive states as trajectories, for processes with memory and for odd variables.

A window :math:`w = (x_0, \dots, x_{L-1})` is compared with its time reversal
:math:`\tilde w = (\epsilon x_{L-1}, \dots, \epsilon x_0)`, where :math:`\epsilon` is -1 for variables that are odd
under time reversal (velocities, fields), so that the bound is on :math:`D_L = KL(p(w) \| p(\tilde w))`.

* :math:`D_L` grows with L. If everything that moves, seen or hidden, forms a stationary Markov process of *even*
  variables with entropy production sigma per step, then :math:`D_L / (L - 1) \le \sigma` at any L.
* If the memory is at most k steps, :math:`D_{L+1} - D_L` is the entropy production per step of what is seen for all
  L >= k, also with odd variables. It is not a bound while L is shorter.

Observables of windows are :math:`f(w) - f(\tilde w)` for any f.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from secondlaw.errors import InvalidInput, NotEnoughData
from secondlaw.trajectories.containers import Trajectories, Transitions
from secondlaw.trajectories.observables import Table

__all__ = ["WindowProducts", "Windows", "windows"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_MOST_NUMBERS = 1 << 28  # of all windows and their reversals: 2 GiB


@dataclass(frozen=True, slots=True)
class Windows(Transitions):
    """Windows and their time reversals, in the shape that estimators take transitions: `x0` is w, `x1` its reversal.

    Parameters
    ----------
    points : int
        States of a window; column ``t * dim + i`` of `x0` is variable i at its t-th state.
    signs : tuple of int
        1 for each variable, -1 where it is odd under time reversal.
    """

    points: int = 2
    signs: tuple[int, ...] = ()

    def first(self, points: int) -> "Windows":
        """Return the shorter windows of the first `points` states, row by row the same as these."""
        if not 1 <= points <= self.points:
            raise InvalidInput(f"shorter windows have 1 to {self.points} states, got {points}")
        width, steps = points * len(self.signs), max(1, self.points - 1)
        dt = None if self.dt is None else self.dt / steps
        return _made(self.x0[:, :width], self.groups, self.variables[:width], self.signs, points, self.lag // steps, dt)


def windows(data: Trajectories, points: int = 3, *, lag: int = 1, odd: tuple[str, ...] = ()) -> Windows:
    """Return all windows of `points` states, `lag` steps apart, of every trajectory.

    Parameters
    ----------
    data : Trajectories
    points : int
        2 or more; 1 where variables are odd, to compare single states with their mirror.
    lag : int
        Steps between the states of a window.
    odd : tuple of str
        Names of the variables that change sign under time reversal.

    Raises
    ------
    InvalidInput
        If a name is unknown, or the windows would fill more than 2 GiB.
    NotEnoughData
        If no trajectory is as long as a window.

    Examples
    --------
    >>> data = Trajectories.of([np.arange(8.0).reshape(4, 2)], variables=("x", "v"))
    >>> found = windows(data, 3, odd=("v",))
    >>> found.x0[0], found.x1[0]
    (array([0., 1., 2., 3., 4., 5.]), array([ 4., -5.,  2., -3.,  0., -1.]))
    """
    unknown = [name for name in odd if name not in data.variables]
    if unknown:
        raise InvalidInput(f"the odd variable {unknown[0]!r} is none of {', '.join(data.variables)}")
    if points < (1 if odd else 2) or lag < 1:
        raise InvalidInput(f"windows have two states or more, one step or more apart, got {points} and {lag}")
    reach = (points - 1) * lag
    kept = [(number, values) for number, values in enumerate(data.series) if len(values) > reach]
    if not kept:
        longest = max(len(values) for values in data.series)
        raise NotEnoughData(
            f"windows of {points} states {lag} steps apart are longer than the data: the longest trajectory has "
            f"{longest}"
        )
    counts = [len(values) - reach for _, values in kept]
    if 2 * sum(counts) * points * data.dim > _MOST_NUMBERS:
        raise InvalidInput(
            f"{sum(counts)} windows of {points} states of {data.dim} variables fill more than 2 GiB: take fewer "
            "states, or thin the data"
        )
    x0 = np.concatenate(
        [
            np.concatenate([values[t * lag : len(values) - reach + t * lag] for t in range(points)], axis=1)
            for _, values in kept
        ]
    )
    groups = np.repeat([number for number, _ in kept], counts).astype(np.int64)
    signs = tuple(-1 if name in odd else 1 for name in data.variables)
    names = tuple(f"{name}[{t}]" for t in range(points) for name in data.variables)
    return _made(x0, groups, names, signs, points, lag, data.dt and data.dt * lag)


@dataclass(frozen=True)
class WindowProducts(Table):
    """Variables at the times of a window (order 1) and their products at any two times (order 2), less the reversal's.

    One of each pair of mirror images is kept, and none that vanishes.

    Parameters
    ----------
    variables : tuple of str
        Of one state, without times.
    points : int
    signs : tuple of int
    order : {1, 2}
    squares : bool
        Whether order 2 holds squares; for binary variables these say nothing new.

    Examples
    --------
    >>> WindowProducts(("a", "b"), points=2, signs=(1, 1)).names
    ('a[0]', 'b[0]', 'a[0] a[0]', 'a[0] b[0]', 'a[0] b[1]', 'b[0] b[0]')
    >>> WindowProducts(("x", "v"), points=1, signs=(1, -1)).names
    ('v[0]', 'x[0] v[0]')
    """

    variables: tuple[str, ...]
    points: int
    signs: tuple[int, ...]
    order: int = 2
    squares: bool = True

    def __post_init__(self) -> None:
        if self.order not in (1, 2):
            raise InvalidInput(f"products over a window are of order 1 or 2, got {self.order}: use CustomObservables")
        if len(self.signs) != len(self.variables) or self.points < 1:
            raise InvalidInput(f"{len(self.variables)} variables need as many signs, got {self.signs}")

    @classmethod
    def of(cls, data: Windows, order: int = 2, *, squares: bool = True) -> "WindowProducts":
        """Return those of the given windows."""
        names = tuple(name.rsplit("[", 1)[0] for name in data.variables[: len(data.signs)])
        return cls(names, data.points, data.signs, order, squares)

    @property
    def _single(self) -> Ints:
        columns = np.arange(self.points * len(self.variables))
        kept = _mirror_free(columns[:, None], self._mirror, self._parity)
        return np.asarray(columns[kept])

    @property
    def _pairs(self) -> tuple[Ints, Ints]:
        if self.order == 1:
            return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
        i, j = np.triu_indices(self.points * len(self.variables), 0 if self.squares else 1)
        kept = _mirror_free(np.stack([i, j], axis=1).astype(np.int64), self._mirror, self._parity)
        return i[kept].astype(np.int64), j[kept].astype(np.int64)

    @property
    def _mirror(self) -> Ints:
        dim = len(self.variables)
        return np.arange(self.points * dim).reshape(self.points, dim)[::-1].ravel()

    @property
    def _parity(self) -> Ints:
        return np.tile(np.asarray(self.signs, dtype=np.int64), self.points)

    @property
    def names(self) -> tuple[str, ...]:
        """Names; the number in brackets is the time within the window."""
        at = [f"{name}[{t}]" for t in range(self.points) for name in self.variables]
        i, j = self._pairs
        return tuple(at[k] for k in self._single) + tuple(f"{at[a]} {at[b]}" for a, b in zip(i, j, strict=True))

    @property
    def orders(self) -> NDArray[np.int64]:
        """1 or 2."""
        return np.repeat([1, 2], [len(self._single), len(self._pairs[0])]).astype(np.int64)

    def values(self, x0: Floats, x1: Floats) -> Floats:
        """Return the observables of windows and their reversals, shape (n, d)."""
        width = self.points * len(self.variables)
        if x0.shape[1] != width:
            raise InvalidInput(
                f"these observables are of windows with {self.points} states of {len(self.variables)} variables, got "
                f"{x0.shape[1]} columns: make windows of the data, and judge them by transition_entropy_production"
            )
        single, (i, j) = self._single, self._pairs
        return np.concatenate([x0[:, single] - x1[:, single], x0[:, i] * x0[:, j] - x1[:, i] * x1[:, j]], axis=1)


def _mirror_free(columns: Ints, mirror: Ints, parity: Ints) -> Ints:
    """Return the rows (products of the columns named) that do not vanish, one of each pair of mirror images."""
    image = np.sort(mirror[columns], axis=1)
    places = len(mirror) ** np.arange(columns.shape[1] - 1, -1, -1)
    own, other = columns @ places, image @ places
    odd = np.prod(parity[columns], axis=1) < 0
    return np.flatnonzero((own < other) | ((own == other) & odd))


def _made(
    x0: Floats, groups: Ints, names: tuple[str, ...], signs: tuple[int, ...], points: int, lag: int, dt: float | None
) -> Windows:
    """Return windows with their reversals; `lag` and `dt` are those between two states."""
    dim, steps = len(signs), max(1, points - 1)
    turned = x0.reshape(len(x0), points, dim)[:, ::-1] * np.asarray(signs, dtype=np.float64)
    return Windows(
        x0, turned.reshape(x0.shape), groups, names, None if dt is None else dt * steps, lag * steps, points, signs
    )
