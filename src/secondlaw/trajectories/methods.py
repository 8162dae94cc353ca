"""The estimators by name, and which of them suits a recording: the register behind ``--estimator``.

A new estimator is one more :class:`Method` in :data:`METHODS`.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from secondlaw.errors import InvalidInput
from secondlaw.statistics import LEVEL
from secondlaw.statistics.resampling import RESAMPLES
from secondlaw.trajectories.containers import Transitions
from secondlaw.trajectories.correlations import CrossCorrelations, StateChanges
from secondlaw.trajectories.default_observables import default_observables
from secondlaw.trajectories.discrete.markov_plug_in import MarkovPlugIn
from secondlaw.trajectories.discrete.state_fluxes import StateFluxes, WordFluxes
from secondlaw.trajectories.estimators import MaxEnt, UncertaintyRelation
from secondlaw.trajectories.flips import FlipResult, Flips, FlipsMaxEnt
from secondlaw.trajectories.observables import Observables, Together
from secondlaw.trajectories.reading.recordings import Kind, Recording
from secondlaw.trajectories.results import EntropyProduction
from secondlaw.trajectories.single_flips import flips_of
from secondlaw.trajectories.window_rows import windows

__all__ = ["METHODS", "Asked", "Method", "choose", "method_of", "observables_of", "pairs_of"]

WIDE = 60
"""Binary variables from which changes of products, as many as correlations in time, are left out by default."""

Fit = Callable[[Recording, "Asked", np.random.Generator], EntropyProduction | FlipResult]


@dataclass(frozen=True, slots=True)
class Asked:
    """What the caller wants of an estimator.

    Parameters
    ----------
    order : {1, 2, 3}
        Of the observables.
    lag : int
        Steps between the states of a transition, or of a window.
    window : int
        States of a window; 2 are transitions.
    odd : tuple of str
        Variables that change sign under time reversal.
    level : float
    resamples : int
    blocks : int
        Stretches into which few trajectories are cut.
    """

    order: int = 2
    lag: int = 1
    window: int = 2
    odd: tuple[str, ...] = ()
    level: float = LEVEL
    resamples: int = RESAMPLES
    blocks: int = 100

    @property
    def common(self) -> dict[str, Any]:
        """The settings that every estimator knows."""
        return {"level": self.level, "resamples": self.resamples, "blocks": self.blocks}


@dataclass(frozen=True, slots=True)
class Method:
    """An estimator by name.

    Parameters
    ----------
    name : str
    words : str
        What it is, in half a sentence.
    kinds : tuple of str
        Recordings that it can read.
    fit : callable
        Of (recording, asked, rng).
    """

    name: str
    words: str
    kinds: tuple[Kind, ...]
    fit: Fit


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


def _maxent(recording: Recording, asked: Asked, rng: np.random.Generator) -> EntropyProduction:
    estimator = MaxEnt(observables_of(recording, asked), **asked.common)
    return estimator.fit(pairs_of(recording, asked), rng=rng)


def _quadratic(recording: Recording, asked: Asked, rng: np.random.Generator) -> EntropyProduction:
    estimator = UncertaintyRelation(observables_of(recording, asked), **asked.common)
    return estimator.fit(pairs_of(recording, asked), rng=rng)


def _logarithmic(recording: Recording, asked: Asked, rng: np.random.Generator) -> EntropyProduction:
    estimator = UncertaintyRelation(observables_of(recording, asked), form="logarithmic", **asked.common)
    return estimator.fit(pairs_of(recording, asked), rng=rng)


def _flips(recording: Recording, asked: Asked, rng: np.random.Generator) -> FlipResult:
    if asked.window != 2 or asked.lag != 1 or asked.odd:
        raise InvalidInput("flips of single spins are one update each: lag, window and odd variables are for others")
    if isinstance(recording.data, Flips):
        return FlipsMaxEnt(**asked.common).fit(recording.data, rng=rng)
    found = FlipsMaxEnt(**asked.common).fit(flips_of(recording.data), rng=rng)
    return _per_step(found, recording.data.dim, recording.data.dt)


def _per_step(found: FlipResult, spins: int, dt: float | None) -> FlipResult:
    """Return a result per step where each step tries one spin: the fit has taken it for a try of every spin."""
    factor = float(spins) if dt is None else spins / dt
    old = found.estimate
    unit = "nats/step" if dt is None else "nats per unit of time"
    new = replace(old, value=old.value * factor, low=old.low * factor, high=old.high * factor, unit=unit)
    return replace(found, estimate=new, train_value=found.train_value * factor)


def _transitions_only(name: str, asked: Asked) -> None:
    if asked.window != 2 or asked.odd:
        raise InvalidInput(f"the estimator {name} takes single steps of even variables: window and odd are for maxent")


def _plug_in(recording: Recording, asked: Asked, rng: np.random.Generator) -> EntropyProduction:
    _transitions_only("plug-in", asked)
    if asked.lag != 1:
        raise InvalidInput(f"the estimator plug-in counts single steps, got a lag of {asked.lag}: use maxent")
    return MarkovPlugIn(order=1, **asked.common).fit(recording.trajectories, rng=rng)


def _currents(recording: Recording, asked: Asked, rng: np.random.Generator) -> EntropyProduction:
    from secondlaw.trajectories.currents.estimator import Currents

    _transitions_only("currents", asked)
    if asked.lag != 1 or recording.trajectories.dt is None:
        raise InvalidInput("the estimator currents takes a lag of 1 and needs the time between steps: give dt")
    return Currents(**asked.common).fit(recording.trajectories, rng=rng)


def _neep(recording: Recording, asked: Asked, rng: np.random.Generator) -> EntropyProduction:
    from secondlaw.trajectories.neep import NEEP

    estimator = NEEP(discrete=recording.kind == "states", **asked.common)
    return estimator.fit(pairs_of(recording, asked), rng=rng)


def _classifier(recording: Recording, asked: Asked, rng: np.random.Generator) -> EntropyProduction:
    from secondlaw.trajectories.time_classifier import TimeReversalClassifier

    return TimeReversalClassifier(**asked.common).fit(pairs_of(recording, asked), rng=rng)


VARIABLES: tuple[Kind, ...] = ("states", "binary", "continuous")
METHODS: dict[str, Method] = {
    method.name: method
    for method in (
        Method("maxent", "nonequilibrium MaxEnt, held-out", VARIABLES, _maxent),
        Method("tur", "the quadratic uncertainty relation, held-out", VARIABLES, _quadratic),
        Method("tur-log", "the logarithmic uncertainty relation, held-out", VARIABLES, _logarithmic),
        Method("plug-in", "counts of steps against their reversals, extrapolated", ("states", "binary"), _plug_in),
        Method("currents", "the mean local velocity of a diffusion", ("continuous",), _currents),
        Method("neep", "a trained network (torch)", VARIABLES, _neep),
        Method("classifier", "a classifier that tells steps from their reversals", VARIABLES, _classifier),
        Method("flips", "MaxEnt of single-spin flips, all spins at once", ("flips", "binary"), _flips),
    )
}
"""Every estimator by its name."""


def method_of(name: str, recording: Recording) -> Method:
    """Return the estimator of a name.

    Raises
    ------
    InvalidInput
        If there is none, or it cannot read the recording.
    """
    if name not in METHODS:
        raise InvalidInput(f"there is no estimator {name!r}; there are auto, {', '.join(METHODS)}")
    method = METHODS[name]
    if recording.kind not in method.kinds:
        raise InvalidInput(f"the estimator {name} reads {' or '.join(method.kinds)} data, not {recording.kind}")
    return method


def choose(recording: Recording) -> tuple[Method, str]:
    """Return the estimator that suits a recording, and why.

    Examples
    --------
    >>> from secondlaw.trajectories import Trajectories
    >>> method, reason = choose(Recording.of(Trajectories.of([[0.0, 1.0, 2.0, 0.0]])))
    >>> method.name, reason
    ('maxent', 'one variable with 3 states: net jumps between states, which are complete for single steps')
    """
    if recording.kind == "flips":
        return METHODS["flips"], "trial flips of single spins: one convex problem a spin, all solved at once"
    data = recording.trajectories
    if recording.kind == "states":
        return METHODS["maxent"], (
            f"one variable with {len(recording.states)} states: net jumps between states, which are complete for "
            "single steps"
        )
    if recording.kind == "binary":
        return METHODS["maxent"], (
            f"{data.dim} variables of two values each: correlations in time of every pair"
            + ("" if data.dim > WIDE else ", and changes of variables and pairs")
        )
    return METHODS["maxent"], (
        f"{'a continuous variable' if data.dim == 1 else f'{data.dim} continuous variables'}: all products of two and "
        "their changes, which are complete for linear dynamics"
    )
