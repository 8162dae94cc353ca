"""`secondlaw serve` from end to end: real processes, a real application, real kills, a real Alertmanager."""

import os

import numpy as np
import pytest
from killed_service import Load, kill_under_load, verify
from served import Service, until
from test_delivery_alertmanager import hook, manager  # noqa: F401 - fixtures
from test_otlp_real import CAPTURE, EXPERIMENTAL, OLDER, instrumentation, model, run_app  # noqa: F401

from secondlaw.storage import open_store

pytestmark = [pytest.mark.unit, pytest.mark.timeout(900)]  # real processes, minutes where the machine is busy

QUICK = "every = 0\nevaluate_every = 0.3\nmonitor = { baseline_steps = 20, alpha = 0.001, idle = 0.5 }\n"


@pytest.fixture
def serve(tmp_path):
    services = []

    def start(service="", **options):
        services.append(Service(tmp_path, service, **options))
        return services[-1].start()

    yield start
    for one in services:
        one.close()


def alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_calls_of_an_instrumented_application_are_labelled_and_counted_and_sigterm_ends_it_cleanly(serve, model):  # noqa: F811
    instrumentation(OLDER)
    service = serve()
    texts = run_app(service.url, *model, OLDER, **EXPERIMENTAL, **{CAPTURE: "span_only"})
    until(lambda: service.total("shop@test") >= len(texts))
    assert service.total("shop@test") == len(texts)
    (row,) = {
        (one["model"], one["classifier"], one["intent"]) for one in service.get("/v1/streams/shop@test/counts")["rows"]
    }
    assert row == ("served", "judge/1", "benign")
    workers = service.children()
    assert workers
    assert service.stop() == 0, service.log
    until(lambda: not any(alive(pid) for pid in workers))
    assert "Traceback" not in service.log
    assert not any(text in service.log for text in texts)
    with open_store(service.store) as store:
        assert store.admin.check() == ()
        assert store.queue.depth().leased == 0


def test_head_is_answered_with_the_headers_of_get_and_pages_that_never_end_do_not_hold_it(serve):
    service = serve("workers = 0\nevaluate = false\n")
    for path in ("/", "/alarms", "/healthz", "/v1/streams", "/openapi.json", "/signin", "/live"):
        head = service.http.head(path, headers={"accept": "text/html"})
        assert (head.status_code, head.content) == (200, b""), path
        if path == "/live":  # the connection is free at once
            assert head.headers["content-type"].startswith("text/event-stream")
            continue
        got = service.http.get(path, headers={"accept": "text/html"})
        for name in ("content-type", "content-length", "cache-control", "content-security-policy"):
            assert head.headers[name] == got.headers[name], (path, name)
    assert service.http.head("/nothing").status_code == 404
    refused = service.http.head("/v1/events")
    assert (refused.status_code, refused.headers["allow"]) == (405, "POST")
    assert service.stop() == 0
    assert "Traceback" not in service.log, service.log


def test_killed_again_and_again_it_counts_every_acknowledged_event_once(serve):
    service = serve("every = 0\nlease = 2\nattempts = 1000\n")
    with Load(service.url) as load:
        counts = kill_under_load(service, load, kills=3, rng=np.random.default_rng(7), longest=0.6)
    assert min(counts) > 0
    wanted, once, more = verify(service, load)
    assert (once, more) == (wanted, 0)


def test_a_worker_ends_when_its_service_is_killed(serve):
    service = serve()
    service.send({"id": "a", "stream": "chat", "prompt": "q", "response": "yes"})
    until(lambda: service.total("chat") == 1)
    workers = service.children()
    service.kill()
    until(lambda: not any(alive(pid) for pid in workers))


def test_a_drift_reaches_the_alertmanager_and_a_new_baseline_ends_it(serve, manager, hook):  # noqa: F811
    receivers = f'[[service.receivers]]\ntype = "alertmanager"\nname = "am"\nurl = "{manager.url}"\n'
    service = serve('external_url = "https://drift.example"\n' + QUICK + receivers)
    rng = np.random.default_rng(1)
    rows = [
        {"id": f"{step}-{k}", "stream": "chat", "model": "m", "prompt_id": f"p{k % 8}", "step": step, "classifier": "c",
         "label": "g2" if rng.random() < (0.35 if step >= 30 else 0.05) else "g1"}
        for step in range(45) for k in range(40)
    ]  # fmt: skip
    assert service.send(rows)["accepted"] == len(rows)
    (alert,) = manager.wait(lambda alerts: len(alerts) == 1)
    hook.wait_for(1)
    assert alert["labels"] == {"alertname": "SecondLawDrift", "stream": "chat", "model": "m", "monitor": "drift:m"}
    assert alert["generatorURL"] == "https://drift.example/streams/chat"
    answer = service.http.post("/v1/streams/chat/rebaseline", json={"reason": "a new release"})
    assert answer.json() == {"resolved": 1}
    manager.wait(lambda alerts: alerts == [])
    hook.wait_for(2)
    assert [body["status"] for body in hook.bodies] == ["firing", "resolved"]
    assert service.get("/v1/streams/chat")["open_alarms"] == 0
