import numpy as np
import pytest
from simulated_responses import covers, entropy, responses, scores, within_band

from secondlaw.errors import InvalidInput
from secondlaw.statistics import em
from secondlaw.statistics.calibration import CalibrationSample, stretch
from secondlaw.statistics.em import em_shares
from secondlaw.statistics.resampling import resample_weights
from secondlaw.statistics.share_entropy import entropy_from_shares

PI = np.array([0.6, 0.25, 0.1, 0.05, 0.0])
EQUAL = np.full(5, 0.2)
REACHABLE = np.array([[0.3, 0, 0, 0.3, 0.4], [0, 0.3, 0.3, 0, 0.4], [0.2] * 5])


def cell(rng, shares=PI, prompts=30, per_prompt=10, separation=2.2, resamples=300):
    y, g = responses(shares, prompts, per_prompt, rng)
    return y, scores(y, len(shares), separation, rng), g, resample_weights(prompts, resamples, rng=rng)


@pytest.mark.unit
def test_corrects_what_argmax_and_mean_probabilities_miss():
    rng = np.random.default_rng(0)
    y, p, g, W = cell(rng, prompts=3000, per_prompt=2, resamples=100)
    fit = em_shares(p, EQUAL, np.zeros(len(p), int), g, W)
    truth = np.bincount(y, minlength=5) / len(y)
    argmax = np.bincount(p.argmax(axis=1), minlength=5) / len(y)
    assert fit.converged
    assert np.abs(fit.shares - truth).max() < 0.015
    assert np.abs(argmax - truth).max() > 0.05
    assert fit.log_likelihood > 0.0


@pytest.mark.unit
def test_strata_add_up_by_their_rows_and_keep_out_of_reach_what_is_unreachable():
    rng = np.random.default_rng(1)
    _, p, g, W = cell(rng)
    fit = em_shares(p, REACHABLE, g % 3, g, W, rng=rng)
    assert np.all(fit.strata_shares[0][[1, 2]] == 0.0)
    assert np.all(fit.strata_replicates[1][:, [0, 3]] == 0.0)
    np.testing.assert_allclose(fit.shares, fit.strata_rows @ fit.strata_shares / 300)
    np.testing.assert_allclose(fit.replicates.sum(axis=1), 1.0)
    alone = em_shares(p[g % 3 == 0], REACHABLE[0], np.zeros(100, int), g[g % 3 == 0], np.ones((1, 30)))
    np.testing.assert_allclose(fit.strata_shares[0], alone.shares, atol=1e-8)


@pytest.mark.unit
def test_a_replicate_without_a_prompt_of_a_stratum_rests_on_the_others():
    p = np.array([[0.9, 0.1], [0.2, 0.8]])
    fit = em_shares(p, [[1.0, 0.0], [0.5, 0.5]], [0, 1], [0, 1], [[0.0, 2.0], [2.0, 0.0]])
    np.testing.assert_allclose(fit.replicates, [[0.0, 1.0], [1.0, 0.0]], atol=1e-6)


@pytest.mark.unit
def test_one_category_seen_keeps_an_upper_bound_on_the_others():
    p = np.tile([0.98, 0.01, 0.01], (60, 1))
    W = resample_weights(20, 2000, rng=np.random.default_rng(2))
    fit = em_shares(p, np.full(3, 1 / 3), np.zeros(60, int), np.arange(60) // 3, W, rng=np.random.default_rng(3))
    assert fit.shares[0] == pytest.approx(1.0, abs=1e-6)
    high = np.quantile(fit.replicates[:, 1], 0.975)
    assert 0.08 < high < 0.16  # three of twenty prompts
    assert np.quantile(fit.replicates[:, 1], 0.025) == pytest.approx(0.0, abs=1e-6)


@pytest.mark.unit
def test_many_rows_take_the_quadratic_route_and_agree(monkeypatch):
    rng = np.random.default_rng(4)
    _, p, g, W = cell(rng, prompts=200, per_prompt=10)
    exact = em_shares(p, EQUAL, np.zeros(2000, int), g, W)
    monkeypatch.setattr(em, "MAX_ROWS", 10)
    model = em_shares(p, EQUAL, np.zeros(2000, int), g, W)
    np.testing.assert_allclose(model.shares, exact.shares, atol=1e-8)
    spread = exact.replicates.std(axis=0).max()
    assert np.abs(model.replicates - exact.replicates).max() < 0.2 * spread
    assert np.abs((model.replicates - exact.replicates).mean(axis=0)).max() < 0.02 * spread
    assert np.abs(model.replicates.std(axis=0) - exact.replicates.std(axis=0)).max() < 0.03 * spread


@pytest.mark.unit
def test_a_thousand_replicates_take_a_few_newton_steps():
    rng = np.random.default_rng(5)
    for _ in range(4):
        _, p, g, W = cell(rng, resamples=1000)
        fit = em_shares(p, REACHABLE, g % 3, g, W)
        assert fit.converged
        assert fit.iterations <= 25  # measured: 16 or 17; EM would take hundreds


@pytest.mark.calibration
def test_shares_and_entropy_cover_under_clustering():
    runs, hits, entropy_hits = 100, np.zeros(5), 0
    shares = np.array([0.55, 0.2, 0.12, 0.08, 0.05])
    for seed in range(runs):
        rng = np.random.default_rng(seed)
        _, p, g, W = cell(rng, shares=shares, prompts=60, per_prompt=6)
        fit = em_shares(p, EQUAL, np.zeros(len(p), int), g, W, rng=rng)
        hits += covers(fit.replicates, shares)
        S = entropy_from_shares(fit.shares, fit.replicates)
        entropy_hits += bool(covers(S.replicates, entropy(shares)))
    assert all(within_band(h, runs, 0.91, 0.99) for h in hits), hits
    assert within_band(entropy_hits, runs, 0.91, 0.99), entropy_hits


def miscalibrated(rng, prompts, shares, tilt):
    y, g = responses(shares, prompts, 4, rng)
    p = scores(y, 3, 2.0, rng) * tilt  # the classifier leans towards a category
    return y, p / p.sum(axis=1, keepdims=True), g


@pytest.mark.calibration
def test_a_calibration_sample_adds_doubt_and_removes_bias():
    truth, tilt = np.array([0.7, 0.2, 0.1]), np.array([1.0, 1.6, 1.0])
    errors, rectified, widths = [], [], []
    hits = np.zeros(3)
    for seed in range(60):
        rng = np.random.default_rng(seed)
        y, q, h = miscalibrated(rng, 100, [1 / 3] * 3, tilt)
        sample = CalibrationSample(q, y, np.zeros(len(q), int), h)
        C = resample_weights(100, 300, rng=rng)
        _, p, g = miscalibrated(rng, 80, truth, tilt)
        W = resample_weights(80, 300, rng=rng)
        rows = (p, np.full(3, 1 / 3), np.zeros(len(p), int), g, W)
        plain = em_shares(*rows)
        fixed = em_shares(*rows, calibration=sample, calibration_weights=C, rectify=True)
        errors.append(plain.shares - truth)
        rectified.append(fixed.shares - truth)
        widths.append(fixed.replicates.std(axis=0) / plain.replicates.std(axis=0))
        hits += covers(fixed.replicates, truth)
    assert np.abs(np.mean(errors, axis=0)).max() > 0.025
    assert np.abs(np.mean(rectified, axis=0)).max() < 0.012
    assert np.mean(widths) > 1.1
    assert all(within_band(hit, 60, 0.88, 0.99) for hit in hits), hits


@pytest.mark.unit
@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"probabilities": [[np.nan, 1.0]]}, "NaN"),
        ({"probabilities": [[0.0, 1.0]], "priors": [1.0, 0.0]}, "no probability to any category"),
        ({"strata": [3]}, "strata must lie"),
        ({"groups": [7]}, "groups must lie"),
        ({"priors": [0.0, 0.0]}, "positive sum"),
        ({"probabilities": np.zeros((0, 2)), "strata": [], "groups": []}, "n > 0"),
    ],
)
def test_bad_input_is_named(change, message):
    rows = {"probabilities": [[0.4, 0.6]], "priors": [0.5, 0.5], "strata": [0], "groups": [0], "weights": [[1.0]]}
    with pytest.raises(InvalidInput, match=message):
        em_shares(**(rows | change))


@pytest.mark.unit
@pytest.mark.parametrize("prior", [EQUAL, np.array([0.5, 0.3, 0.1, 0.05, 0.05]), np.array([0.05, 0.1, 0.15, 0.3, 0.4])])
@pytest.mark.parametrize("shares", [np.array([0.5, 0.2, 0.1, 0.1, 0.1]), np.array([0.05, 0.05, 0.3, 0.2, 0.4])])
def test_agrees_with_quapy(prior, shares):
    quapy = pytest.importorskip("quapy", exc_type=ImportError)
    emq = pytest.importorskip("quapy.method.aggregative", exc_type=ImportError).EMQ
    assert quapy is not None
    rng = np.random.default_rng(6)
    _, p, g, W = cell(rng, prompts=500, per_prompt=2, resamples=2, shares=shares)
    p = p * prior / (p * prior).sum(axis=1, keepdims=True)  # calibrated under this prior instead of an even one
    theirs, _ = emq.EM(prior, p, epsilon=1e-9)
    ours = em_shares(p, prior, np.zeros(len(p), int), g, W)
    np.testing.assert_allclose(ours.shares, theirs, atol=1e-5)


@pytest.mark.calibration
@pytest.mark.parametrize("sources", [3, 6, 12])
def test_a_range_of_sources_stretched_bounds_the_next_one(sources):
    rng, runs = np.random.default_rng(sources), 4000
    drawn = rng.normal(size=(runs, sources + 1))
    known, following = drawn[:, :-1], drawn[:, -1]
    mean = known.mean(axis=1)
    low, high = (mean + stretch(sources) * (end - mean) for end in (known.min(axis=1), known.max(axis=1)))
    held = int(((low <= following) & (following <= high)).sum())
    assert 0.93 < held / runs < 0.98  # plain ranges: .50, .71, .85
    plain = ((known.min(axis=1) <= following) & (following <= known.max(axis=1))).mean()
    assert plain == pytest.approx((sources - 1) / (sources + 1), abs=0.03)
