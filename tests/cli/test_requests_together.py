"""``--harmful-share auto``: which requests are read, what they settle, and where they cannot."""

import json
import random

import pytest

from secondlaw.errors import InvalidInput
from secondlaw.pipeline.engines import open_engine
from secondlaw.pipeline.requests_together import RequestSample, share_settled
from secondlaw.pipeline.runs import no_progress
from secondlaw.pipeline.settings import Settings, load_settings

pytestmark = pytest.mark.unit

DISHES = (
    "lentil soup", "rye bread", "an omelette", "rice pudding", "pancakes", "a bean stew", "apple pie", "ratatouille",
    "dumplings", "tomato sauce", "potato salad", "risotto",
)  # fmt: skip
ASKED = ("How do I make {}?", "What goes well with {}?", "How long does {} keep in the fridge?",
         "Is {} suited to a lunch for two?", "Where does {} come from?")  # fmt: skip
KITCHEN = [question.format(dish) for question in ASKED for dish in DISHES]
ANSWER = "Start with fresh ingredients, keep the heat low, taste as you go on, and serve it warm with some bread."


def rows(prompts, intent="unknown"):
    return [
        {"id": str(i), "prompt": prompt, "response": ANSWER, "step": 0, "intent": intent}
        for i, prompt in enumerate(prompts)
    ]


def sample_of(prompts, **said) -> RequestSample:
    sample = RequestSample(**said)
    for prompt in prompts:
        sample.add(prompt, ANSWER, "unknown")
    return sample


def test_the_sample_is_the_same_in_any_order() -> None:
    offered = [(f"q{i % 40}", f"a{i}") for i in range(120)]
    found = []
    for seed in range(5):
        random.Random(seed).shuffle(offered)
        sample = RequestSample(25)
        for prompt, response in offered:
            sample.add(prompt, response, "unknown")
        found.append(sample.texts())
    assert all(one == found[0] for one in found)
    prompts, responses = found[0]
    assert len(set(prompts)) == len(responses) == 25
    assert all(int(said[1:]) % 40 == int(asked[1:]) for asked, said in zip(prompts, responses, strict=True))


def test_stated_intents_and_missing_prompts_are_passed_over() -> None:
    sample = RequestSample()
    sample.add("q", "a", "benign")
    sample.add("q", "a", "harmful")
    sample.add(" ", "a", "unknown")
    assert len(sample) == 0


def test_a_kitchen_is_harmless() -> None:
    auto = Settings(harmful_share="auto")
    settled, said = share_settled(auto, lambda: sample_of(KITCHEN), progress=no_progress)
    assert settled.harmful_share == 0.02
    assert said[0].endswith("if the line is where the classifier draws it; labels expect 0.02")
    assert said[0].startswith("60 requests of unknown intent, read together, look harmful in 0.0")
    again, _ = share_settled(auto, lambda: sample_of(reversed(KITCHEN)), progress=no_progress)
    assert again == settled


def test_a_stated_share_is_left_and_nothing_is_read() -> None:
    for share in (None, 0.3):
        told = Settings(harmful_share=share)
        nothing = share_settled(told, lambda: pytest.fail("read"), progress=lambda part: pytest.fail("shown"))
        assert nothing == (told, [])


def test_too_few_requests_settle_nothing() -> None:
    settled, said = share_settled(Settings(harmful_share="auto"), lambda: sample_of(KITCHEN[:49]), progress=no_progress)
    assert settled.harmful_share is None
    assert "without effect" in said[0]
    assert "there are 49 different requests" in said[0]
    assert share_settled(Settings(harmful_share="auto"), RequestSample, progress=no_progress)[1] == []


def test_engines_that_read_no_intents_are_refused(tmp_path, monkeypatch) -> None:
    (tmp_path / "judge_together.py").write_text("def judge(prompt, response, intent):\n    return [1, 0, 0], [1, 0]\n")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InvalidInput, match="auto is for embedded engines; judge_together:judge"):
        share_settled(
            Settings(harmful_share="auto", engine="judge_together:judge"),
            lambda: sample_of(KITCHEN),
            progress=no_progress,
        )


def test_what_labels_row_by_row_says_that_it_cannot(run, write_rows, tmp_path) -> None:
    with pytest.raises(InvalidInput, match="here the setting harmful_share is a number"):
        open_engine("embedded", Settings(harmful_share="auto"))
    refused = run("classify", "-", "--out", tmp_path / "o.jsonl", "--harmful-share", "auto", stdin="")
    assert refused.exit_code == 2
    assert "standard input can be read once" in refused.output
    taken = tmp_path / "taken.jsonl"
    taken.write_text("{}")
    refused = run("classify", write_rows(rows(KITCHEN)), "--out", taken, "--harmful-share", "auto")
    assert refused.exit_code == 2
    assert "exists; name another output" in refused.output


def test_a_service_does_not_begin_under_it(tmp_path) -> None:
    from secondlaw.service.serving import run_service

    with pytest.raises(InvalidInput, match="harmful_share auto reads a whole file"):
        run_service(None, None, Settings(harmful_share="auto"))


@pytest.mark.parametrize("said", ["atuo", "2", "0", "-1", "nan", ""])
def test_what_is_neither_share_nor_auto_is_refused(said: str) -> None:
    with pytest.raises(InvalidInput, match=r"setting harmful_share: .*between 0 and 1, and auto reads it"):
        load_settings(harmful_share=said)


def test_classify_and_measure_settle_on_the_same(run, write_rows, tmp_path) -> None:
    path, out = write_rows(rows(KITCHEN)), tmp_path / "out.jsonl"
    done = run("classify", path, "--out", out, "--harmful-share", "auto", "--json")
    classified = json.loads(done.stdout)
    assert classified["classifier"].endswith("+harmful-0.02")
    assert "read together" in classified["warnings"][0]
    labels = [json.loads(line) for line in out.read_text().splitlines()]
    assert {row["label"] for row in labels} <= {"g1", "g5"}
    measured = json.loads(run("measure", path, "--json", "--harmful-share", "auto", "--resamples", 100).stdout)
    assert measured["cells"][0]["classifier"] == classified["classifier"]
    assert any("read together" in one for one in measured["warnings"])


def test_check_and_compare_settle_one_share_for_both_runs(run, write_rows) -> None:
    base, candidate = (write_rows(rows(part), f"{name}.jsonl") for part, name in ((KITCHEN, "a"), (KITCHEN[:30], "b")))
    for command in ("check", "compare"):
        done = run(
            command, base, candidate, "--harmful-share", "auto", "--json", "--resamples", 100, "--permutations", 99
        )
        assert done.exit_code in (0, 10, 11, 12), done.output
        assert "labels expect 0.02" in " ".join(json.loads(done.stdout)["warnings"])


def test_told_intents_are_not_read(run, write_rows) -> None:
    given = [row | {"human_label": "g1"} for row in rows(KITCHEN, "benign")]
    done = run("classifier", "evaluate", write_rows(given), "--harmful-share", "auto", "--intent", "known", "--json",
               "--resamples", 100)  # fmt: skip
    assert "harmful" not in json.loads(done.stdout)["classifier"]


def test_evaluation_reads_the_rows_as_if_none_stated_an_intent(run, write_rows) -> None:
    given = [row | {"human_label": "g1"} for row in rows(KITCHEN, "benign")]
    found = json.loads(
        run("classifier", "evaluate", write_rows(given), "--harmful-share", "auto", "--json", "--resamples", 100).stdout
    )
    assert found["classifier"].endswith("+harmful-0.02")
    assert any("60 requests of unknown intent, read together" in one for one in found["warnings"])


def test_a_share_far_from_the_expected_is_pointed_out(run, write_rows) -> None:
    def warned(prompts, *said):
        found = json.loads(run("measure", write_rows(rows(prompts)), "--json", "--resamples", 100, *said).stdout)
        return [one for one in found["warnings"] if "--harmful-share auto" in one]

    assert "60 requests of unknown intent, read together, look harmful in 0.0" in warned(KITCHEN)[0]
    assert warned(KITCHEN[:49]) == []
    assert warned(KITCHEN, "--harmful-share", 0.05) == []
    assert warned(KITCHEN, "--harmful-share", "auto") == []


def test_labels_that_stand_in_a_file_are_made_again_by_relabelling(run, write_rows, tmp_path) -> None:
    path, again = tmp_path / "labelled.jsonl", tmp_path / "again.jsonl"
    assert run("classify", write_rows(rows(KITCHEN)), "--out", path).exit_code == 0

    def warned(file, *said):
        return json.loads(run("measure", file, "--json", "--resamples", 100, *said).stdout)["warnings"]

    assert any("classify --relabel where rows carry labels" in one for one in warned(path, "--harmful-share", "auto"))
    assert run("classify", path, "--out", again, "--relabel", "--harmful-share", "auto").exit_code == 0
    assert not any("read together" in one for one in warned(again))
