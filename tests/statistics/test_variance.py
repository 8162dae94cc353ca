import numpy as np
import pytest
from clustered_counts import RARE, SPREAD, draw, fewest
from simulated_responses import entropy, responses

from secondlaw.errors import NotEnoughData
from secondlaw.statistics.resampling import resample_weights
from secondlaw.statistics.variance import decompose_variance, entropy_influence, share_influence
from secondlaw.types import Estimate, Insufficient

SHARES = np.array([0.6, 0.2, 0.1, 0.06, 0.04])


def counts_of(prompts, per_prompt, rng, strength=4.0):
    y, g = responses(SHARES, prompts, per_prompt, rng, strength)
    counts = np.zeros((prompts, 5))
    np.add.at(counts, (g, y), 1)
    return counts


def decompose(counts, rng, **options):
    W = resample_weights(len(counts), 400, rng=rng)
    return decompose_variance(counts, W, influence=entropy_influence(counts.sum(axis=0)), **options)


@pytest.mark.calibration
def test_components_and_total_match_the_simulation():
    totals, parts, per_prompt, entropies = [], [], [], []
    for seed in range(200):
        rng = np.random.default_rng(seed)
        counts = counts_of(60, 8, rng)
        fit = decompose(counts, rng)
        totals.append(fit.total)
        parts.append(fit.prompt.value)
        per_prompt.append(fit.per_prompt)
        entropies.append(entropy(counts.sum(axis=0) / counts.sum()))
    psi = entropy_influence(SHARES)
    spread, correlation = SHARES @ psi**2, 1.0 / (1.0 + 4.0)
    assert np.mean(per_prompt) == pytest.approx(spread * correlation, rel=0.1)
    assert np.mean(totals) == pytest.approx(np.var(entropies), rel=0.3)  # the variance of 200 draws is itself uncertain
    assert np.mean(parts) == pytest.approx(correlation / (correlation + (1 - correlation) / 8), abs=0.06)


@pytest.mark.unit
def test_more_responses_help_only_the_sampling_part():
    rng = np.random.default_rng(0)
    fit = decompose(counts_of(100, 50, rng), rng, classifier_replicates=rng.normal(0.5, 0.02, 500))
    parts = [fit.sampling, fit.prompt, fit.classifier]
    assert all(isinstance(p, Estimate) for p in parts)
    assert sum(p.value for p in parts) == pytest.approx(1.0)
    assert fit.at(100, 50) == pytest.approx(fit.total)
    saved = fit.doubling_removes(100, 50)
    assert saved.value == pytest.approx(1.0 - fit.at(100, 100) / fit.at(100, 50))
    assert saved.low <= saved.value <= saved.high < 0.5
    assert fit.at(200, 50) - fit.from_classifier == pytest.approx((fit.at(100, 50) - fit.from_classifier) / 2)


@pytest.mark.unit
def test_equal_prompts_have_no_prompt_part():
    counts = np.tile([6, 2, 1, 1, 0], (40, 1))
    fit = decompose(counts, np.random.default_rng(1))
    assert fit.prompt.value == 0.0
    assert fit.sampling.value == 1.0


@pytest.mark.unit
def test_one_response_a_prompt_cannot_be_split_yet_has_a_total():
    rng = np.random.default_rng(2)
    fit = decompose(counts_of(500, 1, rng), rng)
    assert isinstance(fit.sampling, Insufficient)
    assert isinstance(fit.prompt, Insufficient)
    psi = entropy_influence(SHARES)
    assert fit.total == pytest.approx(SHARES @ psi**2 / 500, rel=0.25)
    with pytest.raises(NotEnoughData, match="told apart"):
        fit.at(100, 50)


@pytest.mark.unit
def test_share_influence_gives_the_binomial_variance():
    rng = np.random.default_rng(3)
    counts = counts_of(800, 4, rng, strength=1e6)
    influence = share_influence(counts.sum(axis=0), [False, True, False, True, False])
    W = resample_weights(800, 200, rng=rng)
    fit = decompose_variance(counts, W, influence=influence)
    p = counts[:, [1, 3]].sum() / counts.sum()
    assert fit.total == pytest.approx(p * (1 - p) / counts.sum(), rel=0.15)


@pytest.mark.unit
def test_bad_input_is_named():
    rng = np.random.default_rng(4)
    with pytest.raises(NotEnoughData, match="two prompts"):
        decompose(np.array([[3.0, 2.0]]), rng)
    with pytest.raises(NotEnoughData, match="no response differs"):
        decompose(np.array([[3.0, 0.0]] * 5), rng)


@pytest.mark.calibration
@pytest.mark.parametrize(("prompts", "size"), [(60, 8), (20, 6), (100, 10)])
@pytest.mark.parametrize("shares", [SPREAD, RARE])
@pytest.mark.parametrize("correlation", [0.0, 0.05, 0.2, 0.5])
def test_parts_and_gains_are_covered(prompts, size, shares, correlation):
    """Nominal 95 %; resampled prompts alone cover .68 to .99 in these designs."""
    rng, runs = np.random.default_rng([prompts, size]), 60
    total = correlation + (1 - correlation) / size
    part, gain, hits = correlation / total, (1 - correlation) / (2 * size) / total, np.zeros(3)
    for counts in draw(prompts, size, shares, correlation, rng=rng, sets=runs):
        fit = decompose(counts, rng)
        saved = fit.doubling_removes(prompts, size)
        hits += [
            fit.prompt.low - 1e-9 <= part <= fit.prompt.high + 1e-9,
            fit.sampling.low - 1e-9 <= 1 - part <= fit.sampling.high + 1e-9,
            saved.low - 1e-9 <= gain <= saved.high + 1e-9,
        ]
    assert hits.min() >= fewest(runs, 0.94), hits / runs


@pytest.mark.calibration
@pytest.mark.parametrize("prompts", [20, 60])
def test_the_part_of_a_share_is_covered(prompts):
    rng, runs, hits = np.random.default_rng(prompts), 80, 0
    truth = 0.2 / (0.2 + 0.8 / 6)
    for counts in draw(prompts, 6, SPREAD, 0.2, rng=rng, sets=runs):
        influence = share_influence(counts.sum(axis=0), [False, True, False, True, False])
        fit = decompose_variance(counts, resample_weights(prompts, 300, rng=rng), influence=influence)
        hits += fit.prompt.covers(truth)
    assert hits >= fewest(runs, 0.94)


@pytest.mark.calibration
@pytest.mark.parametrize(("prompts", "size", "correlation"), [(60, 8, 0.2), (20, 6, 0.0), (20, 50, 0.2)])
def test_the_classifiers_part_is_covered(prompts, size, correlation):
    rng, runs, hits = np.random.default_rng(prompts), 100, 0
    rest = SHARES @ entropy_influence(SHARES) ** 2 * (correlation + (1 - correlation) / size) / prompts
    for counts in draw(prompts, size, SHARES, correlation, rng=rng, sets=runs):
        fit = decompose(counts, rng, classifier_replicates=rng.normal(0.0, np.sqrt(rest / 2), 300))
        hits += fit.classifier.covers(1 / 3)
    assert hits >= fewest(runs, 0.94)


@pytest.mark.unit
def test_very_many_prompts_take_the_bootstrap_alone():
    rng = np.random.default_rng(5)
    counts = draw(5000, 2, SPREAD, 0.3, rng=rng)[0]
    W = rng.multinomial(5000, np.ones(5000) / 5000, size=100).astype(float)
    fit = decompose_variance(counts, W, influence=entropy_influence(counts.sum(axis=0)))
    assert fit.prompt.covers(0.3 / (0.3 + 0.35))
    assert fit.prompt.width < 0.1


@pytest.mark.unit
def test_labels_of_one_category_split_into_nothing_however_doubtful_the_classifier():
    counts, doubt = np.tile([6.0, 0.0], (10, 1)), np.random.default_rng(0).normal(size=200)
    weights = np.random.default_rng(1).multinomial(10, np.full(10, 0.1), size=200)
    for each in (counts, counts / 6):
        with pytest.raises(NotEnoughData, match="no response differs"):
            decompose_variance(each, weights, influence=[0.0, 0.0], classifier_replicates=doubt)


def test_replicates_that_draw_none_of_the_prompts_are_left_out():
    """A cell of few prompts among many: most resamples of all prompts miss it."""
    counts = np.zeros((60, 3), dtype=int)
    counts[:2] = [[1, 0, 0], [0, 1, 0]]
    weights = np.random.default_rng(0).multinomial(60, np.full(60, 1 / 60), size=300)
    assert (weights @ counts.sum(axis=1) == 0).any()
    psi = share_influence(counts.sum(axis=0), [False, True, False])
    noise = np.random.default_rng(1).normal(0.0, 0.1, 300)
    found = decompose_variance(counts, weights, influence=psi, classifier_replicates=noise)
    assert 0.0 < found.classifier.low <= found.classifier.value <= found.classifier.high < 1.0
