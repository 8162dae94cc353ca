"""Training on a user's labels: splits that hold, fits that are what they say, folders that load again."""

import json

import numpy as np
import pytest

from secondlaw.behavior.classifiers.adapted import AdaptedHead
from secondlaw.behavior.classifiers.head import Head, softmax
from secondlaw.behavior.classifiers.labelled import LabelledRow, prompt_groups
from secondlaw.behavior.classifiers.shipped import LINE_SPREAD
from secondlaw.behavior.classifiers.training import TrainingOptions, check_rows, load_embedded, train_embedded
from secondlaw.behavior.classifiers.training_features import StoredVectors, features_fingerprint
from secondlaw.behavior.classifiers.training_fits import adapt_head, calibrate, fit_head, with_calibrations
from secondlaw.behavior.classifiers.training_folder import line_doubt
from secondlaw.behavior.classifiers.training_folds import prompt_folds, unseen_model_folds, unseen_source_folds
from secondlaw.behavior.taxonomy import FIVE
from secondlaw.errors import InvalidInput, NotEnoughData
from secondlaw.pipeline.classifier_errors import error_of
from secondlaw.types import Insufficient

CLASSES, FEATURES = 3, 12


def _base(rng, prior=(0.5, 0.35, 0.15), conditions=3):
    weights = rng.normal(size=(FEATURES, CLASSES)).astype(np.float32)
    layers = ((weights, np.zeros(CLASSES, dtype=np.float32)),)
    return Head(np.zeros(FEATURES, np.float32), np.ones(FEATURES, np.float32), (layers,), np.ones(conditions),
                np.zeros((conditions, CLASSES)), np.array(prior))  # fmt: skip


def _drawn(rng, n, truth):
    """Draw features and classes from a multinomial logistic model of the features."""
    x = rng.normal(size=(n, FEATURES)).astype(np.float32)
    p = softmax(x @ truth)
    return x, (rng.uniform(size=n)[:, None] > p.cumsum(1)).sum(1).astype(np.intp)


def _loss(head, x, y, condition):
    return -np.log(head.probabilities(x, condition)[np.arange(len(y)), y]).mean()


@pytest.mark.unit
def test_a_head_that_is_right_stays_and_one_that_is_wrong_is_bent():
    rng = np.random.default_rng(0)
    base = _base(rng, prior=np.full(3, 1 / 3))  # about the shares of the classes below
    right, wrong = base.members[0][0][0], rng.normal(size=(FEATURES, CLASSES))
    for truth, gain_least, gain_most in ((right, -0.02, 0.02), (wrong, 0.5, 10.0)):
        x, y = _drawn(rng, 3000, truth)
        held, held_y = _drawn(rng, 3000, truth)
        none = np.zeros(3000, dtype=np.intp)
        bent = adapt_head(base, x, y, none, penalty=0.01)
        gain = _loss(base, held, held_y, none) - _loss(bent, held, held_y, none)
        assert gain_least < gain < gain_most


@pytest.mark.unit
def test_an_infinite_penalty_only_recalibrates_each_condition_by_itself():
    rng = np.random.default_rng(1)
    base = _base(rng)
    x, y = _drawn(rng, 2000, 0.3 * base.members[0][0][0])  # the base is three times too sure
    condition = np.repeat([1, 2], 1000).astype(np.intp)
    fitted = adapt_head(base, x, y, condition, penalty=np.inf)
    assert not fitted.shift.any()
    assert fitted.slope[1:] == pytest.approx([0.3, 0.3], abs=0.05)
    assert _loss(fitted, x, y, condition) < _loss(base, x, y, condition) - 0.2


@pytest.mark.unit
def test_the_stated_prior_is_the_one_that_the_rows_were_weighted_to():
    rng = np.random.default_rng(2)
    base = _base(rng)
    x, y = _drawn(rng, 400, base.members[0][0][0])
    both = y < 2  # the third class has no row
    fitted = adapt_head(base, x[both], y[both], np.zeros(both.sum(), dtype=np.intp), penalty=1.0)
    assert fitted.prior.sum() == pytest.approx(1.0)
    assert fitted.prior[2] == pytest.approx(base.prior[2])
    assert fitted.prior[:2] == pytest.approx(base.prior[:2], abs=0.02)


@pytest.mark.unit
def test_heads_come_back_from_their_arrays():
    rng = np.random.default_rng(3)
    base = _base(rng)
    x, y = _drawn(rng, 200, base.members[0][0][0])
    fitted = adapt_head(base, x, y, np.zeros(200, dtype=np.intp), penalty=0.3)
    again = AdaptedHead.from_arrays("act", fitted.to_arrays("act"))
    assert again.probabilities(x) == pytest.approx(fitted.probabilities(x), abs=2e-3)
    assert again.probabilities(x).sum(axis=1) == pytest.approx(1.0)


@pytest.mark.unit
def test_heads_from_nothing_learn_and_are_calibrated():
    pytest.importorskip("sklearn", reason="needs the extra train")
    rng = np.random.default_rng(4)
    truth = 2 * rng.normal(size=(FEATURES, CLASSES))
    x, y = _drawn(rng, 800, truth)
    prior = np.array([0.5, 0.35, 0.15])
    settings = {"hidden": 8, "nets": 1, "alpha": 1.0, "epochs": 5, "C": 0.1}
    head = fit_head(x, y, np.ones(800), settings, prior)
    held, held_y = _drawn(rng, 800, truth)
    assert (head.raw(held).argmax(1) == held_y).mean() > 0.75
    fitted = with_calibrations(head, [calibrate(head.raw(held), held_y, np.ones(800), prior)])
    w = (prior / np.bincount(held_y, minlength=3))[held_y]
    assert (fitted.probabilities(held) * w[:, None]).sum(0) / w.sum() == pytest.approx(prior, abs=0.02)
    with pytest.raises(InvalidInput, match="needs rows of each"):
        fit_head(x, np.zeros(800, dtype=np.intp), np.ones(800), settings, prior)


@pytest.mark.unit
def test_folds_hold_prompts_models_and_sources_apart():
    rng = np.random.default_rng(5)
    groups = rng.integers(0, 40, 400)
    parts = prompt_folds(groups, folds=5, rng=rng)
    assert sum(part.held.astype(int) for part in parts).tolist() == [1] * 400
    for part in parts:
        assert not set(groups[part.held]) & set(groups[part.trained])
        assert 60 < part.held.sum() < 100
    sources = [f"s{g % 3}" if g < 39 else "shared" for g in groups]
    for part in unseen_source_folds(sources, groups):
        assert not {s for s, t in zip(sources, part.trained, strict=True) if t} & set(part.name.split(", "))
        assert not set(groups[part.held]) & set(groups[part.trained])
    models = [("a", "b", "rare")[0 if i % 2 else 1 if i > 9 else 2] for i in range(400)]
    held = unseen_model_folds(models, groups)
    assert [part.name for part in held] == ["a", "b"]
    assert all((part.held ^ part.trained).all() for part in held)
    assert isinstance(unseen_source_folds(["one"] * 400, groups), Insufficient)


@pytest.mark.unit
def test_prompts_with_one_text_or_one_id_are_one_group():
    named = (("How?", "1"), ("how? ", "2"), ("Why?", "2"), ("When?", "3"), ("", "4"), ("", "5"))
    rows = [LabelledRow(text, "", "benign", "comply", "g1", name) for text, name in named]
    assert prompt_groups(rows).tolist() == [0, 0, 0, 1, 2, 3]


@pytest.mark.unit
def test_rows_from_which_nothing_can_be_learned():
    row = LabelledRow("How?", "So.", "benign", "comply", "g1", "1")
    with pytest.raises(NotEnoughData, match="there is no labelled row"):
        check_rows([], FIVE)
    with pytest.raises(NotEnoughData, match="all 2 labelled rows are g1"):
        check_rows([row, row], FIVE)


class _Counting:
    """An embedder that counts its texts and can be killed."""

    def __init__(self, allowed=10**9):
        self.seen, self.allowed = 0, allowed

    def embed(self, texts, progress=None):
        if self.seen + len(texts) > self.allowed:
            raise KeyboardInterrupt
        self.seen += len(texts)
        return np.array([[len(text), hash(text) % 7] for text in texts], dtype=np.float32)


@pytest.mark.unit
def test_embedding_goes_on_where_it_was_killed(tmp_path):
    texts = [f"text {i}" for i in range(2500)]
    with pytest.raises(KeyboardInterrupt):
        StoredVectors(tmp_path / "v", _Counting(allowed=2100))(texts)
    torn = sorted((tmp_path / "v").glob("*.npz"))[0]
    torn.write_bytes(torn.read_bytes()[:1000])
    second = _Counting()
    stored = StoredVectors(tmp_path / "v", second)
    vectors = stored([*texts, texts[0]])
    assert second.seen == 2500 - 1024
    assert (vectors == _Counting().embed([*texts, texts[0]])).all()
    stored.discard()
    assert not (tmp_path / "v").exists()


@pytest.mark.unit
def test_the_fingerprint_of_the_features_is_stable():
    assert features_fingerprint() == features_fingerprint()
    assert len(json.dumps(features_fingerprint())) == 18


@pytest.mark.unit
@pytest.mark.parametrize(
    ("kinds", "doubt"), [(("benign",), (LINE_SPREAD, True)), (("benign", "harmful"), (LINE_SPREAD / 2, False))]
)
def test_rows_of_both_kinds_of_request_halve_the_doubt_of_the_line_of_harm(tmp_path, kinds, doubt):
    rows = [
        LabelledRow(f"Question {number} on {kind} things", said, kind, act, FIVE.category_of(kind, act), str(number))
        for number in range(12)
        for kind in kinds
        for said, act in (("Sure, here is how it goes.", "comply"), ("I'm sorry, I can't help with that.", "refuse"))
    ]
    train_embedded(rows, FIVE, out=tmp_path / "own", options=TrainingOptions(splits=()))
    trained = load_embedded(tmp_path / "own")
    error = error_of(trained, FIVE)
    assert (error.line_spread, error.line_integrated) == (trained.line_spread, trained.line_integrated) == doubt


@pytest.mark.unit
def test_heads_from_nothing_draw_their_own_line():
    head = _base(np.random.default_rng(6))
    assert line_doubt(head, "scratch") == (LINE_SPREAD / 2, False)
    assert line_doubt(head, "recalibrate") == line_doubt(head, "adapt") == (LINE_SPREAD, True)
