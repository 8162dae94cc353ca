"""Semantic faithfulness: seconds beside the alternating minimisation, and how well scores tell faithful answers.

*speed*: the closed form beside the paper's algorithm (ours, in NumPy) on the same shares, one triplet at a time, with
equal optimum; and 10,000 triplets with bootstrap and null, 200 draws each.
*labels*: AUROC of each score on labelled sets, with a bootstrap interval over documents. The sets are not part of the
repository; SECONDLAW_DATA names the folder that holds ``faithfulness/qags_xsum.jsonl`` and
``faithfulness/halueval_general_data.json``.
*embeddings*: the same under each embedding (the extra multilingual), how far they agree, and their speed.

    OMP_NUM_THREADS=1 python benchmarks/faithfulness.py speed
    OMP_NUM_THREADS=1 SECONDLAW_DATA=data python benchmarks/faithfulness.py labels
    OMP_NUM_THREADS=1 SECONDLAW_DATA=data python benchmarks/faithfulness.py embeddings
"""

import argparse
import json
import os
import time
from pathlib import Path

import numpy as np
from scipy.stats import spearmanr

from secondlaw.faithfulness import (
    ANSWER,
    CONTEXT,
    NamedEmbedder,
    auroc,
    embed_example,
    example_of,
    features_of,
    fit_combined,
    level_table,
    score_example,
    semantic_faithfulness,
    split_sentences,
    topic_divergence,
    transport,
)
from secondlaw.faithfulness.combined import FEATURES
from secondlaw.faithfulness.scoring import Scoring
from secondlaw.language import SentenceEmbedder, universal_embedder

TOPICS = 23


def speed(repeats: int = 20, triplets: int = 10_000) -> None:
    """Print the seconds of both algorithms, and of the whole table."""
    rng = np.random.default_rng(0)
    shares = rng.dirichlet(np.ones(TOPICS), size=(repeats, 3)) + 1e-3
    shares /= shares.sum(axis=-1, keepdims=True)
    started = time.perf_counter()
    slow = [transport(a, q, c, rng=rng, accelerated=False, tolerance=1e-8) for a, q, c in shares]
    per_slow = (time.perf_counter() - started) / repeats
    apart = 0.0
    for k in range(2, 22, 2):
        p = rng.dirichlet(np.ones(k), size=(3, 100)) + 0.02
        p /= p.sum(axis=-1, keepdims=True)
        apart = max(
            apart,
            np.abs(transport(*p, rng=rng).value - topic_divergence(p[0], p[1], smoothing=0.0)).max(),
        )
    print(f"1,000 random marginals, 2 to 20 topics: transport and closed form differ by {apart:.1e} nats at most")
    many = np.tile(shares, (triplets // repeats, 1, 1))
    topic_divergence(many[:, 0], many[:, 1], smoothing=0.0)
    started = time.perf_counter()
    fast = topic_divergence(many[:, 0], many[:, 1], smoothing=0.0)
    per_fast = (time.perf_counter() - started) / len(many)
    started = time.perf_counter()
    for a, q, c in shares:
        transport(a, q, c, rng=rng, tolerance=1e-8)
    per_accelerated = (time.perf_counter() - started) / repeats
    apart = max(abs(float(one.value) - value) for one, value in zip(slow, fast, strict=False))
    print(f"alternating minimisation {1e3 * per_slow:.2f} ms a triplet, closed form {1e6 * per_fast:.2f} us: "
          f"{per_slow / per_fast:,.0f} times; largest difference {apart:.1e} nats")  # fmt: skip
    print(f"extrapolated: {1e3 * per_accelerated:.2f} ms, {per_accelerated / per_fast:,.0f} times the closed form's")
    laws = rng.dirichlet(np.ones(TOPICS), size=triplets)
    answers, questions = rng.multinomial(55, laws), rng.multinomial(20, laws)
    started = time.process_time()
    level_table(answers, questions, rng=rng, draws=200)
    print(f"{triplets:,} triplets with interval and null, 200 draws each: {time.process_time() - started:.1f} s")


def qags(path: Path, embedder: NamedEmbedder) -> dict[str, np.ndarray]:
    """Print AUROCs on QAGS-XSum: is every sentence of the summary supported, by the majority of three people."""
    scoring = Scoring(spread=False, draws=20, embedding=embedder.name)
    labels, rows, groups, topics = [], [], [], []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines()):
        row = json.loads(line)
        yes = [sum(vote["response"] == "yes" for vote in one["responses"]) * 2 > len(one["responses"])
               for one in row["summary_sentences"]]  # fmt: skip
        summary = " ".join(one["sentence"] for one in row["summary_sentences"])
        # A summary has no question: the article stands in for it, so that SF says how the summary's topics follow it.
        example = example_of({"question": row["article"], "context": row["article"], "answer": summary}, number=number)
        found = score_example(embed_example(example, embedder), scoring=scoring)
        labels.append(all(yes))
        rows.append(features_of(found.grounding))
        groups.append(row["article"])
        parts, clustered = found.embedded.parts, found.topics
        counts = [
            np.bincount(clustered.labels[parts == part], minlength=max(2, clustered.k)) for part in (ANSWER, CONTEXT)
        ]
        topics.append(float(semantic_faithfulness(*counts)))
    features, truth = np.array(rows), np.array(labels)
    print(f"QAGS-XSum, {embedder.name}: {len(truth)} summaries, {truth.sum()} faithful by the majority of three people")
    _say("semantic faithfulness (article for question)", topics, truth, groups)
    for name, column in zip(FEATURES, features.T, strict=True):
        _say(name, -column if name.startswith("novel") else column, truth, groups)
    combined = fit_combined(features, truth, groups, rng=np.random.default_rng(0))
    print(f"  {'combined, out of fold':46} {combined.auroc}")
    return {"SF": np.array(topics), "mean support": features[:, FEATURES.index("mean_support")]}


def halueval(path: Path, most: int, embedder: NamedEmbedder) -> dict[str, np.ndarray]:
    """Print AUROCs on HaluEval's general part, which has no context: only question and response."""
    scoring = Scoring(spread=False, draws=20, embedding=embedder.name)
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    drawn = np.random.default_rng(0).choice(len(rows), min(most, len(rows)), replace=False)
    labels, topics, likeness = [], [], []
    for number in sorted(drawn):
        row = rows[number]
        example = example_of({"question": row["user_query"], "answer": row["chatgpt_response"]}, number=int(number))
        embedded = embed_example(example, embedder)
        found = score_example(embedded, scoring=scoring)
        if found.topics is None:
            continue
        answers, asked = embedded.vectors[embedded.parts == ANSWER], embedded.vectors[embedded.parts == 0]
        labels.append(row["hallucination"] == "no")
        topics.append(np.nan if found.plain is None else found.plain)
        likeness.append(float((answers @ asked.T).max(axis=1).mean()))
    truth, faithful, like = np.array(labels), np.array(topics), np.array(likeness)
    known = ~np.isnan(faithful)  # without SF: the embedding finds one topic
    print(f"HaluEval, general, {embedder.name}: {known.sum()} responses drawn, {truth[known].sum()} without "
          "hallucination (label of its authors)")  # fmt: skip
    _say("semantic faithfulness", faithful[known], truth[known], np.arange(known.sum()))
    _say("mean cosine with the question", like[known], truth[known], np.arange(known.sum()))
    return {"SF": faithful, "mean cosine with the question": like}


def embeddings(data: Path, most: int) -> None:
    """Print AUROCs under each embedding, how far they agree, and sentences a second."""
    found: list[dict[str, dict[str, np.ndarray]]] = []
    for embedder in (SentenceEmbedder(cached_texts=0), universal_embedder()):
        sentences = [
            sentence for line in (data / "qags_xsum.jsonl").read_text(encoding="utf-8").splitlines()
            for sentence in split_sentences(json.loads(line)["article"])
        ]  # fmt: skip
        embedder.embed(["first"])
        different = list(dict.fromkeys(sentences))
        started = time.process_time()
        embedder.embed(different)
        rate = len(different) / (time.process_time() - started)
        print(f"{embedder.name}: {len(different):,} sentences, {rate:,.0f} a second of one core")
        found.append({
            "QAGS-XSum": qags(data / "qags_xsum.jsonl", embedder),
            "HaluEval": halueval(data / "halueval_general_data.json", most, embedder),
        })  # fmt: skip
    rng = np.random.default_rng(0)
    for name, scores in found[0].items():
        for score, first in scores.items():
            both = ~np.isnan(first) & ~np.isnan(found[1][name][score])
            one, two = first[both], found[1][name][score][both]
            drawn = rng.integers(len(one), size=(500, len(one)))
            low, high = np.quantile([spearmanr(one[row], two[row]).statistic for row in drawn], (0.025, 0.975))
            print(f"{name}, {score}: rank correlation {spearmanr(one, two).statistic:.3f} [{low:.3f}, {high:.3f}], "
                  f"mean difference {np.abs(one - two).mean():.3f}, n = {len(one)}")  # fmt: skip
    choices(data / "qags_xsum.jsonl")


def choices(path: Path, triplets: int = 60) -> None:
    """Print how far levels move under each other choice, where question and answer share 0 to 4 of their articles.

    A question is the first halves of four articles, an answer the second halves of as many, some of them others.
    """
    rng = np.random.default_rng(0)
    articles = dict.fromkeys(json.loads(one)["article"] for one in path.read_text(encoding="utf-8").splitlines())
    split = map(split_sentences, articles)
    halves = [(" ".join(one[: len(one) // 2]), " ".join(one[len(one) // 2 :])) for one in split]
    embedder, found_by, shared = SentenceEmbedder(), {}, []
    for number in range(triplets):
        drawn = rng.choice(len(halves), 8, replace=False)
        common = number % 5
        said = [*drawn[:common], *drawn[4 : 8 - common]]
        asked, told = (" ".join(halves[one][side] for one in places) for side, places in enumerate((drawn[:4], said)))
        example = example_of({"question": asked, "context": asked, "answer": told}, number=number)
        scoring = Scoring(draws=20, second=universal_embedder())
        found = score_example(embed_example(example, embedder), scoring=scoring)
        if found.spread is None:
            continue
        shared.append(common)
        for name, value in found.spread.choices.items():
            kind = "as reported" if name.endswith("as reported") else name
            found_by.setdefault("k-means" if name.startswith("k-means") else kind, []).append(value)
    reported = np.array(found_by["as reported"])
    print(f"{len(reported)} long questions and answers, SF under each choice: mean, distance from the one reported, "
          "rank correlation with it, and with the number of shared articles")  # fmt: skip
    for name, values in found_by.items():
        each = np.array(values).reshape(len(reported), -1).mean(axis=1)
        print(f"  {name:50} {each.mean():.3f}  {np.abs(each - reported).mean():.3f}  "
              f"{spearmanr(each, reported).statistic:.2f}  {spearmanr(each, shared).statistic:.2f}")  # fmt: skip


def _say(name: str, scores: object, truth: object, groups: object) -> None:
    print(f"  {name:46} {auroc(scores, truth, groups=groups, rng=np.random.default_rng(0))}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("task", choices=("speed", "labels", "embeddings"))
    parser.add_argument("--most", type=int, default=1000, help="responses of HaluEval")
    arguments = parser.parse_args()
    if arguments.task == "speed":
        speed()
        return
    data = Path(os.environ.get("SECONDLAW_DATA", Path(__file__).parents[2] / "shared" / "data")) / "faithfulness"
    if not data.is_dir():
        raise SystemExit(f"no labelled sets in {data}: set SECONDLAW_DATA")
    if arguments.task == "embeddings":
        embeddings(data, arguments.most)
        return
    qags(data / "qags_xsum.jsonl", SentenceEmbedder())
    halueval(data / "halueval_general_data.json", arguments.most, SentenceEmbedder())


if __name__ == "__main__":
    main()
