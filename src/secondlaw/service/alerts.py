"""An alert: what a person is told about one alarm of one monitor, in numbers with their intervals; never a text.

An alert is known by its labels (what is alarmed on), its episode by when it began.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal, Self

from secondlaw.errors import InvalidInput
from secondlaw.reports.words import clip, one_line, tame
from secondlaw.service.alert_parts import Began, fingerprint_of, instant
from secondlaw.types import Estimate, Insufficient, Measured

__all__ = ["NAMES", "Alert", "Kind", "Promise", "State", "example_alert"]

Kind = Literal["drift", "missing", "changed", "queue", "test"]
State = Literal["firing", "resolved"]
Promise = Literal["e-SR", "e-process"]

NAMES: Mapping[str, str] = {
    "drift": "SecondLawDrift",
    "missing": "SecondLawNoData",
    "changed": "SecondLawChanged",
    "queue": "SecondLawQueue",
    "test": "SecondLawTest",
}
"""What each kind of alert is called in the label ``alertname``."""
LONGEST = 400
"""Characters of a sentence inside an alert; longer ones are cut, and say so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """What is told about one alarm.

    Parameters
    ----------
    stream, model, monitor : str
        Whose alarm it is; `model` is empty where the monitor watches all models of a stream.
    kind : {"drift", "missing", "changed", "queue", "test"}
        What the alarm is about.
    state : {"firing", "resolved"}
    starts_at, ends_at : datetime
        When the alarm was raised and resolved; `ends_at` is None while it fires.
    score : str
        The score that carries most of the evidence; empty where there is none. It may change while an alarm lasts and
        is therefore no label.
    detector : str
        Which detector, in words: ``"betting"``, ``"CUSUM"``.
    promise : {"e-SR", "e-process"} or None
        What alpha bounds; None for a detector whose false alarms nothing bounds.
    assumes : str
        What the promise needs, where it needs more than the default monitor: ``"independent responses"``.
    alpha, spent : float or None
        Budget of false alarms, and how much of it was spent until now, both as the promise counts them.
    log_evidence, log_threshold : float or None
        Evidence (log e-value where there is a promise) and where it raises an alarm.
    began : Began, Insufficient or None
        When the change began.
    entropy, misaligned : Estimate, Insufficient or None
        S in nats and the misaligned share over the window that raised the alarm.
    n : int or None
        Responses in that window.
    attribution : str
        What moved, in a few words: category keys, intents, prompt sets. Never a text of anyone.
    reason : str
        The alarm in one sentence, where the other fields do not say it.
    link : str
        Address of the stream's page; empty where the service does not know its own address.

    Raises
    ------
    InvalidInput
        If a resolved alert has no end, an alert ends before it starts, or a value is none of those allowed.

    Examples
    --------
    >>> alert = example_alert(datetime.fromisoformat("2026-01-31T12:00:00Z"))
    >>> alert.labels["alertname"], alert.fingerprint
    ('SecondLawTest', 'ae5ea1478e8c55b7')
    >>> Alert.from_dict(alert.to_dict()) == alert
    True
    """

    stream: str
    model: str
    monitor: str
    kind: Kind
    state: State
    starts_at: datetime
    ends_at: datetime | None = None
    score: str = ""
    detector: str = ""
    promise: Promise | None = None
    assumes: str = ""
    alpha: float | None = None
    spent: float | None = None
    log_evidence: float | None = None
    log_threshold: float | None = None
    began: Began | Insufficient | None = None
    entropy: Measured | None = None
    misaligned: Measured | None = None
    n: int | None = None
    attribution: str = ""
    reason: str = ""
    link: str = ""

    def __post_init__(self) -> None:
        if self.kind not in NAMES or self.state not in ("firing", "resolved"):
            raise InvalidInput(f"an alert of kind {self.kind!r} and state {self.state!r} is not known")
        if self.promise not in ("e-SR", "e-process", None):
            raise InvalidInput(f"a promise is 'e-SR', 'e-process' or None, got {self.promise!r}")
        if (self.state == "resolved") != (self.ends_at is not None):
            raise InvalidInput(f"a resolved alert, and no other, has an end: got {self.state} and {self.ends_at}")
        for name in ("starts_at", "ends_at"):  # as exact as it is written, so that an alert comes back as it was
            moment = getattr(self, name)
            object.__setattr__(self, name, None if moment is None else datetime.fromisoformat(instant(moment)))
        if self.ends_at is not None and self.ends_at < self.starts_at:
            raise InvalidInput(f"an alert ends after it starts, got {self.starts_at} to {self.ends_at}")
        for name in ("stream", "model", "monitor", "score", "detector", "assumes", "link"):
            object.__setattr__(self, name, " ".join(tame(getattr(self, name)).split()))
        for name in ("attribution", "reason"):
            object.__setattr__(self, name, " ".join(clip(getattr(self, name), LONGEST).split()))
        for name in ("log_evidence", "log_threshold"):
            number = getattr(self, name)
            if number is not None and not abs(number) < float("inf"):  # -inf: no evidence yet; JSON has no such number
                object.__setattr__(self, name, None)

    @property
    def labels(self) -> dict[str, str]:
        """What the alert is known by; a label without a value is no label."""
        named = {
            "alertname": NAMES[self.kind],
            "stream": self.stream,
            "model": self.model,
            "monitor": self.monitor,
        }
        return {name: value for name, value in named.items() if value}

    @property
    def fingerprint(self) -> str:
        """The alert's identity, the same for each of its episodes; see :func:`fingerprint_of`."""
        return fingerprint_of(self.labels)

    @property
    def firing(self) -> bool:
        """Whether the alarm is still raised."""
        return self.state == "firing"

    def resolved(self, at: datetime, **news: Any) -> Self:  # noqa: ANN401 - any field
        """Return the alert as it is told when its alarm is over; an end before its start is set to its start."""
        return replace(self, state="resolved", ends_at=max(at, self.starts_at), **news)

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values, what the outbox keeps and a CloudEvent carries."""
        values: dict[str, Any] = {name: getattr(self, name) for name in self.__slots__}
        values["starts_at"] = instant(self.starts_at)
        values["ends_at"] = None if self.ends_at is None else instant(self.ends_at)
        for name in ("began", "entropy", "misaligned"):
            value = values[name]
            values[name] = None if value is None else value.to_dict()
        return {**values, "name": NAMES[self.kind], "fingerprint": self.fingerprint}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Rebuild an alert from :meth:`to_dict`; members that are not known are left out.

        Raises
        ------
        InvalidInput
            If a member is missing or has the wrong kind.
        """
        try:
            known = {name: values[name] for name in cls.__slots__ if name in values}
            known["starts_at"] = datetime.fromisoformat(values["starts_at"])
            known["ends_at"] = None if values["ends_at"] is None else datetime.fromisoformat(values["ends_at"])
            known["began"] = _rebuilt(values.get("began"), Began)
            known["entropy"] = _rebuilt(values.get("entropy"), Estimate)
            known["misaligned"] = _rebuilt(values.get("misaligned"), Estimate)
            return cls(**known)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise InvalidInput(f"this is no alert: {type(error).__name__}, {one_line(str(error), 100)}") from error


def _rebuilt(values: Mapping[str, Any] | None, kind: type[Began] | type[Estimate]) -> Any:  # noqa: ANN401
    if values is None:
        return None
    return Insufficient(values["insufficient"]) if "insufficient" in values else kind.from_dict(values)


def example_alert(now: datetime, *, link: str = "") -> Alert:
    """Return the alert that a test of a receiver sends: plainly a test, with every field filled in."""
    share = Estimate(0.06, 0.042, 0.083, 0.95, 500, "share", "example")
    return Alert(
        stream="test",
        model="example-model",
        monitor="test",
        kind="test",
        state="firing",
        starts_at=now,
        score="surprisal",
        detector="betting",
        promise="e-SR",
        alpha=1e-4,
        spent=0.012,
        log_evidence=9.4,
        log_threshold=9.21,
        began=Insufficient("this alert is a test"),
        entropy=Estimate(0.71, 0.66, 0.77, 0.95, 500, "nats", "example"),
        misaligned=share,
        n=500,
        attribution="g4 rose by 4 points",
        reason="test of a receiver: nothing has drifted",
        link=link,
    )
