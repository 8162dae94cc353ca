"""Bad or poor recordings through every estimator: a clear error or a warning, never a number that means nothing."""

import numpy as np
import pytest
from known_processes import linear_langevin

from secondlaw.errors import InvalidInput, NotEnoughData, SecondLawError
from secondlaw.trajectories import (
    NEEP,
    Currents,
    CustomObservables,
    LinearModel,
    MarkovPlugIn,
    MaxEnt,
    StateFluxes,
    TimeReversalClassifier,
    Trajectories,
    UncertaintyRelation,
    entropy_production,
    windows,
)

pytestmark = pytest.mark.unit

FAST = {"resamples": 200, "draws": 99}
OF_VARIABLES = {
    "MaxEnt": MaxEnt(**FAST),
    "UncertaintyRelation": UncertaintyRelation(**FAST),
    "logarithmic": UncertaintyRelation(form="logarithmic", **FAST),
    "LinearModel": LinearModel(**FAST),
    "Currents": Currents(**FAST),
    "logistic": TimeReversalClassifier("logistic", **FAST),
    "boosting": TimeReversalClassifier(iterations=5, **FAST),
    "NEEP": NEEP(hidden=(8,), epochs=1, **FAST),
}
OF_STATES = {
    "MaxEnt": MaxEnt(StateFluxes(3), **FAST),
    "MarkovPlugIn": MarkovPlugIn(order=1, **FAST),
    "logistic": TimeReversalClassifier("logistic", discrete=True, **FAST),
}


def circling(runs=30, steps=60, dt=0.1):
    drift = np.array([[-1.0, 2.0], [-2.0, -1.0]])
    return linear_langevin(drift, np.eye(2), dt, runs, steps, np.random.default_rng(0))


def fit(name, x, **settings):
    pytest.importorskip({"NEEP": "torch", "logistic": "sklearn", "boosting": "sklearn"}.get(name, "numpy"))
    data = Trajectories.of(x, dt=0.1)
    return OF_VARIABLES[name].set_params(**settings).fit(data, rng=np.random.default_rng(1))


@pytest.fixture(params=OF_VARIABLES)
def name(request):
    return request.param


def test_numbers_that_are_none_or_too_large_or_too_small_are_refused():
    x = circling()
    for value, said in ((np.nan, "not finite"), (np.inf, "not finite"), (1e308, "products overflow"), (-1e100, "unit")):
        bad = x.copy()
        bad[3, 4, 1] = value
        with pytest.raises(InvalidInput, match=said):
            Trajectories.of(bad)
        with pytest.raises(InvalidInput, match=said):
            entropy_production(bad)
    with pytest.raises(InvalidInput, match="products vanish: take another unit"):
        Trajectories.of(x * 1e-300)


def test_where_zero_lies_and_the_unit_change_nothing(name):
    x = circling()
    plain, moved = fit(name, x), fit(name, x * [1e6, 1e-6] + [3e5, 300.0])
    rel = 0.4 if name == "NEEP" else 1e-3  # one pass of training rounds in single precision
    assert moved.estimate.value == pytest.approx(plain.estimate.value, rel=rel, abs=0.05)


def test_one_short_trajectory_and_a_lag_beyond_the_data_are_refused(name):
    with pytest.raises(NotEnoughData, match="too few"):
        fit(name, circling(1, 30))
    if name != "Currents":
        with pytest.raises(NotEnoughData, match="longer than the data"):
            fit(name, circling(), lag=60)


def test_unequal_lengths_count_as_they_are_and_empty_ones_not(name):
    x = circling()
    plain = fit(name, [*x])
    more = fit(name, [*x, np.empty((0, 2)), x[0, :1]])
    assert more.estimate.value == pytest.approx(plain.estimate.value, rel=1e-5)  # currents: one row more for the mean
    assert more.estimate.n == plain.estimate.n
    shorter = fit(name, [one[: 20 + k] for k, one in enumerate(x)])
    assert shorter.diagnostics.transitions == sum(19 + k for k in range(30))


def test_variables_that_never_change_are_named(name):
    x = np.concatenate([circling(), np.ones((30, 60, 1))], axis=2)
    try:
        said = " ".join(fit(name, x).warnings)
    except InvalidInput as error:
        said = str(error)
    assert "never change" in said
    assert "x2" in said
    assert "leave" in said


def test_data_that_never_move_are_refused(name):
    with pytest.raises(SecondLawError, match=r"never (move|change)"):
        fit(name, np.ones((30, 60, 2)))


def test_an_outlier_that_decides_everything_is_named(name):
    x = circling()
    x[5, 5, 1] = 1e12
    try:
        said = " ".join(fit(name, x).warnings)
    except NotEnoughData as error:
        said = str(error)
    assert "outliers" in said or "reaches 1e+12" in said or "not positive" in said


def test_steps_without_noise_have_no_reverse(name):
    t = 0.3 * np.arange(60)
    try:
        said = " ".join(fit(name, np.stack([np.cos(t), np.sin(t)], axis=1)[None].repeat(30, 0)).warnings)
    except InvalidInput as error:
        said = str(error)
    assert "without error" in said


def test_a_drift_is_no_steady_state(name):
    x = np.cumsum(np.abs(np.random.default_rng(0).normal(size=(30, 60, 2))), axis=1)
    assert "differs between the halves" in " ".join(fit(name, x).warnings)


@pytest.mark.parametrize("kind", OF_STATES)
def test_states_that_are_poor_are_said_to_be(kind):
    pytest.importorskip("sklearn" if kind == "logistic" else "numpy")

    def said(x):
        return " ".join(OF_STATES[kind].fit(Trajectories.of([x]), rng=np.random.default_rng(0)).warnings)

    cycle = np.tile([0.0, 1.0, 2.0], 300)
    assert "never occur in reverse, such as" in said(cycle)
    assert "two states carry no current" in said(np.tile([0.0, 1.0], 300))
    once = (np.cumsum(np.random.default_rng(0).choice([1, -1], size=900, p=[0.7, 0.3])) % 2).astype(float)
    once[450] = 2.0
    assert "visited once and never again" in said(once)


def test_states_that_are_never_revisited_are_refused():
    with pytest.raises(NotEnoughData, match="no state is ever revisited"):
        MarkovPlugIn().fit(Trajectories.of([np.arange(900.0)]), rng=np.random.default_rng(0))


def test_observables_that_are_not_antisymmetric_are_named():
    data = Trajectories.of(circling())
    square = CustomObservables(lambda x0, x1: (x1[:, :1] - x0[:, :1]) ** 2, ("squared step",))
    for estimator in (MaxEnt(square, **FAST), UncertaintyRelation(square, **FAST)):
        with pytest.raises(InvalidInput, match=r"'squared step' is not antisymmetric.*use g"):
            estimator.fit(data, rng=np.random.default_rng(0))
    with pytest.raises(InvalidInput, match="not antisymmetric"):
        MaxEnt(square, **FAST).fit(windows(data, 3), rng=np.random.default_rng(0))
    broken = CustomObservables(lambda x0, x1: np.full((len(x0), 1), np.nan), ("ratio",))
    with pytest.raises(InvalidInput, match="not finite"):
        MaxEnt(broken, **FAST).fit(data, rng=np.random.default_rng(0))
    wrong = CustomObservables(lambda x0, x1: x1 - x0, ("one",))
    with pytest.raises(InvalidInput, match="returned shape"):
        MaxEnt(wrong, **FAST).fit(data, rng=np.random.default_rng(0))
