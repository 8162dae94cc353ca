"""Files written whole or not at all, and bad rows put aside."""

import gzip
import json

import pytest

import secondlaw.formats
from secondlaw.errors import InvalidInput, TooManyBadRows
from secondlaw.formats import BadRow, JsonlWriter, Quarantine, Row, quarantine_path, read_rows, write_jsonl

pytestmark = pytest.mark.unit


def test_what_is_written_is_read_again_packed_or_not(tmp_path):
    rows = [{"id": "a", "text": "é\n"}, {"id": "b", "n": 1.5, "none": None}]
    for name in ("out.jsonl", "out.jsonl.gz"):
        assert write_jsonl(rows, tmp_path / name) == 2
        assert [row.value for row in read_rows(tmp_path / name)] == rows
    assert gzip.decompress((tmp_path / "out.jsonl.gz").read_bytes()) == (tmp_path / "out.jsonl").read_bytes()


def test_packed_files_are_the_same_for_the_same_rows(tmp_path):
    write_jsonl([{"a": 1}], tmp_path / "x.jsonl.gz")
    write_jsonl([{"a": 1}], tmp_path / "y.jsonl.gz")
    assert (tmp_path / "x.jsonl.gz").read_bytes() == (tmp_path / "y.jsonl.gz").read_bytes()


def test_an_error_leaves_the_old_file_and_no_rest(tmp_path):
    target = tmp_path / "out.jsonl"
    target.write_text("old\n")
    with pytest.raises(InvalidInput, match=r"row.p is NaN"):
        write_jsonl([{"a": 1}, {"p": float("nan")}], target)
    assert target.read_text() == "old\n"
    assert list(tmp_path.iterdir()) == [target]


def test_where_nothing_can_be_written_is_said(tmp_path):
    with pytest.raises(InvalidInput, match="cannot write in"):
        JsonlWriter(tmp_path / "missing" / "out.jsonl")
    with pytest.raises(InvalidInput, match="is a folder"):
        JsonlWriter(tmp_path)


def test_bad_rows_are_written_with_line_and_reason_and_counted(tmp_path):
    source = tmp_path / "log.jsonl"
    source.write_text('{"a": 1}\n{"a": NaN}\n[]\n{"a": 2}\n')
    with Quarantine(quarantine_path(source)) as quarantine:
        good = list(quarantine.sift(read_rows(source)))
    assert [row.value["a"] for row in good] == [1, 2]
    stored = [json.loads(line) for line in (tmp_path / "log.jsonl.bad.jsonl").read_text().splitlines()]
    assert [(row["line"], row["excerpt"]) for row in stored] == [(2, '{"a": NaN}'), (3, "[]")]
    assert "NaN is no JSON number" in stored[0]["reason"]
    assert quarantine.count == 2
    assert "2 bad rows, line 2: NaN" in quarantine.describe()


def test_sound_rows_make_no_quarantine_file(tmp_path):
    with Quarantine(tmp_path / "bad.jsonl") as quarantine:
        list(quarantine.sift([Row(1, {})]))
    assert not (tmp_path / "bad.jsonl").exists()
    assert quarantine.describe() == "no bad rows"


def test_one_too_many_is_an_error_that_says_what_and_where(tmp_path):
    quarantine = Quarantine(tmp_path / "bad.jsonl", max_bad=1, excerpts=False)
    quarantine.add(BadRow(1, "first reason", "secret"))
    with pytest.raises(
        TooManyBadRows, match=r"more than 1 bad rows: 2 bad rows, line 1: first reason.*--max-bad"
    ) as caught:
        quarantine.add(BadRow(9, "second reason", "secret"))
    assert caught.value.exit_code == 13
    stored = (tmp_path / "bad.jsonl").read_text()
    assert stored.count("\n") == 2
    assert "secret" not in stored


def test_a_quarantine_that_cannot_be_written_is_said(tmp_path):
    with pytest.raises(InvalidInput, match="bad rows cannot be written"):
        Quarantine(tmp_path / "no" / "bad.jsonl").add(BadRow(1, "r", ""))
    with pytest.raises(InvalidInput, match="max_bad counts bad rows"):
        Quarantine(None, max_bad=-1)


def test_the_room_exports_what_it_says():
    names = secondlaw.formats.__all__
    assert sorted(names) == sorted(set(names))
    assert all(hasattr(secondlaw.formats, name) for name in names)
