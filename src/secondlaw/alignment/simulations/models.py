"""The models of alignment run from settings: what each gives at the end, beside what is exact."""

from collections.abc import Callable
from dataclasses import replace
from itertools import repeat

import numpy as np
from numpy.typing import NDArray

from secondlaw.alignment.arguments import positive, rate
from secondlaw.alignment.goal_diffusion import GoalDiffusion
from secondlaw.alignment.goal_entropy import population_entropy, shannon, softmax
from secondlaw.alignment.goal_paths import simulate_goals
from secondlaw.alignment.least_work import operating_point
from secondlaw.alignment.published import PublishedDynamics, Terms
from secondlaw.alignment.random_energy import RandomEnergy
from secondlaw.alignment.simulations.results import Quantity, SimulatedPaths, Simulation, student
from secondlaw.alignment.simulations.settings import SimulationSettings
from secondlaw.errors import InvalidInput
from secondlaw.types import NATS, SHARE, Insufficient

__all__ = ["RUNS", "diffusion_model", "published_model", "random_energy_model"]

Floats = NDArray[np.float64]
Generator = np.random.Generator

POINTS = 200
"""Recorded points of a trajectory."""
FARTHEST = 1e5
"""Of a preference, and of a variance: the quadrature's grid reaches no farther."""
LONG_STEP = 0.2
"""Of a step times the rates: beyond it the gap of model A is off by more than some 2 %."""
NO_LEAST_WORK = (
    "with noise on S that is held at 0 the least work has no closed form, and none is given: try values of --work, or "
    "take --unclipped"
)
MEAN, POOLED, GAP = "E[S(p)]: how undecided one agent is", "S(E[p]): how undecided the population is", "their gap"
READINGS = ("stated", "per-parameter", "fitted")
NUMBER = ("noise_trace", "divergence", "spread", "learning_rate", "largest_eigenvalue", "parameters", "start")


def published_model(settings: SimulationSettings) -> PublishedDynamics:
    """Return the published equation under a reading, with what was given in place of its values."""
    reading = str(settings["reading"])
    if reading not in READINGS:
        raise InvalidInput(f"reading is one of {', '.join(READINGS)}, got {reading}")
    made = {"stated": PublishedDynamics.stated, "per-parameter": PublishedDynamics.per_parameter,
            "fitted": PublishedDynamics.fitted}[reading]()  # fmt: skip
    numbers = {name: settings.number(name) for name in NUMBER if settings[name] is not None}
    flags = {name: settings.flag(name) for name in ("clipped", "scaled_work") if settings[name] is not None}
    return replace(made, **numbers, **flags)  # type: ignore[arg-type]


def diffusion_model(settings: SimulationSettings) -> GoalDiffusion:
    """Return model A."""
    proxy, intended = _shares(settings["proxy"], "proxy"), _shares(settings["intended"], "intended")
    rates = {name: settings.number(name) for name in ("gaming", "work", "diffusion")}
    return GoalDiffusion(proxy, intended, **rates)


def _shares(given: object, name: str) -> Floats:
    try:
        return np.asarray(given, dtype=np.float64)
    except (TypeError, ValueError):
        raise InvalidInput(f"{name} is a list of probabilities, got {given!r}") from None


def random_energy_model(settings: SimulationSettings) -> RandomEnergy:
    """Return model B; the preference is 1.25 ln G where none is given."""
    goals, preference = settings.whole("goals"), settings["preference"]
    wanted = 1.25 * float(np.log(max(goals, 2))) if preference is None else settings.number("preference")
    model = RandomEnergy(goals, wanted, settings.number("work"), settings.number("diffusion"))
    if abs(wanted) > FARTHEST:
        raise InvalidInput(f"preference must lie between -{FARTHEST:g} and {FARTHEST:g}, got {wanted:g}")
    if model.variance > FARTHEST:
        raise InvalidInput(
            f"diffusion / work is the variance of a logit and at most {FARTHEST:g}, got {model.variance:g}"
        )
    return model


def run_published(settings: SimulationSettings, tolerance: float | None, level: float, rng: Generator) -> Simulation:
    """Run the published equation."""
    model, terms = published_model(settings), str(settings["terms"])
    if terms not in list(Terms):
        raise InvalidInput(f"terms is one of {', '.join(Terms)}, got {terms}")
    steps, work = int(settings["steps"]), rate(settings.number("work"), "work")
    paths = model.paths(steps=steps, trials=int(settings["trials"]), rng=rng, terms=terms, work=work).T
    exact = None if model.clipped and model.spread > 0.0 else model.expected(steps, terms=terms, work=work)
    exact = exact if exact is None or not model.clipped else max(exact, 0.0)
    none = Insufficient("S is a plain number in this equation: there is no goal distribution behind it")
    kept = np.unique(np.linspace(0, steps, POINTS + 1).astype(np.int64))
    measured = student(paths[-1], level=level, unit=NATS, least=0.0 if model.clipped else None)
    quantities = (
        Quantity("mean_entropy", "E[S]", measured, exact),
        Quantity("entropy_of_mean", POOLED, none),
        Quantity("gap", GAP, none),
    )
    last, sigma = paths[-1], model.production(terms)
    notes = [
        f"S = {last.mean():.2f} +- {last.std(ddof=1):.2f} over trials; sigma = {sigma:.4g} nats a step; the only "
        "threshold of this equation is gamma = sigma",
        f"the paper's critical work, (lambda_max / 2) ln N, is {model.critical_work:.4g}",
    ]
    operating, open_ = None, tolerance is not None and model.clipped and model.spread > 0.0
    if tolerance is not None and not open_:
        operating = "E[S]", tolerance, _published_work(model, tolerance, steps, terms)
    warnings = [NO_LEAST_WORK] if open_ else []
    if below := int((paths.min(axis=0) < 0.0).sum()):
        warnings.append(f"S falls below 0 in {below:,} of {paths.shape[1]:,} trials, as no entropy can: see --clipped")
    return Simulation(
        {}, quantities, SimulatedPaths(kept.astype(np.float64), paths[kept], unit="steps"), operating, None,
        tuple(notes), tuple(warnings),
    )  # fmt: skip


def run_diffusion(settings: SimulationSettings, tolerance: float | None, level: float, rng: Generator) -> Simulation:
    """Run model A."""
    model, steps, dt = diffusion_model(settings), int(settings["steps"]), settings.number("dt")
    start = None
    if settings["start"] is not None:
        given = _shares(settings["start"], "start")
        if given.shape != (model.goals,) or (given <= 0.0).any() or abs(given.sum() - 1.0) > 1e-6:
            raise InvalidInput(f"start needs {model.goals} positive shares that sum to 1, got {given.tolist()}")
        start = np.log(given)
    paths = simulate_goals(
        model, steps=steps, dt=dt, agents=int(settings["trials"]), rng=rng, start=start, every=max(1, steps // POINTS)
    )
    shares = paths.shares
    found = population_entropy(shares[-1], rng=rng, level=level)
    exact = model.mean_entropy(), model.entropy_of_mean()
    notes, warnings = ["the exact values are those of the stationary law, a Dirichlet distribution"], []
    if steps * dt < model.mixing_time():
        warnings.append(
            f"the run lasts {steps * dt:g} and the slowest goal forgets its start after some "
            f"{model.mixing_time():.3g}: simulated and exact values may differ for that reason; raise --steps"
        )
    if dt * (model.gaming + model.work) > LONG_STEP:
        warnings.append(
            f"a step of {dt:g} is long for these rates, and its error is in no interval: lower --dt to "
            f"{LONG_STEP / (model.gaming + model.work):.3g}"
        )
    notes.append(
        "without a force that has no potential this model produces no entropy at rest; it is smooth in the work"
    )
    quantities = (
        Quantity("mean_entropy", MEAN, found.mean_entropy, exact[0]),
        Quantity("entropy_of_mean", POOLED, found.entropy_of_mean, exact[1]),
        Quantity("gap", GAP, found.gap, exact[1] - exact[0]),
    )
    operating = None if tolerance is None else ("E[S(p)]", tolerance, operating_point(model, tolerance=tolerance))
    kept = SimulatedPaths(paths.times, shannon(shares), paths.entropy_of_mean(), shares)
    return Simulation({}, quantities, kept, operating, None, tuple(notes), tuple(warnings))


def run_random_energy(
    settings: SimulationSettings, tolerance: float | None, level: float, rng: Generator
) -> Simulation:
    """Run model B from logits of 0, exact at any spacing of the times."""
    model, steps, dt = random_energy_model(settings), int(settings["steps"]), settings.number("dt")
    positive(dt, "dt")
    trials = int(settings["trials"])
    entropies, pooled = [], []
    for p in model.paths(repeat(dt, steps), agents=trials, rng=rng):
        entropies.append(shannon(p))
        pooled.append(float(shannon(p.mean(axis=0))))
    found = population_entropy(p, rng=rng, level=level)
    share, first = model.intended_share(), student(p[:, 0], level=level, unit=SHARE, least=0.0, most=1.0)
    quantities = (
        Quantity("mean_entropy", MEAN, found.mean_entropy),
        Quantity("entropy_of_mean", POOLED, found.entropy_of_mean, pooled_entropy(share, model.goals)),
        Quantity("gap", GAP, found.gap),
        Quantity("intended_share", "E[p_1]: share of the intended goal", first, share),
    )
    notes = [f"the exact values are those of the steady state, by quadrature; preference h = {model.preference:.4g}"]
    if model.preference > np.log(model.goals):
        notes.append(
            f"gamma_crit = {model.critical_work():.4g} among many goals: a logarithm of the number of goals "
            f"(ln {model.goals} = {np.log(model.goals):.3f}), not of parameters"
        )
    warnings = []
    if np.exp(-model.work * steps * dt) * model.preference > 0.05:
        warnings.append(f"the run lasts {steps * dt:g}, less than the memory of the logits: raise --steps or --dt")
    if trials < model.goals:
        warnings.append(
            f"S(E[p]) of {trials:,} trials over {model.goals:,} goals is biased low, more than a bootstrap can mend: "
            "read the exact value"
        )
    operating = None if tolerance is None else ("S(E[p])", tolerance, _random_energy_work(model, tolerance))
    paths = SimulatedPaths(dt * np.arange(steps + 1.0), np.stack(entropies), np.array(pooled))
    return Simulation({}, quantities, paths, operating, None, tuple(notes), tuple(warnings))


def pooled_entropy(share: float, goals: int) -> float:
    """Return S(E[p]) where goal 1 has `share` and the others are alike."""
    rest = max(1.0 - share, 0.0)
    return float(shannon([share, rest]) + rest * np.log(goals - 1.0))


def _published_work(model: PublishedDynamics, tolerance: float, steps: int, terms: str) -> float:
    needed = model.production(terms) - (positive(tolerance, "tolerance") - model.start) / steps
    return max(needed, 0.0) / (model.learning_rate if model.scaled_work else 1.0)


def _random_energy_work(model: RandomEnergy, tolerance: float) -> float:
    """Return the least work at which S(E[p]) is at the tolerance: it falls as the work grows."""

    def excess(log_work: float) -> float:
        other = model.with_work(float(np.exp(log_work)))
        return pooled_entropy(other.intended_share(), model.goals) - tolerance

    least = pooled_entropy(float(softmax(np.r_[model.preference, np.zeros(model.goals - 1)])[0]), model.goals)
    if positive(tolerance, "tolerance") <= least:
        raise InvalidInput(
            f"the preferred goal leaves {least:.4g} nats at any work: ask for a tolerance above that, got "
            f"{tolerance:.4g}"
        )
    from scipy.optimize import brentq

    low, high = np.log(model.diffusion) - 3.0, np.log(model.diffusion) + 7.0
    if excess(low) <= 0.0:
        return 0.0
    if excess(high) > 0.0:
        raise InvalidInput(
            f"a tolerance of {tolerance:.6g} is so near to the limit {least:.6g} that no work attains it"
        )
    return float(np.exp(brentq(excess, low, high, xtol=1e-4)))


RUNS: dict[str, Callable[[SimulationSettings, float | None, float, Generator], Simulation]] = {
    "published": run_published,
    "diffusion": run_diffusion,
    "random-energy": run_random_energy,
}
