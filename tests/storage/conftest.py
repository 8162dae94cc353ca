"""Stores to test with: every test that takes `store` or `open_it` runs on SQLite and on PostgreSQL."""

import shutil
from datetime import UTC, datetime, timedelta
from itertools import count

import pytest
from postgres_server import required_server

from secondlaw.behavior import Transcript
from secondlaw.storage import Retention, StoreSettings, StreamSettings, open_store
from secondlaw.storage.schema import EVERY_TABLE

START = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)
TEMPLATE = "migrated"
EMPTIED = "".join(f"DELETE FROM {table.name}; " for table in EVERY_TABLE if table.name != "meta") + (
    "UPDATE meta SET value = '0' WHERE name LIKE '%_day'"
)


class Clock:
    """A clock that is set by hand."""

    def __init__(self):
        self.time = START

    def __call__(self):
        return self.time

    def move(self, **by):
        self.time += timedelta(**by)


@pytest.fixture(scope="session")
def postgres():
    """Return a running PostgreSQL server with an empty store as its template."""
    server = required_server()
    server.sql(f"CREATE DATABASE {TEMPLATE}")
    open_store(server.url(TEMPLATE)).close()
    yield server
    server.close()


@pytest.fixture(scope="session")
def free_databases():
    """Return the names of databases with an empty store that no test uses: making one costs more than emptying it."""
    return []


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory):
    """Return the file of an empty SQLite store."""
    path = tmp_path_factory.mktemp("template") / "store.db"
    open_store(f"sqlite:///{path}").close()
    return path


@pytest.fixture(params=["sqlite", "postgresql"])
def backend(request):
    return request.param


@pytest.fixture
def new_url(backend, request, tmp_path, free_databases):
    """Return a maker of URLs of empty stores."""
    numbers, taken = count(), []
    server = request.getfixturevalue("postgres") if backend == "postgresql" else None
    template = None if server else request.getfixturevalue("sqlite_template")

    def make():
        if server is None:
            path = tmp_path / f"store-{next(numbers)}.db"
            shutil.copy(template, path)
            return f"sqlite:///{path}"
        taken.append(free_databases.pop() if free_databases else server.new_database(template=TEMPLATE))
        return server.url(taken[-1])

    yield make
    for name in taken:
        server.sql(EMPTIED, name)
        free_databases.append(name)


@pytest.fixture
def url(new_url):
    return new_url()


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def open_it(url, clock):
    """Return an opener of stores, by default of one store again and again; all are closed at the end."""
    stores = []

    def make(at=None, *, texts="all", mask=None, clock=clock, **settings):
        new = StreamSettings(retention=Retention(texts=texts, texts_per_window=20, examples_per_category=4))
        store = open_store(
            at or url, settings=StoreSettings(**({"new_streams": new, "readers": 4} | settings)), clock=clock, mask=mask
        )
        stores.append(store)
        return store

    yield make
    for store in stores:
        store.close()


@pytest.fixture
def store(open_it):
    return open_it()


@pytest.fixture
def event():
    """Return a maker of events: labelled without text, unless told otherwise."""

    def make(number, *, label="g1", text=False, **fields):
        texts = (f"question {number % 7}", f"answer {number}") if text else ("", "")
        values = {"id": f"e{number}", "prompt_id": f"p{number % 7}", "stream": "s", "model": "m", "ts": START}
        values |= {"label": label, "classifier": "judge/1"} if label else {}
        return Transcript(*texts, **(values | fields))

    return make
