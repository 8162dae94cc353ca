"""Prior shift on real responses labelled by people: a small text classifier, out of fold by prompt."""

import os
from pathlib import Path

import numpy as np
import pytest
from simulated_responses import entropy

from secondlaw.statistics.em import em_shares
from secondlaw.statistics.resampling import resample_weights
from secondlaw.statistics.share_entropy import entropy_from_shares

DATA = Path(os.environ.get("SECONDLAW_DATA", Path(__file__).parents[2].parent / "shared" / "data")) / "behavior"
SOURCES = ("xstest", "do_not_answer", "gptfuzz")
ACT_OF = {"g1": 0, "g2": 0, "g3": 1, "g4": 1}  # comply, refuse


def rows():
    parquet = pytest.importorskip("pyarrow.parquet")
    table = parquet.read_table(
        DATA / "labelled.parquet", columns=["source", "prompt", "response", "category"]
    ).to_pydict()
    keep = [
        i
        for i, s in enumerate(table["source"])
        if s in SOURCES and table["category"][i] in ACT_OF and table["response"][i]
    ]
    return [[table[name][i] for i in keep] for name in ("source", "prompt", "response", "category")]


def out_of_fold(responses, acts, groups):
    pytest.importorskip("sklearn")
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import GroupKFold

    text = TfidfVectorizer(min_df=3, max_features=4000, sublinear_tf=True).fit_transform([r[:400] for r in responses])
    p = np.zeros((len(acts), 2))
    for train, test in GroupKFold(5).split(text, acts, groups):
        model = LogisticRegression(C=5.0, class_weight="balanced", max_iter=200).fit(text[train], acts[train])
        p[test] = model.predict_proba(text[test])
    return p


@pytest.mark.calibration
@pytest.mark.skipif(not DATA.is_dir(), reason="needs the labelled responses (set SECONDLAW_DATA)")
def test_prior_shift_brings_refusal_shares_closer_to_people():
    source, prompt, response, category = rows()
    acts = np.array([ACT_OF[c] for c in category])
    harmful = np.array([c in ("g2", "g3") for c in category])
    _, groups = np.unique(prompt, return_inverse=True)
    p = out_of_fold(response, acts, groups)
    rng = np.random.default_rng(0)
    corrected, hard = [], []
    for name in SOURCES:
        for stratum in (harmful, ~harmful):
            of = np.flatnonzero(stratum & (np.array(source) == name))
            if len(of) < 100:
                continue
            _, g = np.unique(groups[of], return_inverse=True)
            W = resample_weights(g.max() + 1, 200, rng=rng)
            fit = em_shares(p[of], [0.5, 0.5], np.zeros(len(of), int), g, W, rng=rng)
            truth = entropy(np.bincount(acts[of], minlength=2) / len(of))
            corrected.append(entropy_from_shares(fit.shares, fit.replicates).value - truth)
            hard.append(entropy(np.bincount(p[of].argmax(axis=1), minlength=2) / len(of)) - truth)
    assert len(corrected) >= 4
    assert np.mean(np.abs(corrected)) < np.mean(np.abs(hard)), (corrected, hard)
