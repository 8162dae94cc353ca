import numpy as np
import pytest
from known_processes import CYCLE, driven_cycle, reversible_noise

from secondlaw.errors import InvalidInput, NotEnoughData
from secondlaw.systems import LinearLangevin, heat_conducting_oscillators
from secondlaw.trajectories import (
    MaxEnt,
    Trajectories,
    WindowProducts,
    WordFluxes,
    entropy_production,
    window_growth,
    windows,
)

FAST = {"resamples": 400, "draws": 199}


def interleaved_cycles(steps, rng):
    """Two driven cycles that take turns: pairs show nothing, memory of two steps, CYCLE nats a step."""
    moves = rng.choice([1, -1, 0], p=[0.5, 0.2, 0.3], size=(steps // 2, 2))
    return (np.cumsum(moves, axis=0) % 3).ravel().astype(float)


@pytest.mark.unit
def test_windows_are_reversed_with_their_odd_variables():
    data = Trajectories.of([np.arange(10.0).reshape(5, 2), [[7.0, 8.0]]], variables=("x", "v"), dt=0.5)
    found = windows(data, 3, odd=("v",))
    assert found.x0[0].tolist() == [0, 1, 2, 3, 4, 5]
    assert found.x1[0].tolist() == [4, -5, 2, -3, 0, -1]
    assert (len(found), found.dt, found.lag, found.groups.tolist()) == (3, 1.0, 2, [0, 0, 0])
    shorter = found.first(2)
    assert shorter.x0[2].tolist() == [4, 5, 6, 7]
    assert shorter.x1[2].tolist() == [6, -7, 4, -5]
    assert (shorter.dt, shorter.lag, shorter.variables) == (0.5, 1, ("x[0]", "v[0]", "x[1]", "v[1]"))
    assert windows(data, 2, lag=3, odd=("v",)).x1.tolist() == [[6, -7, 0, -1], [8, -9, 2, -3]]


@pytest.mark.unit
def test_window_observables_change_sign_and_none_vanishes_or_doubles():
    rng = np.random.default_rng(0)
    data = windows(Trajectories.of(rng.normal(size=(1, 60, 2)), variables=("x", "v")), 3, odd=("v",))
    products = WindowProducts.of(data)
    ahead, back = products.values(data.x0, data.x1), products.values(data.x1, data.x0)
    np.testing.assert_allclose(ahead, -back)
    assert len(products.names) == ahead.shape[1]
    assert np.linalg.matrix_rank(ahead) == ahead.shape[1]
    words = WordFluxes(3, 3)
    codes = windows(Trajectories.of([rng.integers(0, 3, size=400).astype(float)]), 3)
    flux = words.values(codes.x0, codes.x1)
    np.testing.assert_array_equal(flux, -words.values(codes.x1, codes.x0))
    palindromes = codes.x0[:, 0] == codes.x0[:, 2]
    np.testing.assert_array_equal(np.abs(flux).sum(axis=1), ~palindromes)


@pytest.mark.paper
def test_the_bound_grows_with_the_window_of_a_process_with_memory():
    """arXiv 2505.10444, memory: here D_L / (L - 1) is (L - 2) / (L - 1) of the exact value."""
    x = interleaved_cycles(40_000, np.random.default_rng(0))
    growth = window_growth(
        Trajectories.of([x]),
        (2, 3, 4),
        rng=np.random.default_rng(1),
        observables=lambda w: WordFluxes(3, w.points),
        **FAST,
    )
    two, three, four = (result.estimate for result in growth.results)
    assert two.low == 0.0
    assert two.value < 0.01
    assert three.covers(CYCLE / 2)
    assert four.covers(2 * CYCLE / 3)
    assert four.low > three.high
    assert all(step.covers(CYCLE) for step in growth.increments)
    assert growth.increments[0].unit == "nats/step"


@pytest.mark.unit
def test_windows_of_part_of_a_linear_system_meet_the_exact_divergence():
    system = LinearLangevin([[-1, 2, 0], [-2, -1, 1], [0, 0.5, -1]], [1, 1, 1])
    x = system.simulate(points=600, dt=0.2, trajectories=60, rng=np.random.default_rng(0))[:, :, [0, 2]]
    for points in (2, 3):
        exact = system.window_divergence(0.2, points=points, observed=(0, 2)) / 0.2 / (points - 1)
        found = MaxEnt(**FAST).fit(windows(Trajectories.of(x, dt=0.2), points), rng=np.random.default_rng(1)).estimate
        assert found.covers(exact)
        assert found.low > 0
        assert found.high < system.entropy_production_rate()


@pytest.mark.unit
def test_odd_variables_are_warned_of_and_bad_windows_named():
    data = Trajectories.of(np.random.default_rng(0).normal(size=(30, 40, 2)), variables=("x", "v"))
    result = entropy_production(windows(data, 2, odd=("v",)))
    assert any("odd variables" in text for text in result.warnings)
    with pytest.raises(InvalidInput, match="none of x, v"):
        windows(data, 2, odd=("u",))
    with pytest.raises(InvalidInput, match="two states or more"):
        windows(data, 1)
    with pytest.raises(NotEnoughData, match="longer than the data"):
        windows(data, 3, lag=20)
    with pytest.raises(InvalidInput, match="windows with 3 states"):
        WindowProducts(("a",), 3, (1,)).values(np.zeros((2, 2)), np.zeros((2, 2)))
    with pytest.raises(InvalidInput, match="increase"):
        window_growth(data, (3, 2), rng=np.random.default_rng(0))
    with pytest.raises(InvalidInput, match="order 1 or 2"):
        WindowProducts(("a",), 2, (1,), order=3)


@pytest.mark.calibration
@pytest.mark.parametrize("points", [2, 3])
def test_reversible_windows_seldom_show_a_positive_lower_end(points, at_most):
    positive = grown = 0
    for seed in range(25):
        rng = np.random.default_rng(seed)
        data = Trajectories.of([reversible_noise(1200, 2, rng)])
        found = window_growth(data, (points, points + 1), rng=rng, **FAST)
        positive += found.results[1].estimate.low > 0
        grown += found.increments[0].low > 0
    assert at_most(positive, 25, 0.025)
    assert at_most(grown, 25, 0.025)


@pytest.mark.calibration
def test_equilibrium_with_velocities_seldom_shows_a_positive_lower_end(at_most):
    system, positive = heat_conducting_oscillators(temperatures=(2.0, 2.0)), 0
    for seed in range(20):
        rng = np.random.default_rng(seed)
        x = system.simulate(points=60, dt=0.2, trajectories=25, rng=rng)
        data = Trajectories.of(x, variables=("x", "y", "u", "v"), dt=0.2)
        positive += MaxEnt(**FAST).fit(windows(data, 2, odd=("u", "v")), rng=rng).estimate.low > 0
    assert at_most(positive, 20, 0.025)


@pytest.mark.unit
def test_words_of_two_are_the_jumps_of_state_fluxes():
    data = Trajectories.of([driven_cycle(4000, np.random.default_rng(0))])
    words = MaxEnt(WordFluxes(3, 2), **FAST).fit(windows(data, 2), rng=np.random.default_rng(1))
    assert words.estimate.covers(CYCLE)
    sigma = words.transition_entropy_production(windows(data, 2))
    assert sigma.mean() == pytest.approx(words.train_value, rel=0.05)
