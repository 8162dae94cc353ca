import numpy as np
import pytest
from known_processes import CYCLE, driven_cycle, linear_langevin, reversible_noise

from secondlaw.errors import InvalidInput
from secondlaw.systems import spinning_particle
from secondlaw.trajectories import NEEP, TimeReversalClassifier, Trajectories, Transitions, windows

FAST = {"resamples": 300, "draws": 199}
SMALL = {"hidden": (16,), "epochs": 6, "rate": 0.01, **FAST}
SPIN = np.array([[-1.0, 2.0], [-2.0, -1.0]])


def estimators():
    pytest.importorskip("sklearn")
    return TimeReversalClassifier("logistic", **FAST), TimeReversalClassifier(iterations=40, **FAST)


def interleaved_cycles(steps, rng):
    moves = rng.choice([1, -1, 0], p=[0.5, 0.2, 0.3], size=(steps // 2, 2))
    return (np.cumsum(moves, axis=0) % 3).ravel().astype(float)


@pytest.mark.paper
def test_the_logistic_classifier_meets_the_driven_cycle_within_two_percent():
    pytest.importorskip("sklearn")
    rng = np.random.default_rng(0)
    data = Trajectories.of([driven_cycle(100_000, rng)])
    result = TimeReversalClassifier("logistic", discrete=True, **FAST).fit(data, rng=rng)
    assert result.estimate.value == pytest.approx(CYCLE, rel=0.02)
    assert result.estimate.covers(CYCLE)
    assert result.warnings == ()


@pytest.mark.paper
def test_neep_finds_the_driven_cycle():
    """Phys. Rev. Lett. 125, 140604: held-out value of the network."""
    pytest.importorskip("torch")
    rng = np.random.default_rng(0)
    data = Trajectories.of([driven_cycle(20_000, rng)])
    settings = {"discrete": True, "hidden": (32,), "epochs": 12, "rate": 0.01, **FAST}
    result = NEEP(**settings).fit(data, rng=np.random.default_rng(1))
    assert result.estimate.value == pytest.approx(CYCLE, rel=0.08)
    assert result.estimate.covers(CYCLE)
    jump = result.transition_entropy_production(Transitions.of([0.0, 1.0], [1.0, 0.0]))
    np.testing.assert_allclose(jump, [np.log(2.5), -np.log(2.5)], atol=0.15)


@pytest.mark.unit
def test_neep_repeats_itself_and_leaves_the_global_seed_alone():
    torch = pytest.importorskip("torch")
    data = Trajectories.of([driven_cycle(1500, np.random.default_rng(0))])
    state = torch.random.get_rng_state()
    one, two = (NEEP(discrete=True, **SMALL).fit(data, rng=np.random.default_rng(3)).estimate for _ in range(2))
    assert one == two
    assert bool((torch.random.get_rng_state() == state).all())


@pytest.mark.unit
def test_learned_bounds_of_linear_dynamics_stay_below_the_divergence():
    rng = np.random.default_rng(0)
    data = Trajectories.of(linear_langevin(SPIN, np.eye(2), 0.05, 60, 150, rng), dt=0.05)
    logistic, boosted = (one.fit(data, rng=np.random.default_rng(1)) for one in estimators())
    exact = spinning_particle().lag_divergence(0.05) / 0.05
    assert logistic.estimate.low > 5.0
    assert boosted.estimate.low > 3.5
    assert max(logistic.estimate.low, boosted.estimate.low) < exact
    assert logistic.estimate.unit == "nats per unit of time"


@pytest.mark.unit
def test_windows_show_a_classifier_what_pairs_hide():
    pytest.importorskip("sklearn")
    data = Trajectories.of([interleaved_cycles(8000, np.random.default_rng(0))])
    pairs, triples = (
        TimeReversalClassifier(iterations=60, discrete=True, **FAST).fit(rows, rng=np.random.default_rng(1))
        for rows in (data, windows(data, 3))
    )
    assert pairs.estimate.low == 0.0
    assert triples.estimate.low > 0.5 * CYCLE / 2
    assert triples.estimate.low < CYCLE / 2


@pytest.mark.calibration
def test_reversible_series_seldom_show_a_positive_lower_end(at_most):
    runs, positive, rejected = 15, [0, 0, 0], [0, 0, 0]
    pytest.importorskip("torch")
    for seed in range(runs):
        rng = np.random.default_rng(seed)
        data = Trajectories.of([reversible_noise(900, 2, rng)])
        for place, one in enumerate((*estimators(), NEEP(**SMALL))):
            result = one.fit(data, rng=rng)
            positive[place] += result.estimate.low > 0
            rejected[place] += result.null.p_value <= 0.05
    assert all(at_most(count, runs, 0.025) for count in positive)
    assert all(at_most(count, runs, 0.05) for count in rejected)


@pytest.mark.calibration
def test_the_low_end_stays_below_the_exact_value(at_most):
    pytest.importorskip("sklearn")
    above = missed = 0
    for seed in range(40):
        rng = np.random.default_rng(seed)
        data = Trajectories.of([driven_cycle(3000, rng)])
        estimate = TimeReversalClassifier("logistic", discrete=True, **FAST).fit(data, rng=rng).estimate
        above += estimate.low > CYCLE
        missed += not estimate.covers(CYCLE)
    assert at_most(above, 40, 0.025)
    assert at_most(missed, 40, 0.05)


@pytest.mark.unit
def test_bad_settings_are_named():
    rng = np.random.default_rng(0)
    data = Trajectories.of([rng.normal(size=300)])
    with pytest.raises(InvalidInput, match="boosting or logistic"):
        TimeReversalClassifier("forest").fit(data, rng=rng)
    pytest.importorskip("sklearn")
    with pytest.raises(InvalidInput, match="whole numbers"):
        TimeReversalClassifier(discrete=True).fit(data, rng=rng)
    pytest.importorskip("torch")
    with pytest.raises(InvalidInput, match="whole numbers"):
        NEEP(discrete=True).fit(data, rng=rng)
    with pytest.raises(InvalidInput, match="hidden layers"):
        NEEP(hidden=()).fit(data, rng=rng)
