import itertools
import math

import numpy as np
import pytest
from clustered_counts import RARE, exact_entropy
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from secondlaw.errors import InvalidInput, NotEnoughData
from secondlaw.statistics.closed_form import (
    chao_shen,
    dirichlet,
    grassberger,
    jackknife,
    james_stein,
    miller_madow,
    plug_in,
)
from secondlaw.statistics.entropy_methods import METHODS, entropy
from secondlaw.statistics.nsb_posterior import nsb, nsb_moments

count_vectors = hnp.arrays(np.int64, (4, 5), elements=st.integers(0, 60)).filter(lambda c: (c.sum(axis=1) > 0).all())


@pytest.mark.unit
def test_plug_in_is_the_entropy_of_the_shares():
    counts = np.random.default_rng(0).integers(0, 30, size=(50, 4)) + np.array([1, 0, 0, 0])
    from scipy.stats import entropy as peer

    np.testing.assert_allclose(plug_in(counts), peer(counts, axis=1), atol=1e-12)


@pytest.mark.unit
def test_expected_plug_in_agrees_with_enumeration_of_all_counts():
    p, n = np.array([0.7, 0.2, 0.1]), 6
    tables = [c for c in itertools.product(range(n + 1), repeat=3) if sum(c) == n]
    chance = [math.factorial(n) / math.prod(map(math.factorial, c)) * np.prod(p ** np.array(c)) for c in tables]
    expected = float(np.dot(chance, plug_in(tables)))
    drawn = plug_in(np.random.default_rng(1).multinomial(n, p, size=40_000))
    assert abs(drawn.mean() - expected) < 4 * drawn.std() / 200


@pytest.mark.unit
def test_jackknife_leaves_out_one_response_at_a_time():
    counts = np.array([4, 2, 1, 0])
    n, whole = 7, float(plug_in(counts))
    without = sum(c * float(plug_in(counts - np.eye(4, dtype=int)[k])) for k, c in enumerate(counts) if c) / n
    assert float(jackknife(counts)) == pytest.approx(n * whole - (n - 1) * without, abs=1e-12)


@pytest.mark.unit
@pytest.mark.parametrize(
    ("name", "ours"), [("cs", chao_shen), ("js", james_stein), ("mm", lambda c: miller_madow(c, known=False))]
)
def test_agrees_with_an_independent_package(name, ours):
    # Its Grassberger is the older one of 1988, and its NSB weighs the likelihood differently: neither is compared.
    peer = pytest.importorskip("infomeasure", exc_type=ImportError)
    for counts in ([9, 4, 2, 1], [30, 5, 1, 1], [12, 3, 3, 2]):
        data = np.repeat(np.arange(4), counts)
        assert float(ours(counts)) == pytest.approx(float(peer.entropy(data, approach=name)), abs=1e-9)


@pytest.mark.unit
def test_grassberger_is_the_sum_of_its_printed_terms():
    # G(1) = -gamma - ln 2 and G(2) = G(3) = 2 - gamma - ln 2 (arXiv:physics/0307138, eq. 28-30).
    first = -np.euler_gamma - math.log(2)
    expected = math.log(6) - (1 * first + 2 * (first + 2) + 3 * (first + 2)) / 6
    assert float(grassberger([1, 2, 3])) == pytest.approx(expected, abs=1e-12)


@pytest.mark.unit
def test_nsb_moments_agree_with_sampling_the_prior():
    from scipy.special import digamma, gammaln

    rng, n = np.random.default_rng(2), np.array([3.5, 1.2, 0.3, 0.0, 0.0])
    log_beta = np.linspace(-25, 20, 20_001)
    xi = digamma(5 * np.exp(log_beta) + 1) - digamma(np.exp(log_beta) + 1)
    beta = np.exp(np.interp(rng.uniform(0, np.log(5), 100_000), xi, log_beta))
    log_weight = gammaln(5 * beta) - gammaln(n.sum() + 5 * beta)
    log_weight += (gammaln(n + beta[:, None]) - gammaln(beta)[:, None]).sum(axis=1)
    weight = np.exp(log_weight - log_weight.max())
    chosen = rng.choice(beta, size=60_000, p=weight / weight.sum())
    drawn = plug_in(rng.gamma(n + chosen[:, None]) + 1e-300)
    mean, sd = nsb_moments(n)
    assert float(mean) == pytest.approx(drawn.mean(), abs=0.006)
    assert float(sd) == pytest.approx(drawn.std(), abs=0.006)


@pytest.mark.unit
def test_nsb_handles_thousands_of_non_integer_vectors_and_shapes():
    counts = np.random.default_rng(3).random((40, 30, 5)) * 4
    values = nsb(counts)
    assert values.shape == (40, 30)
    assert float(values[7, 3]) == pytest.approx(float(nsb(counts[7, 3])), abs=1e-12)


@pytest.mark.unit
def test_auto_is_nsb_below_fifty_and_miller_madow_from_there():
    counts = np.array([[40, 5, 4, 0, 0], [40, 5, 5, 0, 0], [49, 0, 0, 0, 0]])
    np.testing.assert_allclose(entropy(counts), [float(nsb(counts[0])), float(miller_madow(counts[1])), nsb(counts[2])])


@pytest.mark.unit
def test_auto_gives_one_category_the_entropy_0_and_the_formula_stays_as_printed():
    counts = np.array([[100, 0, 0, 0, 0], [99, 1, 0, 0, 0]])
    np.testing.assert_allclose(entropy(counts), [0.0, miller_madow(counts[1])])
    assert float(miller_madow(counts[0])) == pytest.approx(0.02)


@pytest.mark.calibration
def test_that_rule_is_nearly_unbiased_where_one_category_is_common():
    rng, shares = np.random.default_rng(5), (0.995, 0.00125, 0.00125, 0.00125, 0.00125)
    counts = rng.multinomial(50, shares, size=20_000)
    off, printed = (entropy(counts, method=m) - exact_entropy(shares) for m in ("auto", "miller-madow"))
    assert abs(off.mean()) < 0.008
    assert printed.mean() > 0.02


@pytest.mark.unit
@pytest.mark.parametrize("method", METHODS)
def test_bad_counts_are_refused(method):
    with pytest.raises(NotEnoughData, match="1 of 2 count vectors hold no response"):
        entropy([[1, 2], [0, 0]], method=method)
    with pytest.raises(InvalidInput, match="not negative"):
        entropy([[1, -2]], method=method)
    with pytest.raises(InvalidInput, match="finite"):
        entropy([[1.0, np.nan]], method=method)
    with pytest.raises(InvalidInput, match="two or more categories"):
        entropy([5], method=method)


@pytest.mark.unit
def test_unknown_method_names_the_known_ones():
    with pytest.raises(InvalidInput, match="miller-madow"):
        entropy([1, 2], method="magic")


@pytest.mark.law
@settings(deadline=None)
@given(count_vectors, st.permutations(range(5)))
def test_order_of_categories_and_storage_do_not_matter(counts, order):
    for method in METHODS:
        values = entropy(counts, method=method)
        np.testing.assert_allclose(entropy(counts[:, list(order)], method=method), values, atol=1e-9)
        np.testing.assert_allclose(entropy(counts.astype(float), method=method), values, atol=1e-9)


@pytest.mark.law
@settings(deadline=None)
@given(count_vectors)
def test_bounded_estimators_stay_between_zero_and_log_k(counts):
    for estimator in (plug_in, miller_madow, james_stein, dirichlet, nsb):
        values = estimator(counts)
        assert (values >= -1e-12).all()
        assert (values <= math.log(5) + 1e-9).all()


@pytest.mark.law
@settings(deadline=None)
@given(count_vectors)
def test_all_estimators_agree_on_very_many_responses(counts):
    many = (counts + 1) * 10**6
    exact = plug_in(many)
    for method in METHODS:
        np.testing.assert_allclose(entropy(many, method=method), exact, atol=1e-4)


TABLE = {
    "auto": [(-0.003, 0.299), (-0.004, 0.150), (-0.002, 0.106)],
    "plug-in": [(-0.147, 0.309), (-0.044, 0.157), (-0.022, 0.109)],
    "miller-madow": [(0.053, 0.277), (-0.004, 0.150), (-0.002, 0.106)],
    "nsb": [(-0.003, 0.299), (0.000, 0.155), (0.004, 0.108)],
    "james-stein": [(-0.041, 0.360), (-0.024, 0.158), (-0.013, 0.109)],
    "grassberger": [(-0.003, 0.375), (0.007, 0.158), (0.005, 0.108)],
    "chao-shen": [(0.002, 0.391), (0.050, 0.168), (0.022, 0.104)],
}
"""Bias and RMSE in nats at 10, 50 and 100 responses; the shares are RARE (entropy .453)."""


@pytest.mark.paper
@pytest.mark.parametrize("method", TABLE)
def test_bias_and_error_of_the_estimators_are_those_tabulated(method):
    rng, exact = np.random.default_rng(4), exact_entropy(RARE)
    for n, (bias, error) in zip((10, 50, 100), TABLE[method], strict=True):
        off = entropy(rng.multinomial(n, RARE, size=20_000), method=method) - exact
        # Both numbers come from 20,000 draws; three decimals were printed.
        noise = 4 * math.sqrt(2) * off.std() / math.sqrt(20_000) + 0.0005
        assert abs(off.mean() - bias) < noise
        assert abs(math.sqrt((off**2).mean()) - error) < noise
