"""Candidate means: the baseline's evidence against each is an e-value, rises with the mean, and covers everything."""

import math

import numpy as np
import pytest

from secondlaw.drift.monitors.bets import Bets
from secondlaw.drift.monitors.candidates import CELLS, KEPT, candidate_means
from secondlaw.drift.monitors.scores import Score
from secondlaw.drift.monitors.settings import BettingSettings


def _baselines(streams, *, seed=0, steps=100, law=(2.0, 6.0)):
    return np.random.default_rng(seed).beta(*law, size=(steps, 1, streams))


@pytest.mark.unit
def test_capital_by_hand():
    """Two equal steps z = .2 after a pilot of variance .01: stakes sqrt(2 E / (2 * variance)) cut at .95 / (1 - m)."""
    pilot, z = np.array([0.1, 0.3, 0.1, 0.3])[:, None, None], np.full((2, 1, 1), 0.2)
    means, weights, earlier = candidate_means(z, pilot, alpha=0.5)
    below, m = means[0, 6:8, 0]
    everything = np.array([0.1, 0.3, 0.1, 0.3, 0.2, 0.2])
    running = np.cumsum(everything) / np.arange(1, 7)
    variance = (np.cumsum((everything - running) ** 2) / np.arange(1, 7))[3:5]
    stakes = np.minimum(np.sqrt(2.5 / variance), 0.95 / (1 - below))
    assert weights[0, 7, 0] == pytest.approx(KEPT + (1 - KEPT) * np.prod(1 + stakes * (m - 0.2)), rel=1e-12)
    assert earlier[0, 7, 0] == pytest.approx((1 - KEPT) * np.prod(1 + stakes * (below - 0.2)), rel=1e-12)


@pytest.mark.law
@pytest.mark.parametrize("law", [(2.0, 6.0), (0.05, 2.0), (30.0, 30.0)])
@pytest.mark.parametrize("steps", [20, 100])
def test_weights_rise_along_the_grid_and_cover_everything(law, steps):
    z = _baselines(50, steps=steps, law=law)
    means, weights, earlier = candidate_means(z[5:], z[:5], alpha=1e-4)
    assert means.shape == weights.shape == earlier.shape == (1, CELLS + 2, 50)
    assert (np.diff(means, axis=1) >= 0).all()
    assert (np.diff(weights, axis=1) >= -1e-9 * weights[:, 1:]).all()
    assert (weights[:, :-1] >= earlier[:, :-1]).all()
    assert (weights[:, 0] == KEPT).all()
    assert (means[:, -1] == 1.0).all()


@pytest.mark.calibration
@pytest.mark.parametrize("law", [(2.0, 6.0), (0.05, 2.0), (30.0, 30.0)])
def test_evidence_against_the_true_mean_is_an_e_value(law):
    """Its mean over 3,000 baselines is at most 1, and not far below: little is given away."""
    z = _baselines(3000, seed=1, law=law)
    means, weights, earlier = candidate_means(z[10:], z[:10], alpha=1e-4)
    truth = law[0] / sum(law)
    cell = (means[0] < truth).sum(axis=0)
    against = np.minimum(weights, KEPT + earlier)[0][cell, np.arange(3000)]
    assert against.mean() <= 1.0 + 4 * against.std() / math.sqrt(3000)
    assert against.mean() > 0.5


@pytest.mark.law
@pytest.mark.parametrize("law", [(2.0, 6.0), (0.05, 2.0), (30.0, 30.0)])
@pytest.mark.parametrize("windows", [(), (5.0, 50.0)])
def test_evidence_is_below_the_infimum_over_all_means_and_near_it(law, windows):
    """Against B M on 40 points in every cell, and K M below them: never above the least, mostly near it."""
    streams, steps = 60, 60
    z = _baselines(streams, seed=2, law=law)
    after = np.random.default_rng(3).beta(1.5 * law[0], law[1], size=(steps, 1, streams))
    means, weights, earlier = candidate_means(z[10:], z[:10], alpha=1e-4)
    settings = BettingSettings((Score("a", (1.0, 0.0)),), windows=windows)
    bets = Bets(settings, streams)
    fractions = np.broadcast_to(np.array(settings.fractions)[:, None, None, None], (2, 1, 1, streams))
    parts = np.arange(1, 41)[:, None] / 40
    fine = np.concatenate([means[0, c - 1] + (means[0, c] - means[0, c - 1]) * parts for c in range(1, CELLS + 1)])
    capital = np.zeros((len(windows) + 2, 1, len(fine), streams))
    against, gaps = _against(fine, means[0], z), []
    for step, value in enumerate(after):
        gain = value[:, None] / means - 1.0
        gain[:, -1] = 0.0
        found = bets.take(gain, weights, 1.0, step, earlier=earlier)[0]
        stakes = np.concatenate([bets.stakes[: len(windows)], fractions])
        capital = (capital + 1.0) * (1.0 + stakes * (value / fine - 1.0))
        everywhere = capital.mean(axis=(0, 1))
        truth = (against * everywhere).min(axis=0)
        assert (found <= truth * (1 + 1e-9)).all()
        gaps.extend(np.log(np.minimum(truth, KEPT * everywhere[0]) / found)[found > 10].tolist())
    assert len(gaps) > 500
    assert np.median(gaps) < 0.2
    assert max(gaps) < 0.6


def _against(fine, means, z):
    """B at every fine mean, each with the stakes of its cell."""
    everything = z[:, 0]
    running = np.cumsum(everything, axis=0) / np.arange(1, len(z) + 1)[:, None]
    variance = np.maximum(np.cumsum((everything - running) ** 2, axis=0) / np.arange(1, len(z) + 1)[:, None], 1e-8)
    stakes = np.sqrt(5.0 / ((len(z) - 10) * variance[9:-1]))[:, None]  # (n, 1, streams)
    most = 0.95 / (1.0 - np.repeat(means[:CELLS], 40, axis=0))
    return KEPT + (1 - KEPT) * np.prod(1.0 + np.minimum(stakes, most) * (fine - everything[10:, None]), axis=0)
