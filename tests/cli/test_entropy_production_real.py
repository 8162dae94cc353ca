"""Recorded spikes through the command: a little irreversibility, and none where stretches are turned around."""

import json
import os
from pathlib import Path

import numpy as np
import pytest

DATA = Path(os.environ.get("SECONDLAW_DATA", Path(__file__).parents[2].parent / "shared" / "data")) / "spikes"
FILE = DATA / "spikes_16x178919_20ms.npz"

pytestmark = [
    pytest.mark.paper,
    pytest.mark.skipif(
        not FILE.is_file(), reason="the recording cannot be redistributed; SECONDLAW_DATA names its folder"
    ),
]


def test_spikes_show_a_little_irreversibility(run):
    found = json.loads(run("entropy-production", FILE, "--json", "-q").stdout)
    assert 0.0005 < found["value"] < 0.0012
    assert found["low"] > 0.0
    assert found["sign_flips"]["p_value"] < 0.01
    assert found["train_value"] > 2.0 * found["value"]


def test_stretches_turned_around_at_random_show_nothing(run, tmp_path):
    raster = np.unpackbits(np.load(FILE)["packed"], axis=1)[:, :178_919].T.astype(float)
    rng = np.random.default_rng(0)
    parts = [part[::-1] if rng.random() < 0.5 else part for part in np.array_split(raster, 200)]
    np.save(tmp_path / "x.npy", np.concatenate(parts))
    found = json.loads(run("entropy-production", tmp_path / "x.npy", "--json", "-q").stdout)
    assert found["low"] == 0.0
    assert found["value"] < 0.0004
    assert found["sign_flips"]["p_value"] > 0.025
