"""``/metrics`` for Prometheus: counts, S with its interval, evidence, alarms, queue; never a prompt or response."""

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import secondlaw
from secondlaw.behavior import OUTSIDE
from secondlaw.service.evaluation_settings import MONITOR
from secondlaw.service.numbers import Numbers
from secondlaw.service.running import Parts
from secondlaw.storage import MonitorRecord, Store
from secondlaw.types import Estimate

if TYPE_CHECKING:
    from prometheus_client.core import Metric

__all__ = ["StoreCollector"]


class StoreCollector:
    """Reads a store when Prometheus asks.

    Parameters
    ----------
    store : Store
    numbers : Numbers
    parts : Parts
    sees : callable
        Whether who asks may read a stream.
    """

    def __init__(
        self, store: Store, numbers: Numbers, parts: Parts, *, sees: Callable[[str], bool] = lambda stream: True
    ) -> None:
        self._store, self._numbers, self._parts, self._sees = store, numbers, parts, sees

    def collect(self) -> "Iterator[Metric]":
        """Yield every metric."""
        from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

        def gauge(name: str, text: str, labels: list[str]) -> GaugeMetricFamily:
            return GaugeMetricFamily(f"secondlaw_{name}", text, labels=labels)

        def counter(name: str, text: str, labels: list[str]) -> CounterMetricFamily:
            return CounterMetricFamily(f"secondlaw_{name}", text, labels=labels)

        info = gauge("build_info", "Version of secondlaw.", ["version"])
        info.add_metric([secondlaw.__version__], 1.0)
        yield info
        monitors = self._store.monitors.list(states=False)
        yield from self._streams(gauge, counter, monitors)
        yield from self._monitors(gauge, counter, monitors)
        depth = self._store.queue.depth()
        waiting = gauge("queue_events", "Events that wait for their label.", [])
        waiting.add_metric([], float(depth.rows))
        oldest = gauge("queue_oldest_seconds", "Age of the oldest event that waits; 0 where none does.", [])
        age = 0.0 if depth.oldest_at is None else (datetime.now(UTC) - depth.oldest_at).total_seconds()
        oldest.add_metric([], max(age, 0.0))
        aside = gauge("queue_poisoned_events", "Events put aside because they could not be labelled.", [])
        aside.add_metric([], float(depth.poisoned))
        yield from (waiting, oldest, aside)
        parts = gauge("part_up", "Whether a part of this replica works.", ["part"])
        for name, standing in self._parts.standing().items():
            parts.add_metric([name], float(standing == "ok"))
        yield parts
        delivered = counter("alerts_delivered", "Alerts that a receiver took from this replica.", ["receiver"])
        tries = counter("alert_delivery_failures", "Failed tries of this replica.", ["receiver"])
        dead = counter("alerts_dead", "Alerts given up by this replica.", ["receiver"])
        for one in self._parts.receivers:
            delivered.add_metric([one.receiver], float(one.delivered))
            tries.add_metric([one.receiver], float(one.failed))
            dead.add_metric([one.receiver], float(one.dead))
        yield from (delivered, tries, dead)
        if self._parts.write_back is not None:
            for name, text, number in (
                (
                    "verdicts_written_back",
                    "Verdicts that the collector took from this replica.",
                    self._parts.write_back.sent,
                ),
                ("verdicts_given_up", "Verdicts that it did not take.", self._parts.write_back.lost),
            ):
                one_number = counter(name, text, [])
                one_number.add_metric([], float(number))
                yield one_number

    def _streams(self, gauge, counter, monitors: Sequence[MonitorRecord]) -> "Iterator[Metric]":  # type: ignore[no-untyped-def]  # noqa: ANN001
        responses = counter("responses", "Responses counted.", ["stream", "model", "category"])
        no_text = counter("events_without_text", "Events received without text and label.", ["stream"])
        last = gauge("last_event_timestamp_seconds", "Time of the latest event.", ["stream"])
        entropy = {
            part: gauge(f"entropy_nats{part}", f"S of the latest decided window{words}.", ["stream", "model"])
            for part, words in (("", ""), ("_lower", ", lower end"), ("_upper", ", upper end"))
        }
        misaligned = {
            part: gauge(f"misaligned_share{part}", f"Misaligned share of that window{words}.", ["stream", "model"])
            for part, words in (("", ""), ("_lower", ", lower end"), ("_upper", ", upper end"))
        }
        decided = {one.stream: one.last_window for one in monitors if one.name == MONITOR}
        sums, silent = self._store.counts.sums(), self._store.events.without_text()
        for stream in self._store.streams.list():
            if not self._sees(stream.name):
                continue
            for model, row in sums.get(stream.name, {}).items():
                for category, key in enumerate((*stream.settings.keys, OUTSIDE)):
                    responses.add_metric([stream.name, model, key], float(row.get(category, 0)))
            no_text.add_metric([stream.name], float(silent.get(stream.name, 0)))
            if stream.last_event_at is not None:
                last.add_metric([stream.name], stream.last_event_at.timestamp())
            window = decided.get(stream.name)
            if window is None:
                continue
            for one in self._numbers.windows(stream, range(window, window + 1)):
                for families, value in ((entropy, one.entropy), (misaligned, one.misaligned)):
                    if isinstance(value, Estimate):
                        for part, number in (("", value.value), ("_lower", value.low), ("_upper", value.high)):
                            families[part].add_metric([stream.name, one.model], number)
        yield from (responses, no_text, last, *entropy.values(), *misaligned.values())

    def _monitors(self, gauge, counter, monitors: Sequence[MonitorRecord]) -> "Iterator[Metric]":  # type: ignore[no-untyped-def]  # noqa: ANN001
        evidence = gauge("log_e_value", "Log evidence against the baseline.", ["stream", "monitor"])
        threshold = gauge("log_e_threshold", "Log evidence that raises an alarm.", ["stream", "monitor"])
        active = gauge("alarm_active", "Whether an alarm is raised.", ["stream", "monitor", "kind"])
        raised = counter("alarms", "Alarms raised.", ["stream", "monitor", "kind"])
        counts = {key: both for key, both in self._store.alarms.counts().items() if self._sees(key[0])}
        for record in monitors:
            decision = record.decision
            if decision is None or record.name == MONITOR or not self._sees(record.stream):
                continue
            counts.setdefault((record.stream, record.name, "drift"), (0, 0))
            if decision.log_evidence is not None and decision.log_threshold is not None:
                evidence.add_metric([record.stream, record.name], decision.log_evidence)
                threshold.add_metric([record.stream, record.name], decision.log_threshold)
        for (stream, monitor, kind), (total, still) in counts.items():
            raised.add_metric([stream, monitor, kind], float(total))
            active.add_metric([stream, monitor, kind], float(still > 0))
        yield from (evidence, threshold, active, raised)
