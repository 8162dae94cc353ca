"""How a stream is monitored, as its settings say it; what they leave out is the service's default."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from functools import lru_cache
from typing import Any, Self

from secondlaw.behavior.taxonomy import FIVE, THREE, Taxonomy
from secondlaw.drift.monitoring_plan import MonitorPlan
from secondlaw.errors import InvalidInput
from secondlaw.storage import StreamSettings

__all__ = ["MONITOR", "EvaluationSettings", "taxonomy_of"]

BUDGETS = ("stream", "service")
MONITOR = "drift"
"""Name of the monitor that a stream's settings speak of, under ``monitors``."""


@dataclass(frozen=True, slots=True)
class EvaluationSettings:
    """How one stream is monitored.

    Parameters
    ----------
    enabled : bool
    detector, watch, promise, alpha, delta, baseline_steps, tolerance, by
        See :class:`~secondlaw.drift.monitoring_plan.MonitorPlan`; alpha is for all series of the stream together.
    series : int
        Models (times prompt sets or intents) that are expected to share alpha; later ones share one further part.
    budget : {"stream", "service"}
        Whether alpha is a promise about each stream, or about all streams of the service together.
    streams : int
        Streams that are expected to share it then (:mod:`secondlaw.service.evaluation_budget`).
    grace : float
        Seconds after the end of a window until it is decided on; what comes later is late.
    idle : float
        Seconds without an event after which the latest step is decided on, where windows are steps.
    stride : int
        By how much steps grow.
    patience : float
        Seconds that a window waits for events that have no label yet.

    Examples
    --------
    >>> EvaluationSettings.of(StreamSettings(monitors={"drift": {"alpha": 0.001}})).alpha
    0.001
    """

    enabled: bool = True
    detector: str = "betting"
    watch: str = "all"
    promise: str = "e-SR"
    alpha: float = 1e-4
    delta: float = 0.0
    baseline_steps: int = 100
    tolerance: tuple[tuple[str, float], ...] = ()
    by: str | None = None
    series: int = 1
    budget: str = "stream"
    streams: int = 1
    grace: float = 60.0
    idle: float = 3600.0
    stride: int = 1
    patience: float = 3600.0

    def __post_init__(self) -> None:
        for name in ("grace", "idle", "patience"):
            if not getattr(self, name) >= 0:
                raise InvalidInput(f"{name} is a number of seconds, 0 or more, got {getattr(self, name)!r}")
        if not isinstance(self.enabled, bool):
            raise InvalidInput(f"enabled is true or false, got {self.enabled!r}")
        if self.baseline_steps % 1:
            raise InvalidInput(f"a baseline is a whole number of windows, got {self.baseline_steps!r}")
        if not isinstance(self.stride, int) or self.stride < 1:
            raise InvalidInput(f"a stride is a whole number, 1 or more, got {self.stride!r}")
        if self.budget not in BUDGETS:
            raise InvalidInput(f"a budget is that of a {' or of the '.join(BUDGETS)}, got {self.budget!r}")
        if not isinstance(self.streams, int) or self.streams < 1:
            raise InvalidInput(f"1 stream or more shares a budget, got {self.streams!r}")
        self.plan(FIVE)

    @staticmethod
    def of(settings: StreamSettings, default: "EvaluationSettings | None" = None) -> "EvaluationSettings":
        """Return what a stream's settings say, over the service's default; checked once, as pages ask often.

        Raises
        ------
        InvalidInput
            If a name is not known or a value cannot be.
        """
        values = settings.monitors.get(MONITOR, {})
        try:
            return _checked(default, json.dumps(values, sort_keys=True))
        except TypeError as error:
            raise InvalidInput(f"a monitor's settings are plain JSON values: {error}") from error

    def changed(self, values: Mapping[str, Any]) -> Self:
        """Return the settings with other values; an unknown name or a wrong value is refused."""
        known = {field.name for field in fields(self)}
        unknown = sorted(set(values) - known)
        if unknown:
            raise InvalidInput(f"a monitor has no setting {unknown[0]!r}; there are: {', '.join(sorted(known))}")
        news = dict(values)
        if "tolerance" in news:
            if not isinstance(news["tolerance"], Mapping):
                raise InvalidInput(f"a tolerance is given for each score by name, got {news['tolerance']!r}")
            news["tolerance"] = tuple(sorted(news["tolerance"].items()))
        try:
            return replace(self, **news)
        except TypeError as error:
            raise InvalidInput(f"a monitor's setting is of the wrong kind: {error}") from error

    def plan(self, taxonomy: Taxonomy) -> MonitorPlan:
        """Return the plan of the stream's monitors, which checks the values."""
        stated: dict[str, Any] = {name: getattr(self, name) for name in ("detector", "promise", "by")}
        return MonitorPlan(
            misaligned=taxonomy.misaligned,
            watch=self.watch,
            alpha=self.alpha,
            delta=self.delta,
            baseline_steps=self.baseline_steps,
            tolerance=self.tolerance,
            streams=self.series,
            more_streams=True,
            categories=taxonomy.keys,
            **stated,
        )

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return asdict(self) | {"tolerance": dict(self.tolerance)}


@lru_cache(maxsize=1024)
def _checked(default: EvaluationSettings | None, values: str) -> EvaluationSettings:
    """Return a default with other values, as JSON text."""
    return (default or EvaluationSettings()).changed(json.loads(values))


def taxonomy_of(settings: StreamSettings) -> Taxonomy:
    """Return the taxonomy that has a stream's categories.

    Raises
    ------
    InvalidInput
        If it is none that ships: which categories are misaligned is not known then.
    """
    for taxonomy in (FIVE, THREE):
        if taxonomy.keys == settings.keys:
            return taxonomy
    stated = settings.extra.get("taxonomy")
    if isinstance(stated, Mapping):
        return Taxonomy.from_dict(stated)
    raise InvalidInput(f"the categories {', '.join(settings.keys)} are of no taxonomy that is known here")
