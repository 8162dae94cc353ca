"""A column without any value is a variable that was not recorded: it is named, never dropped in silence."""

import numpy as np
import pytest

from secondlaw.errors import FileFormatError, InvalidInput, NotEnoughData
from secondlaw.formats import column_names
from secondlaw.trajectories.reading.recording_files import read_recording
from secondlaw.trajectories.reading.table_files import read_table

pytestmark = pytest.mark.unit


@pytest.fixture
def csv(tmp_path):
    path = tmp_path / "x.csv"
    path.write_text("t,x,lost,y\n" + "".join(f"{k},{k % 3},,{k % 5}.5\n" for k in range(50)), encoding="utf-8")
    return path


@pytest.fixture
def parquet(tmp_path):
    pa = pytest.importorskip("pyarrow")
    import pyarrow.parquet as pq

    path = tmp_path / "x.parquet"
    numbers = np.arange(50.0)
    columns = {"t": numbers, "x": numbers % 3, "lost": pa.nulls(50, pa.float64()), "y": numbers % 5 + 0.5}
    pq.write_table(pa.table(columns), path)
    return path


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_an_empty_column_is_refused_by_name_or_left_out_with_a_note(kind, request):
    path = request.getfixturevalue(kind)
    assert column_names(path) == ["t", "x", "lost", "y"]
    table = read_table(path)
    assert list(table) == ["t", "x", "lost", "y"]
    assert np.isnan(table["lost"]).all()
    with pytest.raises(NotEnoughData, match="the column 'lost' holds no value"):
        read_recording(path, time="t")
    cut = read_recording(path, time="t", gaps="cut")
    assert cut.trajectories.variables == ("x", "y")
    assert cut.notes == ("the column 'lost' holds no value and was left out",)
    assert read_recording(path, time="t", variables=("x", "y")).notes == ()
    with pytest.raises(NotEnoughData, match="'lost' holds no value"):
        read_recording(path, time="t", variables=("x", "lost"), gaps="cut")


def test_a_column_that_begins_late_is_kept_with_its_gaps(tmp_path):
    path = tmp_path / "late.csv"
    path.write_text("x,y\n" + "1,\n" * 10 + "".join(f"{k},{k % 7}.5\n" for k in range(60)), encoding="utf-8")
    with pytest.raises(NotEnoughData, match="10 steps hold a missing"):
        read_recording(path)
    assert read_recording(path, gaps="cut").trajectories.variables == ("x", "y")


def test_nothing_but_empty_columns_is_refused(tmp_path):
    path = tmp_path / "none.csv"
    path.write_text("t,x\n" + "".join(f"{k},\n" for k in range(50)), encoding="utf-8")
    with pytest.raises(NotEnoughData, match="'x' holds no value"):
        read_recording(path, time="t", gaps="cut")


def test_jumps_pass_over_an_empty_column(tmp_path):
    path = tmp_path / "jumps.csv"
    path.write_text("t,state,remark\n0,a,\n1.5,b,\n2.5,a,\n4,b,\n", encoding="utf-8")
    assert read_recording(path, jumps=True).states == ("a", "b")


def test_heads_of_files(tmp_path):
    (tmp_path / "x.jsonl").write_text('{"x": 1}\n')
    (tmp_path / "empty.csv").write_text("\n")
    (tmp_path / "twice.csv").write_text("x,x\n1,2\n")
    assert column_names(tmp_path / "x.jsonl") == column_names(tmp_path / "empty.csv") == []
    with pytest.raises(FileFormatError, match="names every column once"):
        column_names(tmp_path / "twice.csv")
    with pytest.raises(InvalidInput, match="no file"):
        column_names(tmp_path / "missing.csv")
