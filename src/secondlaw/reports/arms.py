"""The measurement laid out by arm: one arm is a model in a stream, with its cells in order of the step.

Labels, the order in which arms are shown and the look that tells them apart are decided here, once for a report.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from secondlaw.drift.results import CellResult, Measurement, RateResult
from secondlaw.reports.words import one_line
from secondlaw.types import Estimate, Measured

__all__ = ["Arm", "arms_of", "corrected_badge", "first_and_last", "is_uncorrected"]


@dataclass(frozen=True, slots=True)
class Arm:
    """One model in one stream.

    Parameters
    ----------
    label : str
        What the report calls it: the model, with the stream where there are several.
    style : int
        Which colour, line and symbol it has.
    stream, model : str
    cells : tuple of CellResult
        In order of the step; at least one.
    rate : RateResult or None
    """

    label: str
    style: int
    stream: str
    model: str
    cells: tuple[CellResult, ...]
    rate: RateResult | None

    @property
    def is_uncorrected(self) -> bool:
        """Whether any of its numbers is read off machine labels without a correction."""
        return any(is_uncorrected(cell) for cell in self.cells)


def is_uncorrected(cell: CellResult) -> bool:
    """Whether a cell has numbers and they are read off machine labels without a correction."""
    shown = (cell.misaligned_share, *cell.entropy.values(), *cell.shares.values())
    return cell.correction == "none" and cell.labels != "human" and any(isinstance(one, Estimate) for one in shown)


def corrected_badge(arms: Sequence[Arm], *models: str) -> bool:
    """Whether a number drawn from these models needs the badge *uncorrected* (all models, if none is named)."""
    return any(arm.is_uncorrected for arm in arms if not models or arm.model in models)


def first_and_last(arm: Arm, quantity: str = "pooled") -> tuple[tuple[int, Estimate], tuple[int, Estimate]] | None:
    """Return the first and the last step that have a number of ``entropy[quantity]`` or ``misaligned_share``."""
    found: list[tuple[int, Estimate]] = []
    for cell in arm.cells:
        measured: Measured | None = (
            cell.misaligned_share if quantity == "misaligned_share" else cell.entropy.get(quantity)
        )
        if isinstance(measured, Estimate):
            found.append((cell.step, measured))
    return (found[0], found[-1]) if found else None


def arms_of(measurement: Measurement) -> tuple[Arm, ...]:
    """Return the arms of a measurement: those that are compared first, base before tuned, then by appearance."""
    cells: dict[tuple[str, str], list[CellResult]] = {}
    for cell in measurement.cells:
        cells.setdefault((cell.stream, cell.model), []).append(cell)
    compared = [name for comparison in measurement.comparisons for name in (comparison.base, comparison.tuned)]
    rank = {name: place for place, name in reversed(list(enumerate(compared)))}
    order = sorted(cells, key=lambda key: rank.get(key[1], len(compared)))
    labels = _labels(order)
    rates = {(rate.stream, rate.model): rate for rate in measurement.rates}
    return tuple(
        Arm(labels[key], style, *key, tuple(sorted(cells[key], key=lambda cell: cell.step)), rates.get(key))
        for style, key in enumerate(order)
    )


def _labels(keys: Sequence[tuple[str, str]]) -> Mapping[tuple[str, str], str]:
    """Name each (stream, model), told apart by a number where clipping made two names equal."""
    streams = {stream for stream, _ in keys}
    models = [model for _, model in keys]
    labels: dict[tuple[str, str], str] = {}
    for stream, model in keys:
        plain = one_line(model)
        if len(streams) > 1 and (models.count(model) > 1 or len(set(models)) == 1):
            plain = f"{one_line(model, 36)} · {one_line(stream, 24)}"
        label, number = plain, 2
        while label in labels.values():
            label, number = f"{plain} ({number})", number + 1
        labels[stream, model] = label
    return labels
