"""How fast behavior moves: the slopes of S(t) and of the misaligned share over a model's steps."""

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from secondlaw.drift.cells import MeasuredCell
from secondlaw.drift.results import RateResult
from secondlaw.errors import NotEnoughData
from secondlaw.statistics.cells import Replicated
from secondlaw.statistics.slopes import LineMethod, longest_linear_growth, slope
from secondlaw.types import NATS_PER_STEP, Estimate, Insufficient, Measured

__all__ = ["SHARE_PER_STEP", "measure_rates", "series_of"]

SHARE_PER_STEP = "share/step"
Floats = NDArray[np.float64]
Series = Mapping[int, MeasuredCell]
"""A model's cells by step."""


def series_of(cells: Series, quantity: Callable[[MeasuredCell], Replicated]) -> tuple[Floats, Floats, Floats]:
    """Return steps (T,), values (T,) and joint replicates (resamples, T) of one quantity.

    Parameters
    ----------
    cells : mapping of int to MeasuredCell
        A model's cells, measured on one design.
    quantity : callable
        Takes a cell, gives a scalar quantity: ``lambda cell: cell.pooled``.
    """
    steps = sorted(cells)
    taken = [quantity(cells[step]) for step in steps]
    values = np.array([float(one.point) for one in taken])
    return np.array(steps, dtype=np.float64), values, np.stack([one.replicates for one in taken], axis=1)


def measure_rates(stream: str, model: str, cells: Series, *, level: float) -> RateResult:
    """Measure the rates of one model.

    Parameters
    ----------
    stream, model : str
    cells : mapping of int to MeasuredCell
        By step, measured on one design.
    level : float
        Coverage of the intervals.

    Returns
    -------
    RateResult
        With :class:`~secondlaw.types.Insufficient` where there are too few steps.
    """
    rate = _slope(cells, lambda cell: cell.pooled, "wls", level)
    categories = len(next(iter(cells.values())).shares.point)
    bound = None
    if isinstance(rate, Estimate) and rate.low > 0.0:
        bound = longest_linear_growth(rate.value, categories=categories)
    misaligned = _slope(cells, lambda cell: cell.misaligned, "wls", level, SHARE_PER_STEP)
    return RateResult(
        stream=stream,
        model=model,
        steps=len(cells),
        entropy_rate=_noted(rate, cells),
        entropy_rate_robust=_noted(_slope(cells, lambda cell: cell.pooled, "theil-sen", level), cells),
        misaligned_rate=_noted(misaligned, cells),
        longest_linear_growth=bound,
    )


def _slope(
    cells: Series,
    quantity: Callable[[MeasuredCell], Replicated],
    method: LineMethod,
    level: float,
    unit: str = NATS_PER_STEP,
) -> Measured:
    steps, values, replicates = series_of(cells, quantity)
    try:
        return slope(values, steps=steps, replicates=replicates, method=method, level=level, unit=unit)
    except NotEnoughData as short:
        return Insufficient(str(short))


def _noted(rate: Measured, cells: Series) -> Measured:
    """Say where a rate rests on uncorrected labels."""
    plain = any(cell.uncorrected for cell in cells.values())
    return rate.noted("uncorrected machine labels") if plain and isinstance(rate, Estimate) else rate
