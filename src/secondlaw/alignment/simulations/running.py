"""One simulation from its settings: the run, the operating point, the sweep."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from secondlaw.alignment.simulations.models import RUNS
from secondlaw.alignment.simulations.results import Simulation
from secondlaw.alignment.simulations.settings import SimulationSettings
from secondlaw.alignment.simulations.sweeping import SWEEP_TRIALS, swept
from secondlaw.statistics.intervals import LEVEL

__all__ = ["simulate"]

Progress = Callable[[int, int], None]


def simulate(
    settings: SimulationSettings,
    *,
    seed: int = 0,
    level: float = LEVEL,
    tolerance: float | None = None,
    sweep: bool = False,
    sweep_trials: int = SWEEP_TRIALS,
    progress: Progress | None = None,
) -> Simulation:
    """Run a model of alignment.

    Parameters
    ----------
    settings : SimulationSettings
    seed : int
    level : float
        Of the intervals.
    tolerance : float, optional
        Entropy that is tolerated, nats: the least work that holds it is found.
    sweep : bool
        Whether a sweep over the work is judged too.
    sweep_trials : int
    progress : callable, optional
        Called with (sizes of the sweep done, sizes in all).

    Examples
    --------
    >>> found = simulate(SimulationSettings.of({"model": "diffusion", "work": 1.0, "steps": 4000}))
    >>> mean = found.quantity("mean_entropy")
    >>> mean.measured.covers(mean.exact), round(mean.exact, 3)
    (True, 1.189)
    """
    rng = np.random.default_rng(seed)
    found = RUNS[settings.model](settings, tolerance, level, rng)
    judged = swept(settings, rng=rng, level=level, trials=sweep_trials, progress=progress) if sweep else None
    asked = {**settings.to_dict(), "level": level, "seed": seed}
    if sweep:
        asked["sweep_trials"] = sweep_trials
    return replace(found, settings=asked, sweep=judged)
