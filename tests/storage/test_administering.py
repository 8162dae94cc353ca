"""Streams, tokens, retention, export, backup, merging, checks."""

import json
import shutil
import sqlite3
import tarfile
from datetime import timedelta

import pytest

from secondlaw.behavior import Counts
from secondlaw.errors import FileFormatError, InvalidInput, NotFound, SchemaTooNew, StorageError
from secondlaw.storage import (
    DecisionRecord,
    MonitorStep,
    NewAlarm,
    NewDelivery,
    Retention,
    StreamSettings,
    open_store,
    stream_lease,
)
from secondlaw.storage.identities import event_hash, priority_of

pytestmark = pytest.mark.unit


@pytest.fixture
def full(open_it, event):
    """Return a store with something in every table."""
    store = open_it(attempts=1)
    store.events.add([event(k, text=True, label=f"g{1 + k % 5}") for k in range(30)])
    store.events.add([event(k, text=True, label=None) for k in range(30, 40)])
    store.events.add([event(98, label=None)])  # without text
    batch = store.queue.lease(owner="w", limit=2)
    store.queue.fail(batch, [batch.items[0].id], reason="broken")
    store.labels.add("s", store.texts.read("s")[0].id, label="g1", annotator="ann")
    store.monitors.put("s", "m", settings={}, who="ann")
    (lease,) = store.leases.take([stream_lease("s")], owner="me")
    opened = [NewAlarm("drift", 1, "x", {}, [NewDelivery("hook", {"a": 1})])]
    store.monitors.record(lease, "s", [MonitorStep("m", {"a": 1}, 1, [DecisionRecord(1, "drifting")], opened)])
    store.tokens.create("t", scopes=["ingest"])
    store.counts.add(Counts.from_rows([{"stream": "s", "window": 1, "cluster": "0a", "counts": {"g1": 3}}],
                                      keys=("g1", "g2", "g3", "g4", "g5"), every=3600), source="x")  # fmt: skip
    return store


def test_streams_are_made_changed_and_listed(store, event):
    settings = StreamSettings(every=900, extra={"team": "search"})
    made = store.streams.create("b", settings)
    assert (made.settings, made.latest_window, made.queued) == (settings, None, 0)
    assert store.streams.create("b", settings) == made
    with pytest.raises(InvalidInput, match="other settings"):
        store.streams.create("b", StreamSettings(every=60))
    store.streams.create("a")
    assert [stream.name for stream in store.streams.list()] == ["a", "b"]
    store.streams.change("b", StreamSettings(every=60), who="ann")
    store.events.add([event(0, stream="b")])
    with pytest.raises(InvalidInput, match="cannot be re-cut"):
        store.streams.change("b", StreamSettings(every=900), who="ann")
    kept = store.streams.change("b", StreamSettings(every=60, retention=Retention(texts="none")), who="ann")
    assert kept.settings.retention.texts == "none"
    assert store.audit.list(stream="b")[0].who == "ann"
    for name in ("", " a", "a\n", "x" * 201):
        with pytest.raises(InvalidInput, match="named by"):
            store.streams.create(name)


def test_other_settings_hold_at_once_for_another_process(open_it, event):
    one, other = open_it(), open_it()
    one.events.add([event(0, text=True)])
    other.streams.change("s", StreamSettings(retention=Retention(texts="none")), who="ann")
    one.events.add([event(1, text=True)])
    assert [text.event for text in one.texts.read("s")] == ["e0"]


def test_deleting_a_stream_leaves_nothing_of_it(full, event):
    full.events.add([event(0, stream="other")])
    full.streams.delete("s", who="ann")
    rows = full.admin.sizes().rows
    left = {name: n for name, n in rows.items() if n}
    assert left.pop("audit") == 2  # that a token was made, that the stream was deleted
    assert left == {
        "meta": 4, "streams": 1, "series": 1, "event_ids": 1, "counts": 1, "totals": 1, "arrivals": 1, "tokens": 1,
        "merged_sources": 1,
    }  # fmt: skip
    assert full.admin.check() == ()
    with pytest.raises(NotFound):
        full.streams.get("s")
    with pytest.raises(NotFound):
        full.streams.delete("s", who="ann")


def test_tokens(store, clock):
    token, secret = store.tokens.create(
        "ci", scopes=["ingest", "read"], streams=["a"], expires_at=clock() + timedelta(days=1), who="ann"
    )
    assert store.tokens.find(secret).name == "ci"
    assert store.tokens.find(secret + "x") is None
    assert (token.allows("ingest", "a"), token.allows("ingest", "b"), token.allows("ingest")) == (True, False, False)
    assert not token.allows("admin", "a")
    assert store.tokens.list()[0].last_used_at == clock()
    clock.move(days=1)
    assert store.tokens.find(secret) is None
    other, secret = store.tokens.create("all", scopes=["admin"])
    assert other.allows("read", "whatever")
    store.tokens.revoke(other.id, who="ann")
    assert store.tokens.find(secret) is None
    with pytest.raises(InvalidInput, match="allows one or more"):
        store.tokens.create("x", scopes=["write"])
    with pytest.raises(NotFound):
        store.tokens.revoke(99, who="ann")


def test_secrets_are_not_stored(store, tmp_path):
    _, secret = store.tokens.create("ci", scopes=["read"])
    store.admin.export(tmp_path / "all")
    assert secret not in "".join(file.read_text() for file in (tmp_path / "all").iterdir())


def test_an_export_restores_everything_on_either_database(full, new_url, open_it, tmp_path, event, request, backend):
    rows = full.admin.export(tmp_path / "all.tar.gz")
    empty = {name for name, n in rows.items() if not n}
    assert empty == set()
    other = (
        f"sqlite:///{tmp_path}/other.db" if backend == "postgresql" else request.getfixturevalue("postgres").new_url()
    )
    for url in (new_url(), other):
        copy = open_it(url, attempts=1)
        assert copy.admin.restore(tmp_path / "all.tar.gz") == rows
        assert copy.counts.read("s") == full.counts.read("s")
        assert copy.texts.read("s") == full.texts.read("s")
        assert copy.queue.poisoned() == full.queue.poisoned()
        assert copy.monitors.get("s", "m") == full.monitors.get("s", "m")
        assert copy.admin.check() == ()
        again = copy.events.add([event(0), event(100), event(101, stream="new"), event(102, text=True)])
        assert (again.accepted, again.duplicates) == (3, 1)  # numbers go on after those restored
        (new,) = (text for text in copy.texts.read("s", limit=99) if text.event == "e102")
        assert new.priority == priority_of(event_hash("e102"), secret=full._database.secret)  # one random order goes on
        with pytest.raises(InvalidInput, match="empty"):
            copy.admin.restore(tmp_path / "all.tar.gz")


LATER = {
    "0001": {"monitors", "decisions", "alarms", "audit", "deliveries", "tokens", "merged_sources", "textless"},
    "0002": {"textless"},
}


def as_an_older_one_wrote_it(folder, schema):
    """Take from an export what its schema did not know."""
    stated = json.loads((folder / "contents.json").read_text())
    for name in LATER[schema]:
        (folder / f"{name}.jsonl").unlink()
        del stated["rows"][name]
    (folder / "contents.json").write_text(json.dumps(stated | {"schema": schema}))


@pytest.mark.parametrize("schema", ["0001", "0002"])
def test_an_export_of_an_older_schema_is_brought_up_to_date_and_restored(
    full, new_url, open_it, tmp_path, event, schema
):
    full.admin.export(tmp_path / "all")
    as_an_older_one_wrote_it(tmp_path / "all", schema)
    if schema == "0001":  # it knew fewer values of the whole store, too
        kept = [line for line in (tmp_path / "all" / "meta.jsonl").read_text().splitlines(True) if "_day" not in line]
        (tmp_path / "all" / "meta.jsonl").write_text("".join(kept))
        stated = json.loads((tmp_path / "all" / "contents.json").read_text())
        stated["rows"]["meta"] = len(kept)
        (tmp_path / "all" / "contents.json").write_text(json.dumps(stated))
    copy = open_it(new_url(), attempts=1)
    rows = copy.admin.restore(tmp_path / "all")
    assert (rows["textless"], rows["meta"]) == (0, 4)
    assert copy.counts.read("s") == full.counts.read("s")
    assert copy.texts.read("s") == full.texts.read("s")
    assert copy.queue.poisoned() == full.queue.poisoned()
    assert copy.alarms.list() == (() if schema == "0001" else full.alarms.list())
    assert copy.admin.check() == ()
    again = copy.events.add([event(0), event(100), event(101, stream="new")])
    assert (again.accepted, again.duplicates) == (2, 1)
    copy.admin.purge()


def test_a_damaged_export_of_an_older_schema_restores_nothing(full, new_url, open_it, tmp_path):
    full.admin.export(tmp_path / "all")
    as_an_older_one_wrote_it(tmp_path / "all", "0002")
    lines = (tmp_path / "all" / "totals.jsonl").read_text().splitlines(keepends=True)
    (tmp_path / "all" / "totals.jsonl").write_text("".join(lines[1:]))
    copy = open_it(new_url())
    with pytest.raises(FileFormatError, match="damaged"):
        copy.admin.restore(tmp_path / "all")
    assert copy.streams.list() == ()


def test_a_damaged_export_restores_nothing(full, new_url, open_it, tmp_path):
    full.admin.export(tmp_path / "all")
    with pytest.raises(InvalidInput, match="exists"):
        full.admin.export(tmp_path / "all")
    lines = (tmp_path / "all" / "event_ids.jsonl").read_text().splitlines(keepends=True)
    (tmp_path / "all" / "event_ids.jsonl").write_text("".join(lines[:-1]))
    copy = open_it(new_url())
    with pytest.raises(FileFormatError, match="damaged"):
        copy.admin.restore(tmp_path / "all")
    assert copy.streams.list() == ()
    contents = json.loads((tmp_path / "all" / "contents.json").read_text())
    (tmp_path / "all" / "contents.json").write_text(json.dumps(contents | {"schema": "9999"}))
    with pytest.raises(SchemaTooNew, match="9999"):
        copy.admin.restore(tmp_path / "all")
    (tmp_path / "x.tar.gz").write_bytes(b"no archive")
    with pytest.raises(FileFormatError, match="no export"):
        copy.admin.restore(tmp_path / "x.tar.gz")


def test_an_archive_cannot_write_outside(store, tmp_path):
    (tmp_path / "evil").write_text("x")
    with tarfile.open(tmp_path / "evil.tar.gz", "w:gz") as archive:
        archive.add(tmp_path / "evil", arcname="../../outside")
    with pytest.raises(FileFormatError):
        store.admin.restore(tmp_path / "evil.tar.gz")


def test_a_backup_is_a_store(tmp_path, sqlite_template, event):
    shutil.copy(sqlite_template, tmp_path / "a.db")
    with open_store(f"sqlite:///{tmp_path}/a.db") as store:
        store.events.add([event(k) for k in range(20)])
        store.admin.backup(tmp_path / "b.db")
        store.events.add([event(20)])
    with open_store(f"sqlite:///{tmp_path}/b.db") as copy:
        assert copy.counts.read("s").total == 20
        assert copy.admin.check() == ()


def test_postgresql_is_backed_up_by_its_own_means(postgres, tmp_path):
    with open_store(postgres.new_url(template="migrated")) as store, pytest.raises(InvalidInput, match="pg_dump"):
        store.admin.backup(tmp_path / "b")


@pytest.mark.parametrize("name", ["counts.parquet", "counts.json"])
def test_stores_are_merged_by_addition_and_once(new_url, open_it, event, tmp_path, name):
    a, b = open_it(new_url()), open_it(new_url())
    a.events.add([event(k, label=f"g{1 + k % 3}") for k in range(20)])
    b.events.add([event(k, label=f"g{1 + k % 5}") for k in range(10, 40)])
    union = a.counts.read("s") + b.counts.read("s")
    assert b.admin.export_counts(tmp_path / name, stream="s") == 30
    assert a.admin.import_counts(tmp_path / name, who="ann") == 30
    assert a.admin.import_counts(tmp_path / name, who="ann") == 0
    assert a.counts.read("s") == union
    assert a.admin.check() == ()
    a.streams.create("minutes", StreamSettings(every=60))
    other = Counts.from_rows([{"stream": "minutes", "window": 1, "cluster": "0a", "counts": {"g1": 3}}],
                             keys=("g1", "g2", "g3", "g4", "g5"), every=3600)  # fmt: skip
    with pytest.raises(InvalidInput, match="cannot be added"):
        a.counts.add(other)


def test_ids_are_forgotten_after_the_horizon_and_not_before(open_it, event, clock):
    store = open_it(horizon_days=2)
    store.events.add([event(0)])
    clock.move(days=2)
    for _ in range(5):
        store.admin.purge()
    assert store.events.add([event(0)]).duplicates == 1
    clock.move(days=1)
    gone = sum(store.admin.purge().ids for _ in range(5))
    assert gone == 1
    assert store.events.add([event(0)]).accepted == 1


def test_a_clock_that_jumps_costs_a_day_of_horizon_at_most(open_it, event, clock):
    store = open_it(horizon_days=3)
    for day in range(4):
        store.events.add([event(day)])
        store.admin.purge()
        clock.move(days=1)
    clock.move(days=300)
    store.admin.purge()
    clock.move(days=-301)
    store.events.add([event(10)])
    again = store.events.add([event(k) for k in (1, 2, 3, 10)])
    assert (again.duplicates, again.accepted) == (4, 0)


def test_a_clock_set_back_forgets_no_id_and_refuses_no_event(open_it, event, clock):
    store = open_it(horizon_days=3)
    store.events.add([event(0)])
    now = clock()
    clock.move(days=-3000)
    assert store.events.add([event(1, ts=now)]).accepted == 1
    clock.move(days=3000)
    for _ in range(5):
        store.admin.purge()
    assert store.events.add([event(0), event(1)]).duplicates == 2


def test_old_counts_are_compacted_to_totals(open_it, event, clock):
    store = open_it()
    store.events.add([event(k) for k in range(10)])
    clock.move(days=91)
    store.events.add([event(k, ts=clock()) for k in range(20, 25)])
    purged = store.admin.purge()
    assert purged.clusters == 7
    assert store.counts.read("s").total == 5
    assert store.counts.totals("s").table.sum() == 15
    assert store.streams.get("s").compacted_before == 491_628 + 24
    assert store.admin.check() == ()
    assert store.admin.purge().clusters == 0
    store.events.add([event(30)])  # late, for a window that was compacted
    assert store.admin.check() == ()
    assert store.admin.purge().clusters == 1


def test_the_check_finds_what_does_not_agree(tmp_path, sqlite_template, event):
    shutil.copy(sqlite_template, tmp_path / "a.db")
    with open_store(f"sqlite:///{tmp_path}/a.db") as store:
        store.events.add([event(0), event(1, label=None, text=True)])
    with sqlite3.connect(tmp_path / "a.db") as connection:
        connection.execute("UPDATE totals SET n = n + 1")
        connection.execute("UPDATE streams SET queued = 7")
        connection.execute(
            "INSERT INTO series (stream_id, model, prompt_set, intent, classifier) VALUES (99, '', '', '', '')"
        )
    connection.close()
    with open_store(f"sqlite:///{tmp_path}/a.db") as store:
        found = " ".join(store.admin.check())
        assert store.admin.sizes().bytes > 50_000
    for words in ("differs from its counts by 1", "7 events", "1 rows of series"):
        assert words in found


@pytest.mark.parametrize("url", ["mysql://x/y", "store.db", "sqlite://", "sqlite:///:memory:"])
def test_what_is_no_store_is_refused(url):
    with pytest.raises(InvalidInput, match="sqlite:///"):
        open_store(url)


def test_a_password_is_never_shown(tmp_path):
    with pytest.raises(StorageError) as caught:
        open_store("postgresql://ann:hunter2@127.0.0.1:9/x")
    assert "hunter2" not in str(caught.value)
    assert "127.0.0.1" in str(caught.value)
