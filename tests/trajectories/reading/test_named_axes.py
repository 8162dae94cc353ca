import importlib.util

import numpy as np
import pytest

from secondlaw.errors import FileFormatError, InvalidInput, NotEnoughData
from secondlaw.trajectories import from_xarray, read_recording

pytestmark = [
    pytest.mark.unit,
    pytest.mark.skipif(importlib.util.find_spec("xarray") is None, reason="xarray is not installed"),
]


def dataset(runs=4, steps=30):
    import xarray

    x = np.random.default_rng(0).normal(size=(runs, steps, 2))
    arrays = {
        "x": (("run", "time"), x[..., 0]),
        "y": (("time", "run"), x[..., 1].T),
        "mass": (("run",), np.ones(runs)),
    }
    return xarray.Dataset(arrays, coords={"time": np.arange(steps) * 0.1}), x


def written(found, path):
    if path.suffix == ".zarr":
        pytest.importorskip("zarr")
        found.to_zarr(path, consolidated=False)
    else:
        pytest.importorskip("scipy")
        found.to_netcdf(path, engine="scipy")
    return path


@pytest.mark.parametrize("suffix", [".nc", ".zarr"])
def test_axes_are_known_by_their_names(tmp_path, suffix):
    found, x = dataset()
    recording = read_recording(written(found, tmp_path / f"x{suffix}"))
    data = recording.trajectories
    assert (len(data), data.variables, data.dt) == (4, ("x", "y"), 0.1)
    assert np.array_equal(np.stack(data.series), x)
    assert any("mass" in note for note in recording.notes)


def test_axes_and_arrays_may_be_named(tmp_path):
    found, x = dataset()
    file = written(found.rename(run="animal", time="frame_no"), tmp_path / "x.nc")
    data = read_recording(file, time="frame_no", group="animal", variables=("y",)).trajectories
    assert np.array_equal(np.stack(data.series), x[..., 1:])
    assert read_recording(file, time="frame_no", key="y").trajectories.dim == 4  # animals are variables, if not named
    with pytest.raises(InvalidInput, match="no axis 'cage'"):
        read_recording(file, time="frame_no", group="cage")
    with pytest.raises(InvalidInput, match="no array 'z', but mass, x, y"):
        read_recording(file, time="frame_no", key="z")


def test_trajectories_padded_to_one_length_are_cut(tmp_path):
    found, _ = dataset()
    found["x"][1, 20:] = np.nan
    file = written(found, tmp_path / "x.nc")
    with pytest.raises(NotEnoughData, match="10 steps hold a missing"):
        read_recording(file)
    data = read_recording(file, gaps="cut").trajectories
    assert [len(one) for one in data.series] == [30, 20, 30, 30]
    again = from_xarray(found[["x", "y"]], trajectory="run", gaps="cut")
    assert all(np.array_equal(a, b) for a, b in zip(data.series, again.series, strict=True))


def test_arrays_of_a_dataset_may_have_axes_of_their_own():
    import xarray

    found, x = dataset()
    found["place"] = (("run", "time", "space"), x)
    found = found.assign_coords(space=["east", "north"])
    data = from_xarray(found[["x", "place"]], trajectory="run")
    assert data.variables == ("x", "place east", "place north")
    assert np.array_equal(data.series[2], np.column_stack([x[2, :, 0], x[2]]))
    with pytest.raises(InvalidInput, match="'mass' of the array has no axis 'time'"):
        from_xarray(found, trajectory="run")
    with pytest.raises(InvalidInput, match="must hold numbers"):
        from_xarray(xarray.DataArray(np.array(["a", "b"]), dims="time"))


def test_an_array_without_names_is_read_as_before(tmp_path):
    zarr = pytest.importorskip("zarr")
    values = np.random.default_rng(0).normal(size=(3, 20, 2))
    group = zarr.open_group(str(tmp_path / "x.zarr"), mode="w")
    group.create_group("deep").create_array("x", data=values)
    data = read_recording(tmp_path / "x.zarr", key="deep/x").trajectories
    assert np.array_equal(np.stack(data.series), values)
    (tmp_path / "y.nc").write_bytes(b"no such thing")
    with pytest.raises(FileFormatError, match=r"y\.nc"):
        read_recording(tmp_path / "y.nc")
