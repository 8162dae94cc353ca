import os
from pathlib import Path

import numpy as np
import pytest

from secondlaw.trajectories import CrossCorrelations, MaxEnt, Trajectories, Transitions

DATA = Path(os.environ.get("SECONDLAW_DATA", Path(__file__).parents[3].parent / "shared" / "data")) / "spikes"
FILE = DATA / "spikes_16x178919_20ms.npz"

pytestmark = [
    pytest.mark.paper,
    pytest.mark.skipif(
        not FILE.is_file(), reason="the recording cannot be redistributed; SECONDLAW_DATA names its folder"
    ),
]


@pytest.fixture(scope="module")
def spikes():
    packed = np.load(FILE)["packed"]
    return Trajectories.of(np.unpackbits(packed, axis=1)[:, :178_919].T.astype(np.float64))


def test_real_spikes_show_a_little_irreversibility(spikes):
    result = MaxEnt(CrossCorrelations(spikes.variables)).fit(spikes, rng=np.random.default_rng(0))
    assert 0.0005 < result.estimate.value < 0.0012
    assert result.estimate.low > 0.0
    assert result.null.p_value < 0.01
    assert result.train_value > 2.0 * result.estimate.value  # what an honest value must not be taken from
    assert 0.001 < result.null.null_mean < 0.0016
    assert any("differs between the halves" in warning for warning in result.warnings)


@pytest.mark.parametrize("seed", [0, 1])
def test_sign_flipped_spikes_show_nothing(spikes, seed):
    rng = np.random.default_rng(seed)
    pairs = spikes.transitions()
    block = np.arange(len(pairs)) // 894  # half of the default blocks
    turned = (rng.random(block.max() + 1) < 0.5)[block][:, None]
    flipped = Transitions(
        np.where(turned, pairs.x1, pairs.x0), np.where(turned, pairs.x0, pairs.x1), pairs.groups, pairs.variables
    )
    result = MaxEnt(CrossCorrelations(spikes.variables)).fit(flipped, rng=rng)
    assert result.estimate.low == 0.0
    assert result.estimate.value < 0.0004
    assert result.null.p_value > 0.025
