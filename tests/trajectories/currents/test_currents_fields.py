"""Drift, velocity, score and diffusion fields, their maps, and currents of weights of one's own."""

import numpy as np
import pytest

from secondlaw.errors import InvalidInput
from secondlaw.systems import bead_spring_chain, spinning_particle
from secondlaw.trajectories import (
    Currents,
    LinearBasis,
    PolynomialBasis,
    RadialBasis,
    Trajectories,
    correlation_current,
    field_map,
    fluctuation_current,
)

FAST = {"resamples": 300, "draws": 199}
SPIN = 1.5


def spinning_with_uneven_noise(seed, *, trajectories=100, points=1001, dt=0.01, substeps=4):
    """D = diag(.5 + .5 x_i^2), density Gaussian, nu = SPIN (-y, x): F = nu + div D + D grad ln p (Ito)."""
    rng = np.random.default_rng(seed)
    step = dt / substeps
    x = rng.normal(size=(trajectories, 2))
    out = np.empty((trajectories, points, 2))
    for point in range(points):
        out[:, point] = x
        for _ in range(substeps):
            D = 0.5 + 0.5 * x**2
            drift = SPIN * np.stack([-x[:, 1], x[:, 0]], axis=1) + x - D * x
            x = x + drift * step + np.sqrt(2.0 * D * step) * rng.normal(size=x.shape)
    return Trajectories.of(out, dt=dt)


def uneven_rate():
    nodes, weights = np.polynomial.hermite_e.hermegauss(60)
    return 2.0 * SPIN**2 * (weights / (0.5 + 0.5 * nodes**2)).sum() / weights.sum()


@pytest.fixture(scope="module")
def uneven():
    data = spinning_with_uneven_noise(0)
    settings = {"basis": PolynomialBasis(6), **FAST}
    return (
        data,
        Currents(**settings).fit(data, rng=np.random.default_rng(0)),
        Currents(diffusion="state", **settings).fit(data, rng=np.random.default_rng(0)),
    )


@pytest.mark.paper
def test_noise_that_depends_on_the_state_is_found_and_allowed_for(uneven):
    _, constant, own = uneven
    exact = uneven_rate()
    assert own.extrapolated.covers(exact)
    assert own.estimate.value == pytest.approx(exact, rel=0.15)
    assert own.estimate.low < exact
    assert own.estimate.value > constant.estimate.value
    assert "diffusion='state'" in " ".join(constant.warnings)
    assert "diffusion='state'" not in " ".join(own.warnings)


@pytest.mark.unit
def test_the_terms_between_the_conventions_of_the_drift_have_names(uneven):
    data, _, result = uneven
    at = np.array([[0.8, -0.6], [0.0, 1.0], [-0.5, 0.4]])
    diffusion = 0.5 + 0.5 * at**2
    turn = SPIN * np.stack([-at[:, 1], at[:, 0]], axis=1)
    model = result.model
    found = model.diffusion(at)
    np.testing.assert_allclose(found[:, [0, 1], [0, 1]], diffusion, atol=0.06)
    np.testing.assert_allclose(found[:, 0, 1], 0.0, atol=0.05)
    ito = turn + at - diffusion * at
    np.testing.assert_allclose(model.drift(at), ito, atol=0.3)
    difference = model.drift(at) - model.drift(at, convention="anti-ito")
    np.testing.assert_allclose(difference, at, atol=0.1)  # d D_ii / d x_i
    half = model.drift(at) - model.drift(at, convention="stratonovich")
    np.testing.assert_allclose(half, at / 2.0, atol=0.06)
    states = np.concatenate(data.series)[::500]
    states = states[np.abs(states).max(axis=1) < 1.5]
    assert np.corrcoef(model.score(states).ravel(), -states.ravel())[0, 1] > 0.9
    with pytest.raises(InvalidInput, match="ito, stratonovich or anti-ito"):
        model.drift(at, convention="backward")


@pytest.mark.unit
def test_fields_of_linear_dynamics_are_known_matrices():
    chain = bead_spring_chain(2)
    x = chain.simulate(points=2001, dt=0.005, trajectories=200, rng=np.random.default_rng(0))
    model = Currents(order=2, **FAST).fit(Trajectories.of(x, dt=0.005), rng=np.random.default_rng(0)).model
    at = np.array([[1.0, 0.0], [0.0, 1.0]])
    np.testing.assert_allclose(model.drift(at), (chain.drift @ at.T).T, atol=0.12)
    np.testing.assert_allclose(model.diffusion(at)[0], chain.diffusion, atol=0.1)
    np.testing.assert_allclose(model.velocity(at), (chain.velocity_matrix() @ at.T).T, atol=0.1)
    np.testing.assert_allclose(model.score(at), -at @ np.linalg.inv(chain.stationary_covariance()), atol=0.06)
    np.testing.assert_allclose(
        model.force(at), np.linalg.solve(chain.diffusion, chain.velocity_matrix() @ at.T).T, atol=0.06
    )


@pytest.mark.unit
def test_errors_of_measurement_are_found_and_corrected():
    rng = np.random.default_rng(0)
    x = spinning_particle().simulate(points=1001, dt=0.01, trajectories=100, rng=rng)
    data = Trajectories.of(x + 0.1 * rng.normal(size=x.shape), dt=0.01)
    clean = Currents(**FAST).fit(Trajectories.of(x, dt=0.01), rng=np.random.default_rng(0))
    raw = Currents(**FAST).fit(data, rng=np.random.default_rng(0))
    corrected = Currents(measurement_noise=True, **FAST).fit(data, rng=np.random.default_rng(0))
    second = Currents(measurement_noise=True, order=2, **FAST).fit(data, rng=np.random.default_rng(0))
    np.testing.assert_allclose(raw.diagnostics.measurement_noise, 0.01, rtol=0.1)
    assert max(clean.diagnostics.measurement_noise) < 5e-4
    assert "measurement_noise=True" in " ".join(raw.warnings)
    assert "dt is coarse" not in " ".join(raw.warnings)
    assert raw.estimate.value < 0.6 * clean.estimate.value
    assert corrected.estimate.value == pytest.approx(clean.estimate.value, rel=0.08)
    assert second.estimate.value == pytest.approx(clean.extrapolated.value, rel=0.06)
    at = np.array([[1.0, 0.0]])
    np.testing.assert_allclose(second.model.drift(at), clean.model.drift(at), atol=0.25)
    assert abs(raw.model.drift(at)[0, 0]) > 1.5  # -1, and -1 more from the errors


@pytest.mark.calibration
def test_intervals_of_maps_cover_at_the_nominal_rate():
    from scipy.stats import binom

    runs, hits = 30, 0
    for seed in range(runs):
        rng = np.random.default_rng(seed)
        x = spinning_particle().simulate(points=301, dt=0.01, trajectories=60, rng=rng)
        data = Trajectories.of(x, dt=0.01)
        field = field_map(Currents(**FAST).fit(data, rng=rng), data, cells=3)
        corner, true = 0, -2.0 * field.places[0, 0]
        hits += field.low[corner, 1] <= true <= field.high[corner, 1]
    assert binom.ppf(0.001, runs, 0.95) <= hits


@pytest.mark.unit
def test_maps_are_plain_data(uneven):
    data, constant, own = uneven
    field = field_map(constant, data, kind="force", cells=5)
    rows = field.to_rows()
    assert len(rows) == 25 * 2
    assert set(rows[0]) == {"x0", "x1", "component", "value", "low", "high", "visits"}
    assert field.visits.sum() <= 100 * 1001
    middle = field.visits.argmax()
    assert np.abs(field.places[middle]).max() < 1.0
    assert field_map(own, data, cells=3).low is None  # the noise of D(x) is not known
    line = field_map(constant, data, axes=("x1",), cells=4, kind="drift")
    assert line.places.shape == (4, 1)
    assert line.note.startswith("x0 = ")
    current = field_map(constant, data, kind="current", cells=12)
    assert np.abs(current.values[current.visits == 0]).max(initial=0.0) == 0.0
    with pytest.raises(InvalidInput, match="one or two axes"):
        field_map(constant, data, axes=("y",))
    with pytest.raises(InvalidInput, match="needs all variables"):
        field_map(constant, data, axes=("x0",), kind="current")


@pytest.mark.unit
def test_currents_of_weights_are_moments_of_velocity_drift_and_diffusion():
    chain = bead_spring_chain(2)
    x = chain.simulate(points=1001, dt=0.01, trajectories=100, rng=np.random.default_rng(0))
    data, rng = Trajectories.of(x, dt=0.01), np.random.default_rng(0)

    def weight(x):
        return np.stack([x[:, 1], 0.0 * x[:, 0]], axis=1)

    S = chain.stationary_covariance()
    along = [
        correlation_current(data, weight, rng=rng, order=2),
        correlation_current(data, weight, rng=rng, order=2, convention="ito"),
        fluctuation_current(data, weight, rng=rng, order=2),
    ]
    for one, exact in zip(
        along, [(chain.velocity_matrix() @ S)[0, 1], (chain.drift @ S)[0, 1], S[1, 1] * 1.0], strict=True
    ):
        assert one.value == pytest.approx(exact, abs=0.25)
        assert one.low - 0.05 < exact < one.high + 0.05
    with pytest.raises(InvalidInput, match="shape"):
        correlation_current(data, lambda x: x[:, 0], rng=rng)
    with pytest.raises(InvalidInput, match="stratonovich or ito"):
        correlation_current(data, weight, rng=rng, convention="klimontovich")


@pytest.mark.law
@pytest.mark.parametrize("basis", [LinearBasis(), PolynomialBasis(4), RadialBasis(8)])
def test_slopes_of_bases_are_derivatives(basis):
    rng = np.random.default_rng(0)
    y = rng.normal(size=(40, 3))
    fitted = basis.fitted(rng.normal(size=(300, 3)), rng)
    slopes = fitted.slopes(y)
    for axis in range(3):
        step = 1e-6 * np.eye(3)[axis]
        numeric = (fitted.values(y + step) - fitted.values(y - step)) / 2e-6
        np.testing.assert_allclose(slopes[:, :, axis], numeric, atol=1e-6)


@pytest.mark.unit
def test_polynomials_are_orthonormal_for_gaussian_data():
    nodes, weights = np.polynomial.hermite_e.hermegauss(12)
    x, y = (one.ravel() for one in np.meshgrid(nodes, nodes))
    values = PolynomialBasis(3).values(np.stack([x, y], axis=1))
    w = np.outer(weights, weights).ravel() / weights.sum() ** 2
    np.testing.assert_allclose((values * w[:, None]).T @ values, np.eye(10), atol=1e-10)
