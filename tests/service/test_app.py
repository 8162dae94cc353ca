"""The application as clients see it: events in, numbers out, tokens, limits, metrics; with a real store."""

import gzip
import json
import logging
import logging.config
import subprocess
import threading
import zlib
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

import pytest
from server_tools import required
from starlette.testclient import TestClient

from secondlaw.behavior import Transcript
from secondlaw.errors import QueueFull, StorageFull, StorageUnavailable
from secondlaw.pipeline.settings import load_settings
from secondlaw.service.app import create_app
from secondlaw.service.evaluating import Evaluator
from secondlaw.service.running import Parts
from secondlaw.service.settings import ServiceSettings
from secondlaw.storage import MonitorStep, NewAlarm, open_store, stream_lease

pytestmark = pytest.mark.unit

NDJSON = {"content-type": "application/x-ndjson"}


def event(number, **fields):
    place = int(str(number).rpartition("-")[2])
    known = {"id": f"e{number}", "stream": "chat", "model": "m", "prompt_id": f"p{place % 5}", "step": 1}
    return known | {"prompt": "", "response": "", "label": "g1", "classifier": "c/1"} | fields


@pytest.fixture
def service(tmp_path):
    return ServiceSettings(
        store=f"sqlite:///{tmp_path}/store.db", every=None, workers=0, body_bytes=1 << 20, batch_events=1000,
        monitor={"baseline_steps": 20, "alpha": 0.001, "idle": 0.0},
    )  # fmt: skip


@pytest.fixture
def store(service):
    with open_store(service.store, settings=service.store_settings) as one:
        yield one


@pytest.fixture
def parts(store, service):
    return Parts(store, service, load_settings())


@pytest.fixture
def client(store, service, parts):
    with TestClient(create_app(store, service, parts, run_parts=False), base_url="http://127.0.0.1") as one:
        yield one


def decide(store, service, parts):
    later = datetime.now(UTC) + timedelta(hours=2)
    Evaluator(store, owner="t", clock=lambda: later, alarms=parts.writer, default=service.evaluation).run_once()


def test_an_event_sent_again_is_counted_once(client, store):
    first = client.post("/v1/events", json=event(1)).json()
    again = client.post("/v1/events", json=[event(1), event(2)]).json()
    assert (first["accepted"], again["accepted"], again["duplicates"]) == (1, 1, 1)
    assert store.counts.read("chat").total == 2


def test_rows_that_are_none_are_named_and_the_others_stored(client, store):
    found = client.post("/v1/events", json={"events": [event(1), 7, event(2, label="nonsense"), {"id": "x"}]})
    assert found.status_code == 200
    answer = found.json()
    assert (answer["accepted"], answer["rejected"]) == (1, 3)
    assert [one["index"] for one in answer["reasons"]] == [1, 2, 3]
    assert client.post("/v1/events", json=[7]).status_code == 422
    assert store.counts.read("chat").total == 1


def test_equal_answers_without_ids_are_different_events(client, store):
    row = {"stream": "chat", "model": "m", "prompt": "q", "response": "a", "label": "g1", "classifier": "c", "step": 1}
    found = client.post("/v1/events", json=[row, row]).json()
    assert (found["accepted"], found["without_id"]) == (2, 2)
    assert store.counts.read("chat").total == 2


def test_a_stream_of_lines_is_stored_as_it_comes(client, store):
    text = "\n".join(json.dumps(event(i)) for i in range(2500)) + "\n\nno json\n"
    found = client.post("/v1/events", content=text, headers=NDJSON).json()
    assert (found["accepted"], found["rejected"], found["rows"]) == (2500, 1, 2501)
    assert store.counts.read("chat").total == 2500


def test_a_stream_of_lines_waits_for_room_in_the_queue(client, store, monkeypatch):
    real, refused = store.events.add, []

    def sometimes(events):
        if len(refused) < 2:
            refused.append(1)
            raise QueueFull("full")
        return real(events)

    monkeypatch.setattr(store.events, "add", sometimes)
    text = "\n".join([json.dumps(event(1)), "7"])
    found = client.post("/v1/events", content=text, headers=NDJSON).json()
    assert (found["accepted"], found["rejected"]) == (1, 1)


@pytest.mark.parametrize(
    ("error", "status", "retry"),
    [(QueueFull("full"), 429, "5"), (StorageUnavailable("away"), 503, "5"), (StorageFull("full"), 507, "60")],
)
def test_what_cannot_be_stored_now_says_when_to_try_again(client, store, monkeypatch, error, status, retry):
    def fails(events):
        raise error

    monkeypatch.setattr(store.events, "add", fails)
    found = client.post("/v1/events", json=event(1))
    assert (found.status_code, found.headers["retry-after"]) == (status, retry)


def test_bodies_of_other_kinds_and_sizes_are_refused(client):
    assert client.post("/v1/events", content=b"{", headers={"content-type": "application/json"}).status_code == 422
    assert client.post("/v1/events", content=b"{}", headers={"content-type": "text/plain"}).status_code == 415
    many = [event(i) for i in range(1001)]
    assert client.post("/v1/events", json=many).status_code == 413
    assert client.put("/v1/streams/chat", content=b" " * (2 << 20)).status_code == 413

    def endless():
        for _ in range(40):
            yield b" " * 65536

    assert client.put("/v1/streams/chat", content=endless()).status_code == 413


def test_tokens_open_what_their_scopes_and_streams_say(client, store):
    _, ingest = store.tokens.create("in", scopes=("ingest",), streams=("chat",))
    _, read = store.tokens.create("out", scopes=("read",), streams=("chat",))
    _, admin = store.tokens.create("boss", scopes=("admin",))
    store.events.add([Transcript("", "", "s", "p", stream="secret", model="m", step=1, label="g1", classifier="c")])

    def as_(token):
        return {"authorization": f"Bearer {token}"}

    client.app.state.access._open = None
    assert client.get("/v1/streams").status_code == 401
    assert client.get("/v1/streams", headers=as_("sl_wrong")).status_code == 401
    assert client.post("/v1/events", json=event(1), headers=as_(ingest)).json()["accepted"] == 1
    other = client.post("/v1/events", json=event(2, stream="secret"), headers=as_(ingest))
    assert other.status_code == 422
    assert "may not write" in other.text
    assert client.get("/v1/streams", headers=as_(ingest)).status_code == 403
    assert [one["name"] for one in client.get("/v1/streams", headers=as_(read)).json()["streams"]] == ["chat"]
    assert client.get("/v1/streams/secret", headers=as_(read)).status_code == 403
    assert client.delete("/v1/streams/chat", headers=as_(read)).status_code == 403
    assert len(client.get("/v1/streams", headers=as_(admin)).json()["streams"]) == 2
    assert client.get("/metrics").status_code == 401
    own = client.get("/metrics", headers=as_(read)).text
    assert 'secondlaw_responses_total{category="g1",model="m",stream="chat"} 1.0' in own
    assert "secret" not in own
    assert "secret" in client.get("/metrics", headers=as_(admin)).text
    assert client.get("/healthz").status_code == 200


def test_alarms_of_streams_that_a_token_may_not_read_take_no_place_among_those_it_may(client, store, monkeypatch):
    monkeypatch.setattr("secondlaw.service.alarm_routes.AT_ONCE", 3)
    for name in ("own", "other"):
        store.streams.create(name)
        lease = store.leases.take([stream_lease(name)], owner="test")[0]
        opened = [NewAlarm("drift", window, "s", {}) for window in range(5)]
        store.monitors.put(name, "m", settings={}, who="test")
        store.monitors.record(lease, name, [MonitorStep("m", {}, 5, [], opened)])
    _, read = store.tokens.create("out", scopes=("read",), streams=("own",))
    client.app.state.access._open = None

    def seen(**query):
        answer = client.get("/v1/alarms", params=query, headers={"authorization": f"Bearer {read}"})
        return [one["id"] for one in answer.json()["alarms"]]

    mine = [one.id for one in store.alarms.list(stream="own")]
    assert seen() == mine
    assert seen(limit=2) == mine[:2]
    assert seen(limit=2, before=mine[1]) == mine[2:4]
    assert seen(status="resolved") == []


def test_without_tokens_only_this_machine_itself_is_let_in(client):
    assert client.get("/v1/streams").status_code == 200
    assert client.get("/v1/streams", headers={"x-forwarded-for": "10.0.0.7"}).status_code == 401
    assert client.get("/v1/streams", headers={"host": "evil.example"}).status_code == 403
    foreign = {"origin": "https://evil.example"}
    assert client.put("/v1/streams/chat", json={}, headers=foreign).status_code == 403
    assert client.post("/v1/events", json=event(1), headers=foreign).status_code == 403


def test_every_answer_has_the_headers_that_keep_browsers_from_harm(client):
    for path in ("/healthz", "/v1/streams", "/no/such/page"):
        headers = client.get(path).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert "script-src 'self'" in headers["content-security-policy"]
        assert headers["x-frame-options"] == "DENY"


def test_a_rate_is_kept_for_each_caller(store, service, parts):
    slow = service.model_copy(update={"rate": 0.001, "burst": 2})
    with TestClient(create_app(store, slow, parts, run_parts=False), base_url="http://127.0.0.1") as one:
        codes = [one.post("/v1/events", json=event(i)).status_code for i in range(3)]
        assert codes == [200, 200, 429]


def test_windows_decisions_and_alarms_are_told(client, store, service, parts):
    rows = [
        event(f"{step}-{i}", step=step, label="g2" if step >= 30 and i % 3 == 0 else "g1")
        for step in range(50)
        for i in range(40)
    ]
    for begin in range(0, len(rows), 1000):
        assert client.post("/v1/events", json=rows[begin : begin + 1000]).status_code == 200
    decide(store, service, parts)
    (alarm,) = client.get("/v1/alarms").json()["alarms"]
    assert alarm["kind"] == "drift"
    stream = client.get("/v1/streams/chat").json()
    assert (stream["state"], stream["since"]) == ("drifting", alarm["window"])
    (windows,) = [client.get("/v1/streams/chat/windows?from=28&to=31").json()["windows"]]
    assert [one["window"] for one in windows] == [28, 29, 30, 31]
    assert windows[3]["misaligned"]["low"] < windows[3]["misaligned"]["value"] < windows[3]["misaligned"]["high"]
    assert windows[0]["correction"] == "none"
    said = client.get("/v1/streams/chat/decisions?from=0").json()["monitors"]["drift:m"]
    assert [one["window"] for one in said] == list(range(50))
    number = alarm["id"]
    assert (
        client.post(f"/v1/alarms/{number}/acknowledge", json={"text": "looking"}).json()["acknowledged_by"] == "local"
    )
    assert client.post("/v1/streams/chat/rebaseline", json={"reason": "new release"}).json() == {"resolved": 1}
    history = client.get(f"/v1/alarms/{number}").json()
    assert history["status"] == "resolved"
    assert len(history["history"]) >= 3
    counts = client.get("/v1/streams/chat/counts?from=0").json()
    assert sum(sum(row["counts"].values()) for row in counts["rows"]) == len(rows)


def test_labels_of_people_are_asked_for_blindly_and_kept(client, store):
    store.streams.create("kept", _keeping())
    texts = [
        Transcript(f"q{i}", f"a{i}", f"t{i}", f"p{i}", stream="kept", step=1, label="g1", classifier="c")
        for i in range(9)
    ]
    store.events.add(texts)
    found = client.get("/v1/streams/kept/to-label?annotator=ann").json()["texts"]
    assert len(found) == 9
    assert "category" not in found[0]
    assert "label" not in found[0]
    given = {"text": found[0]["text"], "label": "g4", "annotator": "ann"}
    assert client.post("/v1/streams/kept/labels", json=given).json()["label"] == "g4"
    assert client.post("/v1/streams/kept/labels", json=given | {"label": "odd"}).status_code == 422
    assert len(client.get("/v1/streams/kept/to-label?annotator=ann").json()["texts"]) == 8


def _keeping():
    from secondlaw.storage import Retention, StreamSettings

    return StreamSettings(every=None, retention=Retention(texts="all"))


def test_settings_of_a_stream_are_checked_and_changed(client):
    made = client.put("/v1/streams/new", json={"every": 900, "monitors": {"drift": {"alpha": 0.01}}})
    assert made.status_code == 200
    assert client.get("/v1/streams/new").json()["monitor"]["alpha"] == 0.01
    for wrong in (
        {"every": -5},
        {"monitors": {"drift": {"alpha": 7}}},
        {"monitors": {"drift": {"alpah": 0.1}}},
        {"monitors": []},
        {"monitors": {"drift": 7}},
        {"monitors": {"another": {}}},
        {"monitors": {"drift": {"enabled": "no"}}},
        {"monitors": {"drift": {"tolerance": 5}}},
        {"monitors": {"drift": {"baseline_steps": 1.5}}},
        {"retention": 5},
        {"retention": {"text_dais": 5}},
        {"retention": {"text_days": 1.5}},
        {"keys": [1, 2]},
        {"keys": ["a"]},
        {"every": 1e300},
        {"every": True},
        {"every": [1]},
        {"x": 1},
    ):
        answer = client.put("/v1/streams/new", json=wrong)
        assert (answer.status_code, "__init__" in answer.text) == (422, False), (wrong, answer.text)
    assert client.get("/v1/streams/new").json()["settings"] == made.json()["settings"]
    assert client.delete("/v1/streams/new").json() == {"deleted": "new"}
    assert client.get("/v1/streams/new").status_code == 404


def test_what_is_left_out_of_a_streams_settings_stays_or_is_as_the_service_makes_it(client, store, service):
    made = client.put("/v1/streams/chat", json={"monitors": {"drift": {"alpha": 0.01}}}).json()["settings"]
    as_an_event_makes_it = service.new_streams.to_dict()
    assert made == as_an_event_makes_it | {"monitors": {"drift": {"alpha": 0.01}}}
    assert made["retention"]["texts"] == "sample"
    assert client.post("/v1/events", json=event(1)).json()["accepted"] == 1
    changed = client.put("/v1/streams/chat", json={"retention": {"text_days": 7}}).json()["settings"]
    assert changed == made | {"retention": made["retention"] | {"text_days": 7}}
    assert client.put("/v1/streams/chat", json={"monitors": {"drift": {"baseline_steps": 30}}}).status_code == 200
    assert store.streams.get("chat").settings.monitors == {"drift": {"baseline_steps": 30}}
    assert client.put("/v1/streams/chat", json={"every": 60}).status_code == 422  # events are there


@pytest.mark.parametrize("before", ["", "/drift"])
def test_behind_a_proxy_addresses_have_its_path_whether_it_takes_it_away_or_not(store, service, parts, before):
    under = service.model_copy(update={"base_path": "/drift"})
    with TestClient(create_app(store, under, parts, run_parts=False), base_url="http://127.0.0.1") as one:
        assert one.get(f"{before}/healthz").json() == {"status": "ok"}
        assert one.post(f"{before}/v1/events", json=event(1)).json()["accepted"] == 1
        assert one.get(f"{before}/openapi.json").json()["servers"] == [{"url": "/drift"}]
        assert one.get("/drifting/healthz").status_code == 404


def test_readiness_tells_of_a_store_that_is_away(client, store, monkeypatch):
    assert client.get("/readyz").status_code == 200

    def away():
        raise StorageUnavailable("away")

    monkeypatch.setattr(store.admin, "ping", away)
    assert client.get("/readyz").status_code == 503


def test_metrics_are_clean_and_hold_no_text(client, store, service, parts):
    promtool = required("promtool", "the Debian package prometheus")
    rows = [event(f"{step}-{i}", step=step, label="g1" if i else "g2") for step in range(30) for i in range(20)]
    client.post("/v1/events", json=rows)
    decide(store, service, parts)
    text = client.get("/metrics").text
    checked = subprocess.run([promtool, "check", "metrics"], input=text, capture_output=True, text=True, check=False)
    assert (checked.returncode, checked.stderr + checked.stdout) == (0, "")
    assert 'secondlaw_responses_total{category="g1",model="m",stream="chat"} 570.0' in text
    assert 'secondlaw_entropy_nats_lower{model="m",stream="chat"}' in text
    assert 'secondlaw_alarm_active{kind="drift",monitor="drift:m",stream="chat"} 0.0' in text


def test_many_clients_at_once_lose_and_double_nothing(client, store):
    def send(number):
        for batch in range(5):
            rows = [event(f"{batch}-{i}") for i in range(40)]  # all clients send the same events
            assert client.post("/v1/events", json=rows).status_code == 200
            own = [event(f"{number}-{batch}-{i}") for i in range(10)]
            assert client.post("/v1/events", json=own).status_code == 200

    threads = [threading.Thread(target=send, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert store.counts.read("chat").total == 5 * 40 + 4 * 5 * 10


@pytest.mark.parametrize("kind", ["application/json", "application/x-ndjson"])
def test_compressed_bodies_are_taken_and_bombs_are_not(client, store, kind):
    def send(body, packing="gzip"):
        return client.post("/v1/events", content=body, headers={"content-type": kind, "content-encoding": packing})

    rows = [event(1), event(2)]
    plain = json.dumps(rows) if kind == "application/json" else "\n".join(map(json.dumps, rows))
    assert send(gzip.compress(plain.encode())).json()["accepted"] == 2
    assert send(zlib.compress(plain.encode()), "deflate").json()["duplicates"] == 2
    assert send(plain.encode(), "identity").json()["duplicates"] == 2
    assert send(gzip.compress(b" " * (8 << 20) + plain.encode())).status_code == 413
    assert send(gzip.compress(plain.encode())[:-9]).status_code == 400
    refused = send(plain.encode(), "zstd")
    assert (refused.status_code, "'zstd' is not known here" in refused.text) == (415, True)
    assert store.counts.read("chat").total == 2


def test_a_stream_may_have_any_name_that_can_be_printed(client):
    name = "team/app é?#%"
    client.post("/v1/events", json=event(1, stream=name)).raise_for_status()
    path = f"/v1/streams/{quote(name, safe='')}"
    assert client.get(path).json()["name"] == name
    for tail in ("windows", "period", "decisions", "texts", "counts", "to-label?annotator=a"):
        assert client.get(f"{path}/{tail}").status_code == 200, tail
    assert client.put(path, json={"every": None}).status_code == 200
    assert client.delete(path).json() == {"deleted": name}
    assert client.get(path).status_code == 404


@pytest.mark.parametrize("states_length", [True, False])
def test_a_stream_of_lines_may_be_larger_than_a_body(client, store, states_length):
    lines = [json.dumps(event(n, prompt="x" * 2000)).encode() + b"\n" for n in range(1200)]
    body = b"".join(lines)
    assert len(body) > 2 << 20
    sent = client.post("/v1/events", content=body if states_length else iter(lines), headers=NDJSON)
    assert sent.json()["accepted"] == 1200
    kind = {"content-type": "application/json"}
    assert client.post("/v1/events", content=body if states_length else iter(lines), headers=kind).status_code == 413


def test_the_access_log_leaves_out_what_stands_in_queries(capsys):
    from secondlaw.service.serving import log_config

    logging.config.dictConfig(log_config())
    try:
        log = logging.getLogger("uvicorn.access")
        log.info('%s - "%s %s HTTP/%s" %d', "127.0.0.1:1", "GET", "/v1/streams?token=sl_secret", "1.1", 401)
    finally:
        for name in ("uvicorn", "uvicorn.access", "uvicorn.error"):
            logging.getLogger(name).handlers.clear()
            logging.getLogger(name).propagate = True
    said = capsys.readouterr().out
    assert '"GET /v1/streams HTTP/1.1" 401' in said
    assert "sl_secret" not in said
