r"""How the divergence of windows from their time reversal grows with their length: memory, and odd variables.

With :math:`D_L` of :mod:`secondlaw.trajectories.window_rows`, the increments :math:`D_b - D_a` per added step tend to
the entropy production of what is observed. They equal it once a exceeds the memory, and from a = 1 on for a Markov
process with odd variables (underdamped dynamics; Spinney & Ford, Phys. Rev. E 85, 051113 (2012)): there :math:`D_1`,
which compares single states with their mirror, is what the two ends of any window add, and must be taken off. Where D_1
is large, above some .3 nats, its error hides the increments: take :class:`~secondlaw.trajectories.LinearModel` then.
"""

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from secondlaw.errors import InvalidInput
from secondlaw.trajectories.containers import Trajectories
from secondlaw.trajectories.estimators import MaxEnt
from secondlaw.trajectories.honesty import rejects
from secondlaw.trajectories.observables import Observables
from secondlaw.trajectories.results import EntropyProduction
from secondlaw.trajectories.window_rows import Windows, windows
from secondlaw.types import Estimate

__all__ = ["WindowGrowth", "window_growth"]


@dataclass(frozen=True, slots=True)
class WindowGrowth:
    """Fits of windows of several lengths on the same rows.

    Parameters
    ----------
    lengths : tuple of int
    results : tuple of EntropyProduction
        One for each length, the divergence of a window divided by the time it spans; a window of one state is taken to
        span one step.
    increments : tuple of Estimate
        For neighbouring lengths, the growth of the held-out divergence per added step or time, with intervals from the
        same resampled blocks; low is 0 unless sign flips of the longer windows reject symmetry. It is the entropy
        production where the shorter window is longer than the memory and the observables are complete; it is no bound.
    """

    lengths: tuple[int, ...]
    results: tuple[EntropyProduction, ...]
    increments: tuple[Estimate, ...]


def window_growth(
    data: Trajectories,
    lengths: Sequence[int] = (2, 3, 4),
    *,
    rng: np.random.Generator,
    lag: int = 1,
    odd: tuple[str, ...] = (),
    observables: Callable[[Windows], Observables] | None = None,
    **settings: Any,  # noqa: ANN401
) -> WindowGrowth:
    """Fit windows of each length by :class:`~secondlaw.trajectories.MaxEnt`, and what each adds to the one before.

    Parameters
    ----------
    data : Trajectories
    lengths : sequence of int
        States of the windows, increasing; from 1 where variables are odd.
    rng : numpy.random.Generator
    lag : int
        Steps between the states of a window.
    odd : tuple of str
        Names of the variables that change sign under time reversal.
    observables : callable, optional
        Of the windows; by default all products of two variables.
    **settings
        Of :class:`~secondlaw.trajectories.MaxEnt`.

    Raises
    ------
    InvalidInput
        If lengths do not increase.

    Examples
    --------
    >>> from secondlaw.trajectories import WordFluxes
    >>> rng = np.random.default_rng(0)
    >>> steps = rng.choice([1, -1, 0], p=[0.5, 0.2, 0.3], size=(10000, 2))
    >>> x = (np.cumsum(steps, axis=0) % 3).ravel()  # two driven cycles that take turns: memory of two steps
    >>> growth = window_growth(Trajectories.of([x]), (2, 3), rng=rng, observables=lambda w: WordFluxes(3, w.points))
    >>> growth.results[0].estimate.value, growth.increments[0].covers(0.27489)  # pairs show nothing
    (0.0, True)
    """
    if len(lengths) < 2 or any(b <= a for a, b in itertools.pairwise(lengths)):
        raise InvalidInput(f"growth needs two lengths or more that increase, got {tuple(lengths)}")
    longest = windows(data, lengths[-1], lag=lag, odd=odd)
    seed = rng.spawn(1)[0].bit_generator.random_raw()
    results = []
    for points in lengths:
        cut = longest.first(points)
        chosen = None if observables is None else observables(cut)
        results.append(MaxEnt(observables=chosen, **settings).fit(cut, rng=np.random.default_rng(seed)))
    step = float(lag) if data.dt is None else data.dt * lag
    pairs = itertools.pairwise(zip(lengths, results, strict=True))
    increments = tuple(_increment(new, old, (b - a) * step) for (a, old), (b, new) in pairs)
    return WindowGrowth(tuple(lengths), tuple(results), increments)


def _increment(new: EntropyProduction, old: EntropyProduction, span: float) -> Estimate:
    raw = replace(new, unit_of_time=span).difference(replace(old, unit_of_time=span))
    low = max(0.0, raw.low) if new.null is not None and rejects(new.null, raw.level) else 0.0
    return replace(
        raw,
        value=max(0.0, raw.value),
        low=low,
        high=max(0.0, raw.high),
        method="growth of the held-out divergence of windows, paired block bootstrap, clipped at 0",
    )
