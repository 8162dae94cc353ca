"""Older stores are brought up to date with what is in them; newer ones, and what is no store, are refused."""

import shutil
import sqlite3
import threading

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine, inspect, text

from secondlaw.errors import SchemaTooNew, StorageError, StorageUnavailable
from secondlaw.storage import open_store
from secondlaw.storage.migrating import HEAD, migrate_to, script_config
from secondlaw.storage.schema import metadata

pytestmark = pytest.mark.unit


@pytest.fixture
def blank(backend, request, tmp_path):
    return request.getfixturevalue("postgres").new_url() if backend == "postgresql" else f"sqlite:///{tmp_path}/x.db"


@pytest.fixture
def raw(blank):
    """Return an engine of its own for the same database."""
    engine = create_engine(blank.replace("postgresql://", "postgresql+psycopg://"))
    yield engine
    engine.dispose()


def test_the_migrations_make_the_tables_that_the_program_knows(blank, raw):
    open_store(blank).close()
    with raw.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []


def test_a_store_of_the_first_schema_is_brought_up_to_date(blank, raw, event):
    with raw.begin() as connection:
        migrate_to(connection, "0001", address=blank)
        assert "alarms" not in inspect(connection).get_table_names()
        connection.execute(text("INSERT INTO streams (name, settings, created_at) VALUES ('old', '{}', 0)"))
        connection.execute(text("INSERT INTO meta VALUES ('secret', '00ff')"))
    with open_store(blank) as store:
        assert store.admin.version() == HEAD
        assert [stream.name for stream in store.streams.list()] == ["old"]
        assert store.events.add([event(0, stream="old")]).accepted == 1
        assert store.alarms.list() == ()


def test_a_newer_store_is_refused_and_left_alone(blank, raw):
    open_store(blank).close()
    with raw.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(SchemaTooNew, match=r"9999.*upgrade secondlaw"):
        open_store(blank)


def test_a_database_of_somebody_else_is_refused(blank, raw):
    with raw.begin() as connection:
        connection.execute(text("CREATE TABLE streams (x integer)"))
    with pytest.raises(StorageError, match="not ours"):
        open_store(blank)
    with raw.connect() as connection:
        assert inspect(connection).get_table_names() == ["streams"]


def test_many_processes_open_a_new_store_at_once(blank):
    errors = []

    def go():
        try:
            open_store(blank).close()
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=go) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []


def test_the_latest_revision_is_the_one_that_is_written():
    from alembic.script import ScriptDirectory

    assert ScriptDirectory.from_config(script_config()).get_heads() == [HEAD]


def test_a_file_that_is_no_database_is_refused(tmp_path):
    (tmp_path / "x.db").write_bytes(b"this is a text file, and long enough to be read as a header" * 20)
    with pytest.raises(StorageError, match="no SQLite file"):
        open_store(f"sqlite:///{tmp_path}/x.db")


def test_a_locked_store_is_unavailable(tmp_path, sqlite_template, event, monkeypatch):
    monkeypatch.setattr("secondlaw.storage.sqlite.BUSY_MILLISECONDS", 50)
    shutil.copy(sqlite_template, tmp_path / "a.db")
    other = sqlite3.connect(tmp_path / "a.db", isolation_level=None)
    try:
        with open_store(f"sqlite:///{tmp_path}/a.db") as store:
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(StorageUnavailable, match="locked"):
                store.events.add([event(0)])
            other.execute("ROLLBACK")
            assert store.events.add([event(0)]).accepted == 1
    finally:
        other.close()
