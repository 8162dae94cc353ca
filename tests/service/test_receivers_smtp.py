"""Mail, against a real SMTP server on the loopback interface."""

import asyncio
import email
import socket
import ssl
import subprocess
from datetime import timedelta
from email.policy import default

import pytest
from loopback_receiver import START, drift_alert
from moved_loop import run_moved
from served import LONGEST, free_port

pytest.importorskip("aiosmtpd", reason="aiosmtpd is not installed")
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

from secondlaw.service.delivery_requests import send_test_alert
from secondlaw.service.receiver_settings import load_receivers
from secondlaw.service.receivers import DeliveryError, Notice
from secondlaw.service.receivers.smtp import SmtpReceiver, mail_of

pytestmark = pytest.mark.unit

BASE = {
    "type": "smtp",
    "name": "mail",
    "host": "127.0.0.1",
    "sender": "drift@example.org",
    "to": ["oncall@example.org"],
}
PASSWORD = "correct horse"


class Mailbox:
    """Keeps mails, and refuses what a test tells it to refuse."""

    def __init__(self):
        self.mails, self.refuse, self.data_answers = [], {}, []
        self.farewell = "221 bye"

    async def handle_RCPT(self, server, session, envelope, address, options):  # noqa: N802 - aiosmtpd's
        if self.refuse.get(address):
            return self.refuse[address].pop(0)
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_QUIT(self, server, session, envelope):  # noqa: N802
        return self.farewell

    async def handle_DATA(self, server, session, envelope):  # noqa: N802
        if self.data_answers:
            return self.data_answers.pop(0)
        mail = email.message_from_bytes(envelope.content, policy=default)
        self.mails.append((envelope.mail_from, envelope.rcpt_tos, mail))
        return "250 OK"


def authenticate(server, session, envelope, mechanism, auth_data):
    return AuthResult(handled=False, success=auth_data.login == b"drift" and auth_data.password == PASSWORD.encode())


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tls")
    made = [
        "openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-keyout", folder / "key.pem",
        "-out", folder / "cert.pem", "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1",
    ]  # fmt: skip
    try:
        subprocess.run(made, check=True, capture_output=True)
    except FileNotFoundError:
        pytest.skip("openssl is not installed")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    return context, str(folder / "cert.pem")


@pytest.fixture
def start():
    """Return a function that starts a server and returns its mailbox and its port."""
    running = []

    def go(**more):
        box, port = Mailbox(), free_port()
        server = Controller(box, hostname="127.0.0.1", port=port, ready_timeout=LONGEST, **more)
        server.start()
        running.append(server)
        return box, port

    yield go
    for server in running:
        server.stop()


def send(settings, *alerts, receiver=None, now=START):
    receiver = receiver or SmtpReceiver(settings)
    asyncio.run(receiver.send([Notice(alert, f"key-{k}") for k, alert in enumerate(alerts)], now=now))
    return receiver


def plain(port, **more):
    return load_receivers([{**BASE, "port": port, "security": "none", "timeout": 60, **more}])[0]


def test_a_mail_says_it_in_plain_text_and_in_html(start):
    box, port = start()
    send(plain(port), drift_alert("support <b>&", attribution="g4 rose"))
    sender, to, mail = box.mails[0]
    assert (sender, to) == ("drift@example.org", ["oncall@example.org"])
    assert mail["Subject"] == "[firing] drift: support <b>& / gpt-x"
    assert mail["Auto-Submitted"] == "auto-generated"
    text = mail.get_body(("plain",)).get_content()
    assert "log e-value 12.30, alarm at 9.21" in text
    assert "entropy: 0.610 nats [0.550, 0.680] (95 % interval)" in text
    assert "link: https://drift.example.org/streams/support" in text
    html = mail.get_body(("html",)).get_content()
    assert "support &lt;b&gt;&amp;" in html
    assert '<a href="https://drift.example.org/streams/support">' in html


def test_the_mails_of_one_alarm_are_a_thread_and_one_sent_twice_has_one_id(start):
    box, port = start()
    alert = drift_alert()
    send(plain(port), alert)
    send(plain(port), alert)
    send(plain(port), alert.resolved(START + timedelta(hours=1)))
    first, again, ended = (mail for _, _, mail in box.mails)
    assert first["Message-ID"] == again["Message-ID"]
    assert first["References"] == ended["References"]
    assert ended["Subject"].startswith("[resolved]")


def test_no_name_can_add_a_header(start):
    box, port = start()
    send(plain(port), drift_alert("x\r\nBcc: thief@example.org", model="ünïcode\N{RIGHT-TO-LEFT OVERRIDE}"))
    _, to, mail = box.mails[0]
    assert to == ["oncall@example.org"]
    assert mail["Bcc"] is None
    assert "ünïcode" in mail["Subject"]


def test_a_storm_is_one_mail_with_a_sentence_each():
    alerts = [Notice(drift_alert(f"s{k}"), str(k)) for k in range(100)]
    mail = mail_of(alerts, settings=plain(25), now=START)
    assert mail["Subject"] == "[firing] 100 alerts in 100 streams"
    text = mail.get_body(("plain",)).get_content()
    assert text.count("drifts in surprisal") == 100
    assert text.count("responses: 400") == 20


def test_starttls_and_login(start, certificate):
    context, ca_file = certificate
    box, port = start(
        tls_context=context, require_starttls=True, auth_required=True, authenticator=authenticate
    )  # fmt: skip
    table = {**BASE, "port": port, "ca_file": ca_file, "username": "drift", "password": PASSWORD, "timeout": 60}
    send(load_receivers([table])[0], drift_alert())
    assert len(box.mails) == 1
    with pytest.raises(DeliveryError, match="login refused") as raised:
        send(load_receivers([{**table, "password": "wrong"}])[0], drift_alert())
    assert not raised.value.permanent
    assert "wrong" not in str(raised.value)
    unknown = load_receivers([{name: value for name, value in table.items() if name != "ca_file"}])[0]
    with pytest.raises(DeliveryError, match=r"(?i)certificate"):
        send(unknown, drift_alert())
    assert len(box.mails) == 1


def test_tls_from_the_start(certificate, start):
    context, ca_file = certificate

    box, port = start(ssl_context=context)
    send(
        load_receivers([{**BASE, "port": port, "ca_file": ca_file, "security": "ssl", "timeout": 60}])[0], drift_alert()
    )
    assert len(box.mails) == 1


def test_it_never_goes_on_in_clear_text(start):
    box, port = start()
    with pytest.raises(DeliveryError, match="STARTTLS"):
        send(load_receivers([{**BASE, "port": port, "timeout": 60}])[0], drift_alert())
    assert box.mails == []


@pytest.mark.parametrize(("answer", "permanent"), [("554 spam", True), ("451 later", False)])
def test_a_refused_text(start, answer, permanent):
    box, port = start()
    box.data_answers = [answer]
    with pytest.raises(DeliveryError, match=answer) as raised:
        send(plain(port), drift_alert())
    assert raised.value.permanent == permanent
    assert raised.value.answered


def test_who_is_refused_for_now_is_tried_again_alone(start):
    box, port = start()
    box.refuse = {"b@example.org": ["451 greylisted"]}
    settings = plain(port, to=["a@example.org", "b@example.org"])
    receiver = SmtpReceiver(settings)
    with pytest.raises(DeliveryError, match=r"b@example\.org refused with 451 greylisted") as raised:
        send(settings, drift_alert(), receiver=receiver)
    assert not raised.value.permanent
    send(settings, drift_alert(), receiver=receiver)
    assert [to for _, to, _ in box.mails] == [["a@example.org"], ["b@example.org"]]


def test_who_is_refused_for_good_does_not_hold_up_the_others(start, caplog):
    box, port = start()
    box.refuse = {"b@example.org": ["550 unknown"], "c@example.org": ["550 unknown"]}
    send(plain(port, to=["a@example.org", "b@example.org"]), drift_alert())
    assert [to for _, to, _ in box.mails] == [["a@example.org"]]
    assert "b@example.org" in caplog.text
    with pytest.raises(DeliveryError, match="refused with 550") as raised:
        send(plain(port, to=["c@example.org"]), drift_alert())
    assert raised.value.permanent


def test_a_farewell_that_fails_is_no_failure(start):
    box, port = start()
    box.farewell = "451 not so fast"
    send(plain(port), drift_alert())
    assert len(box.mails) == 1


def test_nobody_answers():
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        port = silent.getsockname()[1]
        with pytest.raises(DeliveryError, match=r"receiver 'mail' at 127\.0\.0\.1") as raised:
            send(plain(port, timeout=0.2), drift_alert())
        assert not raised.value.permanent
    with pytest.raises(DeliveryError, match="refused"):
        send(plain(port), drift_alert())


def test_a_server_that_drips_is_left(start):
    import threading

    stop, drips = threading.Event(), threading.Semaphore(0)

    def drip(listening):
        connection, _ = listening.accept()
        with connection:
            while not stop.wait(0.05):
                try:
                    connection.sendall(b"2")
                except OSError:
                    return
                drips.release()

    with socket.socket() as dripping:
        dripping.bind(("127.0.0.1", 0))
        dripping.listen()
        thread = threading.Thread(target=drip, args=(dripping,), daemon=True)
        thread.start()
        receiver = SmtpReceiver(plain(dripping.getsockname()[1]))  # 60 s for each byte
        sent = receiver.send([Notice(drift_alert(), "key")], now=START)
        with pytest.raises(DeliveryError, match="took too long"):
            run_moved(sent, drips.acquire, drips.acquire, drips.acquire, drips.acquire, seconds=50.0)
        stop.set()
        thread.join()


def test_a_test_alert_arrives(start):
    box, port = start()
    asyncio.run(send_test_alert(plain(port), now=START))
    assert [mail["Subject"].split()[0] for _, _, mail in box.mails] == ["[firing]", "[resolved]"]
