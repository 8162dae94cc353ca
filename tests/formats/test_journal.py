"""The journal survives a kill: whole lines stay, a torn one goes, nothing is written twice."""

import os
import signal
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secondlaw.errors import FileFormatError, InvalidInput
from secondlaw.formats import Journal, journal_rows

JSON_ROWS = st.lists(
    st.dictionaries(st.text(max_size=5), st.integers() | st.text(max_size=20) | st.none(), max_size=3), max_size=8
)


@pytest.mark.unit
def test_rows_of_all_runs_are_there(tmp_path):
    path = tmp_path / "runs" / "journal.jsonl"
    for n in range(3):
        with Journal(path, fsync=True) as journal:
            assert [row["n"] for row in journal.rows()] == list(range(n))
            journal.append({"n": n})
            assert journal.torn_bytes == 0
    assert [row["n"] for row in journal_rows(path)] == [0, 1, 2]


@pytest.mark.law
@given(rows=JSON_ROWS, cut=st.integers(0, 400))
def test_any_cut_leaves_the_whole_lines(tmp_path_factory, rows, cut):
    path = tmp_path_factory.mktemp("journal") / "j.jsonl"
    with Journal(path) as journal:
        for row in rows:
            journal.append(row)
    stored = list(journal_rows(path))
    content = path.read_bytes()
    kept = content[: min(cut, len(content))]
    path.write_bytes(kept)
    whole = kept.count(b"\n")
    assert list(journal_rows(path)) == stored[:whole]
    with Journal(path) as journal:
        assert journal.torn_bytes == len(kept) - (kept.rfind(b"\n") + 1)
        journal.append({"after": 1})
    assert list(journal_rows(path)) == [*stored[:whole], {"after": 1}]


@pytest.mark.unit
def test_a_torn_tail_longer_than_a_block_is_cut(tmp_path):
    path = tmp_path / "j.jsonl"
    path.write_bytes(b'{"n":1}\n{"text":"' + b"x" * 200_000)
    with Journal(path) as journal:
        assert journal.torn_bytes > 200_000
    assert path.read_bytes() == b'{"n":1}\n'


@pytest.mark.unit
def test_what_was_appended_outlives_kill_9(tmp_path):
    path = tmp_path / "j.jsonl"
    script = (
        "import sys; from secondlaw.formats import Journal\n"
        f"journal = Journal({str(path)!r})\n"
        "for n in range(10**9):\n    journal.append({'n': n})\n    print(n, flush=True)\n"
    )
    process = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE)
    try:
        for _ in range(200):
            seen = int(process.stdout.readline())
    finally:
        os.kill(process.pid, signal.SIGKILL)
        process.communicate()
    rows = [row["n"] for row in journal_rows(path)]
    assert rows == list(range(len(rows)))
    assert len(rows) > seen
    with Journal(path) as journal:
        journal.append({"n": "again"})


@pytest.mark.unit
def test_a_second_writer_is_refused(tmp_path):
    pytest.importorskip("fcntl", reason="advisory locks are a POSIX matter")
    with Journal(tmp_path / "j.jsonl"), pytest.raises(InvalidInput, match="being written by another process"):
        Journal(tmp_path / "j.jsonl")
    Journal(tmp_path / "j.jsonl").close()


@pytest.mark.unit
def test_wrong_rows_leave_the_journal_whole(tmp_path):
    with Journal(tmp_path / "j.jsonl") as journal:
        journal.append({"n": 1})
        with pytest.raises(InvalidInput, match=r"row.score is NaN or infinite"):
            journal.append({"score": float("nan")})
        with pytest.raises(InvalidInput, match="cannot be written as JSON"):
            journal.append({"score": object()})
        journal.append({"text": "half \ud83d", "big": 10**30})
    assert list(journal_rows(tmp_path / "j.jsonl")) == [{"n": 1}, {"text": "half �", "big": 1e30}]
    with pytest.raises(InvalidInput, match="closed"):
        journal.append({})


@pytest.mark.unit
def test_damage_inside_is_said_and_a_folder_is_no_journal(tmp_path):
    (tmp_path / "j.jsonl").write_bytes(b'{"n":1}\nnoise\n{"n":2}\n')
    with pytest.raises(FileFormatError, match="line 2"):
        list(journal_rows(tmp_path / "j.jsonl"))
    with pytest.raises(InvalidInput, match="is a folder"):
        Journal(tmp_path)
    assert list(journal_rows(tmp_path / "none.jsonl")) == []
