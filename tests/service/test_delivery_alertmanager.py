"""The real Alertmanager: our alert in its API, its webhook beside ours."""

import asyncio
import json
import random
import shutil
import subprocess
import time
import urllib.request
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from absent_programs import absent
from loopback_receiver import LoopbackReceiver, MemoryDeliveries, drift_alert
from served import LONGEST, free_port, until

from secondlaw.service.delivery import Deliverer
from secondlaw.service.delivery_outbox import Outbox
from secondlaw.service.delivery_requests import deliveries_for, send_test_alert
from secondlaw.service.receiver_settings import load_receivers
from secondlaw.service.receivers import Notice, build_receiver
from secondlaw.service.receivers.alertmanager import LOST_REPEATS
from secondlaw.service.receivers.webhook import webhook_body

pytestmark = [pytest.mark.unit, pytest.mark.timeout(900)]  # real processes, minutes where the machine is busy

PROGRAM = shutil.which("prometheus-alertmanager") or shutil.which("alertmanager")
CONFIG = """
route:
  receiver: ours
  group_by: [alertname, stream, model, monitor]
  group_wait: 100ms
  group_interval: 1s
  repeat_interval: 1h
receivers:
  - name: ours
    webhook_configs:
      - url: {url}
        send_resolved: true
"""


class Manager:
    """A running Alertmanager."""

    def __init__(self, folder, hook):
        self.port = free_port()
        (folder / "am.yml").write_text(CONFIG.format(url=hook))
        argv = [
            PROGRAM, f"--config.file={folder / 'am.yml'}", f"--storage.path={folder / 'data'}",
            f"--web.listen-address=127.0.0.1:{self.port}", "--cluster.listen-address=", "--log.level=error",
        ]  # fmt: skip
        self.process = subprocess.Popen(argv, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def alerts(self):
        assert self.process.poll() is None, f"it ended with {self.process.returncode}"
        with urllib.request.urlopen(f"{self.url}/api/v2/alerts", timeout=LONGEST) as answer:
            return json.load(answer)

    def wait(self, condition):
        """Return what the API says once it is as wished."""
        found = []

        def is_so():
            try:
                found.append(self.alerts())
            except OSError:  # it is not up yet
                return False
            return condition(found[-1])

        until(is_so)
        return found[-1]


@pytest.fixture
def hook():
    found = LoopbackReceiver()
    yield found
    found.close()


@pytest.fixture
def manager(tmp_path, hook):
    if PROGRAM is None:
        absent("no Alertmanager is installed (Debian: prometheus-alertmanager)")
    found = Manager(tmp_path, hook.url)
    try:
        found.wait(lambda alerts: alerts == [])
        yield found
    finally:
        found.process.kill()
        found.process.wait()


def settings_of(manager, **more):
    return load_receivers([{"type": "alertmanager", "name": "am", "url": manager.url, **more}])[0]


def now():
    return datetime.now(UTC)


def parsed(moment):
    return datetime.fromisoformat(moment.replace("Z", "+00:00"))


def post(settings, alert):
    async def go():
        receiver = build_receiver(settings)
        await receiver.send([Notice(alert, "key")], now=now())
        await receiver.close()

    asyncio.run(go())


def test_our_alert_is_there_stays_while_it_is_sent_again_and_resolves(manager, hook):
    """The clock of our side is moved: the end that the Alertmanager knows is put off by repeats alone."""
    alert = drift_alert(starts_at=now() - timedelta(minutes=5))
    settings = settings_of(manager, labels={"severity": "page"})
    repeat, passed = settings.repeat, [0.0]

    def clock():
        return now() + timedelta(seconds=passed[0])

    def monotonic():
        return time.monotonic() + passed[0]

    stored = MemoryDeliveries(clock)
    open_alerts = [alert]
    box = Outbox(stored, ["am"], owner="one", longest=5, monotonic=monotonic)
    deliverer = Deliverer(
        box, [build_receiver(settings)], clock=clock, monotonic=monotonic, rng=random.Random(0),
        open_alerts=lambda: open_alerts,
    )  # fmt: skip
    for name, payload in deliveries_for(alert, [settings]):
        stored.add(name, payload)

    async def watch():
        stop = asyncio.Event()
        task = asyncio.create_task(deliverer.deliver(stop.is_set))
        later = first = await asyncio.to_thread(manager.wait, lambda alerts: len(alerts) == 1)
        await asyncio.to_thread(hook.wait_for, 1)
        for _ in range(LOST_REPEATS + 1):
            last = parsed(later[0]["endsAt"])
            passed[0] += repeat + 1.0
            later = await asyncio.to_thread(
                manager.wait, lambda alerts, last=last: alerts and parsed(alerts[0]["endsAt"]) > last
            )
        # Sent again so often, it lasts beyond the time at which its first end would have come.
        assert clock() > parsed(first[0]["endsAt"])
        assert parsed(later[0]["endsAt"]) > clock()
        open_alerts.clear()
        for name, payload in deliveries_for(alert.resolved(now()), [settings]):
            stored.add(name, payload)
        await asyncio.to_thread(manager.wait, lambda alerts: alerts == [])
        stop.set()
        await task
        return first[0], later[0]

    first, later = asyncio.run(watch())
    labels = {**alert.labels, "severity": "page"}
    assert first["labels"] == later["labels"] == labels
    assert first["annotations"]["summary"].startswith("support / gpt-x drifts in surprisal, since")
    assert first["annotations"]["entropy"] == "0.610 nats [0.550, 0.680] (95 % interval)"
    assert first["generatorURL"] == alert.link
    assert parsed(first["startsAt"]) == parsed(later["startsAt"]) == alert.starts_at
    assert [row.status for row in stored.rows.values()] == ["delivered", "delivered"]
    hook.wait_for(2)
    assert [body["status"] for body in hook.bodies] == ["firing", "resolved"]  # sent again is not told again


def test_its_fingerprint_is_ours(manager):
    settings = settings_of(manager)
    alerts = [
        drift_alert("ünïcode \N{GREEK SMALL LETTER GAMMA}"), drift_alert('quo"ted', model=""),
        drift_alert("c", kind="missing"),
    ]  # fmt: skip
    for alert in alerts:
        post(settings, replace(alert, starts_at=now()))
    found = manager.wait(lambda alerts: len(alerts) == 3)
    assert sorted(one["fingerprint"] for one in found) == sorted(alert.fingerprint for alert in alerts)


def test_its_webhook_has_the_shape_of_ours(manager, hook):
    alert = drift_alert(starts_at=now())
    post(settings_of(manager), alert)
    hook.wait_for(1)
    post(settings_of(manager), alert.resolved(now()))
    hook.wait_for(2)
    for theirs, told in zip(hook.bodies, (alert, alert.resolved(now())), strict=True):
        ours = webhook_body([Notice(told, "key")], receiver="ours", external_url="http://x")
        assert ours.keys() == theirs.keys()
        assert ours["alerts"][0].keys() == theirs["alerts"][0].keys()
        same = ("version", "groupKey", "truncatedAlerts", "status", "receiver", "groupLabels", "commonLabels")
        assert {name: ours[name] for name in same} == {name: theirs[name] for name in same}
        same = ("status", "labels", "generatorURL", "fingerprint")
        assert {name: ours["alerts"][0][name] for name in same} == {name: theirs["alerts"][0][name] for name in same}
        assert parsed(ours["alerts"][0]["startsAt"]) == parsed(theirs["alerts"][0]["startsAt"])
        assert type(ours["alerts"][0]["endsAt"]) is type(theirs["alerts"][0]["endsAt"])
    assert (
        hook.bodies[0]["alerts"][0]["endsAt"] == webhook_body([Notice(alert, "k")], receiver="x")["alerts"][0]["endsAt"]
    )
    assert hook.bodies[0]["commonAnnotations"] == webhook_body([Notice(alert, "k")], receiver="x")["commonAnnotations"]


def test_a_test_alert_is_passed_on_and_goes(manager, hook):
    # By itself it goes three repeats later: time enough to tell of it, also on a slow machine.
    asyncio.run(send_test_alert(settings_of(manager, repeat=4), now=now()))
    hook.wait_for(2)
    assert [body["status"] for body in hook.bodies] == ["firing", "resolved"]
    assert hook.bodies[0]["commonLabels"]["alertname"] == "SecondLawTest"
