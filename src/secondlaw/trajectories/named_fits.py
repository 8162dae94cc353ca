"""Fits of each estimator by its name: settings in plain values turned into the estimator's own."""

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from secondlaw.errors import InvalidInput
from secondlaw.trajectories.asked import Asked
from secondlaw.trajectories.containers import Trajectories, Transitions
from secondlaw.trajectories.correlations import CrossCorrelations, StateChanges
from secondlaw.trajectories.default_observables import default_observables
from secondlaw.trajectories.discrete.jump_estimators import JumpPlugIn, WaitingTimes
from secondlaw.trajectories.discrete.markov_plug_in import MarkovPlugIn
from secondlaw.trajectories.discrete.state_fluxes import StateFluxes, WordFluxes
from secondlaw.trajectories.estimators import MaxEnt, UncertaintyRelation
from secondlaw.trajectories.flips import FlipResult, Flips, FlipsMaxEnt
from secondlaw.trajectories.linear_model import LinearModel
from secondlaw.trajectories.observables import Observables, Together
from secondlaw.trajectories.reading.recordings import Recording
from secondlaw.trajectories.results import EntropyProduction
from secondlaw.trajectories.single_flips import flips_of
from secondlaw.trajectories.window_rows import windows
from secondlaw.types import NATS_PER_STEP, Estimate, Insufficient

if TYPE_CHECKING:
    from secondlaw.trajectories.currents.bases import Basis
    from secondlaw.trajectories.currents.network import Network
    from secondlaw.trajectories.currents.result import CurrentProduction

__all__ = [
    "classifier", "currents", "flips", "jumps", "linear", "logistic", "maxent", "neep", "observables_of", "pairs_of",
    "plug_in", "thinned", "tur", "tur_log", "waiting_times",
]  # fmt: skip

Generator = np.random.Generator

WIDE = 60
"""Binary variables from which changes of products, as many as correlations in time, are left out by default."""


def pairs_of(recording: Recording, asked: Asked) -> Transitions:
    """Return the transitions, or windows, that were asked for."""
    data = recording.numbered
    if asked.window == 2 and not asked.odd:
        return data.transitions(asked.lag)
    return windows(data, asked.window, lag=asked.lag, odd=asked.odd)


def observables_of(recording: Recording, asked: Asked) -> Observables:
    """Return the observables of the order that was asked for; those of discrete states are complete at any order."""
    pairs = pairs_of(recording, asked)
    if recording.kind == "states":
        states = len(recording.states)
        return StateFluxes(states) if asked.window == 2 else WordFluxes(states, asked.window)
    names, binary = recording.trajectories.variables, recording.kind == "binary"
    if binary and len(names) > WIDE and asked.order == 2 and asked.window == 2 and not asked.odd:
        return Together((StateChanges(names), CrossCorrelations(names)))
    return default_observables(pairs, asked.order, binary=binary)


def maxent(recording: Recording, asked: Asked, rng: Generator) -> EntropyProduction:
    """Fit nonequilibrium MaxEnt."""
    estimator = MaxEnt(observables_of(recording, asked), penalty=asked.penalty, **asked.common)
    return estimator.fit(pairs_of(recording, asked), rng=rng)


def tur(recording: Recording, asked: Asked, rng: Generator) -> EntropyProduction:
    """Fit the quadratic uncertainty relation."""
    estimator = UncertaintyRelation(observables_of(recording, asked), penalty=asked.penalty, **asked.common)
    return estimator.fit(pairs_of(recording, asked), rng=rng)


def tur_log(recording: Recording, asked: Asked, rng: Generator) -> EntropyProduction:
    """Fit the logarithmic uncertainty relation."""
    estimator = UncertaintyRelation(
        observables_of(recording, asked), form="logarithmic", penalty=asked.penalty, **asked.common
    )
    return estimator.fit(pairs_of(recording, asked), rng=rng)


def flips(recording: Recording, asked: Asked, rng: Generator) -> FlipResult:
    """Fit flips of single spins."""
    estimator = FlipsMaxEnt(device=asked.device, **asked.common)
    if isinstance(recording.data, Flips):
        return estimator.fit(recording.data, rng=rng)
    data = recording.trajectories
    found = estimator.fit(flips_of(data), rng=rng)
    # Each step tries one spin, where the fit has taken it for a try of every spin.
    if data.dt is None:
        return found.rescaled(float(data.dim), NATS_PER_STEP)
    return found.rescaled(data.dim / data.dt, "nats per unit of time")


def plug_in(recording: Recording, asked: Asked, rng: Generator) -> EntropyProduction:
    """Count words of states."""
    return MarkovPlugIn(order=asked.memory, **asked.common).fit(recording.numbered, rng=rng)


def currents(recording: Recording, asked: Asked, rng: Generator) -> EntropyProduction:
    """Learn the field behind the currents; at a lag every lag-th state is kept."""
    from secondlaw.trajectories.currents.estimator import Currents

    field = asked.field
    estimator = Currents(
        basis=_basis(asked), diffusion=field.diffusion, time_degree=field.time_degree, order=field.stencil,
        measurement_noise=field.measurement_noise, periods=dict(field.periods), **asked.common,
    )  # fmt: skip
    data = recording.trajectories
    if asked.lag == 1:
        return estimator.fit(data, rng=rng)
    found = estimator.fit(thinned(data, asked.lag), rng=rng)
    return found if data.dt is not None else _in_steps(found)


def thinned(data: Trajectories, lag: int) -> Trajectories:
    """Return every `lag`-th state; without a dt a recorded step is the unit of time."""
    step = 1.0 if data.dt is None and lag > 1 else data.dt
    return Trajectories(tuple(one[::lag] for one in data.series), data.variables, None if step is None else lag * step)


def _in_steps(found: "CurrentProduction") -> "CurrentProduction":
    """Return a result in which the unit of time is a recorded step."""

    def named(one: Estimate) -> Estimate:
        return replace(one, unit=NATS_PER_STEP)

    parts, limit = found.contributions, found.extrapolated
    return replace(
        found,
        estimate=named(found.estimate),
        extrapolated=limit if isinstance(limit, Insufficient) else named(limit),
        by_lag=tuple((dt, named(one)) for dt, one in found.by_lag),
        contributions=parts if isinstance(parts, Insufficient) else tuple(
            replace(one, estimate=named(one.estimate)) for one in parts
        ),
    )  # fmt: skip


def _basis(asked: Asked) -> "Basis | Network":
    from secondlaw.trajectories.currents.bases import LinearBasis, PolynomialBasis, RadialBasis
    from secondlaw.trajectories.currents.network import Network

    field = asked.field
    makers: dict[str, Callable[[], Basis | Network]] = {
        "linear": LinearBasis,
        "polynomial": lambda: PolynomialBasis(field.degree),
        "radial": lambda: RadialBasis(field.bumps),
        "network": lambda: Network(device=asked.device or "cpu"),
    }
    if field.basis not in makers:
        raise InvalidInput(f"the basis of a field is {', '.join(makers)}, got {field.basis!r}")
    return makers[field.basis]()


def linear(recording: Recording, asked: Asked, rng: Generator) -> EntropyProduction:
    """Fit the linear Markov step, with odd variables."""
    return LinearModel(odd=asked.odd, lag=asked.lag, **asked.common).fit(recording.trajectories, rng=rng)


def neep(recording: Recording, asked: Asked, rng: Generator) -> EntropyProduction:
    """Train a network."""
    from secondlaw.trajectories.neep import NEEP

    return NEEP(discrete=recording.kind == "states", **asked.common).fit(pairs_of(recording, asked), rng=rng)


def classifier(recording: Recording, asked: Asked, rng: Generator) -> EntropyProduction:
    """Train boosted trees to tell the direction of time."""
    from secondlaw.trajectories.time_classifier import TimeReversalClassifier

    estimator = TimeReversalClassifier(discrete=recording.kind == "states", **asked.common)
    return estimator.fit(pairs_of(recording, asked), rng=rng)


def logistic(recording: Recording, asked: Asked, rng: Generator) -> EntropyProduction:
    """Train a logistic regression to tell the direction of time."""
    from secondlaw.trajectories.time_classifier import TimeReversalClassifier

    estimator = TimeReversalClassifier("logistic", discrete=recording.kind == "states", **asked.common)
    return estimator.fit(pairs_of(recording, asked), rng=rng)


def jumps(recording: Recording, asked: Asked, rng: Generator) -> EntropyProduction:
    """Count the jumps of a process in continuous time."""
    return JumpPlugIn(**asked.common).fit(recording.jumps, rng=rng)


def waiting_times(recording: Recording, asked: Asked, rng: Generator) -> EntropyProduction:
    """Take the waiting times between visible transitions."""
    records, names = recording.jumps, recording.states
    edges = [(_number(names, a), _number(names, b)) for a, b in asked.edges]
    if not edges:
        both = np.concatenate([np.stack([path[:-1], path[1:]], axis=1) for path in records.states])
        edges = [(int(a), int(b)) for a, b in np.unique(np.sort(both, axis=1), axis=0)]
    visible = records.visible(edges)
    return WaitingTimes(bins=asked.bins, **asked.common).fit(visible, rng=rng)


def _number(names: tuple[str, ...], name: str) -> int:
    if name not in names:
        raise InvalidInput(f"there is no state {name!r}, but {', '.join(names[:20])}")
    return names.index(name)
