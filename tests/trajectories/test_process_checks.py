"""Tests of assumptions for any recording, and the warnings that follow from them."""

import numpy as np
import pytest
from known_processes import driven_cycle, reversible_noise

from secondlaw.trajectories import Recording, Trajectories
from secondlaw.trajectories import process_checks as room
from secondlaw.trajectories.cautions import DIFFERS
from secondlaw.trajectories.process_checks import check_process
from secondlaw.types import Insufficient

pytestmark = pytest.mark.unit


def checked(series, **settings):
    recording = Recording.of(Trajectories.of(series, variables=settings.pop("variables", ())))
    return check_process(recording, level=0.95, rng=np.random.default_rng(0), **settings)


def test_a_warning_that_a_fit_has_given_is_not_repeated():
    rng = np.random.default_rng(0)
    found = checked([reversible_noise(2000, 2, rng) + np.linspace(0, 4, 2000)[:, None]])
    assert found.stationarity.p_value <= 0.01
    (said,) = (one for one in found.warnings() if "drifts" in one)
    assert "stationary stretches" in said
    assert not any("drifts" in one for one in found.warnings([f"x0 {DIFFERS} of the recording"]))
    assert not any("drifts" in one for one in found.warnings(driven=True))


def test_hidden_states_are_found_and_markov_chains_pass():
    rng = np.random.default_rng(1)
    cycle = driven_cycle(6000, rng)
    assert checked([cycle]).warnings() == ()
    alternating = np.stack([driven_cycle(3000, rng), driven_cycle(3000, rng)], axis=1).ravel()  # two cycles take turns
    assert checked([alternating]).memory.hidden
    assert not any("hidden" in one for one in checked([alternating]).warnings(["the states remember 2 steps"]))


def test_an_angle_is_looked_at_by_cosine_and_sine():
    angle = np.cumsum(np.random.default_rng(0).normal(0.02, 0.1, size=20_000)) % (2 * np.pi)
    assert checked([angle], variables=("angle",)).memory.hidden  # leaps look like memory
    turned = checked([angle], variables=("angle",), periods={"angle": 2 * np.pi})
    assert not turned.memory.hidden
    assert turned.stationarity.largest.split()[0] in ("cos", "sin")


def test_what_is_too_large_or_too_short_is_said(monkeypatch):
    rng = np.random.default_rng(0)
    assert isinstance(checked([rng.normal(size=(40, 2))]).stationarity, Insufficient)
    binary = checked([(rng.random((500, 9)) < 0.5).astype(float)])
    assert "512 joint states" in binary.memory.reason
    monkeypatch.setattr(room, "_MOST_NUMBERS", 3 * 3000 * 2)
    few = checked([rng.normal(size=(3000, 5))])
    assert len(few.stationarity.drifts) == 6  # two of the five variables, with squares and products
    assert "choose some of the variables" in few.memory.reason
