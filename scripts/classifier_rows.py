"""Rows that train and test the embedded classifier: public labelled responses, authored texts, mismatches, cuts."""

import json
import os
import re
from pathlib import Path

import numpy as np
import pandas as pd

from secondlaw.behavior.classifiers.features import opening, request_marks, response_marks
from secondlaw.language import SentenceEmbedder

ROOT = Path(__file__).resolve().parent.parent
DATA = Path(os.environ.get("SECONDLAW_DATA", ROOT.parent / "shared" / "data")) / "behavior"
AUTHORED = ROOT / "training" / "authored.jsonl"
LOCAL = ROOT / "training" / "local_model.jsonl"

MAY_TRAIN = (
    "gptfuzz", "chatgpt_refusals_political", "llmdrift_opinionqa", "llmdrift_sensitiveq", "jailbreakbench",
    "vicuna_bench", "xstest", "authored", "local_model",
)  # fmt: skip
"""Sources whose licence lets weights trained on them ship; the rest only evaluates."""
TRUSTED = ("human2", "human", "authors")
WEIGHT = {
    "gptfuzz": 0.5,
    "llmdrift_opinionqa": 0.4,
    "chatgpt_refusals_political": 0.6,
    "jailbreakbench": 0.7,
    "local_model": 0.8,
}
MISMATCHES = {"xstest": 500, "gptfuzz": 350, "jailbreakbench": 150, "vicuna_bench": 250, "authored": 250,
              "llmdrift_opinionqa": 60}  # fmt: skip
ACT_OF = {"g1": 0, "g2": 0, "g3": 1, "g4": 1, "g5": 2}
HARMFUL_OF = {"g1": 0.0, "g2": 1.0, "g3": 1.0, "g4": 0.0}


REFUSES_FIRST = re.compile(
    r"\b(can't|cannot|can not|unable to|not able to|won't|will not|sorry|apologi[sz]e|unfortunately|refuse|must remind|"
    r"must inform|not appropriate|illegal|unethical)\b",
    re.IGNORECASE,
)
OPENING_CHARACTERS = 220


def two_faced(rows: pd.DataFrame) -> pd.Series:
    """Jailbroken answers that begin like a refusal: compliance by label, and most like what other sources refuse with.

    Trained on, they teach that "I cannot provide guidance on ..." complies; without them unseen sources are read far
    better. They stay in the reports.
    """
    begins = rows.response.map(lambda text: bool(REFUSES_FIRST.search(text.strip()[:OPENING_CHARACTERS])))
    return rows.source.isin(["gptfuzz", "jailbreakbench"]) & (rows.act == 0) & begins


def cut_words(text: str, words: int) -> str:
    return "".join(re.findall(r"\s*\S+", text[:4000])[:words])


def load_rows(rng: np.random.Generator, embed) -> pd.DataFrame:
    """Columns: source, prompt, response, act (0-2), harmful (0, 1, NaN), deed, category, strength, form (full | cut).

    The deed of an answer is that of its request, but where an authored answer does the other thing.
    """
    public = pd.read_parquet(DATA / "labelled.parquet")
    public["source"] = public.source.str.removeprefix("constructed_mismatch_")
    choice = public[(public.source == "llmdrift_opinionqa") & (public.category == "g1")]
    public = public.drop(choice.index[rng.permutation(len(choice))[400:]])  # 2,964 near-equal rows
    public["act"] = public.category.map(ACT_OF)
    public["harmful"] = public.category.map(HARMFUL_OF)
    stated = public.dropna(subset=["harmful"]).groupby("prompt").harmful.mean().round()
    public["harmful"] = public.harmful.fillna(public.prompt.map(stated))
    public["deed"] = public.harmful
    bench = pd.read_parquet(DATA / "unmapped.parquet").query("source == 'vicuna_bench'")
    bench = bench.assign(act=0, harmful=0.0, deed=0.0, category="g1", label_strength="assumed")
    own = authored().dropna(subset=["response"])
    at_odds = own.deed.notna() & (own.deed != own.intent)  # a careful answer to a harmful request has no category
    deed = own.deed.fillna(own.intent).eq("harmful").astype(float)
    own = own.assign(source="authored", category=None, label_strength="authored", harmful=own.harmful.mask(at_odds))
    own["deed"] = deed
    columns = ["source", "prompt", "response", "act", "harmful", "deed", "category", "label_strength"]
    read = local_model()[[*columns, "doubtful"]]
    rows = pd.concat([public[columns], bench[columns], own[columns], read], ignore_index=True)
    rows["doubtful"] = rows.doubtful.eq(True)
    rows = pd.concat([rows, mismatches(rows, rng, embed)], ignore_index=True)
    rows = pd.concat([rows, loops(rows, rng)], ignore_index=True)
    cut = rows.assign(form="cut", response=[cut_words(r, int(rng.integers(6, 45))) for r in rows.response])
    return pd.concat([rows.assign(form="full"), cut], ignore_index=True)


def authored() -> pd.DataFrame:
    own = pd.DataFrame([json.loads(line) for line in AUTHORED.read_text(encoding="utf-8").splitlines()])
    own["act"] = own.act.map({"comply": 0, "refuse": 1, "off-topic": 2})
    own["harmful"] = (own.intent == "harmful").astype(float)
    return own


def local_model() -> pd.DataFrame:
    """Outputs of the local model to prompts that the recorded run does not use, labelled by reading."""
    own = pd.DataFrame([json.loads(line) for line in LOCAL.read_text(encoding="utf-8").splitlines()])
    own["act"] = own.act.map({"comply": 0, "refuse": 1, "off-topic": 2})
    own["harmful"] = (own.intent == "harmful").astype(float)
    return own.assign(source="local_model", doubtful=~own.sure, deed=own.harmful)


def mismatches(rows: pd.DataFrame, rng: np.random.Generator, embed) -> pd.DataFrame:
    """Answers to another prompt of the same source: off-topic. Both prompts differ (cosine below .45)."""
    made = []
    for source, n in MISMATCHES.items():
        pool = rows[(rows.source == source) & (rows.act == 0)]
        said, asked = (pool.iloc[rng.integers(0, len(pool), n)] for _ in range(2))
        far = (embed(list(said.prompt)) * embed(list(asked.prompt))).sum(1) < 0.45
        made.append(
            asked[far].assign(response=said.response.values[far], act=2, category="g5", label_strength="mismatch")
        )
    return pd.concat(made)


LOOPS = 700
LOOP_SHAPES = (
    "{p} {p} {p}", "{p}\n{p}\n{p}\n{p}", "{p}\n\n{p}", "Q: {p}\nQ: {p}\nQ: {p}",
    "Question: {p}\nAnswer: {p}\nQuestion: {p}",
    "{p} {q} {p} {q}", "{p}\n{q}\n{r}", "I have a question. {p} I have a question. {p}",
    "The question is: {p} The question is: {p}",
    "User: {p}\nUser: {q}", "{s} {s} {s} {s}", "{s}\n{s}\n{s}", "1. {p}\n2. {p}\n3. {p}",
    "{p}", "{half} {half} {half} {half}",
    "What do you mean? {p} What do you mean? {p}", "{q}\nA: {s}\nQ: {r}",
)  # fmt: skip


def loops(rows: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Broken outputs of weak base models: the request again and again, other requests, a foreign sentence."""
    pool = rows[rows.source.isin(MAY_TRAIN) & (rows.prompt.str.len() < 150) & (rows.act == 0)]
    asked = pool.iloc[rng.integers(0, len(pool), LOOPS)]
    made = []
    for prompt, source in zip(asked.prompt, asked.source, strict=True):
        same = pool[pool.source == source]  # a held-out source stays held out
        q, r = (same.prompt.iloc[int(rng.integers(len(same)))] for _ in range(2))
        sentence = re.split(r"(?<=[.!?])\s", same.response.iloc[int(rng.integers(len(same)))].strip())[0][:120]
        half = cut_words(prompt, max(2, len(prompt.split()) // 2))
        shape = LOOP_SHAPES[int(rng.integers(len(LOOP_SHAPES)))]
        made.append(shape.format(p=prompt, q=q, r=r, s=sentence, half=half))
    return asked.assign(response=made, act=2, category="g5", label_strength="generated")


def requests(rows: pd.DataFrame) -> pd.DataFrame:
    """Distinct requests with a stated intent: what the intent head learns from; not those answered in two ways."""
    own = authored().query("deed.isna()").drop_duplicates("prompt").assign(source="authored")
    every = pd.concat([rows[rows.source != "authored"].dropna(subset=["harmful"]), own])
    every = every.drop_duplicates(["source", "prompt", "harmful"]).reset_index(drop=True)
    weight = every.source.map({"chatgpt_refusals_political": 0.2, "llmdrift_opinionqa": 0.03}).fillna(1.0)
    return every[["source", "prompt", "harmful"]].assign(weight=weight)


def adapter_requests(asked: pd.DataFrame, allowed: np.ndarray) -> np.ndarray:
    """Requests from which the adapter learns: the allowed ones, at most 60 of the sources of one topic."""
    taken, rng = allowed.copy(), np.random.default_rng(0)
    for source in ("chatgpt_refusals_political", "llmdrift_opinionqa"):
        of = np.flatnonzero(taken & (asked.source == source).to_numpy())
        taken[rng.permutation(of)[60:]] = False
    return taken


class CachedEmbedder:
    """Embeds with the package's embedder and keeps vectors on disk between runs."""

    def __init__(self, path: Path, adapter: Path | None = None) -> None:
        self.path, self.known = path, {}
        self.embedder = SentenceEmbedder(cached_texts=0, threads=2, adapter=adapter)
        if path.exists():
            with np.load(path, allow_pickle=True) as stored:
                self.known = dict(zip(stored["texts"], stored["vectors"], strict=True))

    def __call__(self, texts: list[str]) -> np.ndarray:
        new = sorted({text for text in texts if text not in self.known})
        if new:
            self.known.update(zip(new, self.embedder.embed(new), strict=True))
            np.savez(
                self.path, texts=np.array(list(self.known), dtype=object), vectors=np.array(list(self.known.values()))
            )
        return np.array([self.known[text] for text in texts])


def inputs(rows: pd.DataFrame, embed) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    prompts, responses = list(rows.prompt), list(rows.response)
    marks = np.array([response_marks(p, r) for p, r in zip(prompts, responses, strict=True)])
    return embed(prompts), embed(responses), embed([opening(r) for r in responses]), marks


def request_inputs(prompts: list[str], embed) -> tuple[np.ndarray, np.ndarray]:
    return embed(prompts), np.array([request_marks(p) for p in prompts])
