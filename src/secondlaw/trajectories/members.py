"""Which variables an observable combines, so that a value can be divided among spins, particles or coordinates."""

from collections.abc import Sequence
from functools import singledispatch

import numpy as np

from secondlaw.trajectories.correlations import CrossCorrelations, StateChanges, TripleCorrelations
from secondlaw.trajectories.observables import Together
from secondlaw.trajectories.standardized import Standardized

__all__ = ["members_of"]

Members = tuple[tuple[str, ...], ...]


@singledispatch
def members_of(observables: object) -> Members | None:
    """Return the variables of each observable, each named once, or None where the observables do not say.

    A set of observables of your own may have a `members` attribute.

    Examples
    --------
    >>> members_of(CrossCorrelations(("a", "b", "c")))
    (('a', 'b'), ('a', 'c'), ('b', 'c'))
    """
    found: Members | None = getattr(observables, "members", None)
    return found


@members_of.register
def _(observables: StateChanges) -> Members:
    v = observables.variables
    if observables.order == 1:
        return tuple((name,) for name in v)
    return _named(v, *np.triu_indices(len(v), 0 if observables.squares else 1))


@members_of.register
def _(observables: CrossCorrelations) -> Members:
    return _named(observables.variables, *np.triu_indices(len(observables.variables), 1))


@members_of.register
def _(observables: TripleCorrelations) -> Members:
    v = observables.variables
    i, j = np.triu_indices(len(v), 0 if observables.squares else 1)
    return _named(v, np.repeat(i, len(v)), np.repeat(j, len(v)), np.tile(np.arange(len(v)), len(i)))


@members_of.register
def _(observables: Together) -> Members | None:
    parts = [members_of(part) for part in observables.parts]
    if any(part is None for part in parts):
        return None
    return tuple(names for part in parts for names in part or ())


@members_of.register
def _(observables: Standardized) -> Members | None:
    return members_of(observables.observables)


def _named(names: Sequence[str], *places: np.ndarray) -> Members:
    return tuple(tuple(dict.fromkeys(names[int(k)] for k in row)) for row in zip(*places, strict=True))
