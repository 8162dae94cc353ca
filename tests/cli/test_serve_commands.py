"""``secondlaw serve`` and what operators do beside it: tokens, the store, events put aside, receivers."""

import json
import sys

import pytest

from secondlaw.behavior import Transcript
from secondlaw.storage import StoreSettings, StreamSettings, open_store

pytestmark = pytest.mark.unit


@pytest.fixture
def store(run):
    with open_store(
        "sqlite:///secondlaw.db", settings=StoreSettings(attempts=1, new_streams=StreamSettings(every=None))
    ) as one:
        yield one


def test_another_address_than_loopback_needs_a_token(run):
    result = run("serve", "--host", "0.0.0.0", "--port", 0)
    assert result.exit_code == 2
    assert "secondlaw token create" in result.output


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [("SECONDLAW_SERVICE_PROT", "1", "SECONDLAW_SERVICE_PORT"), ("SECONDLAW_SERVICE_PORT", "many", "port")],
)
def test_a_setting_that_is_none_or_wrong_is_named(run, monkeypatch, name, value, said):
    monkeypatch.setenv(name, value)
    result = run("serve")
    assert result.exit_code == 2
    assert said in result.output


def test_a_setting_of_the_file_that_is_none_is_named(run, tmp_path):
    (tmp_path / "work/secondlaw.toml").write_text("[service]\nprot = 1\n")
    result = run("store", "check")
    assert result.exit_code == 2
    assert "prot" in result.output


def test_a_token_is_shown_once_listed_and_revoked(run):
    made = json.loads(run("token", "create", "shop", "--scope", "ingest", "--stream", "a", "--json").stdout)
    assert made["token"].startswith("sl_")
    assert made["scopes"] == ["ingest"]
    listed = run("token", "list").stdout
    assert "shop" in listed
    assert made["token"] not in listed
    assert run("token", "revoke", made["id"]).exit_code == 0
    assert "revoked" in run("token", "list").stdout
    assert run("token", "create", "x", "--scope", "everything").exit_code == 2


def test_a_store_is_checked_copied_and_moved(run, store, tmp_path):
    store.events.add([Transcript("", "", f"{k}", "p", stream="chat", step=1, label="g1") for k in range(9)])
    assert run("store", "check").exit_code == 0
    assert run("store", "backup", tmp_path / "copy.db").exit_code == 0
    assert run("store", "check", "--store", f"sqlite:///{tmp_path}/copy.db").exit_code == 0
    assert run("store", "export", tmp_path / "all.tar.gz").exit_code == 0
    assert run("store", "import", tmp_path / "all.tar.gz", "--store", f"sqlite:///{tmp_path}/new.db").exit_code == 0
    with open_store(f"sqlite:///{tmp_path}/new.db") as moved:
        assert moved.counts.read("chat").total == 9
    assert run("store", "purge").exit_code == 0


def test_events_put_aside_are_listed_labelled_again_or_dropped(run, store):
    store.events.add([Transcript("q", "a", f"e{k}", "p", stream="chat", step=1) for k in range(3)])
    batch = store.queue.lease(owner="l", limit=9)
    store.queue.fail(batch, [item.id for item in batch.items], reason="the process that judged it died")
    listed = run("store", "poisoned")
    assert listed.stdout.count("the process that judged it died") == 3
    assert "e0" in listed.stdout
    assert run("store", "poisoned", "--stream", "other").stdout == ""
    assert run("store", "poisoned", "--requeue", "--drop").exit_code == 2
    assert "3 events wait" in run("store", "poisoned", "--requeue").stdout
    assert store.queue.depth().rows == 3
    batch = store.queue.lease(owner="l", limit=9)
    store.queue.fail(batch, [item.id for item in batch.items], reason="again")
    assert "3 events were deleted" in run("store", "poisoned", "--drop").stdout
    assert store.queue.depth().poisoned == 0


def test_a_receiver_that_is_away_fails_the_test_of_receivers(run, tmp_path):
    (tmp_path / "work/secondlaw.toml").write_text(
        '[[service.receivers]]\ntype = "webhook"\nname = "hook"\nurl = "http://127.0.0.1:9/x"\n'
    )
    assert run("alerts", "test").exit_code == 13
    assert run("alerts", "test", "nobody").exit_code == 2


@pytest.mark.parametrize(
    "words", ["serve", "token list", "store check", "alerts test", "alerts redeliver", "demo --serve"]
)
def test_a_missing_package_of_the_service_is_named_with_its_remedy(run, monkeypatch, words):
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    result = run(*words.split())
    assert result.exit_code == 13
    assert "uvicorn" in result.output
    assert "pip install 'secondlaw[server]'" in result.output
