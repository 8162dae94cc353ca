"""Networks in place of a basis; skipped without torch."""

import pickle

import numpy as np
import pytest

from secondlaw.errors import InvalidInput
from secondlaw.systems import DrivenRing, QuarticGyrator, moving_trap, spinning_particle
from secondlaw.trajectories import Currents, Network, Trajectories

pytest.importorskip("torch")
FAST = {"resamples": 300, "draws": 399}
SMALL = Network(hidden=(16,), steps=100, batch=2048, learning_rate=1e-2)


@pytest.fixture(scope="module")
def spun():
    x = spinning_particle().simulate(points=401, dt=0.01, trajectories=200, rng=np.random.default_rng(0))
    data = Trajectories.of(x, dt=0.01)
    return data, Currents(SMALL, **FAST).fit(data, rng=np.random.default_rng(0))


@pytest.mark.paper
def test_a_network_meets_the_linear_field(spun):
    data, result = spun
    linear = Currents(**FAST).fit(data, rng=np.random.default_rng(0))
    assert result.estimate.value == pytest.approx(linear.estimate.value, rel=0.05)
    assert result.estimate.low > 0.0
    assert result.null.p_value < 0.01
    own, other = (np.array([s.sum() for s in one.trajectory_entropy_production(data)]) for one in (result, linear))
    assert np.corrcoef(own, other)[0, 1] > 0.99
    np.testing.assert_allclose(result.model.velocity([[1.0, 0.0]]), [[0.0, -2.0]], atol=0.4)
    assert pickle.loads(pickle.dumps(result)).estimate == result.estimate  # trained networks are plain arrays


@pytest.mark.paper
def test_a_network_meets_the_numerical_reference_of_the_gyrator():
    gyrator = QuarticGyrator(temperatures=(1.0, 4.0), coupling=1.5)
    x = gyrator.simulate(points=1001, dt=0.01, trajectories=100, rng=np.random.default_rng(0), substeps=4)
    result = Currents(SMALL, **FAST).fit(Trajectories.of(x, dt=0.01), rng=np.random.default_rng(0))
    exact = gyrator.entropy_production_rate(cells=64).value
    assert result.estimate.low < exact
    assert result.extrapolated.value == pytest.approx(exact, rel=0.25)


@pytest.mark.unit
def test_angles_and_protocols_reach_the_network():
    ring = DrivenRing(force=2.0, height=1.0)
    x = ring.simulate(points=801, dt=0.01, trajectories=60, rng=np.random.default_rng(0), substeps=4)
    turning = Currents(SMALL, periods={"x0": ring.length}, **FAST).fit(
        Trajectories.of(x, dt=0.01), rng=np.random.default_rng(0)
    )
    assert turning.estimate.value == pytest.approx(ring.entropy_production_rate(), rel=0.3)
    trap = moving_trap(velocity=2.0, diffusion=0.5, duration=3.0)
    x = trap.simulate(points=151, trajectories=200, rng=np.random.default_rng(0))
    moved = Currents(SMALL, time_degree=1, **FAST).fit(Trajectories.of(x, dt=0.02), rng=np.random.default_rng(0))
    assert moved.extrapolated.value == pytest.approx(8.0, rel=0.15)


@pytest.mark.calibration
def test_reversible_data_show_nothing_to_networks():
    tiny = Network(hidden=(8,), steps=50, batch=512, learning_rate=1e-2)
    found = 0
    for seed in range(10):
        rng = np.random.default_rng(seed)
        x = spinning_particle(spin=0.0).simulate(points=60, dt=0.02, trajectories=60, rng=rng)
        found += Currents(tiny, **FAST).fit(Trajectories.of(x, dt=0.02), rng=rng).estimate.low > 0.0
    assert found <= 2  # chance of more at a rate of 2.5 %: .002


@pytest.mark.unit
def test_seeds_decide_and_devices_exist(spun):
    data = Trajectories.of([one[:60] for one in spun[0].series[:60]], dt=0.01)
    tiny = Network(hidden=(8,), steps=30, batch=512)
    one, same = (Currents(tiny, **FAST).fit(data, rng=np.random.default_rng(3)) for _ in range(2))
    assert one.estimate == same.estimate
    with pytest.raises(InvalidInput, match="cannot use the device"):
        Currents(Network(device="nonsense"), **FAST).fit(data, rng=np.random.default_rng(3))
