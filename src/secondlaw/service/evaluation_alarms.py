"""What decisions mean for people: which alarms open, which are over, and what is told of them."""

from collections.abc import Callable, Sequence
from datetime import datetime

from secondlaw.drift.monitoring import MonitorSet, StreamDecision
from secondlaw.drift.monitors import Decision
from secondlaw.drift.step_counts import StepCounts
from secondlaw.service.alerts import Alert, Kind
from secondlaw.service.delivery_requests import deliveries_for
from secondlaw.service.evaluation_settings import EvaluationSettings
from secondlaw.service.explanations import Explanation
from secondlaw.service.numbers import WindowNumbers
from secondlaw.service.receiver_settings import ReceiverSettings
from secondlaw.service.window_words import decision_in_windows
from secondlaw.storage import Alarm, NewAlarm, NewDelivery, Stream

__all__ = ["AlarmWriter", "stream_link"]

Decided = Sequence[tuple[int, StepCounts, StreamDecision]]
KINDS: dict[str, Kind] = {"drifting": "drift", "missing": "missing", "changed": "changed"}
ENDED_BY = {"missing": ("quiet", "drifting", "baseline", "changed"), "changed": ("quiet", "drifting"),
            "drift": ("quiet", "baseline", "changed")}  # fmt: skip
"""Verdicts that end an alarm of a kind."""


def stream_link(external_url: str, stream: str) -> str:
    """Return the address of a stream's page; empty where the service does not know its own.

    Examples
    --------
    >>> stream_link("https://drift.example/", "prod chat")
    'https://drift.example/streams/prod%20chat'
    """
    from urllib.parse import quote

    return f"{external_url.rstrip('/')}/streams/{quote(stream, safe='')}" if external_url else ""


class AlarmWriter:
    """Turns decisions into alarms with their deliveries.

    Parameters
    ----------
    receivers : sequence of ReceiverSettings
        Who is told.
    external_url : str
        Address of the service, for links.
    numbers : callable
        Takes stream, step and window of an alarm; returns its numbers.
    explain : callable
        Takes stream, settings, monitor name, the decisions not yet stored, of which the last raised a drift alarm, and
        the window of step 0; returns what moved and since when.
    """

    def __init__(
        self,
        *,
        receivers: Sequence[ReceiverSettings] = (),
        external_url: str = "",
        numbers: Callable[[Stream, StepCounts, int], WindowNumbers | None] = lambda stream, step, window: None,
        explain: Callable[[Stream, EvaluationSettings, str, Decided, int], Explanation | None] = (
            lambda stream, settings, name, decided, first: None
        ),
    ) -> None:
        self._receivers, self._url, self._numbers, self._explain = receivers, external_url, numbers, explain

    def changes(
        self,
        stream: Stream,
        settings: EvaluationSettings,
        monitors: MonitorSet,
        name: str,
        decided: Decided,
        still_open: Sequence[Alarm],
        *,
        now: datetime,
        first: int,
    ) -> tuple[list[NewAlarm], list[tuple[int, list[NewDelivery]]]]:
        """Return the alarms that one series' decisions open, and those that they end.

        Parameters
        ----------
        stream : Stream
        settings : EvaluationSettings
        monitors : MonitorSet
        name : str
            Of the series' monitor.
        decided : sequence of (window, step, decision)
            Only the last may raise an alarm.
        still_open : sequence of Alarm
            Of this series.
        now : datetime
        first : int
            Window of step 0.

        Returns
        -------
        list of NewAlarm, list of (alarm id, deliveries)
        """
        said_of = _in_windows(stream, settings, first)
        opened, ended = [], {}
        for alarm in still_open:
            over = next((said for _, _, said in decided if said.decision.verdict in ENDED_BY.get(alarm.kind, ())), None)
            if over is not None:
                ended[alarm.id] = self.closing(alarm, reason=said_of(over).reason, now=now)
        for _, _, said in decided[-1:]:
            if said.decision.alarm and said.decision.verdict in KINDS:
                opened.append(self._opened(stream, settings, monitors, name, decided, now, first))
        return opened, list(ended.items())

    def closing(self, alarm: Alarm, *, reason: str, now: datetime) -> list[NewDelivery]:
        """Return what is told when a person ends an alarm."""
        alert = _alert_of(alarm)
        return [] if alert is None else self._deliveries(alert.resolved(now, reason=reason))

    def _opened(
        self,
        stream: Stream,
        settings: EvaluationSettings,
        monitors: MonitorSet,
        name: str,
        decided: Decided,
        now: datetime,
        first: int,
    ) -> NewAlarm:
        window, step, said = decided[-1]
        decision = said.decision
        kind = KINDS[decision.verdict]
        reason = _in_windows(stream, settings, first)(said).reason
        numbers = self._numbers(stream, step, window) if step.n else None
        found = self._explain(stream, settings, name, decided, first) if kind == "drift" else None
        drifts = kind == "drift"
        alert = Alert(
            stream=stream.name,
            model=said.series.model,
            monitor=name,
            kind=kind,
            state="firing",
            starts_at=now,
            score=decision.score or "",
            detector=settings.detector,
            promise=settings.promise if said.is_guaranteed and settings.detector == "betting" else None,  # type: ignore[arg-type]
            assumes="independent responses" if settings.detector == "universal" else "",
            alpha=_alpha(monitors, said),
            spent=_spent(monitors, said),
            log_evidence=decision.log_evidence if drifts else None,
            log_threshold=decision.log_threshold if drifts else None,
            began=None if found is None else found.began,
            entropy=None if numbers is None else numbers.entropy,
            misaligned=None if numbers is None else numbers.misaligned,
            n=decision.n,
            attribution="" if found is None else found.words,
            reason=reason,
            link=stream_link(self._url, stream.name),
        )
        summary = f"{said.series}: {reason}"
        details = {
            "alert": alert.to_dict(),
            "label": step.label,
            "explanation": None if found is None else found.to_dict(),
            "mix": said.to_dict()["mix"],
        }
        return NewAlarm(kind, window, summary, details, self._deliveries(alert))

    def _deliveries(self, alert: Alert) -> list[NewDelivery]:
        return [NewDelivery(receiver, payload) for receiver, payload in deliveries_for(alert, self._receivers)]


def _alert_of(alarm: Alarm) -> Alert | None:
    stated = alarm.details.get("alert")
    return None if stated is None else Alert.from_dict(stated)


def _in_windows(stream: Stream, settings: EvaluationSettings, first: int) -> Callable[[StreamDecision], Decision]:
    """Return what turns a decision of a monitor into one that speaks of windows."""
    every, stride = stream.settings.every, settings.stride
    return lambda said: decision_in_windows(said.decision, first=first, stride=stride, every=every)


def _alpha(monitors: MonitorSet, said: StreamDecision) -> float | None:
    """Return what the promise is of: of the series where they share alpha, of all series of the stream otherwise."""
    if not said.is_guaranteed:
        return None
    return said.alpha if monitors.plan.shares_by_step else monitors.plan.alpha


def _spent(monitors: MonitorSet, said: StreamDecision) -> float | None:
    """Return what a series has spent: false alarms expected so far (e-SR), or the chance of one at most (e-process)."""
    budget = monitors.budget["series"].get(str(said.series))
    if budget is None or not said.is_guaranteed:
        return None
    allowed = budget.get("allowed")
    return float(budget["alpha"] if allowed is None else allowed)
