"""Attribution: what did not move is named at most as often as promised, and what moved is found."""

from functools import cache

import numpy as np
import pytest
from scipy.stats import binom

from secondlaw.drift.anchor_changes import ChangeOptions, corrected_movement, movement
from secondlaw.drift.anchors import Movement, attribute, classifier_test, model_test
from secondlaw.errors import InvalidInput, NotEnoughData
from secondlaw.types import Estimate, Insufficient

K = 3
KEYS, BAD = ("a", "b", "c"), (False, True, False)
ALPHA = 0.1
SEEDS = 100
OLD = np.array([[0.90, 0.07, 0.03], [0.10, 0.85, 0.05], [0.05, 0.05, 0.90]])
NEW = np.array([[0.65, 0.32, 0.03], [0.10, 0.85, 0.05], [0.05, 0.05, 0.90]])
STILL, MOVED = np.array([0.6, 0.3, 0.1]), np.array([0.4, 0.5, 0.1])
PROMPTS, EACH, ANCHOR = 80, 5, 300


def truths(rng, shares, prompts=PROMPTS, each=EACH):
    """Draw categories of responses, alike within a prompt."""
    of_prompt = rng.dirichlet(4.0 * shares, size=prompts)
    return np.array([rng.choice(K, each, p=p) for p in of_prompt])


def said(rng, truth, rates):
    return (rng.random((*truth.shape, 1)) > rates.cumsum(axis=1)[truth]).sum(axis=-1)


def counts(labels):
    table = np.zeros((len(labels), K + 1), dtype=np.int64)
    np.add.at(table, (np.arange(len(labels))[:, None], labels), 1)
    return table


OPTIONS = ChangeOptions(KEYS, BAD, 1 - ALPHA / 2, 200)


@cache
def attribution(seed, *, model_moves, classifier_moves, exact):
    """Simulate two periods and an anchor set, and attribute."""
    rng = np.random.default_rng([seed, model_moves, classifier_moves, exact])
    new = NEW if classifier_moves else OLD
    first, second = truths(rng, STILL), truths(rng, MOVED if model_moves else STILL)
    if not model_moves:  # the very prompts again, answered anew
        of_prompt = rng.dirichlet(4.0 * STILL, size=PROMPTS)
        first, second = (np.array([rng.choice(K, EACH, p=p) for p in of_prompt]) for _ in range(2))
    human = truths(rng, np.array([0.4, 0.4, 0.2]), ANCHOR // 3, 3)
    labels = said(rng, human, OLD), said(rng, human, new)
    unit = np.repeat(np.arange(len(human)), 3)
    flat = human.ravel(), labels[0].ravel(), labels[1].ravel()
    p_value = classifier_test(*flat, unit, categories=K, rng=rng, permutations=199)
    tables = counts(labels[0]), counts(labels[1])
    classifier = movement(*tables, OPTIONS, p_value=p_value, paired=True, rng=rng, method="anchor")
    if exact:
        periods = counts(said(rng, first, new)), counts(said(rng, second, new))
        p_value, paired, _ = model_test(*periods, rng=rng, permutations=199)
        model = movement(*periods, OPTIONS, p_value=p_value, paired=paired, rng=rng, method="one version")
    else:
        periods = counts(said(rng, first, OLD)), counts(said(rng, second, new))
        confusions = []
        for label in labels:
            table = np.zeros((len(human), K + 1, K + 1), dtype=np.int64)
            np.add.at(table, (np.arange(len(human))[:, None], human, label), 1)
            confusions.append(table)
        model = corrected_movement(*periods, tuple(confusions), OPTIONS, rng=rng, method="corrected")
    return attribute(model, classifier, alpha=ALPHA)


WRONG = {"none": {"model", "classifier", "both"}, "model": {"classifier", "both"}, "classifier": {"model", "both"}}


@pytest.mark.calibration
@pytest.mark.parametrize("exact", [True, False], ids=["one version", "through the anchor"])
@pytest.mark.parametrize("truth", ["none", "model", "classifier", "both"])
def test_wrong_attributions_are_as_rare_as_promised_and_right_ones_common(truth, exact):
    moves = {"model_moves": truth in ("model", "both"), "classifier_moves": truth in ("classifier", "both")}
    seeds = SEEDS if exact else 40
    found = [attribution(seed, **moves, exact=exact).verdict for seed in range(seeds)]
    wrong = sum(verdict in WRONG.get(truth, set()) for verdict in found)
    assert wrong <= binom.ppf(0.999, seeds, ALPHA)
    right = sum(verdict == truth for verdict in found) / seeds
    assert right > {"none": 0.85, "model": 0.6, "classifier": 0.8, "both": 0.6 if exact else 0.2}[truth], right


@pytest.mark.calibration
def test_intervals_of_the_classifier_s_change_cover_it():
    truth = np.array([0.4, 0.4, 0.2]) @ (NEW - OLD)
    covered = 0
    for seed in range(SEEDS):
        shares = attribution(seed, model_moves=False, classifier_moves=True, exact=True).classifier.shares
        covered += shares["b"].covers(truth[1])
    assert covered >= binom.ppf(0.001, SEEDS, 1 - ALPHA / 2)


@pytest.mark.calibration
def test_steady_is_rarely_said_of_what_moves_by_more_than_the_tolerance():
    said_steady = sum(
        attribution(seed, model_moves=False, classifier_moves=True, exact=True).classifier.within(0.1)
        for seed in range(SEEDS)
    )  # the change is .1 in two shares
    assert said_steady <= binom.ppf(0.999, SEEDS, ALPHA / 2)


@pytest.mark.unit
def test_a_category_that_no_response_was_given_still_has_an_interval_through_the_anchor():
    period = np.tile([3, 2, 0, 0], (30, 1))
    confusion = np.tile(np.diag([2, 2, 0, 0]), (20, 1, 1))
    rng = np.random.default_rng(0)
    found = corrected_movement(period, period, (confusion, confusion), OPTIONS, rng=rng, method="m")
    assert found.shares["c"].value == pytest.approx(0.0)
    assert found.shares["c"].low < -0.1
    assert found.shares["c"].high > 0.1
    assert not found.within(0.1)


@pytest.mark.unit
def test_no_p_value_is_called_zero():
    said = attribute(moved_by((0.3, -0.3, 0.0), 1e-9), moved_by((0.0, 0.0, 0.0), 0.4), alpha=0.05).message
    assert "the model moved (p < 0.0001)" in said
    assert "(p = 0.4000)" in said


def moved_by(change, p_value, spread=0.01):
    estimates = {
        key: Estimate(value, value - spread, value + spread, 0.95, 50, "share", "m")
        for key, value in zip(KEYS, change, strict=True)
    }
    return Movement(p_value, estimates, estimates["b"], estimates["a"], 50, "by hand")


@pytest.mark.unit
@pytest.mark.parametrize(
    ("model", "classifier", "tolerance", "verdict", "steady"),
    [
        (0.001, 0.5, None, "model", ()),
        (0.5, 0.001, None, "classifier", ()),
        (0.001, 0.001, None, "both", ()),
        (0.04, 0.5, None, "none", ()),
        (0.5, 0.5, 0.05, "none", ("model", "classifier")),
        (0.5, 0.5, 0.005, "undecided", ()),
        (0.001, 0.5, 0.05, "model", ("model", "classifier")),
    ],
)
def test_verdicts(model, classifier, tolerance, verdict, steady):
    found = attribute(moved_by([0, 0, 0], model), moved_by([0, 0, 0], classifier), alpha=0.05, tolerance=tolerance)
    assert (found.verdict, found.steady) == (verdict, steady)
    assert "at most 0.05" in found.message
    assert found.to_dict()["verdict"] == verdict


@pytest.mark.unit
def test_changes_that_cancel_in_the_margins_are_seen():
    human = np.repeat([0, 1], 20)
    old, new = human.copy(), human.copy()
    new[:10], new[20:30] = 1, 0
    assert (np.bincount(old) == np.bincount(new)).all()
    p_value = classifier_test(human, old, new, np.arange(40), categories=2, rng=np.random.default_rng(0))
    assert p_value < 0.01


@pytest.mark.unit
def test_the_p_value_of_one_pair_of_categories_is_mcnemar_s_exact_one():
    human, old = np.zeros(30, dtype=int), np.zeros(30, dtype=int)
    new = np.where(np.arange(30) < 8, 1, 0)
    old[8] = 1
    p_value = classifier_test(human, old, new, np.arange(30), categories=2, rng=np.random.default_rng(0))
    assert p_value == pytest.approx(2 * binom.cdf(1, 9, 0.5))


@pytest.mark.unit
def test_no_label_changed_is_no_proof_of_none():
    table = counts(np.zeros((40, 2), dtype=int))
    found = movement(table, table, OPTIONS, p_value=1.0, paired=True, rng=np.random.default_rng(0), method="m")
    share = found.shares["a"]
    assert share.value == 0
    assert share.high == pytest.approx(1 - 0.025 ** (1 / 40))
    assert not found.within(0.05)
    assert found.within(0.1)
    assert found.entropy.high > 0
    assert found.misaligned.low < 0 < found.misaligned.high


@pytest.mark.unit
def test_too_little_is_said_to_be_too_little():
    table = counts(np.zeros((3, 2), dtype=int))
    rng = np.random.default_rng(0)
    found = movement(table, table, OPTIONS, p_value=1.0, paired=True, rng=rng, method="m")
    assert isinstance(found.shares["a"], Insufficient)
    assert not found.within(1.0)
    none = np.zeros(0, dtype=int)
    with pytest.raises(NotEnoughData, match="score it with each of them"):
        classifier_test(none, none, none, none, categories=K, rng=rng)
    with pytest.raises(NotEnoughData, match="the anchor set has 3 prompts"):
        corrected_movement(
            table, table, (np.ones((3, 4, 4), dtype=int),) * 2, OPTIONS, rng=rng, method="m"
        )  # fmt: skip
    with pytest.raises(InvalidInput, match="alpha lies between 0 and 1"):
        attribute(moved_by([0, 0, 0], 1), moved_by([0, 0, 0], 1), alpha=1)
    with pytest.raises(InvalidInput, match="a tolerance is a share above 0"):
        attribute(moved_by([0, 0, 0], 1), moved_by([0, 0, 0], 1), alpha=0.1, tolerance=0)


@pytest.mark.unit
def test_where_no_label_moved_s_may_have_changed_by_what_could_go_unseen():
    table = np.zeros((50, 4), dtype=np.int64)  # the last column is outside
    table[:45, 0], table[45:, 1] = 1, 1
    found = movement(table, table, OPTIONS, p_value=1.0, paired=True, rng=np.random.default_rng(0), method="m")
    reach = found.shares[OPTIONS.keys[2]].high
    assert reach == pytest.approx(1.0 - 0.025 ** (1.0 / 50.0))

    def entropy(*shares):
        return -sum(share * np.log(share) for share in shares)

    here = entropy(0.9, 0.1)
    assert found.entropy.value == 0.0
    assert found.entropy.high == pytest.approx(entropy(0.9 - reach, 0.1, reach) - here)  # into a category of its own
    assert found.entropy.low == pytest.approx(entropy(0.9 + reach, 0.1 - reach) - here)
    assert found.entropy.high > 3.0 * reach  # nats are no shares
