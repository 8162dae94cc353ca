"""Every estimator by its settings: names, copies, scikit-learn's clone, and names that do not exist."""

import pytest

import secondlaw.trajectories as room
from secondlaw.errors import InvalidInput
from secondlaw.trajectories import Currents, LinearBasis, MaxEnt, Network, PolynomialBasis, StateFluxes
from secondlaw.trajectories.parameters import Parameters

pytestmark = pytest.mark.unit

ESTIMATORS = [one for one in map(room.__dict__.get, room.__all__) if hasattr(one, "fit")]


def test_all_estimators_are_here():
    names = {one.__name__ for one in ESTIMATORS}
    assert names >= {"MaxEnt", "NEEP", "Currents", "MarkovPlugIn", "LinearModel", "JumpPlugIn", "WaitingTimes"}
    assert len(names) >= 11


@pytest.mark.parametrize("kind", ESTIMATORS, ids=lambda one: one.__name__)
def test_settings_by_name_and_a_copy_with_others(kind):
    first = kind()
    assert isinstance(first, Parameters)
    settings = first.get_params(deep=False)
    assert {"level", "resamples"} <= settings.keys()
    assert kind(**settings) == first
    other = first.set_params(level=0.9, resamples=77)
    assert (other.level, other.resamples, first.resamples) == (0.9, 77, settings["resamples"])
    assert eval(repr(other), dict(room.__dict__)) == other
    with pytest.raises(InvalidInput, match=f"{kind.__name__} has no setting 'levle'; perhaps level: it has .*level"):
        first.set_params(levle=0.9)


@pytest.mark.parametrize("kind", ESTIMATORS, ids=lambda one: one.__name__)
def test_scikit_learn_clones(kind):
    base = pytest.importorskip("sklearn.base")
    changed = kind().set_params(level=0.8)
    copy = base.clone(changed)
    assert copy == changed
    assert copy is not changed


def test_settings_of_settings():
    first = Currents(PolynomialBasis(2))
    assert first.get_params()["basis__degree"] == 2
    assert "basis__degree" not in first.get_params(deep=False)
    assert first.set_params(basis__degree=4).basis == PolynomialBasis(4)
    assert first.set_params(basis=Network(), basis__steps=9).basis.steps == 9
    with pytest.raises(InvalidInput, match="LinearBasis has no setting 'degree'"):
        first.set_params(basis=LinearBasis(), basis__degree=4)
    with pytest.raises(InvalidInput, match="has no settings of its own"):
        MaxEnt(StateFluxes(3)).set_params(lag__more=1)


def test_a_grid_of_scikit_learn_runs_over_the_settings():
    grid = pytest.importorskip("sklearn.model_selection").ParameterGrid({"lag": [1, 2], "folds": [4]})
    assert [MaxEnt().set_params(**one).lag for one in grid] == [1, 2]
