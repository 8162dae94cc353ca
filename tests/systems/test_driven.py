import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from secondlaw.errors import InvalidInput
from secondlaw.systems import DrivenRing, DrivenTrap, LinearLangevin, QuarticGyrator, breathing_trap, moving_trap


def fourier_velocity(ring, modes=60):
    """Mean velocity from the stationary Fokker-Planck equation in Fourier modes: no quadrature."""
    k = np.arange(-modes, modes + 1)
    wave = 2 * np.pi / ring.length
    kick = ring.height * wave / 2j  # -U' = -2 i kick (e^ix - e^-ix) / 2i ...
    # Probability current J = (f - U') p - D p'; its modes other than 0 vanish.
    current = np.diag(ring.force - 1j * ring.diffusion * wave * k).astype(complex)
    current -= np.diag(np.full(2 * modes, kick), -1) - np.diag(np.full(2 * modes, kick), 1)
    row = current[modes].copy()
    current[modes] = 0.0
    current[modes, modes] = 1.0
    density = np.linalg.solve(current, np.eye(2 * modes + 1)[modes] / ring.length)
    return float((row @ density).real * ring.length)


@pytest.mark.law
@settings(max_examples=12, deadline=None)
@given(st.floats(-8.0, 8.0), st.floats(-3.0, 3.0), st.floats(0.4, 3.0), st.floats(0.5, 9.0))
def test_the_current_on_a_ring_agrees_with_a_spectral_solution(force, height, diffusion, length):
    ring = DrivenRing(force=force, height=height, diffusion=diffusion, length=length)
    assert ring.mean_velocity() == pytest.approx(fourier_velocity(ring), rel=1e-7, abs=1e-9)
    assert ring.entropy_production_rate() >= 0.0
    x, density = ring.stationary_density()
    assert density.mean() * length == pytest.approx(1.0)
    assert (ring.drift(x) * density).mean() * length == pytest.approx(ring.mean_velocity(), rel=1e-6, abs=1e-6)


@pytest.mark.unit
def test_limits_of_the_ring():
    assert DrivenRing(force=0.0).entropy_production_rate() == 0.0
    assert DrivenRing(force=3.0, height=0.0, diffusion=2.0).entropy_production_rate() == pytest.approx(4.5)
    assert DrivenRing(force=-3.0).mean_velocity() == pytest.approx(-DrivenRing(force=3.0).mean_velocity())
    assert DrivenRing(force=500.0).mean_velocity() == pytest.approx(500.0, rel=1e-5)


@pytest.mark.calibration
def test_simulated_particles_drift_at_the_mean_velocity():
    ring = DrivenRing(force=1.5, height=1.5)
    x = ring.simulate(points=41, dt=0.1, substeps=5, trajectories=4000, rng=np.random.default_rng(0))[:, :, 0]
    speeds = (x[:, -1] - x[:, 0]) / 4.0
    assert abs(speeds.mean() - ring.mean_velocity()) < 4 * speeds.std() / math.sqrt(4000)
    places, density = ring.stationary_density()
    share = density[(places > 0.5) & (places < 2.0)].sum() / density.sum()
    for point in (0, 40):
        inside = x[:, point] % ring.length
        found = ((inside > 0.5) & (inside < 2.0)).mean()
        assert abs(found - share) < 4 * math.sqrt(share * (1 - share) / 4000) + 0.005


@pytest.mark.unit
def test_a_gyrator_without_quartic_part_is_the_linear_one():
    for coupling, temperatures in ((0.5, (1.0, 3.0)), (-0.3, (0.5, 2.0))):
        gyrator = QuarticGyrator(temperatures=temperatures, coupling=coupling, quartic=0.0)
        linear = LinearLangevin([[-1.0, -coupling], [-coupling, -1.0]], temperatures)
        found = gyrator.entropy_production_rate(cells=96)
        assert abs(found.value - linear.entropy_production_rate()) < found.error
        difference, product = temperatures[1] - temperatures[0], temperatures[0] * temperatures[1]
        assert linear.entropy_production_rate() == pytest.approx(coupling**2 / 2 * difference**2 / product)


@pytest.mark.unit
def test_the_reference_of_the_quartic_gyrator_does_not_depend_on_the_grid():
    gyrator = QuarticGyrator()
    fine, coarse = gyrator.entropy_production_rate(cells=120), gyrator.entropy_production_rate(cells=72)
    assert abs(fine.value - coarse.value) < fine.error < coarse.error
    assert fine.value == pytest.approx(0.060298, abs=2e-6)
    assert QuarticGyrator(temperatures=(2.0, 2.0)).entropy_production_rate(cells=48).value < 1e-12
    swapped = QuarticGyrator(temperatures=(3.0, 1.0)).entropy_production_rate(cells=72)
    assert swapped.value == pytest.approx(coarse.value, rel=1e-9)


@pytest.mark.calibration
def test_simulated_gyrators_dissipate_what_the_grid_says():
    gyrator = QuarticGyrator(coupling=0.8)
    x = gyrator.simulate(points=21, dt=0.1, substeps=5, trajectories=6000, rng=np.random.default_rng(0))
    heat = np.array(gyrator.temperatures)
    force = gyrator.drift(x)
    divergence = -(2 * gyrator.stiffness + 3 * gyrator.quartic * (x**2).sum(axis=2))
    sigma = ((force**2 / heat).sum(axis=2) + divergence).mean(axis=1)  # <F D^-1 F> + <div F>
    exact = gyrator.entropy_production_rate(cells=96).value
    assert abs(sigma.mean() - exact) < 4 * sigma.std() / math.sqrt(6000)
    assert sigma.std() / math.sqrt(6000) < exact


@pytest.mark.paper
def test_the_moving_trap_costs_velocity_squared_over_diffusion():
    """arXiv 2504.19007."""
    trap = moving_trap(velocity=1.7, diffusion=0.6, stiffness=2.5, duration=4.0)
    _, rates = trap.entropy_production_rates(points=9)
    np.testing.assert_allclose(rates, 1.7**2 / 0.6, rtol=1e-9)
    assert trap.entropy_production_rate() == pytest.approx(1.7**2 / 0.6, rel=1e-9)


@pytest.mark.paper
def test_the_breathing_trap_follows_its_variance_equation():
    """arXiv 2504.19007: ds/dt = -2ks + 2D, rate (D/s - k)^2 s/D."""
    from scipy.integrate import solve_ivp

    trap = breathing_trap(duration=2.0, stiffness=2.0, swing=1.5, diffusion=0.7)
    found = solve_ivp(
        lambda t, s: -2 * trap.stiffness(np.array(t)) * s + 1.4,
        (0, 2),
        [0.35],
        rtol=1e-10,
        atol=1e-12,
        dense_output=True,
    )
    times, _, variances = trap.moments(points=21)
    s, k = found.sol(times)[0], trap.stiffness(times)
    np.testing.assert_allclose(variances, s, rtol=1e-8)
    _, rates = trap.entropy_production_rates(points=21)
    np.testing.assert_allclose(rates, (0.7 / s - k) ** 2 * s / 0.7, rtol=1e-6, atol=1e-9)


@pytest.mark.unit
def test_more_points_show_more_up_to_the_whole():
    trap = DrivenTrap(
        center=np.sin, stiffness=lambda t: 1.0 + 0.5 * t, diffusion=0.8, duration=2.0, mean=0.4, variance=0.3
    )
    whole = trap.entropy_production()
    shown = [trap.lag_divergence(points=points) for points in (3, 9, 33, 513)]
    assert 0.0 < shown[0] < shown[1] < shown[2] < shown[3] < whole
    assert shown[3] == pytest.approx(whole, rel=1e-4)
    stiff = DrivenTrap(np.zeros_like, lambda t: np.full_like(t, 100.0), 1.0, duration=3.0, mean=0.0, variance=0.01)
    assert abs(stiff.lag_divergence(points=2)) < 1e-9
    # Relaxation in a resting trap is a linear system, whose excess is known.
    resting = DrivenTrap(np.zeros_like, np.ones_like, diffusion=0.5, duration=30.0, mean=2.0, variance=0.1)
    gap = 4.0 / 0.5 / 2 + (0.2 - 1 - math.log(0.2)) / 2  # KL from the steady state at the start
    assert resting.entropy_production(points=4097) == pytest.approx(gap, rel=1e-6)


@pytest.mark.calibration
@pytest.mark.parametrize("trap", [moving_trap(velocity=1.0, duration=1.0), breathing_trap(duration=1.0, swing=1.8)])
def test_driven_trajectories_have_their_mean_and_fluctuation_theorem(trap):
    x = trap.simulate(points=21, trajectories=20_000, rng=np.random.default_rng(3))
    _, means, variances = trap.moments(points=21)
    assert (np.abs(x[:, :, 0].mean(axis=0) - means) < 4.5 * np.sqrt(variances / 20_000)).all()
    assert (np.abs(x[:, :, 0].var(axis=0) / variances - 1.0) < 4.5 * math.sqrt(2 / 20_000)).all()
    sigma = trap.trajectory_entropy_production(x)
    assert abs(sigma.mean() - trap.lag_divergence(points=21)) < 4 * sigma.std() / math.sqrt(20_000)
    assert abs(np.exp(-sigma).mean() - 1.0) < 4 * np.exp(-sigma).std() / math.sqrt(20_000)
    # Samples of the reversed protocol weigh the same trajectories by exp(-sigma).
    back = trap.reversed().simulate(points=21, trajectories=20_000, rng=np.random.default_rng(4))
    weight = np.exp(trap.trajectory_entropy_production(back[:, ::-1]))
    assert abs(weight.mean() - 1.0) < 4 * weight.std() / math.sqrt(20_000)


@pytest.mark.unit
@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: DrivenRing(force=np.nan), "must be numbers"),
        (lambda: DrivenRing(force=1.0, diffusion=0.0), "diffusion must be a positive"),
        (lambda: DrivenRing(force=1.0, height=1e3), "at most 300"),
        (lambda: QuarticGyrator(temperatures=(1.0, -1.0)), "temperature must be a positive"),
        (lambda: QuarticGyrator(quartic=0.0, coupling=1.0), "coupling must be below"),
        (lambda: QuarticGyrator(quartic=-1.0), "must not be negative"),
        (lambda: QuarticGyrator().entropy_production_rate(cells=8), "at least 32"),
        (
            lambda: QuarticGyrator().simulate(
                points=9, dt=5.0, substeps=1, trajectories=9, rng=np.random.default_rng(0)
            ),
            "ran away",
        ),
        (lambda: breathing_trap(duration=1.0, swing=3.0), "swing must be smaller"),
        (lambda: moving_trap(velocity=1.0, duration=-1.0), "duration"),
        (
            lambda: moving_trap(velocity=1.0, duration=1.0).simulate(points=1, rng=np.random.default_rng(0)),
            "at least 2",
        ),
        (lambda: moving_trap(velocity=1.0, duration=1.0).trajectory_entropy_production(np.zeros((2, 3))), "shape"),
    ],
)
def test_wrong_input_is_named(call, message):
    with pytest.raises(InvalidInput, match=message):
        call()
