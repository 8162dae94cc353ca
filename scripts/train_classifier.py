"""Train the embedded classifier's heads, report on sources and prompts held out, and write the weights.

    python scripts/train_classifier.py [--cache FILE.npz] [--report-only]

Needs the extra [train] and the labelled responses (SECONDLAW_DATA). Deterministic for fixed library versions.
"""

import argparse
import hashlib
import json
from pathlib import Path

import numpy as np
import pandas as pd
from classifier_report import line, measure
from classifier_rows import MAY_TRAIN, TRUSTED, WEIGHT, CachedEmbedder, inputs, load_rows, request_inputs, requests
from joblib import Parallel, delayed
from scipy.optimize import minimize
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier

from secondlaw.behavior.classifiers.features import act_features, intent_features
from secondlaw.behavior.classifiers.head import Head, softmax
from secondlaw.behavior.classifiers.outside import OutsideDetector
from secondlaw.behavior.classifiers.protocol import compose
from secondlaw.behavior.taxonomy import FIVE

VERSION = "1.0.0"
REPORT = Path(__file__).resolve().parent.parent / "training" / "report.json"
OUT = Path(__file__).resolve().parent.parent / "src/secondlaw/behavior/classifiers/data"
ACT_PRIOR, INTENT_PRIOR = np.array([0.5, 0.35, 0.15]), np.array([0.5, 0.5])
"""Shares for which the probabilities are calibrated; about those of the labelled responses of real models."""
OUTSIDE_SHARE = 0.01
KNOWN_ROWS = 600
"""Rows of each source in the calibration sample that ships."""
CALIBRATES = pd.Series({"gptfuzz": 0.2, "jailbreakbench": 0.2, "authored": 2.0, "local_model": 2.0})
"""Weights of sources in the calibration: jailbroken answers are unlike everything else, and partly mislabelled."""
ACT = {"hidden": 48, "nets": 2, "alpha": 1.0, "epochs": 10, "C": 0.003}
INTENT = {"hidden": 32, "nets": 3, "alpha": 2.0, "epochs": 15, "C": 0.01}
FOLDS = (("xstest",), ("gptfuzz",), ("chatgpt_refusals_political",),
         ("jailbreakbench", "llmdrift_sensitiveq", "llmdrift_opinionqa", "vicuna_bench"))  # fmt: skip


def fit(x: np.ndarray, y: np.ndarray, w: np.ndarray, settings: dict, prior: np.ndarray) -> Head:
    """Fit networks and a logistic regression; not calibrated yet."""
    mean, scale = x.mean(0), x.std(0) + 1e-6
    z = ((x - mean) / scale).astype(np.float32)
    linear = LogisticRegression(C=settings["C"], max_iter=300, tol=1e-3).fit(z, y, sample_weight=w)
    weights, bias = linear.coef_.T, linear.intercept_
    if weights.shape[1] == 1:
        weights, bias = np.hstack([-weights, weights]) / 2, np.array([-bias[0], bias[0]]) / 2
    members = [((weights.astype(np.float32), bias.astype(np.float32)),)]
    for seed in range(settings["nets"]):
        net = MLPClassifier((settings["hidden"],), alpha=settings["alpha"], max_iter=settings["epochs"], batch_size=128,
                            learning_rate_init=5e-4, random_state=seed, tol=0.0, n_iter_no_change=1000)  # fmt: skip
        net.fit(z, y, sample_weight=w)
        layers = list(zip(net.coefs_, net.intercepts_, strict=True))
        if layers[-1][0].shape[1] == 1:
            last, b = layers[-1]
            layers[-1] = (np.hstack([-last, last]) / 2, np.array([-b[0], b[0]]) / 2)
        members.append(tuple((c.astype(np.float32), b.astype(np.float32)) for c, b in layers))
    return Head(mean, scale, tuple(members), np.ones(1), np.zeros((1, len(prior))), prior)


def calibrate(raw: np.ndarray, y: np.ndarray, w: np.ndarray, prior: np.ndarray) -> tuple[float, np.ndarray]:
    """Slope and bias that minimise the log loss, classes weighted to the prior."""
    w = w * (prior / np.bincount(y, w, len(prior)))[y]
    logs = np.log(np.maximum(raw, 1e-7))

    def loss(t: np.ndarray) -> float:
        p = softmax(np.exp(t[0]) * logs + np.append(t[1:], 0.0))
        return float(-(w * np.log(np.maximum(p[np.arange(len(y)), y], 1e-12))).sum() / w.sum())

    best = minimize(loss, np.zeros(len(prior)), method="Nelder-Mead", options={"maxiter": 4000, "fatol": 1e-9})
    return float(np.exp(best.x[0])), np.append(best.x[1:], 0.0)


def with_calibration(head: Head, fitted: list[tuple[float, np.ndarray]]) -> Head:
    slopes, biases = np.array([slope for slope, _ in fitted]), np.array([bias for _, bias in fitted])
    return Head(head.mean, head.scale, head.members, slopes, biases, head.prior)


def quiet_fit(*args) -> Head:
    import warnings

    warnings.simplefilter("ignore")  # max_iter reached is the intention
    return fit(*args)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cache", type=Path, default=Path("embeddings.npz"))
    parser.add_argument("--report-only", action="store_true")
    options = parser.parse_args()
    embed = CachedEmbedder(options.cache)
    rng = np.random.default_rng(7)
    rows = load_rows(rng, embed)
    asked = requests(rows)
    p, r, o, marks = inputs(rows, embed)
    x, y = act_features(p, r, o, marks), rows.act.to_numpy(int)
    weight = rows.source.map(WEIGHT).fillna(1.0).to_numpy() * np.where(rows.form == "cut", 0.7, 1.0)
    weight = weight * np.where(rows.doubtful.eq(True), 0.4, 1.0)
    xi, yi, wi = intent_features(*request_inputs(list(asked.prompt), embed)), asked.harmful.to_numpy(int), asked.weight
    wi = wi.to_numpy()
    xr = intent_features(*request_inputs(list(rows.prompt), embed))

    allowed, allowed_i = rows.source.isin(MAY_TRAIN).to_numpy(), asked.source.isin(MAY_TRAIN).to_numpy()
    _, number = np.unique(np.concatenate([rows.prompt, asked.prompt]), return_inverse=True)
    part = np.random.default_rng(11).integers(0, 4, number.max() + 1)[number]
    part, part_i = part[: len(rows)], part[len(rows) :]
    ours = ["authored", "local_model"]
    own, own_i = rows.source.isin(ours).to_numpy(), asked.source.isin(ours).to_numpy()
    held = [(rows.source.isin(f).to_numpy(), asked.source.isin(f).to_numpy()) for f in FOLDS]
    held.append((own & (part < 2), own_i & (part_i < 2)))  # half of our own prompts, then the other half
    held.append((own & (part >= 2), own_i & (part_i >= 2)))
    held.append((allowed & (part == 0), allowed_i & (part_i == 0)))  # a quarter of all prompts: unseen prompts
    none, none_i = np.zeros(len(rows), bool), np.zeros(len(asked), bool)
    held.append((none, none_i))  # what ships
    jobs = [delayed(quiet_fit)(x[allowed & ~h], y[allowed & ~h], weight[allowed & ~h], ACT, ACT_PRIOR) for h, _ in held]
    jobs += [delayed(quiet_fit)(xi[allowed_i & ~h], yi[allowed_i & ~h], wi[allowed_i & ~h], INTENT, INTENT_PRIOR)
             for _, h in held]  # fmt: skip
    heads = Parallel(n_jobs=2, max_nbytes="1M")(jobs)
    acts, intents = heads[: len(held)], heads[len(held) :]

    raw, raw_i = np.full((len(rows), 3), np.nan), np.full((len(asked), 2), np.nan)
    for head, head_i, (h, hi) in zip(acts[:6], intents[:6], held[:6], strict=True):
        raw[h], raw_i[hi] = head.raw(x[h]), head_i.raw(xi[hi])

    def calibration(without: np.ndarray, without_i: np.ndarray):
        ok, ok_i = ~np.isnan(raw[:, 0]) & ~without, ~np.isnan(raw_i[:, 0]) & ~without_i
        share = CALIBRATES.reindex(rows.source[ok]).fillna(1.0).to_numpy()
        share = share / rows.source[ok].map(rows.source[ok].value_counts()).to_numpy()
        # A poem about another politician is off-topic by construction, and no classifier can be told so by it.
        share[((rows.source[ok] == "chatgpt_refusals_political") & (y[ok] == 2)).to_numpy()] = 0.0
        share_i = 1.0 / np.sqrt(asked.source[ok_i].map(asked.source[ok_i].value_counts()).to_numpy())
        harm = rows.harmful[ok].to_numpy()
        conditions = [np.ones(len(harm), bool), harm == 0.0, harm == 1.0]  # intent unknown, benign, harmful
        act = [calibrate(raw[ok][c], y[ok][c], share[c], ACT_PRIOR) for c in conditions]
        return act, [calibrate(raw_i[ok_i], yi[ok_i], share_i, INTENT_PRIOR)]

    condition = np.where(rows.harmful.isna(), 0, 1 + rows.harmful.fillna(0)).astype(int)
    act_known = np.full((len(rows), 3), np.nan)  # with the calibration of the stated intent
    act_probs, intent_probs = np.full((len(rows), 3), np.nan), np.full((len(rows), 2), np.nan)
    unseen_prompt = {}
    for k, (h, hi) in enumerate(held):
        a, i = calibration(h, hi)
        acts[k], intents[k] = with_calibration(acts[k], a), with_calibration(intents[k], i)
        where = ~allowed if k == len(held) - 1 else h
        if k == 6:
            unseen_prompt = {"act": acts[k].probabilities(x[h]), "intent": intents[k].probabilities(xr[h]), "rows": h,
                             "known": acts[k].probabilities(x[h], condition[h])}  # fmt: skip
        else:
            act_probs[where], intent_probs[where] = acts[k].probabilities(x[where]), intents[k].probabilities(xr[where])
            act_known[where] = acts[k].probabilities(x[where], condition[where])

    report = {"unseen source": {}, "policy": {}, "unseen prompt": {}, "local model": {}}
    say = print
    people = rows.label_strength.isin([*TRUSTED, "constructed"]).to_numpy()
    truth = rows.category.map({"g1": 0, "g2": 1, "g3": 2, "g4": 3, "g5": 4})
    stated = np.column_stack([1 - rows.harmful, rows.harmful])

    def table(title: str, act, act_stated, intent, mask, key: str) -> None:
        say(f"\n### {title}\n\n| rows | n / prompts | accuracy | kappa | macro-F1 | recall | worst ECE |\n"
            "|---|---|---|---|---|---|---|")  # fmt: skip
        named = [("all", mask)] + [(s, mask & (rows.source == s).to_numpy()) for s in sorted(set(rows.source[mask]))]
        for form in ("full", "cut"):
            for known in (True, False):
                for name, m in named:
                    q = m & (rows.form == form).to_numpy() & truth.notna().to_numpy()
                    known_here = np.where(np.isnan(stated[q]), intent[q], stated[q])
                    probs = compose(act_stated[q] if known else act[q], known_here if known else intent[q], FIVE)
                    got = measure(
                        truth[q].to_numpy(int), probs, rows.prompt[q].to_numpy(), rng=np.random.default_rng(1)
                    )
                    label = f"{name}, {form}, intent {'known' if known else 'unknown'}"
                    report[key][label] = got
                    say(line(label, got))

    seen_source = ~np.isnan(act_probs[:, 0])
    table(
        "Unseen sources, human labels and constructed g5",
        act_probs,
        act_known,
        intent_probs,
        people & seen_source,
        "unseen source",
    )
    policy = (rows.label_strength == "human_policy_dependent").to_numpy()
    table(
        "Refusals whose wrongness is a policy choice",
        act_probs,
        act_known,
        intent_probs,
        policy & seen_source,
        "policy",
    )
    full_act, full_intent, full_known = act_probs.copy(), intent_probs.copy(), act_known.copy()
    full_known[unseen_prompt["rows"]] = unseen_prompt["known"]
    full_act[unseen_prompt["rows"]], full_intent[unseen_prompt["rows"]] = unseen_prompt["act"], unseen_prompt["intent"]
    table(
        "Unseen prompts of known sources",
        full_act,
        full_known,
        full_intent,
        people & unseen_prompt["rows"],
        "unseen prompt",
    )

    read = ((rows.source == "local_model") & (rows.label_strength == "authored")).to_numpy()
    truth = pd.Series(np.where(y == 2, 4, np.where(rows.harmful == 1, 1 + (y == 1), 3 * (y == 1))), index=rows.index)
    table("Outputs of the local model, unseen prompts, labelled by reading", act_probs, act_known, intent_probs,
          read, "local model")  # fmt: skip
    known = calibration_sample(rows, y, act_known, intent_probs)

    detector = OutsideDetector.fit(list(rows.response[allowed]), r[allowed], held_out=part[allowed] == 0,
                                   share=OUTSIDE_SHARE)  # fmt: skip
    flagged = detector.outside(list(rows.response), r)
    say("\n### Outside: share flagged of known data\n")
    report["outside"] = {}
    for source in sorted(set(rows.source)):
        for act, name in enumerate(("comply", "refuse", "off-topic")):
            q = (rows.source == source).to_numpy() & (y == act)
            if q.sum() >= 20:
                report["outside"][f"{source} {name}"] = float(flagged[q].mean())
                say(f"- {source}, {name}: {flagged[q].mean():.3f} of {q.sum()}")
    REPORT.write_text(json.dumps(report, indent=1) + "\n")
    if not options.report_only:
        write(acts[-1], intents[-1], detector, known)


def calibration_sample(rows: pd.DataFrame, y: np.ndarray, act: np.ndarray, intent: np.ndarray) -> dict[str, np.ndarray]:
    """Rows that may ship as numbers: judged by heads that never saw their source or, for our own, their prompt."""
    people = rows.label_strength.isin([*TRUSTED, "constructed", "authored"]) & rows.source.isin(MAY_TRAIN)
    people &= rows.harmful.notna() & ~((rows.source == "chatgpt_refusals_political") & (y == 2))
    usable = people.to_numpy() & ~np.isnan(act[:, 0])
    rng, chosen = np.random.default_rng(5), []
    for source in sorted(set(rows.source[usable])):
        of = np.flatnonzero(usable & (rows.source == source).to_numpy())
        chosen.append(np.sort(rng.permutation(of)[:KNOWN_ROWS]))
    group = np.repeat(np.arange(len(chosen)), [len(one) for one in chosen])
    q = np.concatenate(chosen)
    return {
        "known.act": act[q].astype(np.float16), "known.intent": intent[q].astype(np.float16),
        "known.true_act": y[q].astype(np.int8), "known.harmful": rows.harmful.to_numpy()[q].astype(np.int8),
        "known.group": group.astype(np.int16),
    }  # fmt: skip


def write(act: Head, intent: Head, detector: OutsideDetector, known: dict[str, np.ndarray]) -> None:
    OUT.mkdir(exist_ok=True)
    path = OUT / "heads.npz"
    np.savez_compressed(path, **act.to_arrays("act"), **intent.to_arrays("intent"), **detector.to_arrays(), **known)
    manifest = {
        "name": "secondlaw-embedded",
        "version": VERSION,
        "weights": path.name,
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "max_tokens": 128,
        "encoder": "all-MiniLM-L6-v2, int8 weights, sha256 8199be6f699a395f",
    }
    (OUT / "manifest.json").write_text(json.dumps(manifest, indent=1) + "\n")


if __name__ == "__main__":
    main()
