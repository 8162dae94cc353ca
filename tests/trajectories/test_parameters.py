import pytest

from secondlaw.trajectories import MaxEnt, StateFluxes, UncertaintyRelation

pytestmark = pytest.mark.unit


def test_settings_by_name_and_a_copy_with_others():
    first = MaxEnt(StateFluxes(3), lag=2)
    assert first.get_params()["lag"] == 2
    assert first.set_params(lag=3) == MaxEnt(StateFluxes(3), lag=3)
    assert first.lag == 2


def test_scikit_learn_clones_estimators():
    base = pytest.importorskip("sklearn.base")
    estimator = UncertaintyRelation(form="logarithmic", blocks=50)
    assert base.clone(estimator) == estimator
