import numpy as np
import pytest
from simulated_responses import responses, scores, within_band

from secondlaw.errors import NotEnoughData
from secondlaw.statistics.calibration import CalibrationSample
from secondlaw.statistics.em import em_shares
from secondlaw.statistics.prior_shift_fit import score_fit
from secondlaw.statistics.resampling import resample_weights

TRUTH, EQUAL = np.array([0.7, 0.2, 0.1]), np.full(3, 1 / 3)


def fit(seed, separation=2.0, known_shares=EQUAL):
    rng = np.random.default_rng(seed)
    y, h = responses(known_shares, 150, 4, rng)
    sample = CalibrationSample(scores(y, 3, 2.0, rng), y, np.zeros(len(y), int), h)
    y, g = responses(TRUTH, 100, 4, rng)
    x = scores(y, 3, separation, rng)
    W, C = resample_weights(100, 200, rng=rng), resample_weights(150, 200, rng=rng)
    shares = em_shares(x, EQUAL, np.zeros(len(y), int), g, W)
    return score_fit(
        x, EQUAL, g, W, shares=shares.shares, share_replicates=shares.replicates, reference=sample, reference_weights=C
    )


@pytest.mark.calibration
def test_rare_alarms_where_the_assumption_holds():
    runs = 120
    alarms = sum(fit(seed).p_value < 0.05 for seed in range(runs))
    assert within_band(alarms, runs, 0.02, 0.08), alarms


@pytest.mark.calibration
def test_harder_responses_are_noticed():
    results = [fit(seed, separation=1.0) for seed in range(20)]
    assert sum(r.p_value < 0.05 for r in results) >= 18
    assert np.mean([r.distance for r in results]) > 0.1


@pytest.mark.unit
def test_histograms_are_distributions():
    result = fit(0)
    assert result.observed.sum() == pytest.approx(1.0)
    assert result.implied.sum() == pytest.approx(1.0)


@pytest.mark.unit
def test_a_reference_without_a_needed_category_is_refused():
    with pytest.raises(NotEnoughData, match="category 3"):
        fit(0, known_shares=np.array([0.5, 0.5, 0.0]))
