"""Model A: simulation against the exact Dirichlet law, and its entropy production."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import digamma, gammaln

from secondlaw.alignment import (
    GoalDiffusion,
    Sweep,
    goal_potential,
    medium_production,
    operating_point,
    phase_transition_test,
    simulate_goals,
    stationary_production,
)
from secondlaw.errors import InvalidInput

PROXY, INTENDED = [0.4, 0.3, 0.1, 0.1, 0.05, 0.05], [0.05, 0.75, 0.05, 0.05, 0.05, 0.05]
EXACT = {0.0: 1.2843, 0.3: 1.2804, 1.0: 1.1893, 3.0: 1.0814, 10.0: 1.0081}
SWIRL = [[0.0, 1.0, -1.0], [-1.0, 0.0, 1.0], [1.0, -1.0, 0.0]]


def model(work=1.0, **changed):
    settings = {"proxy": PROXY, "intended": INTENDED, "gaming": 0.5, "work": work, "diffusion": 0.05}
    return GoalDiffusion(**(settings | changed))


@pytest.mark.unit
@pytest.mark.parametrize("work", EXACT)
def test_the_mean_entropy_is_the_checked_one(work):
    assert model(work).mean_entropy() == pytest.approx(EXACT[work], abs=5e-5)


@pytest.mark.calibration
@pytest.mark.parametrize("work", [1.0, 10.0])
def test_a_simulation_has_the_exact_law(work):
    one = model(work)
    dt = 0.02
    steps = int(max(one.mixing_time(), 5.0) / dt)
    paths = simulate_goals(one, steps=steps, dt=dt, agents=1500, rng=np.random.default_rng(3))
    drawn = one.draw(100_000, rng=np.random.default_rng(4))
    spread = -(drawn * np.log(drawn)).sum(axis=1).std()
    assert abs(paths.mean_entropy()[-1] - one.mean_entropy()) < 4 * abs(spread) / np.sqrt(1500) + 0.01
    assert paths.shares[-1].mean(axis=0) == pytest.approx(one.mean_shares(), abs=0.02)


@pytest.mark.unit
def test_the_relaxation_after_a_change_produces_the_divergence_of_the_two_laws():
    before = GoalDiffusion([0.4, 0.3, 0.3], [0.2, 0.4, 0.4], gaming=1.0, work=0.5, diffusion=0.2)
    after = GoalDiffusion([0.4, 0.3, 0.3], [0.2, 0.4, 0.4], gaming=1.0, work=3.0, diffusion=0.2)

    def own_entropy(one):  # of the logits, up to the same constant for both
        alpha = one.concentration()
        return gammaln(alpha).sum() - gammaln(alpha.sum()) - (alpha * (digamma(alpha) - digamma(alpha.sum()))).sum()

    start = np.log(before.draw(4000, rng=np.random.default_rng(2)))
    paths = simulate_goals(after, steps=600, dt=0.01, agents=4000, rng=np.random.default_rng(3), start=start)
    medium = medium_production(after, paths.logits[0], paths.logits[-1])
    total = medium.mean() + own_entropy(after) - own_entropy(before)
    assert abs(total - before.relaxation_production(after)) < 4 * medium.std() / np.sqrt(4000)
    assert before.relaxation_production(before) == pytest.approx(0.0, abs=1e-12)


@pytest.mark.calibration
def test_a_potential_flow_at_rest_produces_nothing_and_a_swirl_does():
    one = GoalDiffusion([0.4, 0.3, 0.3], [0.2, 0.4, 0.4], gaming=1.0, work=0.5, diffusion=0.2)
    settings = {"duration": 20.0, "dt": 0.01, "agents": 40}
    rates = [stationary_production(one, **settings, rng=np.random.default_rng(seed)) for seed in range(10)]
    assert sum(rate.covers(0.0) for rate in rates) >= 7  # P(fewer | .95) < 1e-3
    driven = stationary_production(one, force=SWIRL, **settings, rng=np.random.default_rng(0))
    assert driven.low > 0.5


@pytest.mark.unit
def test_the_pull_is_the_gradient_of_the_potential():
    one, z, step = model(), np.array([0.3, -0.2, 0.5, 0.0, -0.4, -0.2]), 1e-6
    slope = [
        (goal_potential(one, z + step * unit) - goal_potential(one, z - step * unit)) / (2 * step) for unit in np.eye(6)
    ]
    p = np.exp(z) / np.exp(z).sum()
    assert -np.array(slope) == pytest.approx(0.5 * (np.array(PROXY) - p) + 1.0 * (np.array(INTENDED) - p), abs=1e-8)


@pytest.mark.unit
def test_a_moving_proxy_and_anisotropic_noise_are_followed():
    rng = np.random.default_rng(0)
    quiet = model(work=0.0, diffusion=1e-9)
    late = np.roll(PROXY, 1)
    paths = simulate_goals(
        quiet, steps=8000, dt=0.05, agents=5, rng=rng, proxy=lambda time: PROXY if time < 100 else late, every=2000
    )
    assert paths.shares[1].mean(axis=0) == pytest.approx(PROXY, abs=0.01)
    assert paths.shares[-1].mean(axis=0) == pytest.approx(late, abs=0.01)
    # Noise along one direction alone leaves the other at rest.
    along = np.array([1.0, -1.0, 0.0])
    flat = GoalDiffusion([1 / 3] * 3, [1 / 3] * 3, gaming=0.0, work=1e-9, diffusion=1.0)
    noisy = simulate_goals(flat, steps=100, dt=0.01, agents=50, rng=rng, noise=np.outer(along, along))
    assert np.abs(noisy.logits[-1] @ [1.0, 1.0, -2.0]).max() < 1e-6
    assert (noisy.logits[-1] @ along).std() == pytest.approx(2.0, rel=0.3)


@pytest.mark.law
@given(st.floats(1.009, 1.28))
def test_the_operating_point_holds_the_tolerance_and_less_does_not(tolerance):
    work = operating_point(model(0.0), tolerance=tolerance)
    assert model(work * 1.001 + 1e-9).mean_entropy() <= tolerance + 1e-9
    assert model(work * 0.999).mean_entropy() >= tolerance - 1e-9


@pytest.mark.unit
def test_an_operating_point_that_no_work_attains_is_refused():
    with pytest.raises(InvalidInput, match=r"the intended goals have 0\.9647 nats themselves"):
        operating_point(model(), tolerance=0.9)
    assert operating_point(model(), tolerance=1.5) == 0.0


@pytest.mark.calibration
def test_it_has_no_transition():
    shares = np.geomspace(0.3, 3.0, 9)
    for seed in range(5):
        rng = np.random.default_rng(seed)
        sweeps = []
        for goals in (6, 60, 600):
            proxy, intended = np.full(goals, 0.5 / (goals - 1)), np.full(goals, 0.05 / (goals - 1))
            proxy[-1], intended[0] = 0.5, 0.95
            drawn = [model(share, proxy=proxy, intended=intended).draw(200, rng=rng)[:, 0] for share in shares]
            sweeps.append(Sweep(goals, shares, np.stack(drawn)))
        assert phase_transition_test(sweeps, rng=rng).kind == "crossover"


@pytest.mark.unit
@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"proxy": [1.0], "intended": [1.0]}, "proxy needs at least two goals"),
        ({"proxy": [0.5, 0.6]}, "proxy must sum to 1, got 1.1"),
        ({"intended": [1.5, -0.5]}, "intended must hold probabilities, got -0.5"),
        ({"intended": [0.5, 0.5]}, "proxy has 6 goals and intended 2"),
        ({"gaming": -0.1}, "gaming is a rate and must be 0 or more, got -0.1"),
        ({"diffusion": 0.0}, "diffusion must be a positive number, got 0"),
    ],
)
def test_what_is_no_model_is_refused(changed, message):
    with pytest.raises(InvalidInput, match=message):
        model(**changed)


@pytest.mark.unit
def test_what_cannot_be_simulated_is_refused():
    with pytest.raises(InvalidInput, match=r"dt must be at most 0\.667"):
        simulate_goals(model(), steps=10, dt=0.7, agents=5, rng=np.random.default_rng(0))
    with pytest.raises(InvalidInput, match="antisymmetric 6 x 6"):
        simulate_goals(model(), steps=10, dt=0.1, agents=5, rng=np.random.default_rng(0), force=np.eye(6))
    with pytest.raises(InvalidInput, match="favored by neither"):
        GoalDiffusion([1.0, 0.0], [1.0, 0.0], gaming=1.0, work=1.0, diffusion=1.0).mean_entropy()
