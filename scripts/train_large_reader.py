"""Train the intent head and the adapter of `embedded-large`, report on sources held out, and write what ships.

    python scripts/train_large_reader.py --mpnet FOLDER [--cache FILE.npz] [--adapters FOLDER] [--table FILE.pkl]

Needs the extras [train] and [transformer], a folder with the published all-mpnet-base-v2 (model.safetensors beside its
tokenizer and config; the file again as all-mpnet-base-v2.safetensors), and the labelled responses (SECONDLAW_DATA).
Rows and acts are those of `train_classifier`, whose heads must be the installed ones. Adapters, a minute and a
half each, stay in --large; --table keeps the rows as the shipped heads judge them unseen.
"""

import argparse
import hashlib
import json
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import large_adapter_training as training
import numpy as np
import pandas as pd
import train_classifier as train
from calibrate_corrections import by_default
from classifier_calibrations import intent_calibration
from classifier_report import line, measure
from classifier_rows import DATA, MAY_TRAIN, TRUSTED, adapter_requests, requests
from correction_cells import judged_cells, with_models
from deed_training import OURS
from held_out_heads import EVEN, FOLDS
from nested_choice import nested
from out_of_fold import BY_PEOPLE, out_of_fold

from secondlaw.behavior.classifiers.head import Head
from secondlaw.behavior.classifiers.large import LARGE
from secondlaw.behavior.classifiers.leaning import leaned, log_odds_of_harm
from secondlaw.behavior.classifiers.protocol import compose
from secondlaw.behavior.classifiers.training_fits import with_calibrations
from secondlaw.behavior.taxonomy import FIVE
from secondlaw.language.large_encoder import LARGE_DIMENSIONS, LargeReader
from secondlaw.language.model_files import MPNET

VERSION = "1.2.0"
OUT, REPORT = train.OUT / "large", train.REPORT.with_name("large_report.json")
BESIDE = 396
"""Numbers of MiniLM and marks that stand beside the vector of a prompt; this head looks at none of them."""
MAX_TOKENS = 128


@dataclass(frozen=True)
class Trained:
    """An adapter on disk with the head it was trained under."""

    path: Path
    head: Head


def trained(folder: Path, reader: training.LargeReader, prompts: list[str], harmful: np.ndarray) -> Trained:
    """Train an adapter on these prompts, or take the one that was."""
    told = json.dumps([training.fingerprint(), *prompts, harmful.tolist()])
    path = folder / f"{hashlib.sha256(told.encode()).hexdigest()[:16]}.npz"
    beside = path.with_suffix(".head.npz")
    if not beside.exists():
        folder.mkdir(parents=True, exist_ok=True)
        adapter, numbers = training.train_adapter(reader, prompts, harmful)
        adapter.save(path)
        np.savez(beside, **numbers)
    with np.load(beside) as stored:
        half = stored["weights"][:, None] / 2
        weights = np.vstack([np.hstack([-half, half]), np.zeros((BESIDE, 2))]).astype(np.float32)
        bias = np.array([-1, 1], np.float32) * stored["bias"] / 2
        mean = np.concatenate([stored["mean"], np.zeros(BESIDE, np.float32)])
        scale = np.concatenate([stored["scale"], np.ones(BESIDE, np.float32)])
    return Trained(path, Head(mean, scale, (((weights, bias),),), np.ones(1), np.zeros((1, 2)), EVEN))


@cache
def opened(adapter: Path, folder: Path) -> LargeReader:
    """Return the reader with an adapter; it remembers what it has read."""
    return LargeReader(adapter, folder=folder, max_tokens=MAX_TOKENS)


def read(one: Trained, folder: Path, prompts: pd.Series) -> np.ndarray:
    """Return what the intent head sees of prompts, as the engine that ships reads them."""
    vectors = opened(one.path, folder).embed(list(prompts))
    return np.hstack([vectors, np.zeros((len(prompts), BESIDE), np.float32)]).reshape(-1, LARGE_DIMENSIONS + BESIDE)


def holdouts(rows: pd.DataFrame, asked: pd.DataFrame) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return what each fold holds out of rows and requests; the last one nothing.

    As in `train_classifier`, but that the two folds of sources with few borderline requests are one.
    """
    _, number = np.unique(np.concatenate([rows.prompt, asked.prompt]), return_inverse=True)
    half = np.random.default_rng(11).integers(0, 4, number.max() + 1)[number] // 2
    folds = [*FOLDS[:2], [source for fold in FOLDS[2:] for source in fold]]
    held = [tuple(t.source.isin(f).to_numpy() for t in (rows, asked)) for f in folds]
    own, own_i = rows.source.isin(OURS).to_numpy(), asked.source.isin(OURS).to_numpy()
    held += [(own & (half[: len(rows)] == k), own_i & (half[len(rows) :] == k)) for k in (0, 1)]
    return [*held, (np.zeros(len(rows), bool), np.zeros(len(asked), bool))]


def report_of(rows: pd.DataFrame, intent: np.ndarray, before: np.ndarray) -> dict[str, dict]:
    """Agreement with people, not told the intent: this engine and the shipped one on the same rows."""
    act, found = rows[["act.0", "act.1", "act.2"]].to_numpy(), {}
    truth = rows.category.map({f"g{k + 1}": k for k in range(5)})
    people = rows.label_strength.isin([*TRUSTED, "constructed"]) & truth.notna() & ~np.isnan(act[:, 0])
    for form in ("full", "cut"):
        for source in ("all", *sorted(set(rows.source[people]))):
            q = (people & (rows.form == form) & ((source == "all") | (rows.source == source))).to_numpy()
            for name, believed in ((LARGE, intent), ("embedded", before)):
                probs, groups = compose(act[q], believed[q], FIVE), rows.prompt[q].to_numpy()
                label = f"{source}, {form}, {name}"
                found[label] = measure(truth[q].to_numpy(int), probs, groups, rng=np.random.default_rng(1))
                print(line(label, found[label]))
    q = (people & (rows.form == "full")).to_numpy()
    ours, theirs = (compose(act[q], believed[q], FIVE).argmax(1) for believed in (intent, before))
    found["gain, full"] = paired(truth[q].to_numpy(int), rows.prompt[q].to_numpy(), ours, theirs)
    return found


def paired(truth: np.ndarray, prompts: np.ndarray, ours: np.ndarray, theirs: np.ndarray) -> dict[str, list[float]]:
    """Difference of the accuracies on the same rows, 95 % by resampling prompts."""
    names, group = np.unique(prompts, return_inverse=True)
    gain = np.bincount(group, (ours == truth).astype(float) - (theirs == truth), len(names))
    size, rng = np.bincount(group, minlength=len(names)), np.random.default_rng(1)
    drawn = rng.multinomial(len(names), np.full(len(names), 1 / len(names)), size=2000)
    spread = np.percentile(drawn @ gain / (drawn @ size), [2.5, 97.5])
    return {"accuracy": [float(gain.sum() / size.sum()), *map(float, spread)]}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mpnet", type=Path, required=True)
    parser.add_argument("--cache", type=Path, default=Path("embeddings.npz"))
    parser.add_argument("--adapters", type=Path, default=Path("adapters"))
    parser.add_argument("--large", type=Path, default=Path("adapters/large"))
    parser.add_argument("--table", type=Path)
    parser.add_argument("--corrections", action="store_true", help="also measure EM without labels")
    options = parser.parse_args()
    if options.table is not None and options.table.exists():
        rows = pd.read_pickle(options.table)
    else:
        rows = out_of_fold(options.cache, options.adapters)
        if options.table is not None:
            rows.to_pickle(options.table)
    asked = requests(rows)
    yi, may = asked.harmful.to_numpy(int), asked.source.isin(MAY_TRAIN).to_numpy()
    options.large.mkdir(parents=True, exist_ok=True)
    reader, ones, held = training.LargeReader(options.mpnet, options.large / "states.pt"), [], holdouts(rows, asked)
    for _, h in held:
        of = adapter_requests(asked, may & ~h)
        ones.append(trained(options.large, reader, list(asked.prompt[of]), yi[of]))
    raw = np.full((len(asked), 2), np.nan)
    for one, (_, h) in zip(ones[:-1], held[:-1], strict=True):
        raw[h] = one.head.raw(read(one, options.mpnet, asked.prompt[h]))
    intent, act = np.full((len(rows), 2), np.nan), rows[["act.0", "act.1", "act.2"]].to_numpy()
    of_request, share = np.full((2, len(rows)), np.nan)
    for one, (h, hi) in zip(ones, held, strict=True):
        calibrated, prior = intent_calibration(asked, raw, hi)
        head = replace(with_calibrations(one.head, [calibrated]), prior=prior)
        where = h if h.any() else ~rows.source.isin(MAY_TRAIN).to_numpy()
        meant = head.probabilities(read(one, options.mpnet, rows.prompt[where]))
        intent[where] = leaned(meant, act[where], deed=rows.spoken.to_numpy()[where])
        of_request[where], share[where] = log_odds_of_harm(meant), prior[1]
    report = report_of(rows, intent, rows[["intent.0", "intent.1"]].to_numpy())
    for name, of, its in ((LARGE, of_request, share), ("embedded", rows.asked.to_numpy(), rows.share.to_numpy())):
        for by, got in nested(rows, of, its).items():
            report[f"nested by {by}, {name}"] = got
            print(line(f"nested by {by}, {name}", {k: v for k, v in got.items() if k != "chosen"}))
    REPORT.write_text(json.dumps(report, indent=1) + "\n")
    if options.table is not None:
        rows.assign(**{"asked.large": of_request, "share.large": share}).to_pickle(options.table)
    told = rows[["told.0", "told.1", "told.2"]].to_numpy()
    if options.corrections:
        judged = rows.assign(**{f"intent.{k}": intent[:, k] for k in range(2)}, share=share).reset_index(drop=True)
        print("\nNo human label, intent unknown\n")
        by_default(judged_cells(with_models(judged, DATA), BY_PEOPLE, told=False)[0])
    write(head, ones[-1].path, train.calibration_sample(rows, rows.act.to_numpy(int), told, intent))


def write(intent: Head, adapter: Path, known: dict[str, np.ndarray]) -> None:
    """Write head, calibration sample and adapter, and the manifest with their hashes."""
    OUT.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(OUT / "heads.npz", **intent.to_arrays("intent"), **known)
    (OUT / "adapter.npz").write_bytes(adapter.read_bytes())
    hashes = {name: hashlib.sha256((OUT / name).read_bytes()).hexdigest() for name in ("heads.npz", "adapter.npz")}
    manifest = {
        "name": "secondlaw-embedded-large", "version": VERSION, "weights": "heads.npz", "sha256": hashes["heads.npz"],
        "adapter": "adapter.npz", "adapter_sha256": hashes["adapter.npz"],
        "max_tokens": MAX_TOKENS,
        "base_sha256": json.loads((train.OUT / "manifest.json").read_text())["sha256"],
        "encoder": f"all-mpnet-base-v2, nine layers, int8 weights, sha256 {MPNET.sha256[:16]}",
    }  # fmt: skip
    (OUT / "manifest.json").write_text(json.dumps(manifest, indent=1) + "\n")


if __name__ == "__main__":
    main()
