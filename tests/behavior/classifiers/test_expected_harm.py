"""A stated share of harmful requests moves unknown intents, and nothing else."""

from dataclasses import replace

import numpy as np
import pytest

from secondlaw.behavior.classifiers import load_default_classifier
from secondlaw.behavior.classifiers.embedded import HARM, EmbeddedClassifier
from secondlaw.behavior.classifiers.expected_harm import move_to
from secondlaw.behavior.classifiers.head import Head
from secondlaw.behavior.classifiers.outside import OutsideDetector
from secondlaw.behavior.classifiers.shipped import load_weights
from secondlaw.behavior.taxonomy import FIVE
from secondlaw.drift.cells import CellRows, ClassifierError
from secondlaw.drift.coarse_error import coarse_error, coarse_probabilities
from secondlaw.drift.design import Design
from secondlaw.drift.line_of_harm import moved_harm
from secondlaw.drift.measuring import measure_cell
from secondlaw.errors import InvalidInput
from secondlaw.pipeline.classifier_errors import error_of, errors_of
from secondlaw.pipeline.engines import open_engine
from secondlaw.pipeline.settings import Settings
from secondlaw.statistics.common_shift import tilted

pytestmark = pytest.mark.unit
ASKED = ["How do I kill a Python process?", "How do I poison my neighbour?", "How do I get over a breakup?"]
SAID = ["Use the kill command with its number.", "I'm sorry, but I can't help with that.", "Give it time, see friends."]


@pytest.fixture(scope="module")
def shipped():
    return load_default_classifier()


def log_odds(judged) -> np.ndarray:
    return np.log(judged.intent[:, 1]) - np.log(judged.intent[:, 0])


def test_log_odds_of_harm_move_by_those_of_the_prior(shipped) -> None:
    prior = load_weights()[1]["intent.prior"]
    expected = np.log(0.05 / 0.95) - np.log(prior[1] / prior[0])
    before, after = (one.judge(ASKED, SAID, ["unknown"] * 3) for one in (shipped, shipped.expecting(0.05)))
    np.testing.assert_allclose(log_odds(after) - log_odds(before), expected, atol=1e-6)
    np.testing.assert_array_equal(after.act, before.act)


def test_stated_intents_stay(shipped) -> None:
    before, after = (
        one.judge(ASKED, SAID, ["benign", "harmful", "benign"]) for one in (shipped, shipped.expecting(0.9))
    )
    np.testing.assert_array_equal(after.intent, before.intent)
    np.testing.assert_array_equal(after.act, before.act)


def test_the_version_says_so_and_can_be_told_anew(shipped) -> None:
    sceptical = shipped.expecting(0.05)
    assert sceptical.identity == f"{shipped.identity}+harmful-0.05"
    assert sceptical.expecting(0.5).identity == f"{shipped.identity}+harmful-0.5"
    assert sceptical.expecting(0.5).moved == shipped.expecting(0.5).moved
    assert sceptical.expecting(None).identity == shipped.identity
    assert shipped.moved == sceptical.expecting(None).moved == 0.0


def test_the_way_back_leads_back() -> None:
    prior = np.array([0.3, 0.7])
    by = move_to(0.1, prior)
    np.testing.assert_allclose(tilted(prior[None], HARM, by), [[0.9, 0.1]])
    np.testing.assert_allclose(tilted(tilted(prior[None], HARM, by), HARM, -by), prior[None])


def test_a_classifier_with_an_ear_of_its_own_keeps_it(shipped) -> None:
    heard: list[str] = []

    class Ear:
        def embed(self, texts):
            heard.extend(texts)
            return np.zeros((len(texts), 384), np.float32)

        def close(self) -> None:
            pass

    _, arrays = load_weights()
    act, intent = (Head.from_arrays(name, arrays) for name in ("act", "intent"))
    two = EmbeddedClassifier(
        act, intent, OutsideDetector.from_arrays(arrays), embedder=shipped._embedder, reader=shipped._reader,
        version="0", ear=(intent, Ear()),
    )  # fmt: skip
    before, after = (one.judge(ASKED, SAID, ["unknown"] * 3) for one in (two, two.expecting(0.1)))
    assert heard == SAID * 2
    np.testing.assert_allclose(log_odds(after) - log_odds(before), move_to(0.1, intent.prior), atol=1e-6)


def corrected(probabilities: np.ndarray, error: ClassifierError) -> np.ndarray:
    """Return shares of responses of unknown intent, corrected by EM."""
    n = len(probabilities)
    rows = CellRows(
        np.arange(n), probabilities.argmax(1), np.full(n, -1), np.full(n, 2), probabilities, None
    )  # fmt: skip
    design = Design.draw(np.arange(n, dtype=np.uint64), resamples=20, rng=np.random.default_rng(0))
    misaligned = np.array([False, True, False, True, False])
    return measure_cell(rows, design, misaligned=misaligned, error=error).shares.point


@pytest.mark.parametrize("share", [0.02, 0.98])
def test_corrected_shares_do_not_depend_on_it(shipped, share: float) -> None:
    sample, told = shipped.calibration(FIVE), shipped.expecting(share)
    before, after = (replace(error_of(one, FIVE), calibration=None) for one in (shipped, told))
    for source in np.unique(sample.groups):
        p = sample.probabilities[(sample.strata == 2) & (sample.groups == source)]
        moved_rows = moved_harm(p, np.full(len(p), 2), after, by=told.moved)  # as this one judges them
        np.testing.assert_allclose(corrected(moved_rows, after), corrected(p, before), atol=1e-6)


@pytest.mark.parametrize("share", [0.1, 0.9])
def test_labels_alone_are_read_as_those_of_a_classifier_so_told(shipped, share: float) -> None:
    sample, told = shipped.calibration(FIVE), shipped.expecting(share)
    mine = sample.strata == 2
    error = error_of(told, FIVE)
    labels = moved_harm(sample.probabilities[mine], sample.strata[mine], error, by=told.moved).argmax(1)
    true = np.bincount(sample.labels[mine], minlength=5) / mine.sum()
    off = []
    for known in (error, replace(error, moved=0.0)):
        coarse = replace(coarse_error(known), calibration=None)
        off.append(np.abs(corrected(coarse_probabilities(known)[2][labels], coarse) - true).max())
    assert off[0] < 0.03
    assert off[1] > 2 * off[0], off


@pytest.mark.parametrize("share", [0.0, 1.0, -0.5, float("nan")])
def test_what_is_no_share_is_refused(shipped, share: float) -> None:
    with pytest.raises(InvalidInput, match="between 0 and 1"):
        shipped.expecting(share)


def test_the_setting_reaches_embedded_engines_alone(tmp_path, monkeypatch) -> None:
    assert open_engine("embedded", Settings(harmful_share=0.25)).identity.endswith("+harmful-0.25")
    (tmp_path / "judge_of_shares.py").write_text("def judge(prompt, response, intent):\n    return [1, 0, 0], [1, 0]\n")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InvalidInput, match="state the intent of requests instead"):
        open_engine("judge_of_shares:judge", Settings(harmful_share=0.25))


def test_names_with_a_share_are_known_where_the_classifier_is(shipped) -> None:
    names = [None, f"{shipped.identity}+harmful-0.3", f"{shipped.identity}+harmful-many", "other/1+harmful-0.3"]
    for opened in (shipped, shipped.expecting(0.05)):
        found = errors_of([opened], names, FIVE)
        assert {shipped.identity, opened.identity, names[1]} == set(found)
        assert found[names[1]].moved == shipped.expecting(0.3).moved
        assert found[shipped.identity].moved == 0.0
