"""Alarms on pages: found, acknowledged, noted, resolved, re-baselined; all of it recorded and told."""

import re

import pytest

pytest.importorskip("fastapi", reason="the server's packages are not installed")

from dashboard_simulation import MODEL, dashboard_app, text_of
from fastapi.testclient import TestClient

from secondlaw.service.evaluation_alarms import AlarmWriter
from secondlaw.service.receiver_settings import load_receivers
from secondlaw.storage import NewDelivery, stream_lease

pytestmark = pytest.mark.unit


@pytest.fixture
def client(simulation):
    receivers = load_receivers([{"name": "ops", "type": "webhook", "url": "http://127.0.0.1:9/hook"}])
    with TestClient(dashboard_app(simulation, writer=AlarmWriter(receivers=receivers))) as one:
        yield one


def test_alarms_are_listed_newest_first_and_chosen_by_state_and_stream(simulation, client):
    every = client.get("/alarms").text
    assert every.index("<strong>2</strong>") < every.index("<strong>1</strong>")
    simulation.store.alarms.resolve(2, who="bo")
    assert "<strong>2</strong>" not in client.get("/alarms?status=open").text
    assert "<strong>1</strong>" not in client.get("/alarms?status=resolved").text
    assert "<strong>2</strong>" not in client.get("/alarms?stream=chat").text
    assert client.get("/alarms?status=other").status_code == 422
    assert "No alarm was ever raised" in client.get("/alarms?stream=search").text


def test_an_alarm_tells_when_how_sure_and_what_moved(client):
    said = text_of(client.get("/alarms/1").text)
    assert "Alarm 1: drift in chat" in said
    assert "has left its baseline: alarm at 2026-01-31 07:00 UTC." in said
    assert "step" not in said
    assert re.search(r"misaligned share \d+\.\d % \[\d+\.\d, \d+\.\d\]", said)
    assert re.search(r"log evidence \d+\.\d alarm at 9\.2", said)
    assert "What moved" in said
    assert "opened by monitor" in said
    assert client.get("/alarms/99").status_code == 404


def test_acknowledging_says_who_looks_after_it(simulation, client):
    said = text_of(client.post("/alarms/1/acknowledge", data={"text": "on <b>it</b>"}).text)
    assert "local acknowledged it now" in said
    assert "on &lt;b&gt;it&lt;/b&gt;" in said
    assert simulation.store.alarms.get(1).acknowledged_by == "local"
    said = text_of(client.post("/alarms/1/note", data={"text": "a second thought"}).text)
    assert "note by local: a second thought" in said
    client.post("/alarms/1/note", data={"text": "  "})
    assert len(simulation.store.alarms.history(1)) == 3
    assert "local is on it" in text_of(client.get("/").text)


def test_resolving_tells_those_who_were_told(simulation, client):
    answer = client.post("/alarms/1/resolve", data={"text": "rolled back"})
    assert "resolved 2026-01-31 14:05 UTC" in text_of(answer.text)
    (told,) = [one for one in simulation.store.deliveries.list() if one.alarm == 1]
    assert told.payload["state"] == "resolved"
    said = text_of(answer.text)
    assert "rolled back" in said
    assert "ops resolved pending" in said
    client.post("/alarms/1/resolve", data={"text": "again"})
    assert len([one for one in simulation.store.deliveries.list() if one.alarm == 1]) == 1


def test_a_re_baselining_needs_a_reason_and_begins_anew(simulation, client):
    assert client.post("/alarms/1/rebaseline", data={"text": ""}).status_code == 422
    assert simulation.store.alarms.get(1).status == "open"
    answer = client.post("/alarms/1/rebaseline", data={"text": "new model on purpose"})
    assert "re-baselined: new model on purpose" in text_of(answer.text)
    assert simulation.store.alarms.get(1).status == "resolved"
    for _ in range(2):  # at once, and when a round found nothing to decide on
        (chat,) = [one for one in client.get("/").text.split("<tr ") if ">chat</a>" in one]
        assert "not enough data" in chat
        assert "Its monitor learns anew what is normal, from the next windows" in text_of(chat)
        assert "drifting" not in chat
        page = text_of(client.get("/streams/chat").text)
        assert "not enough data" in page
        assert "learns anew" in page
        simulation.evaluate()
        simulation.hours(0.001)
    simulation.events("chat", range(*window_after(simulation, 2)))
    simulation.hours(2)
    simulation.evaluate()
    record = simulation.store.monitors.get("chat", f"drift:{MODEL}")
    assert record.decision.verdict == "baseline"


def window_after(simulation, n):
    latest = simulation.store.streams.get("chat").latest_window
    return latest + 1, latest + 1 + n


def test_a_re_baselining_while_somebody_evaluates_is_told_to_try_again(simulation, client, monkeypatch):
    monkeypatch.setattr("secondlaw.service.alarm_routes.PATIENCE", 0.0)
    (lease,) = simulation.store.leases.take([stream_lease("chat")], owner="another", seconds=60)
    answer = client.post("/alarms/1/rebaseline", data={"text": "why"})
    assert answer.status_code == 409
    assert "being evaluated" in answer.text
    simulation.store.leases.release([lease])
    assert client.post("/alarms/1/rebaseline", data={"text": "why"}).status_code == 200


def test_the_status_page_shows_queue_dead_letters_and_sends_them_again(simulation, client):
    simulation.store.deliveries.add([NewDelivery("ops", {"stream": "chat", "state": "firing"})], alarm=1)
    (due,) = simulation.store.deliveries.due(owner="test")
    simulation.store.deliveries.failed(due, error="refused <now>", retry_in=None)
    page = client.get("/status").text
    said = text_of(page)
    assert "1 dead letter" in said
    assert "refused &lt;now&gt;" in page
    assert "waiting for their label 0" in said
    answer = client.post("/status/requeue", data={"delivery": due.id})
    assert "0 dead letters" in text_of(answer.text)
    assert simulation.store.audit.list(limit=1)[0].action == "delivery sent again"
    assert "event_ids" in client.get("/status?rows=1").text
