import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from secondlaw.statistics.common_shift import shift_effects, shrinkage, tilted, two_sided, unshrunk

SIDES = np.array([-1, 1, 1, -1, 0])
PRIOR = np.array([0.16, 0.29, 0.25, 0.08, 0.22])


def rows(seed, n=200):
    return np.random.default_rng(seed).dirichlet(3.0 * PRIOR, size=n)


@pytest.mark.law
@given(st.floats(-8, 8), st.integers(0, 99))
def test_a_tilt_moves_one_side_against_the_other_and_nothing_else(by, seed):
    p = rows(seed, 5)
    q = tilted(p, SIDES, by)
    np.testing.assert_allclose(q.sum(axis=1), 1.0)
    np.testing.assert_allclose(q[:, 4], p[:, 4])
    np.testing.assert_allclose(q[:, 1] * p[:, 2], q[:, 2] * p[:, 1])
    (up, down), (more, less) = ((of[:, 1] + of[:, 2], of[:, 0] + of[:, 3]) for of in (p, q))
    np.testing.assert_allclose(more * down * np.exp(-by), less * up)
    np.testing.assert_allclose(tilted(q, SIDES, -by), p, atol=1e-7)


@pytest.mark.unit
def test_unshrunk_gives_back_what_integrating_a_shift_out_took():
    log_odds = np.linspace(-4, 4, 9)
    nodes, mass = np.polynomial.hermite_e.hermegauss(60)
    harmful = (mass / mass.sum()) @ (1.0 / (1.0 + np.exp(-(log_odds[None] + 2.0 * nodes[:, None]))))
    found = unshrunk(np.column_stack([1 - harmful, harmful]), [0.5, 0.5], [-1, 1], 2.0)
    assert np.abs(np.log(found[:, 1] / found[:, 0]) - log_odds).max() < 0.35  # MacKay's approximation
    assert np.abs(np.log(harmful / (1 - harmful)) - log_odds).max() > 1.0
    assert shrinkage(0.0) == 1.0


@pytest.mark.unit
def test_what_says_nothing_stays_at_the_prior():
    np.testing.assert_allclose(unshrunk(PRIOR[None], PRIOR, SIDES, 2.0)[0], PRIOR)


@pytest.mark.unit
def test_a_shift_towards_harm_moves_shares_between_the_sides_and_no_shift_none():
    moved = shift_effects(rows(0), PRIOR, SIDES, [-2.0, 0.0, 2.0])
    np.testing.assert_allclose(moved.sum(axis=1), 0.0, atol=1e-9)
    np.testing.assert_allclose(moved[1], 0.0, atol=2e-3)
    towards_harm = moved @ SIDES
    assert towards_harm[0] < -0.1
    assert towards_harm[2] > 0.1


@pytest.mark.unit
def test_shares_out_of_reach_stay_there():
    prior = np.array([0.4, 0.4, 0.0, 0.0, 0.2])
    moved = shift_effects(rows(1), prior, SIDES, [-1.0, 1.0])
    assert np.all(moved[:, [2, 3]] == 0.0)


@pytest.mark.unit
@pytest.mark.parametrize(
    ("prior", "sides", "both"),
    [(PRIOR, SIDES, True), (PRIOR * (SIDES >= 0), SIDES, False), (PRIOR, np.zeros(5), False)],
)
def test_a_stratum_of_one_side_has_no_line(prior, sides, both):
    assert two_sided(prior, sides) is both
