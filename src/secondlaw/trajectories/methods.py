"""The estimators by name, and which of them suits a recording: the register behind ``--estimator``.

A new estimator is one more :class:`Method` in :data:`METHODS`.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from secondlaw.errors import InvalidInput
from secondlaw.trajectories import named_fits
from secondlaw.trajectories.asked import Asked, refuse_unread
from secondlaw.trajectories.flips import FlipResult
from secondlaw.trajectories.named_fits import WIDE, thinned
from secondlaw.trajectories.reading.recordings import Kind, Recording
from secondlaw.trajectories.results import EntropyProduction

__all__ = ["METHODS", "Asked", "Method", "choose", "method_of"]

Fit = Callable[[Recording, Asked, np.random.Generator], EntropyProduction | FlipResult]


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
    reads : tuple of str
        Settings of :class:`Asked` that it reads beside the common ones.
    fit : callable
        Of (recording, asked, rng).
    """

    name: str
    words: str
    kinds: tuple[Kind, ...]
    reads: tuple[str, ...]
    fit: Fit


VARIABLES: tuple[Kind, ...] = ("states", "binary", "continuous")
OBSERVED = ("order", "lag", "window", "odd", "penalty")
SCORED = ("lag", "window", "odd")
METHODS: dict[str, Method] = {
    method.name: method
    for method in (
        Method("maxent", "nonequilibrium MaxEnt, held-out", VARIABLES, OBSERVED, named_fits.maxent),
        Method("tur", "the quadratic uncertainty relation, held-out", VARIABLES, OBSERVED, named_fits.tur),
        Method("tur-log", "the logarithmic uncertainty relation, held-out", VARIABLES, OBSERVED, named_fits.tur_log),
        Method("plug-in", "counts of words against their reversals, extrapolated", ("states", "binary"), ("memory",),
               named_fits.plug_in),
        Method("currents", "the mean local velocity of a diffusion, held-out", ("continuous",),
               ("lag", "field", "device"), named_fits.currents),
        Method("linear-model", "the linear Markov step and its reversal", ("continuous",), ("lag", "odd"),
               named_fits.linear),
        Method("neep", "a trained network (torch), held-out", VARIABLES, SCORED, named_fits.neep),
        Method("classifier", "boosted trees that tell steps from their reversals, held-out", VARIABLES, SCORED,
               named_fits.classifier),
        Method("logistic", "a logistic regression that tells steps from their reversals, held-out", VARIABLES, SCORED,
               named_fits.logistic),
        Method("flips", "MaxEnt of single-spin flips, all spins at once", ("flips", "binary"), ("device",),
               named_fits.flips),
        Method("jumps", "counts of jumps in continuous time, extrapolated", ("jumps",), (), named_fits.jumps),
        Method("waiting-times", "waiting times between visible transitions", ("jumps",), ("edges", "bins"),
               named_fits.waiting_times),
    )
}  # fmt: skip
"""Every estimator by its name."""


def method_of(name: str, recording: Recording, asked: Asked | None = None) -> Method:
    """Return the estimator of a name.

    Raises
    ------
    InvalidInput
        If there is none, it cannot read the recording, or a setting was asked for that it does not read.
    """
    if name not in METHODS:
        raise InvalidInput(f"there is no estimator {name!r}; there are auto, {', '.join(METHODS)}")
    method = METHODS[name]
    if recording.kind not in method.kinds:
        others = ", ".join(one.name for one in METHODS.values() if recording.kind in one.kinds)
        raise InvalidInput(
            f"the estimator {name} reads {' or '.join(method.kinds)} data, not {recording.kind}: take {others}"
        )
    readers = {
        setting: [one.name for one in METHODS.values() if setting in _read(one, recording)]
        for setting in (() if asked is None else asked.changed)
    }
    refuse_unread(asked or Asked(), name, _read(method, recording), readers)
    return method


def _read(method: Method, recording: Recording) -> tuple[str, ...]:
    """Return the settings that an estimator reads of such a recording: states have neither an order nor a sign."""
    if recording.kind not in method.kinds:
        return ()
    return tuple(one for one in method.reads if recording.kind != "states" or one not in ("order", "odd"))


def choose(recording: Recording, asked: Asked | None = None) -> tuple[Method, str]:
    """Return the estimator that suits a recording and the settings, and why.

    Raises
    ------
    InvalidInput
        If no estimator that reads the recording reads all of the settings.

    Examples
    --------
    >>> from secondlaw.trajectories import Trajectories
    >>> method, reason = choose(Recording.of(Trajectories.of([[0.0, 1.0, 2.0, 0.0]])))
    >>> method.name, reason
    ('maxent', 'one variable with 3 states: net jumps between states, which are complete for single steps')
    """
    asked = Asked() if asked is None else asked
    name, reason = _suited(recording, asked)
    return method_of(name, recording, asked), reason


def _suited(recording: Recording, asked: Asked) -> tuple[str, str]:
    if recording.kind == "flips":
        return "flips", "trial flips of single spins: one convex problem a spin, all solved at once"
    if recording.kind == "jumps":
        if asked.edges or "bins" in asked.changed:
            return "waiting-times", "a few transitions are visible: their order and the waiting times between them"
        return "jumps", f"jumps between {len(recording.states)} states in continuous time, all of them seen"
    if recording.kind != "continuous" and asked.memory != 1:
        return "plug-in", "a memory was asked for: words of states"
    if recording.kind == "states":
        jumps = "net jumps between states, which are complete for single steps"
        words = f"words of {asked.window} states against their reversals, for processes with memory"
        return "maxent", (f"one variable with {len(recording.states)} states: {jumps if asked.window == 2 else words}")
    dim = recording.trajectories.dim
    if recording.kind == "binary":
        return "maxent", (
            f"{dim} variables of two values each: correlations in time of every pair"
            + ("" if dim > WIDE else ", and changes of variables and pairs")
        )
    return _of_continuous(recording, asked)


def _of_continuous(recording: Recording, asked: Asked) -> tuple[str, str]:
    from secondlaw.trajectories.currents.suitability import looks_diffusive

    data = recording.trajectories
    what = "a continuous variable" if data.dim == 1 else f"{data.dim} continuous variables"
    if {"field", "device"} & set(asked.changed):
        return "currents", f"{what}, and settings of a field were asked for"
    if asked.odd and asked.window == 2 and not {"order", "penalty"} & set(asked.changed):
        return "linear-model", (
            f"{what}, some odd under time reversal: the linear Markov step, because pairs of states would also count "
            "what tells their two ends apart; exact for linear dynamics, otherwise no bound"
        )
    diffusive = looks_diffusive(thinned(data, asked.lag))
    if diffusive and not asked.odd and not {"order", "window", "penalty"} & set(asked.changed):
        return "currents", (
            f"{what} whose steps are those of a diffusion seen finely: the field behind the currents, linear in the "
            "state; other dynamics may need --basis polynomial"
        )
    reason = f"{what}: all products of two and their changes, which are complete for linear dynamics"
    if asked.order != 2:
        reason = f"{what}: observables of order {asked.order} were asked for"
    return "maxent", reason if diffusive else f"{reason}; steps are not those of a diffusion seen finely"
