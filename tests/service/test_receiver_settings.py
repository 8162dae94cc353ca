"""How receivers are configured, and what a mistake says."""

import tomllib

import pytest

from secondlaw.errors import InvalidInput
from secondlaw.service.receiver_settings import load_receivers

pytestmark = pytest.mark.unit

HOOK = {"type": "webhook", "name": "pager", "url": "https://example.org/T0KEN"}
MAIL = {"type": "smtp", "name": "mail", "host": "mx.example.org", "sender": "a@example.org", "to": "b@example.org"}


def test_one_of_each_from_toml():
    written = """
    [[receivers]]
    type = "alertmanager"
    name = "am-1"
    url = "http://am-1:9093"
    labels = { severity = "page" }

    [[receivers]]
    type = "webhook"
    name = "pager"
    url = { env = "PAGER_URL" }
    streams = ["prod-*"]
    send_resolved = false
    repeat = "4h"

    [[receivers]]
    type = "cloudevents"
    name = "bus"
    url = "https://bus.example.org/events"

    [[receivers]]
    type = "smtp"
    name = "mail"
    host = "mx.example.org"
    sender = "drift@example.org"
    to = ["oncall@example.org"]

    [[receivers]]
    type = "command"
    name = "hook"
    argv = ["/usr/local/bin/page", "--now"]
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PAGER_URL", "https://hooks.example.org/T0KEN")
        found = load_receivers(tomllib.loads(written)["receivers"])
    assert [one.type for one in found] == ["alertmanager", "webhook", "cloudevents", "smtp", "command"]
    assert [one.address for one in found] == [
        "http://am-1:9093", "https://hooks.example.org", "https://bus.example.org", "mx.example.org:587",
        "/usr/local/bin/page",
    ]  # fmt: skip
    assert found[0].repeat == 60
    assert found[1].repeat == 14400
    assert "T0KEN" not in repr(found)


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({**HOOK, "type": "pigeon"}, "receiver 'pager': type is one of alertmanager, webhook"),
        ({**HOOK, "type": ["webhook"]}, "receiver 'pager': type is one of"),
        ({"type": "webhook", "url": "http://x"}, "receiver 1: name: this setting is needed"),
        ({**HOOK, "name": "a b"}, "receiver 'a b': name: "),
        ({**HOOK, "url": "ftp://example.org/T0KEN"}, "url: a URL starts with http:// or https://"),
        ({**HOOK, "url": "http://[::1/T0KEN"}, "url: a URL starts with"),
        ({**HOOK, "url": "http://example.org:0/T0KEN"}, "url: a URL starts with"),
        ({**HOOK, "ulr": "http://x"}, "ulr: there is no such setting; those of webhook are name, streams"),
        ({**HOOK, "repeat": "soon"}, "repeat: a time is a number of seconds, or a whole number and s, m, h or d"),
        ({**HOOK, "timeout": 0}, "timeout: "),
        ({**HOOK, "streams": []}, "streams: "),
        ({**HOOK, "bearer_token": {"env": "NOT_SET_ANYWHERE"}}, "the environment variable NOT_SET_ANYWHERE is not set"),
        ({**HOOK, "bearer_token": {"file": "/no/such/file"}}, "the file '/no/such/file' cannot be read"),
        ({**HOOK, "bearer_token": {"vault": "x"}}, 'a secret is a string, { env = "NAME" }'),
        ({**HOOK, "bearer_token": "T0KEN\n"}, "a token holds printable ASCII"),
        ({**HOOK, "labels": {"stream": "x"}}, "'stream' = 'x' cannot be a label"),
        ({**MAIL, "to": ["nobody"]}, "'nobody' is no mail address"),
        ({**MAIL, "sender": "a@example.org\r\nBcc: x@example.org"}, "is no mail address"),
        ({**MAIL, "username": "a"}, "username and password are given together"),
        (
            {**MAIL, "username": "a", "password": "T0KEN", "security": "none"},
            "a password is not sent unprotected",
        ),
        ({"type": "command", "name": "hook", "argv": []}, "argv: "),
        ({"type": "command", "name": "hook", "argv": "page"}, "argv: "),
    ],
)
def test_a_mistake_is_named_in_one_sentence_without_secrets(table, said):
    with pytest.raises(InvalidInput) as raised:
        load_receivers([table])
    assert said in str(raised.value)
    assert "\n" not in str(raised.value)
    assert "T0KEN" not in str(raised.value)
    assert raised.value.__context__ is None or raised.value.__suppress_context__


def test_names_are_unique():
    with pytest.raises(InvalidInput, match="two receivers are named 'pager'"):
        load_receivers([HOOK, HOOK])


def test_a_secret_from_a_file(tmp_path):
    (tmp_path / "token").write_text("s3cret\n")
    found = load_receivers([{**HOOK, "bearer_token": {"file": str(tmp_path / "token")}}])[0]
    assert found.bearer_token.get_secret_value() == "s3cret"
