"""Recordings inferred: variables that look like velocities, values per spike, what a single variable is told."""

import numpy as np
import pytest

from secondlaw.errors import InvalidInput
from secondlaw.pipeline.inference_cautions import velocity_warnings
from secondlaw.pipeline.inferring import infer
from secondlaw.systems import heat_conducting_oscillators, spinning_particle
from secondlaw.trajectories import Recording, Trajectories
from secondlaw.trajectories.asked import Asked
from secondlaw.trajectories.reading.spike_events import spike_trains
from secondlaw.types import Insufficient

pytestmark = pytest.mark.unit

FEW = 100


def oscillators(dt, step=None):
    x = heat_conducting_oscillators().simulate(points=200, dt=dt, trajectories=20, rng=np.random.default_rng(0))
    return Recording.of(Trajectories.of(x, variables=("x1", "x2", "v1", "v2"), dt=step))


def spinning(spin, dt, step=None):
    system = spinning_particle(spin=spin, stiffness=0.2)
    x = system.simulate(points=300, dt=dt, trajectories=20, rng=np.random.default_rng(0))
    return Recording.of(Trajectories.of(x, dt=step))


@pytest.mark.parametrize("dt", [0.01, 0.1, 0.3])
def test_velocities_are_known_by_what_they_move(dt):
    for step in (dt, None):
        (said,) = velocity_warnings(oscillators(dt, step), Asked())
        assert said.startswith("v1, v2 look like the velocities of x1, x2:")
        assert "--odd v1,v2" in said
    (said,) = velocity_warnings(oscillators(dt, dt), Asked(odd=("v1",)))
    assert said.startswith("v2 looks like the velocity of x2:")
    assert velocity_warnings(oscillators(dt, dt), Asked(odd=("v1", "v2"))) == ()


@pytest.mark.parametrize(("spin", "dt"), [(2.0, 0.01), (5.0, 0.05), (20.0, 0.05), (0.0, 0.05)])
def test_turning_in_a_plane_is_no_velocity(spin, dt):
    assert velocity_warnings(spinning(spin, dt, dt), Asked()) == ()
    assert velocity_warnings(spinning(spin, dt), Asked()) == ()


def test_auto_refuses_velocities_that_count_as_even_and_an_estimator_by_name_is_warned():
    data = oscillators(0.2, 0.2)
    with pytest.raises(InvalidInput, match="v1, v2 look like the velocities"):
        infer(data, source="x")
    asked = Asked(resamples=FEW)
    found = infer(data, source="x", estimator="maxent", asked=asked)
    assert found.warnings[0].startswith("v1, v2 look like the velocities")
    odd = infer(data, source="x", asked=Asked(odd=("v1", "v2"), resamples=FEW))
    assert odd.estimator == "linear-model"
    assert not any("velocities" in one for one in odd.warnings)


def test_the_value_per_spike_does_not_depend_on_the_unit_of_time():
    rng = np.random.default_rng(0)
    raster = (rng.random((4000, 3)) < 0.2).astype(float)
    raster[1:, 1] = np.maximum(raster[1:, 1], raster[:-1, 0])  # neuron 1 follows neuron 0
    bins, neurons = np.nonzero(raster)
    found = []
    for dt in (None, 0.02):
        train = spike_trains(bins, neurons, width=1.0, dt=dt)
        recording = Recording(train.data, "binary", spikes_per_step=train.spikes_per_bin)
        found.append(infer(recording, source="x", asked=Asked(resamples=FEW)))
    assert found[1].estimate.value == pytest.approx(found[0].estimate.value / 0.02)
    assert found[0].per_spike.value == pytest.approx(found[0].estimate.value / raster.sum(axis=1).mean())
    assert found[1].per_spike.value == pytest.approx(found[0].per_spike.value)
    assert found[1].per_spike.unit == "nats/spike"


def test_a_single_variable_of_states_is_not_divided_and_reads_no_order():
    steps = np.random.default_rng(0).choice([1, -1, 0], p=[0.5, 0.2, 0.3], size=3000)
    recording = Recording.of(Trajectories.of([np.cumsum(steps) % 3.0]))
    found = infer(recording, source="x", asked=Asked(resamples=FEW))
    assert found.variables == Insufficient("all observables are of one variable")
    assert "words of 3 states" in infer(recording, source="x", asked=Asked(window=3, resamples=FEW)).reason
    for asked in (Asked(order=3), Asked(odd=("x0",))):
        with pytest.raises(InvalidInput, match="leave it out; no estimator of such data does"):
            infer(recording, source="x", asked=asked)
