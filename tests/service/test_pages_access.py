"""Who sees what: signing in, streams of a token, forms of other sites, and what a reader may not change."""

import pytest

pytest.importorskip("fastapi", reason="the server's packages are not installed")

from dashboard_simulation import dashboard_app
from fastapi.testclient import TestClient

from secondlaw.service.access import COOKIE
from secondlaw.service.page_sign_in import safe_next

pytestmark = pytest.mark.unit
GETS = ("/", "/streams/chat", "/streams/chat/label", "/streams/chat/interval", "/streams/chat/chart?which=entropy",
        "/alarms", "/alarms/1", "/status", "/live")  # fmt: skip
POSTS = ("/streams/chat/label", "/alarms/1/acknowledge", "/alarms/1/note", "/alarms/1/resolve",
         "/alarms/1/rebaseline", "/status/requeue")  # fmt: skip


@pytest.fixture
def client(simulation):
    with TestClient(dashboard_app(simulation), follow_redirects=False) as one:
        yield one


def token(simulation, *scopes, streams=None, name="ann"):
    return simulation.store.tokens.create(name, scopes=scopes, streams=streams)[1]


def signed_in(client, secret):
    answer = client.post("/signin", data={"token": secret, "next": "/alarms"})
    assert answer.status_code == 303
    return answer


def test_with_tokens_nobody_sees_a_page_without_signing_in(simulation, client):
    token(simulation, "read")
    for address in GETS:
        answer = client.get(address)
        assert answer.status_code == 303, address
        assert answer.headers["location"].startswith("/signin?next=%2F"), address
        assert "chat" not in answer.text
    for address in POSTS:
        answer = client.post(address, data={"text": "1", "label": "g1", "delivery": "1"})
        assert answer.status_code == 303
        assert answer.headers["location"].startswith("/signin"), address
    assert client.get("/signin").status_code == 200
    assert client.get("/assets/x/pages.css").status_code == 200


def test_the_cookie_cannot_be_read_by_scripts_nor_used_by_other_sites(simulation, client):
    answer = signed_in(client, token(simulation, "read"))
    assert answer.headers["location"] == "/alarms"
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith(f"{COOKIE}=sl_")
    for part in ("HttpOnly", "SameSite=strict", "Path=/"):
        assert part in cookie
    assert "Secure" not in cookie
    assert client.get("/").status_code == 200
    out = client.post("/signout")
    assert out.headers["location"] == "/signin"
    assert client.get("/").status_code == 303


def test_over_tls_the_cookie_is_for_tls_alone(simulation):
    secret = token(simulation, "read")
    with TestClient(dashboard_app(simulation), base_url="https://testserver", follow_redirects=False) as client:
        assert "Secure" in client.post("/signin", data={"token": secret}).headers["set-cookie"]


def test_a_wrong_token_is_refused_and_not_echoed(simulation, client):
    token(simulation, "read")
    answer = client.post("/signin", data={"token": "sl_wrong", "next": "/"})
    assert answer.status_code == 403
    assert "unknown, expired or revoked" in answer.text
    assert "sl_wrong" not in answer.text
    assert "set-cookie" not in answer.headers


def test_signing_in_leads_nowhere_else(simulation, client):
    secret = token(simulation, "read")
    for address in (
        "https://evil.example",
        "//evil.example",
        "/\\evil.example",
        "javascript:alert(1)",
        "/\t/evil.example",
    ):
        assert safe_next(address) == "/"
        answer = client.post("/signin", data={"token": secret, "next": address})
        assert answer.headers["location"] == "/"
    crossing = client.post("/signin", data={"token": secret}, headers={"sec-fetch-site": "cross-site"})
    assert crossing.status_code == 403


def test_a_token_for_one_stream_shows_that_one_alone(simulation, client):
    signed_in(client, token(simulation, "read", streams=["search"]))
    overview = client.get("/").text
    assert "The stream is stable" in overview
    for name in ("chat", "mail", "code"):
        assert f">{name}</a>" not in overview
        assert client.get(f"/streams/{name}").status_code == 404
        assert client.get(f"/streams/{name}/label").status_code == 404
    assert client.get("/streams/search").status_code == 200
    alarms = client.get("/alarms").text
    assert "No alarm was ever raised" in alarms
    assert client.get("/alarms/1").status_code == 404
    assert client.get("/live?stream=chat").status_code == 404
    assert "Count the rows" not in client.get("/status").text


def test_a_reader_changes_nothing(simulation, client):
    signed_in(client, token(simulation, "read"))
    page = client.get("/alarms/1").text
    assert "may read alarms, not change them" in page
    assert "<textarea" not in page
    for what in ("acknowledge", "note", "resolve", "rebaseline"):
        assert client.post(f"/alarms/1/{what}", data={"text": "x"}).status_code == 403
    assert client.post("/status/requeue", data={"delivery": 1}).status_code == 403
    alarm = simulation.store.alarms.get(1)
    assert alarm.acknowledged_at is None
    assert alarm.status == "open"


def test_who_may_only_send_sees_nothing(simulation, client):
    signed_in(client, token(simulation, "ingest"))
    assert client.get("/").status_code == 403
    assert "scope" in client.get("/").text


def test_forms_of_other_sites_are_refused(simulation, client):
    signed_in(client, token(simulation, "admin"))
    evil = {"origin": "https://evil.example"}
    assert client.post("/alarms/1/acknowledge", data={"text": ""}, headers=evil).status_code == 403
    assert client.post("/alarms/1/acknowledge", data={"text": ""}, headers={"origin": "null"}).status_code == 403
    assert simulation.store.alarms.get(1).acknowledged_at is None
    assert client.post("/signout", headers=evil).status_code == 403  # nor may it sign anybody out, or in
    assert client.post("/signin", data={"token": token(simulation, "read")}, headers=evil).status_code == 403
    assert client.get("/").status_code == 200
    own = {"origin": "http://testserver"}
    assert client.post("/alarms/1/acknowledge", data={"text": ""}, headers=own).status_code == 303
    assert simulation.store.alarms.get(1).acknowledged_by == "ann"


def test_without_tokens_everybody_on_this_machine_may_and_pages_of_other_sites_may_not(simulation, client):
    assert client.get("/").status_code == 200
    assert client.get("/", headers={"host": "evil.example"}).status_code == 403
    assert (
        client.post("/alarms/1/note", data={"text": "x"}, headers={"origin": "https://evil.example"}).status_code == 403
    )
    assert client.get("/", headers={"x-forwarded-for": "1.2.3.4"}).status_code == 303
