"""Entropy production of a recording: the estimator is chosen, fitted, and what belongs to the number is computed."""

import itertools
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path as FilePath

import numpy as np
from numpy.typing import NDArray

from secondlaw.errors import FileFormatError, InvalidInput, NotEnoughData
from secondlaw.trajectories import EntropyProduction, FlipResult, Flips, Trajectories
from secondlaw.trajectories.asymmetry import coupling_asymmetry
from secondlaw.trajectories.data_checks import checked_data
from secondlaw.trajectories.diagnostics import Contribution
from secondlaw.trajectories.inference_results import Inference, Path, Rung
from secondlaw.trajectories.methods import Asked, choose, method_of
from secondlaw.trajectories.reading.recordings import Recording
from secondlaw.types import NATS_PER_STEP, Estimate, Insufficient

__all__ = ["infer", "true_couplings"]

Progress = Callable[[int, int], None]

MOST_PATHS = 3
MOST_POINTS = 400  # of a path that is drawn
NUMBER = re.compile(r"\d+")


@dataclass(frozen=True, slots=True)
class FlipDiagnostics:
    """What says how far the number of single-spin flips can be trusted.

    Parameters
    ----------
    spins, silent : int
        Spins, and those without enough flips to fit.
    gap : float
        Train value less the held-out value.
    """

    spins: int
    silent: int
    gap: float


def infer(
    recording: Recording,
    *,
    source: str,
    estimator: str = "auto",
    asked: Asked | None = None,
    seed: int = 0,
    orders: bool = False,
    lags: Sequence[int] = (),
    progress: Progress | None = None,
) -> Inference:
    """Infer the entropy production of a recording.

    Parameters
    ----------
    recording : Recording
    source : str
        What was read.
    estimator : str
        A name of :data:`~secondlaw.trajectories.methods.METHODS`, or ``"auto"``.
    asked : Asked, optional
    seed : int
        Of every draw; each fit starts from it, so that fits of the same rows have paired intervals.
    orders : bool
        Whether nested sets of observables of lower orders are fitted too.
    lags : sequence of int
        Further lags to fit.
    progress : callable, optional
        Called with (fits done, fits in all).

    Raises
    ------
    InvalidInput
        If the estimator cannot read the recording.
    NotEnoughData
        If the recording is too short, or nothing in it moves.

    Examples
    --------
    >>> from secondlaw.trajectories import Trajectories
    >>> steps = np.random.default_rng(0).choice([1, -1, 0], p=[0.5, 0.2, 0.3], size=20000)
    >>> found = infer(Recording.of(Trajectories.of([np.cumsum(steps) % 3.0])), source="a driven cycle")
    >>> found.result.estimate.covers(0.27489), found.estimator
    (True, 'maxent')
    """
    asked = Asked() if asked is None else asked
    method, reason = choose(recording) if estimator == "auto" else (method_of(estimator, recording), "as asked")
    notes, warnings = checked_data(recording, lag=asked.lag * (asked.window - 1))
    lower = range(1, asked.order) if orders and method.name == "maxent" and _has_orders(recording) else ()
    further = sorted({lag for lag in lags if lag != asked.lag}) if recording.kind != "flips" else []
    fits = 1 + len(lower) + len(further)

    def advance(done: int) -> None:
        if progress is not None:
            progress(done, fits)

    advance(0)
    raw = method.fit(recording, asked, np.random.default_rng(seed))
    result = _named(_common(raw), recording)
    advance(1)

    def again(changed: Asked) -> EntropyProduction:
        return _common(method.fit(recording, changed, np.random.default_rng(seed)))

    rungs: list[EntropyProduction] = []
    for order in lower:
        rungs.append(again(replace(asked, order=order)))
        advance(1 + len(rungs))
    steps = {asked.lag: result} if further else {}
    too_long: list[str] = []
    for lag in further:
        try:
            steps[lag] = again(replace(asked, lag=lag))
        except (NotEnoughData, InvalidInput) as error:
            too_long.append(f"no value at lag {lag}: {error}")
        advance(len(rungs) + len(steps) + len(too_long))
    spikes = recording.spikes_per_step
    return Inference(
        source=source,
        recording=recording,
        estimator=method.name,
        words=method.words,
        reason=reason,
        asked=asked,
        seed=seed,
        result=result,
        variables=_of_variables(result),
        orders=_nested([*rungs, result]) if rungs else (),
        lags=tuple(Rung(lag, steps[lag]) for lag in sorted(steps)),
        per_spike=_per_spike(result, spikes),
        paths=_paths(result, recording, asked),
        asymmetry=_asymmetry(raw),
        notes=(*recording.notes, *notes, *too_long),
        warnings=(*warnings, *result.warnings),
    )


def true_couplings(recording: Recording, path: FilePath) -> Recording:
    """Return a recording of spins with the true couplings ``beta J`` of a file, to be set beside the fitted ones.

    Raises
    ------
    InvalidInput
        If the recording holds no spins of -1 and 1, or the couplings are not one (N, N) array.
    """
    data = recording.data
    spins = data.spins.shape[1] if isinstance(data, Flips) else data.dim
    if recording.kind not in ("flips", "binary"):
        raise InvalidInput("true couplings can be set beside those of spins only")
    if not isinstance(data, Flips) and not all((np.abs(one) == 1.0).all() for one in data.series):
        raise InvalidInput("true couplings belong to spins of -1 and 1: map 0 to -1")
    try:
        couplings = np.asarray(np.load(path, allow_pickle=False), dtype=np.float64)
    except ValueError as error:
        raise FileFormatError(f"{path} is no array of NumPy: {error}") from error
    if couplings.shape != (spins, spins):
        raise InvalidInput(f"true couplings of {spins} spins have the shape {(spins, spins)}, got {couplings.shape}")
    return replace(recording, couplings=couplings)


def _has_orders(recording: Recording) -> bool:
    return recording.kind in ("binary", "continuous")


def _common(raw: EntropyProduction | FlipResult) -> EntropyProduction:
    """Return any estimator's result as the one result type."""
    if isinstance(raw, EntropyProduction):
        return raw
    silent = (f"{raw.silent} spins flip too seldom to be fitted and count as 0: record longer",) * bool(raw.silent)
    return EntropyProduction(
        estimate=raw.estimate,
        bound="lower",
        covers="the MaxEnt bound of single-spin flips at the fitted couplings, a lower bound on entropy production",
        train_value=raw.train_value,
        null=None,
        diagnostics=FlipDiagnostics(len(raw.couplings), raw.silent, raw.train_value - raw.estimate.value),
        warnings=silent,
        contributions=Insufficient("only the sum over all spins compares with the entropy production"),
    )


def _named(result: EntropyProduction, recording: Recording) -> EntropyProduction:
    """Name the states in the names of contributions instead of their numbers."""
    parts = result.contributions
    if not recording.states or isinstance(parts, Insufficient):
        return result

    def name(number: re.Match[str]) -> str:
        return recording.states[int(number.group())]

    return replace(result, contributions=tuple(replace(one, name=NUMBER.sub(name, one.name)) for one in parts))


def _asymmetry(raw: EntropyProduction | FlipResult) -> NDArray[np.float64] | None:
    if isinstance(raw, FlipResult):
        return np.asarray(raw.couplings - raw.couplings.T)
    return None if raw.observables is None else coupling_asymmetry(raw.observables, raw.theta)


def _of_variables(result: EntropyProduction) -> tuple[Contribution, ...] | Insufficient:
    if isinstance(result.contributions, Insufficient):
        return result.contributions
    try:
        return result.variable_contributions()
    except InvalidInput as error:
        return Insufficient(str(error))


def _nested(rungs: list[EntropyProduction]) -> tuple[Rung, ...]:
    gains = [None, *(new.difference(old) for old, new in itertools.pairwise(rungs))]
    return tuple(Rung(k + 1, one, gain) for k, (one, gain) in enumerate(zip(rungs, gains, strict=True)))


def _per_spike(result: EntropyProduction, spikes: float | None) -> Estimate | None:
    """Return the value per spike; the number of spikes, many and counted, is taken as known."""
    if not spikes or result.estimate.unit != NATS_PER_STEP:
        return None
    one = result.estimate
    return replace(
        one, value=one.value / spikes, low=one.low / spikes, high=one.high / spikes, unit="nats/spike",
        method=f"{one.method}; divided by {spikes:.4g} spikes a step",
    )  # fmt: skip


def _paths(result: EntropyProduction, recording: Recording, asked: Asked) -> tuple[Path, ...]:
    """Return what the first trajectories gather, every `lag`-th transition counted; none for windows."""
    if recording.kind == "flips" or asked.window != 2 or asked.odd:
        return ()
    data, out = recording.numbered, []
    for number, series in enumerate(data.series[:MOST_PATHS]):
        one = Trajectories((series,), data.variables, data.dt)
        try:
            rows = result.trajectory_entropy_production(one, asked.lag)[0][:: asked.lag]
        except InvalidInput:
            return ()
        if not len(rows):
            continue
        gathered = np.concatenate([[0.0], np.cumsum(rows)])
        times = np.arange(len(gathered), dtype=np.float64) * asked.lag * (1.0 if data.dt is None else data.dt)
        kept = np.unique(np.linspace(0, len(gathered) - 1, MOST_POINTS).astype(np.int64))
        out.append(Path(number, np.asarray(times[kept]), np.asarray(gathered[kept])))
    return tuple(out)
