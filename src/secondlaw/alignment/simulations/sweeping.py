"""Sweeps over alignment work at three sizes, with the verdict whether there is a transition.

*Published equation*: size is the number of steps, the order parameter S in units of what is produced; its noise on S,
which moves no threshold, is left out. *Model A*: size is the number of goals, every goal but the intended one being
split into equal ones. *Model B*: size is the number of goals, at the same ratio of the preference to ln G. The order
parameter of both is the intended goal's share.
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from secondlaw.alignment.goal_diffusion import GoalDiffusion
from secondlaw.alignment.phase import Sweep, phase_transition_test
from secondlaw.alignment.random_energy import RandomEnergy
from secondlaw.alignment.simulations.models import (
    diffusion_model,
    pooled_entropy,
    published_model,
    random_energy_model,
)
from secondlaw.alignment.simulations.results import SweepResult
from secondlaw.alignment.simulations.settings import FEWEST_TRIALS, SimulationSettings
from secondlaw.errors import InvalidInput, NotEnoughData

__all__ = ["SWEEP_TRIALS", "swept"]

Floats = NDArray[np.float64]
Progress = Callable[[int, int], None]

CONTROL = np.geomspace(0.3, 3.0, 11)
SWEEP_TRIALS = 2000
"""Agents at every point and size: with 2,000 the transition of model B was found in 5 of 6 runs, else a crossover."""
LARGEST = 3000
# Numbers drawn at a time.
_CELLS = 1_000_000
SPLITS = (1, 10, 100)


def swept(
    settings: SimulationSettings, *, rng: np.random.Generator, level: float, trials: int = SWEEP_TRIALS,
    progress: Progress | None = None,
) -> SweepResult:  # fmt: skip
    """Return a sweep over gamma, from .3 to 3 times its reference, at three sizes.

    Parameters
    ----------
    settings : SimulationSettings
        Its own work is not used.
    rng : numpy.random.Generator
    level : float
    trials : int
        Agents at every point; the published equation needs none.
    progress : callable, optional
        Called with (sizes done, sizes in all).
    """
    if trials < 100:
        raise NotEnoughData(f"a sweep needs at least 100 trials a point, got {trials}")
    run = {"published": _published, "diffusion": _diffusion, "random-energy": _random_energy}[settings.model]
    return run(settings, rng, level, trials, progress or (lambda done, total: None))


def _published(
    settings: SimulationSettings, rng: np.random.Generator, level: float, trials: int, progress: Progress
) -> SweepResult:
    model, terms = published_model(settings).bounded(), str(settings["terms"])
    sigma = model.production(terms)
    if sigma <= 0.0:
        raise InvalidInput("nothing produces entropy (sigma = 0): there is no work to sweep over")
    unit = sigma / (model.learning_rate if model.scaled_work else 1.0)
    sizes = [int(settings["steps"]) * part for part in SPLITS]
    sweeps = []
    for done, steps in enumerate(sizes):
        progress(done, len(sizes))
        ends = np.array([max(model.expected(steps, terms=terms, work=share * unit), 0.0) for share in CONTROL])
        sweeps.append(Sweep(steps, CONTROL, np.repeat(ends[:, None] / (steps * sigma), FEWEST_TRIALS, axis=1)))
    progress(len(sizes), len(sizes))
    exact = {"S": sweeps[0].order[:, 0] * sizes[0] * sigma}
    found = _result(sweeps, rng, level, "sigma", "S / (sigma x steps)", "steps", CONTROL * unit, exact)
    return replace(found, noiseless=True)


def _diffusion(
    settings: SimulationSettings, rng: np.random.Generator, level: float, trials: int, progress: Progress
) -> SweepResult:
    model = diffusion_model(settings)
    unit, named = (model.gaming, "kappa (gaming)") if model.gaming > 0.0 else (model.diffusion, "D")
    wanted = int(np.argmax(model.intended))
    sweeps = []
    for done, split in enumerate(SPLITS):
        progress(done, len(SPLITS))
        larger = _split(model, wanted, split)
        drawn = [replace(larger, work=share * unit).draw(trials, rng=rng)[:, 0] for share in CONTROL]
        sweeps.append(Sweep(larger.goals, CONTROL, np.stack(drawn)))
    progress(len(SPLITS), len(SPLITS))
    at = [replace(model, work=share * unit) for share in CONTROL]
    exact = {
        "E[S(p)]": np.array([one.mean_entropy() for one in at]),
        "S(E[p])": np.array([one.entropy_of_mean() for one in at]),
    }
    return _result(sweeps, rng, level, named, "share of the intended goal", "goals", CONTROL * unit, exact)


def _random_energy(
    settings: SimulationSettings, rng: np.random.Generator, level: float, trials: int, progress: Progress
) -> SweepResult:
    model = random_energy_model(settings)
    ratio = model.preference / float(np.log(model.goals))
    largest = max(LARGEST, model.goals)
    sizes = [max(largest // part, 2) for part in (100, 10, 1)]
    sweeps = []
    for done, goals in enumerate(sizes):
        progress(done, len(sizes))
        one = replace(model, goals=goals, preference=ratio * float(np.log(goals)))
        unit = one.critical_work()
        drawn = [_intended_shares(one.with_work(share * unit), trials, rng) for share in CONTROL]
        sweeps.append(Sweep(goals, CONTROL, np.stack(drawn)))
    progress(len(sizes), len(sizes))
    work = CONTROL * model.critical_work()
    shares = [model.with_work(float(one)).intended_share() for one in work]
    exact = {"S(E[p])": np.array([pooled_entropy(share, model.goals) for share in shares])}
    return _result(sweeps, rng, level, "gamma_crit", "share of the intended goal", "goals", work, exact)


def _intended_shares(model: RandomEnergy, trials: int, rng: np.random.Generator) -> Floats:
    """Return draws of p_1 from the steady state: all that a sweep needs of very many goals, in single precision."""
    spread, out = float(np.sqrt(model.variance)), np.empty(trials)
    block = max(1, _CELLS // model.goals)
    for first in range(0, trials, block):
        part = out[first : first + block]
        others = spread * rng.standard_normal((part.size, model.goals - 1), dtype=np.float32)
        top = others.max(axis=1)
        total = top + np.log(np.exp(others - top[:, None]).sum(axis=1))
        own = model.preference + spread * rng.standard_normal(part.size)
        part[:] = 1.0 / (1.0 + np.exp(np.clip(total - own, -700.0, 700.0)))
    return out


def _split(model: GoalDiffusion, wanted: int, parts: int) -> GoalDiffusion:
    """Return the model with every goal but `wanted`, which comes first, cut into equal goals."""
    others = np.arange(model.goals) != wanted

    def cut(shares: Floats) -> Floats:
        return np.concatenate([shares[[wanted]], np.repeat(shares[others] / parts, parts)])

    return replace(model, proxy=cut(model.proxy), intended=cut(model.intended))


def _result(
    sweeps: list[Sweep], rng: np.random.Generator, level: float, reference: str, order: str, size: str, work: Floats,
    entropies: dict[str, Floats],
) -> SweepResult:  # fmt: skip
    verdict = phase_transition_test(sweeps, rng=rng, level=level)
    return SweepResult(
        verdict, CONTROL, reference, order, tuple(one.size for one in sweeps), size,
        np.stack([one.order.mean(axis=1) for one in sweeps]), work, entropies,
    )  # fmt: skip
