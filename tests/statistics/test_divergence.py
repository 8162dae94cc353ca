import numpy as np
import pytest
from clustered_counts import RARE, SPREAD, draw, fewest, most
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from secondlaw.errors import InvalidInput, NotEnoughData
from secondlaw.statistics.divergence import jensen_shannon, kullback_leibler, total_variation
from secondlaw.statistics.divergence_estimates import DIVERGENCES, divergence_estimate

vectors = hnp.arrays(np.int64, 4, elements=st.integers(0, 50)).filter(lambda c: c.sum() > 0)


@pytest.mark.unit
def test_values_agree_with_scipy():
    from scipy.spatial.distance import jensenshannon
    from scipy.stats import entropy

    p, q = np.array([3, 5, 2]), np.array([6, 1, 3])
    assert float(kullback_leibler(p, q)) == pytest.approx(entropy(p, q))
    assert float(jensen_shannon(p, q)) == pytest.approx(jensenshannon(p, q) ** 2)
    assert float(total_variation(p, q)) == pytest.approx(0.4)


@pytest.mark.law
@settings(deadline=None)
@given(vectors, vectors)
def test_bounds_symmetry_and_pinsker(p, q):
    js, tv = float(jensen_shannon(p, q)), float(total_variation(p, q))
    assert js == pytest.approx(float(jensen_shannon(q, p)), abs=1e-12)
    assert 0.0 <= js <= np.log(2)
    assert 0.0 <= tv <= 1.0
    assert js <= tv * np.log(2) + 1e-12
    assert float(kullback_leibler(p, q, smoothing=0.5)) >= 0.0
    assert 2 * tv**2 <= float(kullback_leibler(p, q, infinite=True)) + 1e-12


@pytest.mark.unit
def test_infinite_kullback_leibler_is_never_silent():
    with pytest.raises(InvalidInput, match="infinite for 1 of 1 pairs"):
        kullback_leibler([1, 1], [1, 0])
    assert np.isinf(kullback_leibler([1, 1], [1, 0], infinite=True))
    assert np.isfinite(kullback_leibler([1, 1], [1, 0], smoothing=0.5))
    with pytest.raises(InvalidInput, match="smoothing"):
        kullback_leibler([1, 1], [1, 1], smoothing=-1)


@pytest.mark.unit
@pytest.mark.parametrize("measure", DIVERGENCES)
@pytest.mark.parametrize("paired", [True, False])
def test_estimates_hold_together(measure, paired):
    rng = np.random.default_rng(0)
    now, before = draw(30, 8, SPREAD, 0.1, rng=rng)[0], draw(30, 8, RARE, 0.1, rng=rng)[0]
    estimate = divergence_estimate(now, before, rng=rng, measure=measure, paired=paired)
    assert 0.0 <= estimate.low <= estimate.value <= estimate.high
    assert estimate.low > 0.0 or measure == "kullback-leibler"  # too skewed here for a lower end above 0
    assert "p-value" in estimate.method
    assert estimate.unit == ("share" if measure == "total-variation" else "nats")


@pytest.mark.unit
def test_one_category_on_both_sides_is_not_certainly_unchanged():
    estimate = divergence_estimate([[5, 0]] * 8, [[5, 0]] * 8, rng=np.random.default_rng(0))
    assert estimate.value == estimate.low == 0.0
    assert estimate.high > 1e-3


@pytest.mark.unit
def test_bad_input_is_refused():
    rng = np.random.default_rng(0)
    with pytest.raises(InvalidInput, match="do not match"):
        divergence_estimate([[1, 2]], [[1, 2, 3]], rng=rng)
    with pytest.raises(InvalidInput, match="jensen-shannon"):
        divergence_estimate([[1, 2]], [[1, 2]], rng=rng, measure="hellinger")
    with pytest.raises(NotEnoughData, match="no response"):
        divergence_estimate([[0, 0]], [[1, 2]], rng=rng)


@pytest.mark.calibration
@pytest.mark.parametrize("measure", ["jensen-shannon", "total-variation"])
@pytest.mark.parametrize(("groups", "size", "correlation"), [(52, 6, 0.0), (20, 20, 0.3)])
def test_no_change_is_excluded_at_most_at_the_nominal_rate(measure, groups, size, correlation):
    rng, runs = np.random.default_rng([groups, size]), 100
    sets = zip(
        draw(groups, size, RARE, correlation, rng=rng, sets=runs),
        draw(groups, size, RARE, correlation, rng=rng, sets=runs),
        strict=True,
    )
    estimates = [divergence_estimate(a, b, rng=rng, measure=measure, resamples=200) for a, b in sets]
    assert sum(e.low > 0 for e in estimates) <= most(runs, 0.05)


@pytest.mark.calibration
@pytest.mark.parametrize("measure", ["jensen-shannon", "total-variation"])
def test_a_change_is_covered(measure):
    rng, runs = np.random.default_rng(5), 100
    exact = float((jensen_shannon if measure == "jensen-shannon" else total_variation)(SPREAD, RARE))
    sets = zip(draw(30, 10, SPREAD, 0.2, rng=rng, sets=runs), draw(30, 10, RARE, 0.2, rng=rng, sets=runs), strict=True)
    hits = sum(divergence_estimate(a, b, rng=rng, measure=measure, resamples=300).covers(exact) for a, b in sets)
    assert hits >= fewest(runs, 0.95)
