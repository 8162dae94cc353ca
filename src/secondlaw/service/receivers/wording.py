"""An alert in words: a title, a sentence, and the facts behind it; the same in mails, annotations and test output."""

from collections.abc import Sequence
from datetime import UTC, datetime

from secondlaw.reports.words import count, level, one_line, reading
from secondlaw.service.alerts import Alert
from secondlaw.types import Estimate, Measured

__all__ = ["annotations", "facts", "summary", "title"]


def title(alerts: Sequence[Alert]) -> str:
    """Return a line for a subject, safe as a mail header.

    Examples
    --------
    >>> from secondlaw.service.alerts import example_alert
    >>> title([example_alert(datetime(2026, 1, 31, 12, tzinfo=UTC))])
    '[firing] test: test / example-model'
    """
    first = alerts[0]
    if len(alerts) == 1:
        return f"[{first.state}] {_about(first)}: {_whose(first)}"
    streams = len({alert.stream for alert in alerts})
    return f"[{first.state}] {len(alerts)} alerts in {count(streams, 'streams')}"


def summary(alert: Alert) -> str:
    """Return the alert in one sentence."""
    whose = _whose(alert)
    if not alert.firing:
        return (
            f"{whose}: {_about(alert)} resolved at {_time(alert.ends_at or alert.starts_at)}, after {_lasted(alert)}."
        )
    if alert.kind == "drift":
        began = f"since {alert.began}" if alert.began is not None else f"alarm of {_time(alert.starts_at)}"
        what = f" in {alert.score}" if alert.score else ""
        return f"{whose} drifts{what}, {began}; {_evidence(alert)}."
    reason = alert.reason or {"missing": "nothing was seen", "changed": "what is measured has changed"}.get(
        alert.kind, _about(alert)
    )
    return f"{whose}: {reason.rstrip('.')}, alarm of {_time(alert.starts_at)}."


def facts(alert: Alert) -> dict[str, str]:
    """Return the facts by name, in the order in which a person wants them; those that do not apply are left out.

    Examples
    --------
    >>> from secondlaw.service.alerts import example_alert
    >>> found = facts(example_alert(datetime(2026, 1, 31, 12, tzinfo=UTC)))
    >>> found["evidence"]
    'log e-value 9.40, alarm at 9.21'
    >>> found["promise"]
    'betting: at most 0.0001 false alarms a step are expected; 0.012 spent so far'
    """
    measured = alert.entropy is not None or alert.misaligned is not None
    named = {
        "since": "" if alert.began is None else str(alert.began),
        "evidence": _evidence(alert) if alert.log_evidence is not None else "",
        "score": alert.score,
        "promise": _promise(alert) if alert.detector else "",
        "entropy": reading(alert.entropy, minus="-") + _level(alert.entropy) if measured else "",
        "misaligned_share": reading(alert.misaligned, minus="-") + _level(alert.misaligned) if measured else "",
        "responses": "" if alert.n is None else f"{alert.n:,}",
        "attribution": alert.attribution,
        "reason": alert.reason,
    }
    return {name: value for name, value in named.items() if value}


def annotations(alert: Alert) -> dict[str, str]:
    """Return what goes beside the labels: the sentence as ``summary``, the facts as ``description`` and one by one."""
    found = facts(alert)
    description = "\n".join(f"{name.replace('_', ' ')}: {value}" for name, value in found.items())
    extra = {"link": alert.link} if alert.link else {}
    return {"summary": summary(alert), "description": description, **found, **extra}


def _about(alert: Alert) -> str:
    names = {"missing": "no data", "changed": "change of what is measured", "queue": "queue"}
    return names.get(alert.kind, alert.kind)


def _whose(alert: Alert) -> str:
    stream = one_line(alert.stream)
    return f"{stream} / {one_line(alert.model)}" if alert.model else stream


def _time(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def _lasted(alert: Alert) -> str:
    minutes = int(((alert.ends_at or alert.starts_at) - alert.starts_at).total_seconds() // 60)
    if minutes < 120:
        return count(minutes, "minutes")
    return count(minutes // 60, "hours") if minutes < 48 * 60 else count(minutes // (24 * 60), "days")


def _evidence(alert: Alert) -> str:
    if alert.log_evidence is None:
        return "no number of evidence"
    name = "log e-value" if alert.promise is not None else "evidence"
    at = "" if alert.log_threshold is None else f", alarm at {alert.log_threshold:.2f}"
    return f"{name} {alert.log_evidence:.2f}{at}"


def _promise(alert: Alert) -> str:
    if alert.promise is None or alert.alpha is None:
        return f"{alert.detector}: nothing bounds its false alarms"
    bound = (
        f"at most {alert.alpha:.3g} false alarms a step are expected"
        if alert.promise == "e-SR"
        else f"a false alarm is ever raised with probability {alert.alpha:.3g} at most"
    )
    spent = "" if alert.spent is None else f"; {alert.spent:.3g} spent so far"
    assumes = f", given {alert.assumes}" if alert.assumes else ""
    return f"{alert.detector}: {bound}{assumes}{spent}"


def _level(measured: Measured | None) -> str:
    return f" ({level(measured.level)} interval)" if isinstance(measured, Estimate) else ""
