"""The published equation: what its parameters give under each reading (arXiv:2511.10704)."""

import numpy as np
import pytest

from secondlaw.alignment import PublishedDynamics, Sweep, critical_work, phase_transition_test
from secondlaw.errors import InvalidInput

pytestmark = pytest.mark.paper

STEPS = 10_000


def test_the_critical_work_is_the_printed_one():
    assert critical_work(largest_eigenvalue=1.2, parameters=7e9) == pytest.approx(13.6015, abs=5e-5)
    assert PublishedDynamics.stated().critical_work * 1.5 == pytest.approx(20.402, abs=5e-4)


def test_no_printed_reading_gives_the_printed_growth():
    assert PublishedDynamics.stated().expected(STEPS) == pytest.approx(0.326, abs=5e-4)
    assert PublishedDynamics.per_parameter().production() == pytest.approx(4200.0)


def test_fitted_values_give_it_and_its_synergy_is_addition():
    fitted = PublishedDynamics.fitted()
    rng = np.random.default_rng(0)
    ends = {
        terms: fitted.simulate(steps=STEPS, trials=1000, rng=rng, terms=terms) for terms in ("both", "noise", "gaming")
    }
    error = 1.08 / np.sqrt(1000)
    for terms, exact in (("both", 1.69), ("noise", 0.92), ("gaming", 1.09), ("neither", 0.32)):
        assert fitted.expected(STEPS, terms=terms) == pytest.approx(exact)
        if terms in ends:
            assert abs(ends[terms].mean() - exact) < 4 * error
            assert ends[terms].std() == pytest.approx(1.08, rel=0.1)
    parts = fitted.expected(STEPS, terms="noise") + fitted.expected(STEPS, terms="gaming") - fitted.start
    assert fitted.expected(STEPS, terms="both") == pytest.approx(parts)


def test_zero_at_the_end_needs_the_floor_and_comes_at_a_hundredth_of_the_critical_work():
    held = PublishedDynamics.fitted().bounded()
    for share in (1.5, 0.01):
        ends = held.simulate(steps=STEPS, trials=20, rng=np.random.default_rng(1), work=share * held.critical_work)
        assert ends.max() < 0.005  # the printed .00
    free = PublishedDynamics.fitted()
    assert free.simulate(steps=100, trials=20, rng=np.random.default_rng(1), work=free.critical_work).max() < -1000


def test_scaled_work_is_subtracted_at_the_rate_of_learning():
    scaled = PublishedDynamics(noise_trace=1.0, divergence=0.77, scaled_work=True, clipped=False)
    assert scaled.expected(STEPS, work=1.37) == pytest.approx(0.32)


def test_a_walk_held_at_the_floor_is_stepped_one_by_one():
    reading = PublishedDynamics(noise_trace=1.0, spread=0.2, start=0.1)
    paths = reading.paths(steps=200, trials=3, rng=np.random.default_rng(2), work=0.01)
    moves = reading.change("both", 0.01) + 0.2 * np.random.default_rng(2).standard_normal((3, 200))
    state = np.full(3, 0.1)
    for step in range(200):
        state = np.maximum(state + moves[:, step], 0.0)
        assert paths[:, step + 1] == pytest.approx(state, abs=1e-12)
    assert (paths == 0.0).any()


def test_its_only_threshold_is_where_work_equals_production():
    reading = PublishedDynamics(noise_trace=1.0, divergence=0.77)
    sigma = reading.production()
    shares = np.geomspace(0.3, 3.0, 12)
    rng = np.random.default_rng(0)

    def sweep(steps):
        ends = [max(0.0, reading.expected(steps, work=share * sigma)) / (steps * sigma) for share in shares]
        return Sweep(steps, shares, np.repeat(np.array(ends)[:, None], 5, axis=1))

    verdict = phase_transition_test([sweep(steps) for steps in (10**5, 10**6, 10**7)], rng=rng)
    assert verdict.kind == "threshold"
    assert verdict.floor[0] < 1.0 < verdict.floor[1]


@pytest.mark.parametrize("name", ["noise_trace", "divergence", "spread", "start"])
def test_a_negative_rate_is_refused(name):
    with pytest.raises(InvalidInput, match=rf"{name} is a rate and must be 0 or more, got -1"):
        PublishedDynamics(**{"noise_trace": 1.0, name: -1.0})


def test_an_unknown_term_is_refused():
    with pytest.raises(ValueError, match="everything"):
        PublishedDynamics.stated().production("everything")
