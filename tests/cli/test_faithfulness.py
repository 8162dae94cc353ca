"""``secondlaw faithfulness``: field names, every bad input, JSON by its schema, report, comparison, scores."""

import json
from pathlib import Path

import jsonschema
import pytest

pytestmark = pytest.mark.unit

SCHEMA = json.loads((Path(__file__).parents[2] / "docs/schemas/faithfulness.schema.json").read_text(encoding="utf-8"))
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


def test_every_bad_input_is_defined(run, write_rows):
    found = dict(zip(BAD, scored(run, write_rows, *BAD.values()), strict=True))
    assert all(one["p_value"] is None or 0 < one["p_value"] <= 1 for one in found.values())
    assert "answer" in found["empty answer"]["grounding"]["support"]["insufficient"]
    assert found["answer is context"]["grounding"]["bigram_precision"]["value"] == 1.0
    assert "word for word" in found["answer is context"]["notes"][0]
    assert "3 sentences" in found["one sentence"]["grounding"]["support"]["insufficient"]
    assert found["one sentence"]["grounding"]["sentences"][0]["support"] == pytest.approx(1.0, abs=1e-6)
    assert "not Latin" in found["mixed languages"]["notes"][0]
    assert found["only numbers"]["grounding"]["novel_numbers"] == ["6", "7"]
    assert "no letter" in found["only numbers"]["notes"][0]
    assert "no letter" in found["emoji"]["notes"][0]
    assert "question" in found["no question"]["topic_divergence"]["insufficient"]
    assert found["no question"]["grounding"]["support"]["value"] > 0.99
    assert "context" in found["no context"]["grounding"]["support"]["insufficient"]


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
    assert (found["pairs"], found["unmatched"]) == (8, 1)
    support = next(one for one in found["differences"] if one["name"] == "support")
    assert support["difference"]["high"] < 0 < support["p_value"] < 0.05
    assert "no partner" in run("faithfulness", first, "--compare", second).stdout
    assert run("faithfulness", first, "--compare", write_rows([row()], "x.jsonl")).exit_code == 2


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
