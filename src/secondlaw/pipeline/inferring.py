"""Entropy production of a recording: the estimator is chosen, fitted, and what belongs to the number is computed."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from secondlaw.errors import FileFormatError, InvalidInput, NotEnoughData
from secondlaw.pipeline.inference_cautions import velocity_warnings
from secondlaw.pipeline.inference_parts import (
    common_result,
    fitted_asymmetry,
    named_states,
    nested_rungs,
    pair_parts,
    paths_of,
    spike_value,
    variable_parts,
)
from secondlaw.trajectories import EntropyProduction, Flips
from secondlaw.trajectories.asked import Asked
from secondlaw.trajectories.data_checks import checked_data
from secondlaw.trajectories.inference_results import Inference, Rung
from secondlaw.trajectories.methods import choose, method_of
from secondlaw.trajectories.process_checks import check_process
from secondlaw.trajectories.reading.recordings import Recording

__all__ = ["infer", "true_couplings"]

Progress = Callable[[int, int], None]


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
        A name of :data:`~secondlaw.trajectories.methods.METHODS`, or ``"auto"``, which says why it took what it did.
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
        If the estimator cannot read the recording; with ``"auto"`` also if variables look like velocities and are not
        named as odd.
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
    notes, warnings = checked_data(recording, lag=asked.lag * (asked.window - 1), periodic=dict(asked.field.periods))
    speeds = velocity_warnings(recording, asked)
    if estimator == "auto":
        if speeds:
            raise InvalidInput(f"{speeds[0]}; an estimator named with --estimator takes the data as they are")
        method, reason = choose(recording, asked)
    else:
        method, reason = method_of(estimator, recording, asked), "as asked"
    nested = orders and method.name == "maxent" and recording.kind in ("binary", "continuous")
    lower = range(1, asked.order) if nested else ()
    further = sorted({lag for lag in lags if lag != asked.lag}) if "lag" in method.reads else []
    fits = 1 + len(lower) + len(further)

    def advance(done: int) -> None:
        if progress is not None:
            progress(done, fits)

    advance(0)
    raw = method.fit(recording, asked, np.random.default_rng(seed))
    result = named_states(common_result(raw, recording), recording)
    advance(1)

    def again(changed: Asked) -> EntropyProduction:
        return common_result(method.fit(recording, changed, np.random.default_rng(seed)), recording)

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
    checks = check_process(
        recording, lag=asked.lag, periods=dict(asked.field.periods), level=asked.level, rng=np.random.default_rng(seed)
    )
    driven = asked.field.time_degree is not None
    return Inference(
        source=source,
        recording=recording,
        estimator=method.name,
        words=method.words,
        reason=reason,
        asked=asked,
        seed=seed,
        result=result,
        variables=variable_parts(result),
        orders=nested_rungs([*rungs, result]) if rungs else (),
        lags=tuple(Rung(lag, steps[lag]) for lag in sorted(steps)),
        per_spike=spike_value(result, recording),
        paths=paths_of(result, recording, asked),
        asymmetry=fitted_asymmetry(raw),
        pairs=pair_parts(raw, recording),
        checks=checks,
        notes=(*recording.notes, *notes, *too_long),
        warnings=(
            *speeds,
            *warnings,
            *result.warnings,
            *checks.warnings(result.warnings, driven=driven),
        ),
    )


def true_couplings(recording: Recording, path: Path) -> Recording:
    """Return a recording of spins with the true couplings ``beta J`` of a file, to be set beside the fitted ones.

    Raises
    ------
    InvalidInput
        If the recording holds no spins of -1 and 1, or the couplings are not one (N, N) array.
    """
    data = recording.data
    if recording.kind not in ("flips", "binary"):
        raise InvalidInput("true couplings can be set beside those of spins only")
    spins = data.spins.shape[1] if isinstance(data, Flips) else recording.trajectories.dim
    if not isinstance(data, Flips) and not all((np.abs(one) == 1.0).all() for one in recording.trajectories.series):
        raise InvalidInput("true couplings belong to spins of -1 and 1: map 0 to -1")
    try:
        couplings = np.asarray(np.load(path, allow_pickle=False), dtype=np.float64)
    except ValueError as error:
        raise FileFormatError(f"{path} is no array of NumPy: {error}") from error
    if couplings.shape != (spins, spins):
        raise InvalidInput(f"true couplings of {spins} spins have the shape {(spins, spins)}, got {couplings.shape}")
    return replace(recording, couplings=couplings)
