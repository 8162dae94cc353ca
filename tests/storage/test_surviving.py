"""What was acknowledged survives: kill -9, a server that crashes, a full disk, a database that goes and comes back."""

import shutil
import subprocess
import sys
import threading

import numpy as np
import pytest
from killed_ingest import Client

from secondlaw.errors import StorageError, StorageFull, StorageUnavailable
from secondlaw.storage import StoreSettings, open_store

pytestmark = [pytest.mark.unit, pytest.mark.timeout(900)]  # real processes, minutes where the machine is busy


def test_kill_9_loses_and_doubles_nothing(url):
    client = Client(url, rng=np.random.default_rng(5))
    acknowledged = [client.until_killed(longest=0.3) for _ in range(2)]
    assert min(acknowledged) > 0
    wanted, once, doubled, lost = client.verify()
    assert (once, doubled, lost) == (wanted, 0, 0)


@pytest.fixture
def own_server(request):
    """Return a server that may be stopped, with an empty store."""
    request.getfixturevalue("postgres")  # skips where there is none
    from postgres_server import PostgresServer

    server = PostgresServer()
    yield server
    server.close()


def test_a_server_that_crashes_loses_and_doubles_nothing(own_server, event):
    """Two threads send each batch until it is acknowledged, while the server is stopped at once and started again."""
    url = own_server.new_url()
    refused, acknowledged, over = [], threading.Semaphore(0), threading.Event()
    with open_store(url, settings=StoreSettings(readers=4)) as store:
        batches = []

        def send(offset):
            n = offset
            while not over.is_set():
                batch = [event(n * 10 + k, prompt_id=f"{n}/{k}") for k in range(10)]
                while not is_taken(batch):
                    over.wait(0.01)
                batches.append(n)
                acknowledged.release()
                n += 2

        def is_taken(batch):
            try:
                store.events.add(batch)
            except StorageUnavailable as error:
                refused.append(str(error))
                return False
            return True

        def wait_for(times):
            for _ in range(times):
                assert acknowledged.acquire(timeout=120)

        threads = [threading.Thread(target=send, args=(k,)) for k in range(2)]
        for thread in threads:
            thread.start()
        try:
            for _ in range(2):
                wait_for(10)
                before = len(refused)
                own_server.stop("immediate")
                with pytest.raises(StorageUnavailable, match="try again"):
                    store.admin.ping()
                while len(refused) == before:
                    over.wait(0.01)
                own_server.start()
            wait_for(10)
            own_server.kill_backend("store_1")
            wait_for(10)
        finally:
            over.set()
            for thread in threads:
                thread.join()
        counts = store.counts.read("s")
        assert counts.total == 10 * len(batches) >= 400
        assert counts.table.max() == 1
        assert store.admin.check() == ()


FULL_DISK = """
import resource, signal, sys
from secondlaw.behavior import Transcript
from secondlaw.errors import StorageError
from secondlaw.storage import open_store

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
event = lambda n: Transcript("", "", id=str(n), prompt_id=str(n), stream="s", label="g1", classifier="c")
with open_store(sys.argv[1]) as store:
    store.events.add([event(0)])
    resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, resource.RLIM_INFINITY))
    acknowledged, error = 1, None
    while error is None:
        try:
            store.events.add([event(n) for n in range(acknowledged, acknowledged + 50)])
            acknowledged += 50
        except StorageError as found:
            error = found
    assert store.counts.read("s").total == acknowledged, "reading goes on"
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    again = store.events.add([event(n) for n in range(acknowledged, acknowledged + 50)])
    print(again.accepted, again.duplicates, store.counts.read("s").total - acknowledged, store.admin.check(), error)
"""


def test_a_limit_on_the_file_is_an_error_and_nothing_acknowledged_is_lost(tmp_path, sqlite_template):
    shutil.copy(sqlite_template, tmp_path / "a.db")
    done = subprocess.run(
        [sys.executable, "-c", FULL_DISK, f"sqlite:///{tmp_path}/a.db"], capture_output=True, text=True, timeout=240
    )
    assert done.stdout.startswith("50 0 50 () reading or writing"), done.stdout + done.stderr


def test_a_full_disk_is_an_error_and_nothing_acknowledged_is_lost(tmp_path, sqlite_template, event):
    shutil.copy(sqlite_template, tmp_path / "a.db")
    with open_store(f"sqlite:///{tmp_path}/a.db") as store:
        connection = store._database.backend.writing.raw_connection()
        connection.cursor().execute("PRAGMA max_page_count = 60")  # SQLite's own word for a full disk
        connection.close()
        sent, told = 0, None
        while told is None and sent < 100_000:
            try:
                store.events.add([event(k, prompt_id=f"p{k}") for k in range(sent, sent + 100)])
                sent += 100
            except StorageFull as error:
                told = str(error)
        assert "make room" in told
        assert sent > 0
        assert store.counts.read("s").total == sent
        connection = store._database.backend.writing.raw_connection()
        connection.cursor().execute("PRAGMA max_page_count = 1000000")
        connection.close()
        assert store.events.add([event(k, prompt_id=f"p{k}") for k in range(sent, sent + 100)]).accepted == 100
        assert store.admin.check() == ()


def test_one_bad_work_does_not_break_the_others_of_its_transaction(open_it, event, monkeypatch):
    """Works that wait together: the one that fails is told, the others are stored."""
    from secondlaw.storage import placing

    store = open_it()
    store.events.add([event(0)])
    usual = placing.place

    def broken(step, one, accepted):
        if one.event_id == "e13":
            raise RuntimeError("broken")
        return usual(step, one, accepted)

    monkeypatch.setattr(placing, "place", broken)
    entered, gate, told = threading.Event(), threading.Event(), {}

    def hold(_connection):
        entered.set()
        gate.wait(120)

    holding = threading.Thread(target=lambda: store._database._writer.run(hold))
    holding.start()
    assert entered.wait(120)

    def send(number):
        try:
            told[number] = store.events.add([event(number), event(number + 100)]).accepted
        except RuntimeError as error:
            told[number] = str(error)

    threads = [threading.Thread(target=send, args=(k,)) for k in range(10, 16)]
    for thread in threads:
        thread.start()
    while store._database._writer._works.qsize() < 6:
        gate.wait(0.005)
    gate.set()
    for thread in [holding, *threads]:
        thread.join()
    assert told == dict.fromkeys(range(10, 16), 2) | {13: "broken"}
    assert store.counts.read("s").total == 11
    assert store.admin.check() == ()


def test_an_error_of_the_database_holds_no_text_of_anyone(open_it, tmp_path, sqlite_template, event):
    import traceback

    assert open_it()._database.backend.writing.hide_parameters
    assert open_it()._database.backend.reading.hide_parameters
    shutil.copy(sqlite_template, tmp_path / "broken.db")
    with open_store(f"sqlite:///{tmp_path}/broken.db") as store:
        store._database.write(lambda connection: connection.exec_driver_sql("DROP TABLE queue"))
        with pytest.raises(StorageError) as failed:
            store.events.add([event(0, text=True, label=None, stream="a stream")])
    told = "".join(traceback.format_exception(failed.value))
    assert "queue" in told
    assert "answer 0" not in told


def test_a_mistake_of_ours_lets_nobody_wait_for_ever(tmp_path, sqlite_template, event, monkeypatch):
    shutil.copy(sqlite_template, tmp_path / "a.db")
    with open_store(f"sqlite:///{tmp_path}/a.db") as store:
        monkeypatch.setattr(store._database._writer, "_do", lambda group: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            store.events.add([event(0)])
        monkeypatch.undo()
        assert store.events.add([event(0)]).accepted == 1


def test_a_database_that_is_not_there_is_unavailable():
    with pytest.raises(StorageUnavailable, match="try again"):
        open_store("postgresql://nobody@127.0.0.1:9/none")


def test_a_folder_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageUnavailable, match="check its folder"):
        open_store(f"sqlite:///{tmp_path}/file/store.db")
