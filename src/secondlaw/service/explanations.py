"""What a person asks first about an alarm: since when, and what moved. From the stored counts, when it is raised."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np

from secondlaw.drift.monitoring import StreamDecision
from secondlaw.drift.monitoring_explanation import explained, moved_words
from secondlaw.drift.step_counts import StepCounts
from secondlaw.pipeline.stored_steps import steps_of_counts
from secondlaw.service.alert_parts import Began
from secondlaw.service.evaluation_settings import EvaluationSettings, taxonomy_of
from secondlaw.statistics.change_points import ChangePoint
from secondlaw.storage import Store, Stream
from secondlaw.types import Insufficient

__all__ = ["Explainer", "Explanation"]

LOOKED_BACK = 400
"""Windows before an alarm that are looked at."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why an alarm was raised.

    Parameters
    ----------
    began : Began or Insufficient
    words : str
        What moved, in a few words; no texts.
    values : mapping
        The attribution as plain JSON values.
    """

    began: Began | Insufficient
    words: str
    values: Mapping[str, Any]

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {"began": self.began.to_dict(), "words": self.words, **self.values}


class Explainer:
    """Explains drift alarms from a store.

    Parameters
    ----------
    store : Store
    level : float
        Coverage of intervals.
    """

    def __init__(self, store: Store, *, level: float = 0.95) -> None:
        self._store, self._level = store, level

    def __call__(
        self,
        stream: Stream,
        settings: EvaluationSettings,
        name: str,
        decided: Sequence[tuple[int, StepCounts, StreamDecision]],
        first: int,
    ) -> Explanation | None:
        """Explain the alarm that the last of some decisions raised; None where the counts do not tell.

        Parameters
        ----------
        stream : Stream
        settings : EvaluationSettings
        name : str
            Of the series' monitor.
        decided : sequence of (window, step, decision)
            Those that are not stored yet.
        first : int
            Window of step 0.
        """
        window, _, said = decided[-1]
        begin = max(first, window - LOOKED_BACK * settings.stride)
        stored = self._store.monitors.decisions(stream.name, name, range(begin, decided[0][0]))
        verdicts = [(one.window, one.verdict) for one in stored]
        verdicts += [(at, one.decision.verdict) for at, _, one in decided[:-1]]
        begin = max([begin, *(at for at, verdict in verdicts if verdict == "changed")])
        watched = next((at for at, verdict in verdicts if verdict == "quiet" and at >= begin), window)
        counts = self._store.counts.read(stream.name, range(begin, window + 1), model=said.series.model)
        steps = steps_of_counts(
            counts, range(begin, window + 1, settings.stride), stream=stream.name, known=(said.series.model,),
            first=first, stride=settings.stride,
        )  # fmt: skip
        if settings.by is not None:
            steps = [step.part(settings.by, said.series.part) for step in steps]  # type: ignore[arg-type]
        taxonomy = taxonomy_of(stream.settings)
        began, attribution, sets = explained(
            steps,
            watched_from=(watched - first) // settings.stride,
            change_point_hint=said.decision.change_point,
            categories=taxonomy.keys,
            rng=np.random.default_rng(0),
            level=self._level,
        )
        when = began if isinstance(began, Insufficient) else _began(began, stream, first, settings.stride)
        values = {
            "attribution": attribution.to_dict(),
            "prompt_sets": [{"part": one.part, "moved": one.moved, "weight_before": one.weight_before,
                             "weight_after": one.weight_after} for one in sets],
        }  # fmt: skip
        return Explanation(when, moved_words(attribution, sets), values)


def _began(found: ChangePoint, stream: Stream, first: int, stride: int) -> Began:
    estimate = found.began
    low, value, high = (first + round(part) * stride for part in (estimate.low, estimate.value, estimate.high))
    every = stream.settings.every
    if every is None:
        return Began(value, low, high, estimate.level)
    times = [datetime.fromtimestamp(window * every, UTC) for window in (value, low, high)]
    return Began(times[0], times[1], times[2], estimate.level)
