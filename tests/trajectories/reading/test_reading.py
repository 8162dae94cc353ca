import importlib.util

import numpy as np
import pytest

from secondlaw.errors import FileFormatError, InvalidInput
from secondlaw.trajectories import from_dataframe, from_xarray, read_recording, read_trajectories

pytestmark = pytest.mark.unit


def test_a_packed_raster_reads_as_it_was(tmp_path):
    raster = np.random.default_rng(0).random((5, 43)) < 0.4
    np.savez(tmp_path / "x.npz", packed=np.packbits(raster, axis=1), shape=np.array(raster.shape))
    found = read_recording(tmp_path / "x.npz")
    assert found.kind == "binary"
    assert np.array_equal(found.data.series[0].T, raster)


def test_csv_with_a_broken_row_or_repeated_time_is_refused(tmp_path):
    (tmp_path / "x.csv").write_text("t,a\n0,1\n1,2,3\n", encoding="utf-8")
    with pytest.raises(FileFormatError, match="line 3"):
        read_trajectories(tmp_path / "x.csv")
    (tmp_path / "y.csv").write_text("t,a\n0,1\n0,2\n", encoding="utf-8")
    with pytest.raises(InvalidInput, match="same 't'"):
        read_recording(tmp_path / "y.csv", time="t")


def test_rows_of_a_group_may_stand_apart_and_are_put_in_order_of_time(tmp_path):
    (tmp_path / "x.csv").write_text("run,t,a\nu,1,5\nv,0,7\nu,0,4\nv,1,8\n", encoding="utf-8")
    data = read_recording(tmp_path / "x.csv", group="run", time="t").trajectories
    assert [one[:, 0].tolist() for one in data.series] == [[4, 5], [7, 8]]
    assert data.dt == 1.0


def test_from_dataframe_takes_a_pandas_frame():
    pd = pytest.importorskip("pandas")
    clock = pd.date_range("2026-01-01", periods=4, freq="500ms")
    frame = pd.DataFrame({"t": clock, "a": [1, 2, 3, 4], "b": 0.5, "note": "x"})
    data = from_dataframe(frame, variables=("a", "b"), time="t")
    assert (data.variables, data.dt, data.series[0].shape) == (("a", "b"), 0.5, (4, 2))


@pytest.mark.skipif(importlib.util.find_spec("xarray") is None, reason="xarray is not installed")
def test_from_xarray_takes_axes_by_name():
    import xarray

    values = np.arange(24.0).reshape(2, 4, 3)
    array = xarray.DataArray(
        values, dims=("space", "time", "run"), coords={"time": np.arange(4) * 0.1, "space": ["up", "down"]}
    )
    data = from_xarray(array, trajectory="run")
    assert (len(data), data.variables, data.dt) == (3, ("up", "down"), pytest.approx(0.1))
    assert np.array_equal(data.series[1], values[:, :, 1].T)
    both = from_xarray(
        xarray.Dataset({name: array.isel(space=k, drop=True) for k, name in enumerate("pq")}), trajectory="run", dt=2.0
    )
    assert (both.variables, both.dt) == (("p", "q"), 2.0)
    with pytest.raises(InvalidInput, match="no axis 'run'"):
        from_xarray(array.isel(run=0), trajectory="run")


@pytest.mark.skipif(importlib.util.find_spec("zarr") is None, reason="zarr is not installed")
def test_zarr_reads_an_array_and_a_group(tmp_path):
    import zarr

    values = np.random.default_rng(0).normal(size=(3, 20, 2))
    zarr.save_array(str(tmp_path / "a.zarr"), values)
    zarr.save_group(str(tmp_path / "b.zarr"), x=values, other=np.zeros((1, 1, 1, 1)))
    assert len(read_trajectories(tmp_path / "a.zarr")) == 3
    assert np.array_equal(read_trajectories(tmp_path / "b.zarr", key="x").series[2], values[2])


def test_dates_as_text_are_a_clock(tmp_path):
    rows = "".join(f"2026-01-31T12:00:{k / 10:06.3f}Z,{k % 3}\n" for k in range(40))
    (tmp_path / "x.csv").write_text(f"when,a\n{rows}", encoding="utf-8")
    assert read_recording(tmp_path / "x.csv", time="when").trajectories.dt == 0.1
    (tmp_path / "y.csv").write_text("when,a\nMonday,1\nTuesday,2\n", encoding="utf-8")
    with pytest.raises(InvalidInput, match="holds 'Monday'; write seconds"):
        read_recording(tmp_path / "y.csv", time="when")


def test_files_of_numpy_say_what_to_do(tmp_path):
    np.save(tmp_path / "x.npy", np.zeros((3, 4)))
    with pytest.raises(InvalidInput, match="one without a name: leave key out"):
        read_recording(tmp_path / "x.npy", key="a")
    np.save(tmp_path / "y.npy", np.array([{}, None], dtype=object), allow_pickle=True)
    with pytest.raises(FileFormatError, match="Python objects: save numbers"):
        read_recording(tmp_path / "y.npy")
