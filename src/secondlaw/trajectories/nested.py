"""Nested sets of observables on the same data: what each order adds, with paired intervals."""

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from secondlaw.trajectories.containers import Trajectories, Transitions
from secondlaw.trajectories.default_observables import default_observables
from secondlaw.trajectories.estimators import MaxEnt
from secondlaw.trajectories.results import EntropyProduction
from secondlaw.types import Estimate

__all__ = ["by_order", "entropy_production"]


def by_order(
    data: Trajectories | Transitions,
    orders: Sequence[int] = (1, 2, 3),
    *,
    rng: np.random.Generator,
    binary: bool | None = None,
    **settings: Any,  # noqa: ANN401
) -> tuple[tuple[EntropyProduction, ...], tuple[Estimate, ...]]:
    """Fit nested sets of observables up to each order.

    Parameters
    ----------
    data : Trajectories or Transitions
    orders : sequence of int
        Increasing.
    rng : numpy.random.Generator
    binary : bool, optional
        As in :func:`up_to_order`; found from the data if None.
    **settings
        Of :class:`MaxEnt`.

    Returns
    -------
    results : tuple of EntropyProduction
        One for each order.
    gains : tuple of Estimate
        What each order adds to the one before, with paired intervals; never negative in the population, though
        perhaps on held-out rows, where more parameters cost more than they bring.
    """
    pairs = data.transitions(settings.get("lag", 1)) if isinstance(data, Trajectories) else data
    seeds = rng.spawn(1)[0].bit_generator.random_raw()
    results = tuple(
        MaxEnt(default_observables(pairs, order, binary=binary), **settings).fit(
            pairs, rng=np.random.default_rng(seeds)
        )
        for order in orders
    )
    return results, tuple(new.difference(old) for old, new in itertools.pairwise(results))


def entropy_production(
    x: ArrayLike | Trajectories | Transitions,
    *,
    dt: float | None = None,
    order: int = 2,
    lag: int = 1,
    rng: np.random.Generator | None = None,
) -> EntropyProduction:
    """Return a held-out lower bound on the entropy production of trajectories.

    Parameters
    ----------
    x : array_like, Trajectories or Transitions
        Shape (trajectory, time, variable), (time, variable), or a list of arrays (time, variable).
    dt : float, optional
        Time between steps; the value is then a rate per unit of time.
    order : {1, 2, 3}
        Of the observables.
    lag : int
    rng : numpy.random.Generator, optional
        For folds, bootstrap and null; seed 0 if None.

    Examples
    --------
    >>> noise = np.random.default_rng(0).normal(size=(40, 200, 2))
    >>> result = entropy_production(noise)
    >>> result.estimate.low, result.bound
    (0.0, 'lower')
    """
    data = x if isinstance(x, Trajectories | Transitions) else Trajectories.of(x, dt=dt)
    pairs = data.transitions(lag) if isinstance(data, Trajectories) else data
    generator = np.random.default_rng(0) if rng is None else rng
    return MaxEnt(default_observables(pairs, order)).fit(pairs, rng=generator)
