"""The series of a source and what is said of them: a stream, a model, and where told apart a prompt set or intent."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

from secondlaw.drift.monitoring_mix import MixChange
from secondlaw.drift.monitors import Decision
from secondlaw.drift.step_counts import StepCounts, Strata

__all__ = ["SeriesKey", "StreamDecision", "series_of"]


class SeriesKey(NamedTuple):
    """What one monitor watches: a stream, a model, and where told apart a prompt set or intent (else ``""``)."""

    stream: str
    model: str
    part: str = ""

    def __str__(self) -> str:
        return "/".join(self if self.part else self[:2])


@dataclass(frozen=True, slots=True)
class StreamDecision:
    """What the monitor of one series said at one step.

    Parameters
    ----------
    series : SeriesKey
    label : str
        The step as a person reads it.
    decision : Decision
    is_guaranteed : bool
        Whether the detector's false alarms are bounded.
    mix : MixChange or None
        At a drift alarm: how the mix of prompts changed. A changed mix moves the shares without any drift of the model.
    alpha : float or None
        What the series had of the budget at this step (alpha_stream); None without a guarantee.
    """

    series: SeriesKey
    label: str
    decision: Decision
    is_guaranteed: bool
    mix: MixChange | None = None
    alpha: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the decision as plain JSON values."""
        mix = None
        if self.mix is not None:
            names = sorted({*self.mix.before, *self.mix.after})
            mix = {
                "total_variation": self.mix.total_variation,
                "parts": [
                    {"prompt_set": one, "intent": two, "before": self.mix.before.get((one, two), 0.0),
                     "after": self.mix.after.get((one, two), 0.0)}
                    for one, two in names
                ],
            }  # fmt: skip
        return {
            "stream": self.series.stream,
            "model": self.series.model,
            "part": self.series.part,
            "label": self.label,
            **self.decision.to_dict(),
            "guaranteed": self.is_guaranteed,
            "alpha_stream": self.alpha,
            "mix": mix,
        }


def series_of(step: StepCounts, by: Strata | None, known: Iterable[SeriesKey]) -> list[tuple[SeriesKey, StepCounts]]:
    """Return the series of a step; those known from before that are not in it come with counts of zero."""
    whole = SeriesKey(step.stream, step.model)
    if by is None:
        return [(whole, step)]
    before = [key.part for key in known if key[:2] == whole[:2]]
    names = dict.fromkeys([*before, *(getattr(cell, by) for cell in (*step.cells, *step.values))])
    return [(whole._replace(part=name), step.part(by, name)) for name in names]
