"""Receivers behind a URL, against a real server on the loopback interface."""

import asyncio
import logging
import ssl
import subprocess
import threading
from datetime import timedelta

import httpx
import pytest
from loopback_receiver import START, LoopbackReceiver, drift_alert
from moved_loop import run_moved

from secondlaw.errors import InvalidInput
from secondlaw.service.delivery_requests import send_test_alert
from secondlaw.service.receiver_settings import load_receivers
from secondlaw.service.receivers import DeliveryError, Notice, build_receiver
from secondlaw.service.receivers.signing import signed_headers
from secondlaw.service.receivers.webhook import webhook_body

pytestmark = pytest.mark.unit

PATH = "/hooks/T0KEN-in-the-path?key=abc"


@pytest.fixture
def server():
    found = LoopbackReceiver()
    yield found
    found.close()


def settings_of(server, kind="webhook", **more):
    return load_receivers([{"type": kind, "name": "pager", "url": server.url + PATH, "timeout": 60, **more}])[0]


async def sending(settings, *alerts, now=START):
    """Send one message, and close."""
    receiver = build_receiver(settings, external_url="https://drift.example.org")
    try:
        await receiver.send([Notice(alert, f"key-{k}") for k, alert in enumerate(alerts)], now=now)
    finally:
        await receiver.close()


def send(settings, *alerts, now=START):
    asyncio.run(sending(settings, *alerts, now=now))


def failure(server, *answers, **more):
    server.then(*answers)
    with pytest.raises(DeliveryError) as raised:
        send(settings_of(server, **more), drift_alert())
    return raised.value


def test_a_webhook_posts_version_4(server):
    alert = drift_alert()
    send(settings_of(server, bearer_token="s3cret", labels={"severity": "page"}), alert)
    request = server.requests[0]
    assert request["path"] == PATH
    assert request["headers"]["authorization"] == "Bearer s3cret"
    assert request["headers"]["content-type"] == "application/json"
    assert request["headers"]["idempotency-key"] == "key-0"
    assert "webhook-signature" not in request["headers"]
    body = request["body"]
    assert body["version"] == "4"
    assert body["status"] == "firing"
    assert body["receiver"] == "pager"
    assert body["externalURL"] == "https://drift.example.org"
    assert body["groupLabels"] == alert.labels
    assert body["commonLabels"] == {**alert.labels, "severity": "page"}
    assert body["alerts"][0]["endsAt"] == "0001-01-01T00:00:00Z"
    assert body["alerts"][0]["generatorURL"] == alert.link


def test_one_alert_opens_and_closes_one_group(server):
    alert = drift_alert()
    send(settings_of(server), alert)
    send(settings_of(server), alert.resolved(START + timedelta(hours=1)))
    opened, closed = server.bodies
    assert (
        opened["groupKey"]
        == closed["groupKey"]
        == ('{}:{alertname="SecondLawDrift", model="gpt-x", monitor="main", stream="support"}')
    )
    assert (closed["status"], closed["alerts"][0]["status"]) == ("resolved", "resolved")
    assert closed["alerts"][0]["endsAt"] == "2026-03-01T13:00:00.000Z"


def test_a_group_is_the_set_of_its_alerts():
    one, other, third = (Notice(drift_alert(name), name) for name in "abc")
    both = webhook_body([one, other], receiver="x")
    assert both["groupLabels"] == {"alertname": "SecondLawDrift", "model": "gpt-x", "monitor": "main"}
    assert both["groupKey"] == webhook_body([other, one], receiver="x")["groupKey"]
    assert both["groupKey"] != webhook_body([one, third], receiver="x")["groupKey"]


def test_a_signature_can_be_checked_with_the_secret_alone(server):
    settings = settings_of(server, hmac_secret="whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    send(settings, drift_alert())
    request = server.requests[0]
    headers = request["headers"]
    again = signed_headers(request["raw"], key=headers["webhook-id"], now=START, secret=settings.hmac_secret)
    assert headers["webhook-signature"] == again["webhook-signature"]
    other = signed_headers(request["raw"] + b" ", key=headers["webhook-id"], now=START, secret=settings.hmac_secret)
    assert headers["webhook-signature"] != other["webhook-signature"]
    assert headers["webhook-timestamp"] == str(int(START.timestamp()))


def test_a_cloud_event_has_every_attribute_that_is_required(server):
    alert = drift_alert()
    send(settings_of(server, "cloudevents"), alert)
    request = server.requests[0]
    assert request["headers"]["content-type"] == "application/cloudevents+json; charset=utf-8"
    event = request["body"]
    assert {name: event[name] for name in ("specversion", "id", "source", "type", "subject", "time")} == {
        "specversion": "1.0", "id": "key-0", "source": "https://drift.example.org", "type": "secondlaw.alert.firing",
        "subject": alert.fingerprint, "time": "2026-03-01T12:00:00.000Z",
    }  # fmt: skip
    assert event["data"]["entropy"]["low"] == 0.55
    assert all(name.isalnum() and name.islower() for name in event)


def test_several_cloud_events_are_a_batch(server):
    send(settings_of(server, "cloudevents", max_alerts=10), drift_alert("a"), drift_alert("b"))
    assert server.requests[0]["headers"]["content-type"] == "application/cloudevents-batch+json; charset=utf-8"
    assert [event["id"] for event in server.bodies[0]] == ["key-0", "key-1"]


def test_an_alertmanager_gets_an_end_in_the_future_that_moves(server):
    settings = settings_of(
        server, "alertmanager", url=server.url + "/prefix/", repeat="2m", labels={"severity": "page"}
    )
    alert = drift_alert()
    send(settings, alert)
    send(settings, alert, now=START + timedelta(minutes=2))
    send(settings, alert.resolved(START + timedelta(minutes=3)), now=START + timedelta(minutes=4))
    assert server.requests[0]["path"] == "/prefix/api/v2/alerts"
    posted = [body[0] for body in server.bodies]
    assert [one["endsAt"][11:16] for one in posted] == ["12:06", "12:08", "12:03"]
    assert {one["startsAt"] for one in posted} == {"2026-03-01T12:00:00.000Z"}
    assert posted[0]["labels"] == {**alert.labels, "severity": "page"}


@pytest.mark.parametrize("status", [400, 410, 413, 422])
def test_what_is_refused_for_good(server, status):
    error = failure(server, {"status": status, "content": b"bad\x1b[31m field"})
    assert error.permanent
    assert f"HTTP {status}" in str(error)
    assert "\x1b" not in str(error)


@pytest.mark.parametrize("status", [401, 403, 404, 408, 429, 500, 502, 503])
def test_what_passes(server, status):
    error = failure(server, {"status": status, "headers": {"Retry-After": "7"}})
    assert not error.permanent
    assert error.retry_after == 7.0
    assert error.answered == (status == 500)


def test_a_redirect_is_not_followed(server):
    error = failure(server, {"status": 307, "headers": {"Location": "https://elsewhere.example.org/secret"}})
    assert not error.permanent
    assert "redirect" in str(error)
    assert "elsewhere" not in str(error)
    assert len(server.requests) == 1


def test_who_never_answers_or_drips(server):
    server.then({"never": True})
    with pytest.raises(DeliveryError, match="no answer within 60 s"):
        run_moved(sending(settings_of(server), drift_alert()), lambda: server.wait_for(1), seconds=61.0)
    error = failure(server, {"status": 500, "drip": True, "content": b"x" * 1000}, timeout=0.3)
    assert "no answer within 0.3 s" in str(error)


def test_nobody_listens(server):
    settings = settings_of(server)
    server.close()
    with pytest.raises(DeliveryError, match=r"receiver 'pager' at http://127\.0\.0\.1") as raised:
        send(settings, drift_alert())
    assert not raised.value.permanent


def test_no_secret_is_logged_or_quoted(server, caplog):
    caplog.set_level(logging.DEBUG)
    echo = f"you sent Bearer s3cret to {PATH} of {server.url}{PATH}".encode()
    settings = settings_of(server, bearer_token="s3cret", hmac_secret="sh4red")
    server.then({"status": 500, "content": echo}, {})
    with pytest.raises(DeliveryError) as raised:
        send(settings, drift_alert())
    send(settings, drift_alert())
    said = f"{raised.value} {caplog.text} {settings!r} {settings}"
    assert not any(secret in said for secret in ("s3cret", "sh4red", "T0KEN"))
    assert "you sent Bearer *** to ***" in str(raised.value)


def test_others_requests_are_logged_as_before(server, caplog):
    caplog.set_level(logging.INFO, logger="httpx")

    async def go():
        receiver = build_receiver(settings_of(server))
        await receiver.send([Notice(drift_alert(), "key")], now=START)
        await receiver.close()
        before = caplog.text
        async with httpx.AsyncClient(trust_env=False) as other:
            await other.post(server.url, content=b"{}")
        return before

    assert "HTTP Request" not in asyncio.run(go())
    assert "HTTP Request" in caplog.text


@pytest.fixture
def secure(server, tmp_path):
    """The same server behind TLS, with a certificate that nobody knows."""
    made = [
        "openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-keyout", tmp_path / "key.pem",
        "-out", tmp_path / "cert.pem", "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1",
    ]  # fmt: skip
    try:
        subprocess.run(made, check=True, capture_output=True)
    except FileNotFoundError:
        pytest.skip("openssl is not installed")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "cert.pem", tmp_path / "key.pem")
    server.server.socket = context.wrap_socket(server.server.socket, server_side=True)
    return {"url": server.url.replace("http:", "https:"), "ca_file": str(tmp_path / "cert.pem")}


def test_certificates_are_checked(server, secure):
    settings = settings_of(server, url=secure["url"])
    with pytest.raises(DeliveryError, match=r"(?i)certificate") as raised:
        send(settings, drift_alert())
    assert not raised.value.permanent
    assert server.requests == []
    send(settings_of(server, **secure), drift_alert())
    send(settings_of(server, url=secure["url"], verify=False), drift_alert())
    assert len(server.requests) == 2


def test_a_certificate_file_that_is_none(server, tmp_path):
    (tmp_path / "none.pem").write_text("nothing")
    for path in ("none.pem", "missing.pem"):
        with pytest.raises(InvalidInput, match="receiver 'pager': a certificate file cannot be used"):
            build_receiver(settings_of(server, url="https://example.org", ca_file=str(tmp_path / path)))


def test_a_test_alert_fires_and_resolves(server):
    asyncio.run(
        send_test_alert(settings_of(server, streams=["prod-*"]), now=START, external_url="https://x.example.org")
    )
    assert [body["status"] for body in server.bodies] == ["firing", "resolved"]
    assert {body["groupLabels"]["alertname"] for body in server.bodies} == {"SecondLawTest"}
    server.then({"status": 403, "content": b"who are you"})
    with pytest.raises(DeliveryError, match="HTTP 403 Forbidden: who are you"):
        asyncio.run(send_test_alert(settings_of(server), now=START))


def test_it_works_in_a_thread(server):
    errors = []

    def go():
        try:
            send(settings_of(server), drift_alert())
        except Exception as error:
            errors.append(error)

    thread = threading.Thread(target=go)
    thread.start()
    thread.join()
    assert errors == []
    assert len(server.requests) == 1
