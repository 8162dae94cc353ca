import numpy as np
import pytest
from simulated_responses import entropy, responses, within_band

from secondlaw.errors import InvalidInput
from secondlaw.statistics.planning import drift_path, plan_drift
from secondlaw.statistics.ppi import ppi_shares
from secondlaw.statistics.resampling import resample_weights
from secondlaw.statistics.share_entropy import entropy_from_shares
from secondlaw.statistics.slopes import slope

BASELINE = np.array([0.7, 0.12, 0.08, 0.06, 0.04])


def detected(plan, row, rng, accuracy=1.0, strength=4.0):
    """Simulate a plan from responses to verdict: does the slope's interval exclude zero on the right side?"""
    W = resample_weights(row.prompts, 200, rng=rng)
    values, replicates = [], []
    for shares in drift_path(BASELINE, plan.drift, steps=plan.steps):
        y, g = responses(shares, row.prompts, row.responses, rng, strength)
        if row.labels:
            machine = np.where(rng.random(len(y)) < accuracy, y, (y + rng.integers(1, 5, len(y))) % 5)
            human = np.full(len(y), -1)
            chosen = rng.choice(len(y), row.labels, replace=False)
            human[chosen] = y[chosen]
            fit = ppi_shares(np.eye(5)[machine], human, g, W)
            p, r = fit.shares, fit.replicates
        else:
            counts = np.zeros((row.prompts, 5))
            np.add.at(counts, (g, y), 1)
            p, r = counts.sum(axis=0) / counts.sum(), W @ counts
            r = r / r.sum(axis=1, keepdims=True)
        S = entropy_from_shares(p, r)
        values.append(S.value)
        replicates.append(S.replicates)
    return slope(values, steps=plan.steps, replicates=np.array(replicates).T).low > 0.0


@pytest.mark.calibration
@pytest.mark.parametrize("responses_each", [1, 8])
def test_the_promised_power_is_kept(responses_each):
    plan = plan_drift(BASELINE, 0.03, steps=range(6), correlation=0.2, responses=(responses_each,))
    runs = 200
    hits = sum(detected(plan, plan.alternatives[0], np.random.default_rng(seed)) for seed in range(runs))
    assert within_band(hits, runs, 0.74, 0.88), hits


@pytest.mark.calibration
def test_the_promised_power_is_kept_with_human_labels():
    options = {"steps": range(6), "correlation": 0.2, "accuracy": 0.9, "responses": (5,), "labels": (150,)}
    plan = plan_drift(BASELINE, 0.035, **options)
    runs = 150
    hits = sum(detected(plan, plan.alternatives[0], np.random.default_rng(seed), accuracy=0.9) for seed in range(runs))
    assert within_band(hits, runs, 0.72, 0.88), hits


@pytest.mark.unit
def test_what_makes_a_drift_harder_to_see_costs_prompts():
    def prompts(**options):
        return plan_drift(BASELINE, 0.02, responses=(10,), **({"steps": range(10)} | options)).alternatives[0].prompts

    easy = prompts()
    assert prompts(correlation=0.3) > easy
    assert prompts(correlation=0.3, persistence=1.0) < prompts(correlation=0.3)
    assert prompts(accuracy=0.9) > easy
    assert prompts(models=2) > easy
    assert prompts(steps=range(5)) > easy
    assert prompts(power=0.9) > easy


@pytest.mark.unit
def test_too_few_labels_are_said_not_to_suffice():
    plan = plan_drift(BASELINE, 0.02, steps=range(5), accuracy=0.8, labels=(20, 3000), responses=(10,))
    assert plan.alternatives[0].prompts is None
    assert plan.alternatives[0].power < 0.8
    assert plan.fewest_responses is plan.alternatives[1]
    assert plan.alternatives[1].prompts * 10 >= 3000


@pytest.mark.unit
@pytest.mark.parametrize("drift", [0.05, -0.05])
def test_the_path_has_the_stated_rate(drift):
    path = drift_path(BASELINE, drift, steps=[0, 2, 7])
    np.testing.assert_allclose(np.diff(entropy(path)), [2 * drift, 5 * drift], atol=1e-9)
    np.testing.assert_allclose(path[0], BASELINE)


@pytest.mark.unit
@pytest.mark.parametrize(
    ("drift", "options", "message"),
    [
        (0.0, {}, "not zero"),
        (0.013, {"steps": range(1000)}, "fewer steps"),
        (0.01, {"steps": [4]}, "two or more distinct"),
        (0.01, {"accuracy": 0.1}, "above chance"),
        (0.01, {"correlation": 1.0}, "correlation"),
        (0.01, {"power": 0.01}, "alpha < power"),
    ],
)
def test_bad_input_is_named(drift, options, message):
    with pytest.raises(InvalidInput, match=message):
        plan_drift(BASELINE, drift, **({"steps": range(10)} | options))
