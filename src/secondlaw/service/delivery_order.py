"""In which order what is known about one alert is told, and what need not be told any more.

For one receiver and one fingerprint, deliveries leave in the order in which they came in: while the oldest waits to be
tried again, the younger wait too. So a *resolved* is never sent before its *firing*. What is overtaken is not sent:
a firing by a later firing, a resolved by anything later. An alarm that came and went while the receiver was out of
reach is told as one firing and one resolved, however often it flapped.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from secondlaw.service.delivery_outbox import Entry

__all__ = ["Plan", "plan_of"]


@dataclass(frozen=True, slots=True)
class Plan:
    """What to do with due deliveries: `send` now, oldest first; mark the `overtaken` as done; leave the others."""

    send: tuple[Entry, ...]
    overtaken: tuple[Entry, ...]


def plan_of(due: Sequence[Entry], pending: Iterable[Entry]) -> Plan:
    """Decide what is sent now.

    Parameters
    ----------
    due : sequence of Entry
        Leased to us, of one receiver.
    pending : iterable of Entry
        All that is not delivered to that receiver, including `due`.

    Returns
    -------
    Plan
        At most one delivery of each fingerprint is sent at a time.
    """
    ours = {entry.id for entry in due}
    by_alert: dict[str, list[Entry]] = {}
    for entry in sorted({entry.id: entry for entry in (*pending, *due)}.values(), key=lambda entry: entry.id):
        by_alert.setdefault(entry.alert.fingerprint, []).append(entry)
    send, overtaken = [], []
    for waiting in by_alert.values():
        for place, entry in enumerate(waiting):
            if entry.id not in ours:
                break  # it waits to be tried again, and all after it with it
            later = waiting[place + 1 :]
            if not _is_overtaken(entry, later):
                send.append(entry)
                break
            overtaken.append(entry)
    return Plan(tuple(sorted(send, key=lambda entry: entry.id)), tuple(overtaken))


def _is_overtaken(entry: Entry, later: Sequence[Entry]) -> bool:
    return any(other.alert.firing for other in later) if entry.alert.firing else bool(later)
