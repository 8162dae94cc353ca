"""CSV and Parquet: cells, quotes, broken rows, nulls and damage."""

import gzip

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from secondlaw.errors import FileFormatError
from secondlaw.formats import BadRow, Row, read_rows

pytestmark = pytest.mark.unit


def written(tmp_path, content, name="log.csv"):
    path = tmp_path / name
    path.write_bytes(content)
    return path


def test_cells_are_text_and_empty_cells_are_no_fields(tmp_path):
    path = written(tmp_path, b'\xef\xbb\xbfid,prompt,step\n1,"a, ""b""\nc",\n2,d,3\n')
    assert list(read_rows(path)) == [
        Row(2, {"id": "1", "prompt": 'a, "b"\nc'}),
        Row(4, {"id": "2", "prompt": "d", "step": "3"}),
    ]


@pytest.mark.parametrize("delimiter", [";", "\t"])
def test_other_separators_are_told_by_the_header(tmp_path, delimiter):
    path = written(tmp_path, f"id{delimiter}prompt\n1{delimiter}a, b\n".encode())
    assert list(read_rows(path)) == [Row(2, {"id": "1", "prompt": "a, b"})]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"1", "the row has 1 cells, the header names 2; quote cells that hold a separator"),
        (b"1,2,3", "has 3 cells"),
        (b'1,"a"b', "no CSV"),
        (b"1,\xff", "not UTF-8; convert the file to UTF-8"),
    ],
)
def test_a_bad_row_costs_itself_and_no_other(tmp_path, line, reason):
    rows = list(read_rows(written(tmp_path, b"id,prompt\n0,a\n" + line + b"\n2,c\n")))
    assert [row.value["id"] for row in rows if isinstance(row, Row)] == ["0", "2"]
    (bad,) = [row for row in rows if isinstance(row, BadRow)]
    assert bad.line == 3
    assert reason in bad.reason


def test_a_quote_that_never_closes_is_a_bad_row(tmp_path):
    rows = list(read_rows(written(tmp_path, b'id,prompt\n0,a\n1,"b\n2,c\n')))
    assert rows[0] == Row(2, {"id": "0", "prompt": "a"})
    assert "close every quote" in rows[1].reason
    assert len(rows) == 2


@pytest.mark.parametrize("content", [b"", b"\n", b"id,prompt\n"])
def test_without_rows_there_are_none(tmp_path, content):
    assert list(read_rows(written(tmp_path, content))) == []


@pytest.mark.parametrize("header", [b"id,id", b"id,"])
def test_a_header_that_names_no_column_or_one_twice_is_refused(tmp_path, header):
    with pytest.raises(FileFormatError, match="names every column once"):
        list(read_rows(written(tmp_path, header + b"\n1,2\n")))


def test_a_large_cell_and_broken_gzip(tmp_path):
    body = b"id,prompt\n" + b"".join(b"%d,%s\n" % (n, (b"%x" % (n * n)) * 30) for n in range(5000))
    assert len(list(read_rows(written(tmp_path, b"id,prompt\n1," + b"x" * 1_000_000 + b"\n")))) == 1
    packed = gzip.compress(body)
    path, rows = written(tmp_path, packed[: len(packed) // 2], "log.csv.gz"), []
    with pytest.raises(FileFormatError, match="rows before it were read"):
        rows.extend(read_rows(path))
    assert sum(isinstance(row, Row) for row in rows) > 500


def test_parquet_rows_without_nulls_and_maps_as_dicts(tmp_path):
    table = pa.table(
        {
            "id": ["a", "b"],
            "step": pa.array([1, None], pa.int32()),
            "label_probs": pa.array([[("g1", 0.5)], None], pa.map_(pa.string(), pa.float32())),
        }
    )
    pq.write_table(table, tmp_path / "log.parquet", row_group_size=1)
    assert list(read_rows(tmp_path / "log.parquet")) == [
        Row(1, {"id": "a", "step": 1, "label_probs": {"g1": 0.5}}),
        Row(2, {"id": "b"}),
    ]


def test_what_is_no_parquet_is_said(tmp_path):
    with pytest.raises(FileFormatError, match="no sound Parquet file"):
        list(read_rows(written(tmp_path, b"PAR1 and nothing more", "log.parquet")))
