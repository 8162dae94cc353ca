import importlib.util

import numpy as np
import pytest

from secondlaw.errors import InvalidInput, NotEnoughData
from secondlaw.trajectories.reading.neuropixels import load_session, session_recording

pytestmark = pytest.mark.unit


class TinySession:
    """What allensdk calls the parts of a session, with three units on two channels."""

    def __init__(self):
        self.spike_times = {7: np.array([0.001, 0.035, 0.036]), 8: np.array([0.012, 9.0]), 9: np.array([0.02])}

    def get_units(self):
        pd = pytest.importorskip("pandas")
        return pd.DataFrame({"quality": ["good", "good", "noise"], "peak_channel_id": [1, 2, 1]}, index=[7, 8, 9])

    def get_channels(self):
        pd = pytest.importorskip("pandas")
        return pd.DataFrame({"structure_acronym": ["VISp", "CA1"]}, index=[1, 2])


def test_good_units_of_an_area_in_bins_of_ten_milliseconds():
    found = session_recording(TinySession(), areas=("VISp",), start=0.0, stop=0.05)
    assert found.data.variables == ("7",)
    assert found.data.series[0][:, 0].tolist() == [1, 0, 0, 1, 0]
    assert found.spikes_per_step == pytest.approx(2 / 5)
    both = session_recording(TinySession(), start=0.0, stop=0.05)
    assert (both.data.variables, both.kind) == (("7", "8"), "binary")
    assert session_recording(TinySession(), start=0.0, stop=0.05, most=1).data.variables == ("7",)


def test_no_unit_left_is_said():
    with pytest.raises(NotEnoughData, match="no good unit of LGd"):
        session_recording(TinySession(), areas=("LGd",))


@pytest.mark.skipif(importlib.util.find_spec("allensdk") is not None, reason="allensdk is installed")
def test_without_allensdk_the_remedy_is_named(tmp_path):
    with pytest.raises(InvalidInput, match="pip install allensdk"):
        load_session(1, tmp_path)
