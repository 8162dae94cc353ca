"""What belongs to an inferred entropy production beside its number: names, variables, paths, couplings, spikes."""

import itertools
import re
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from secondlaw.errors import InvalidInput
from secondlaw.trajectories import EntropyProduction, FlipResult, Flips, Trajectories
from secondlaw.trajectories.asked import Asked
from secondlaw.trajectories.asymmetry import coupling_asymmetry
from secondlaw.trajectories.diagnostics import Contribution
from secondlaw.trajectories.inference_results import PairPart, Path, Rung
from secondlaw.trajectories.reading.recordings import Recording
from secondlaw.types import NATS_PER_STEP, Estimate, Insufficient

__all__ = [
    "common_result", "fitted_asymmetry", "named_states", "nested_rungs", "pair_parts", "paths_of", "spike_value",
    "variable_parts",
]  # fmt: skip

MOST_PAIRS = 100
MOST_PATHS = 3
MOST_POINTS = 400  # of a path that is drawn
NUMBER = re.compile(r"\d+")
JUMP = re.compile(r"\b(\d+) -> (\d+)\b")


def common_result(raw: EntropyProduction | FlipResult, recording: Recording) -> EntropyProduction:
    """Return any estimator's result as the one result type."""
    if isinstance(raw, EntropyProduction):
        return raw
    return raw.common(None if recording.kind == "flips" else recording.trajectories.variables)


def named_states(result: EntropyProduction, recording: Recording) -> EntropyProduction:
    """Name the states in contributions and warnings instead of their numbers."""
    names, parts = recording.states, result.contributions
    if not names:
        return result

    def name(number: re.Match[str]) -> str:
        return names[int(number.group())]

    def jump(found: re.Match[str]) -> str:
        return " -> ".join(names[int(number)] for number in found.groups())

    warnings = tuple(JUMP.sub(jump, one) for one in result.warnings)
    if isinstance(parts, Insufficient):
        return replace(result, warnings=warnings)
    contributions = tuple(replace(one, name=NUMBER.sub(name, one.name)) for one in parts)
    return replace(result, warnings=warnings, contributions=contributions)


def fitted_asymmetry(raw: EntropyProduction | FlipResult) -> NDArray[np.float64] | None:
    """Return the fitted ``theta_ij - theta_ji``, where the estimator has couplings."""
    if isinstance(raw, FlipResult):
        return np.asarray(raw.couplings - raw.couplings.T)
    return None if raw.observables is None else coupling_asymmetry(raw.observables, raw.theta)


def pair_parts(raw: EntropyProduction | FlipResult, recording: Recording) -> tuple[PairPart, ...]:
    """Return the pairs of spins that act on each other most unequally; none where no flips were fitted."""
    from secondlaw.trajectories.single_flips import flips_of

    if not isinstance(raw, FlipResult):
        return ()
    if isinstance(recording.data, Flips):
        data, names = recording.data, tuple(f"spin {k}" for k in range(len(raw.couplings)))
    else:
        data, names = flips_of(recording.trajectories), recording.trajectories.variables
    found = raw.pair_asymmetries(data, most=MOST_PAIRS)
    return tuple(
        PairPart(names[one.one], names[one.other], one.onto_one, one.onto_other, one.estimate) for one in found
    )


def variable_parts(result: EntropyProduction) -> tuple[Contribution, ...] | Insufficient:
    """Return the value divided among the variables, or why it is not."""
    if result.observables is None:  # contributions, where there are some, are by variable already
        return result.contributions
    try:
        return result.variable_contributions()
    except InvalidInput:
        parts = result.contributions
        return parts if isinstance(parts, Insufficient) else Insufficient("all observables are of one variable")


def nested_rungs(rungs: list[EntropyProduction]) -> tuple[Rung, ...]:
    """Return fits of growing order with what each adds."""
    gains = [None, *(new.difference(old) for old, new in itertools.pairwise(rungs))]
    return tuple(Rung(k + 1, one, gain) for k, (one, gain) in enumerate(zip(rungs, gains, strict=True)))


def spike_value(result: EntropyProduction, recording: Recording) -> Estimate | None:
    """Return the value per spike; the number of spikes, many and counted, is taken as known."""
    spikes = recording.spikes_per_step
    if not spikes:
        return None
    one, dt = result.estimate, recording.trajectories.dt
    steps = 1.0 if dt is None else dt  # the value is of a step, or of a unit of time
    factor = steps / spikes
    return replace(
        one, value=one.value * factor, low=one.low * factor, high=one.high * factor, unit="nats/spike",
        method=f"{one.method}; divided by {spikes:.4g} spikes a step",
    )  # fmt: skip


def paths_of(result: EntropyProduction, recording: Recording, asked: Asked) -> tuple[Path, ...]:
    """Return what the first trajectories gather, every `lag`-th transition counted; none for windows."""
    if recording.kind in ("flips", "jumps") or asked.window != 2:
        return ()
    data, out = recording.numbered, []
    for number, series in enumerate(data.series[:MOST_PATHS]):
        try:
            rows = _rows(result, Trajectories((series,), data.variables, data.dt), asked)
        except InvalidInput:
            return ()
        if not len(rows):
            continue
        gathered = np.concatenate([[0.0], np.cumsum(rows)])
        times = np.arange(len(gathered), dtype=np.float64) * asked.lag * (1.0 if data.dt is None else data.dt)
        kept = np.unique(np.linspace(0, len(gathered) - 1, MOST_POINTS).astype(np.int64))
        out.append(Path(number, np.asarray(times[kept]), np.asarray(gathered[kept])))
    return tuple(out)


def _rows(result: EntropyProduction, one: Trajectories, asked: Asked) -> NDArray[np.float64]:
    """Return the fitted entropy production of every `lag`-th transition of a trajectory."""
    from secondlaw.trajectories.currents.result import CurrentProduction
    from secondlaw.trajectories.named_fits import thinned

    if isinstance(result, CurrentProduction):
        coarse = thinned(one, asked.lag)
        if result.estimate.unit == NATS_PER_STEP and coarse.dt is not None:  # fitted in recorded steps
            result = replace(result, estimate=replace(result.estimate, unit="nats per unit of time"))
        return result.trajectory_entropy_production(coarse)[0]
    return result.trajectory_entropy_production(one, asked.lag)[0][:: asked.lag]
