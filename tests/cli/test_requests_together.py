"""The share of harmful requests, read off all of them: by default, when asked, and where it cannot be."""

import json
import random

import numpy as np
import pytest
from requests_in_files import KITCHEN, classified, measured, rows, together

from secondlaw.behavior.classifier_identity import with_share
from secondlaw.behavior.classifiers.told_share import LinePrior, shipped_priors
from secondlaw.behavior.taxonomy import FIVE
from secondlaw.errors import InvalidInput
from secondlaw.pipeline.engines import open_engine
from secondlaw.pipeline.requests_together import RequestEvidence, expected_together, harm_said, open_for_files
from secondlaw.pipeline.settings import Settings, load_settings

pytestmark = pytest.mark.unit

COUNTS = (90 * np.eye(5) + 2).tolist()


def test_the_evidence_is_the_same_in_any_order() -> None:
    offered = [(i % 40, float(i)) for i in range(120)]
    found = []
    for seed in range(5):
        random.Random(seed).shuffle(offered)
        evidence = RequestEvidence(25)
        for request, said in offered:
            evidence.add(request, said)
        found.append(evidence.values().tolist())
    assert found == [[float(i + 40) for i in range(25)]] * 5


def test_what_says_nothing_of_its_request_is_passed_over() -> None:
    evidence, prior = RequestEvidence(), LinePrior(0.5, 2.0)
    surely_off_topic = harm_said(np.array([[0.0, 0.0, 0.0, 0.0005, 0.9995]]), np.array([-1, 1, 1, -1, 0]), prior, None)
    evidence.add(1, float(surely_off_topic[0]))
    assert len(evidence.values()) == 0


def test_probabilities_under_another_share_say_the_same() -> None:
    prior, sides = LinePrior(0.65, 2.0), np.array([-1, 1])
    untold, told = np.array([[0.65, 0.35]]), np.array([[0.95, 0.05]])
    by = np.log(0.05 / 0.95) - np.log(0.65 / 0.35)
    moved = 1 / (1 + np.exp(-(np.log(0.35 / 0.65) + by)))
    says = harm_said(np.array([[1 - moved, moved]]), sides, prior, 0.05)
    np.testing.assert_allclose(says, harm_said(untold, sides, prior, None), atol=1e-12)
    assert not np.allclose(harm_said(told, sides, prior, 0.05), says)


def test_too_few_requests_tell_nothing() -> None:
    evidence, prior = RequestEvidence(), LinePrior(0.65, 2.0)
    for request in range(49):
        evidence.add(request, -2.0)
    told, said = expected_together(evidence, prior, asked=True, seed=0)
    assert told is None
    assert "without effect" in said[0]
    assert "there are 49 different requests" in said[0]
    assert expected_together(evidence, prior, asked=False, seed=0) == (None, [])
    evidence.add(49, -2.0)
    told, said = expected_together(evidence, prior, asked=False, seed=0)
    assert told == 0.02
    assert said[0].endswith("labels expect 0.02 (--harmful-share prior: 0.65)")


def test_engines_that_read_no_intents_are_refused(tmp_path, monkeypatch) -> None:
    (tmp_path / "judge_together.py").write_text("def judge(prompt, response, intent):\n    return [1, 0, 0], [1, 0]\n")
    monkeypatch.chdir(tmp_path)
    own = "judge_together:judge"
    with pytest.raises(InvalidInput, match="auto is for embedded engines; judge_together:judge"):
        open_for_files(Settings(harmful_share="auto", engine=own))
    assert open_for_files(Settings(engine=own)).name == "judge"


def test_what_labels_row_by_row_says_that_it_cannot() -> None:
    with pytest.raises(InvalidInput, match="here the setting harmful_share is a number"):
        open_engine("embedded", Settings(harmful_share="auto"))
    for untold in (None, "prior"):
        assert open_engine("embedded", Settings(harmful_share=untold)).identity in shipped_priors()


def test_a_service_does_not_begin_under_it() -> None:
    from secondlaw.service.serving import run_service

    with pytest.raises(InvalidInput, match="harmful_share auto reads a whole file"):
        run_service(None, None, Settings(harmful_share="auto"))


@pytest.mark.parametrize("said", ["atuo", "2", "0", "-1", "nan", ""])
def test_what_is_neither_share_nor_auto_is_refused(said: str) -> None:
    with pytest.raises(InvalidInput, match=r"setting harmful_share: .*between 0 and 1, auto reads it"):
        load_settings(harmful_share=said)


def test_a_kitchen_is_harmless_by_default_in_every_command(run, write_rows, tmp_path) -> None:
    path, out = write_rows(rows(KITCHEN)), tmp_path / "out.jsonl"
    said, labels = classified(run, path, out)
    assert said["classifier"].endswith("+harmful-0.02")
    assert said["warnings"][0].startswith("60 requests of unknown intent, read together, look harmful in 0.0")
    assert {row["label"] for row in labels} <= {"g1", "g5"}
    assert {row["classifier"] for row in labels} == {said["classifier"]}
    found = measured(run, path)
    assert found["cells"][0]["classifier"] == said["classifier"]
    assert together(found) == together(said)
    [flag] = [one for one in found["warnings"] if "takes g1 and g2 for one another" in one]
    assert flag.startswith("flagged in 1 of 1 cell;")
    for command in ("check", "compare"):
        base, other = (write_rows(rows(part), f"{name}.jsonl") for part, name in ((KITCHEN, "a"), (KITCHEN[:30], "b")))
        done = run(command, base, other, "--json", "--resamples", 100, "--permutations", 99)
        assert done.exit_code in (0, 10, 11, 12), done.output
        assert "labels expect 0.02" in " ".join(json.loads(done.stdout)["warnings"])


def test_standard_input_is_read_together_too(run, write_rows, tmp_path) -> None:
    path, out = write_rows(rows(KITCHEN)), tmp_path / "out.jsonl"
    said = run("classify", "-", "--out", out, "--json", stdin=path.read_text())
    assert json.loads(said.stdout)["classifier"].endswith("+harmful-0.02")


def test_written_labels_are_those_of_a_classifier_that_was_told(run, write_rows, tmp_path) -> None:
    path = write_rows(rows(KITCHEN))
    _, read = classified(run, path, tmp_path / "read.jsonl")
    _, told = classified(run, path, tmp_path / "told.jsonl", "--harmful-share", 0.02)
    for one, other in zip(read, told, strict=True):
        probs, same = (np.array(list(row.pop("label_probs").values())) for row in (one, other))
        np.testing.assert_allclose(probs, same, atol=5e-6)
        assert one == other


def test_few_requests_are_labelled_untold_and_nothing_is_said(run, write_rows, tmp_path) -> None:
    said, labels = classified(run, write_rows(rows(KITCHEN[:49])), tmp_path / "out.jsonl")
    assert said["classifier"] in shipped_priors()
    assert {row["classifier"] for row in labels} == {said["classifier"]}
    assert said["warnings"] == []
    asked, _ = classified(run, write_rows(rows(KITCHEN[:49])), tmp_path / "out.jsonl", "--harmful-share", "auto")
    assert "without effect" in asked["warnings"][0]


def test_stated_intents_are_left_and_not_read(run, write_rows, tmp_path) -> None:
    said, _ = classified(run, write_rows(rows(KITCHEN, "benign")), tmp_path / "out.jsonl")
    assert said["classifier"] in shipped_priors()
    assert together(said) == []
    found = measured(run, write_rows(rows(KITCHEN, "benign")))
    assert found["cells"][0]["classifier"] == said["classifier"]


def test_prior_leaves_the_classifier_untold(run, write_rows, tmp_path) -> None:
    path = write_rows(rows(KITCHEN))
    said, _ = classified(run, path, tmp_path / "out.jsonl", "--harmful-share", "prior")
    assert said["classifier"] in shipped_priors()
    found = measured(run, path, "--harmful-share", "prior")
    assert found["cells"][0]["classifier"] == said["classifier"]
    assert together(said) == together(found) == []


def test_rows_join_the_share_of_labels_that_stand_in_the_file(run, write_rows, tmp_path) -> None:
    out = tmp_path / "out.jsonl"
    for share in ("prior", "0.3"):
        _, first = classified(run, write_rows(rows(KITCHEN[:10])), out, "--harmful-share", share)
        mixed = write_rows([*first, *rows(KITCHEN)[10:]], "mixed.jsonl")
        said, labels = classified(run, mixed, out)
        assert {row["classifier"] for row in labels} == {first[0]["classifier"]} == {said["classifier"]}
        assert labels[:10] == first
        found = measured(run, mixed)
        assert found["cells"][0]["classifier"] == said["classifier"]


def test_labels_that_stand_in_a_file_stay_and_are_pointed_out(run, write_rows, tmp_path) -> None:
    path = tmp_path / "labelled.jsonl"
    said, _ = classified(run, write_rows(rows(KITCHEN)), path, "--harmful-share", "prior")
    found = measured(run, path)
    assert found["cells"][0]["classifier"] == said["classifier"]
    assert "read them under --harmful-share auto" in together(found)[0]
    assert "60 requests of unknown intent, read together, look harmful in 0.0" in together(found)[0]
    for told, name in (("auto", "+harmful-0.02"), (0.05, "+harmful-0.05")):
        again = measured(run, path, "--harmful-share", told)
        assert again["cells"][0]["classifier"] == said["classifier"] + name
        assert not any("read them under" in one for one in again["warnings"])
        np.testing.assert_allclose(
            again["cells"][0]["entropy"]["pooled"]["value"], found["cells"][0]["entropy"]["pooled"]["value"], atol=1e-6
        )
    assert together(measured(run, path, "--harmful-share", "prior")) == []
    few, _ = classified(run, write_rows(rows(KITCHEN[:49])), path, "--harmful-share", "prior")
    assert together(measured(run, path)) == few["warnings"] == []


def test_runs_classified_under_different_shares_are_checked_under_one(run, write_rows, tmp_path) -> None:
    paths = []
    for name, part, share in (("a", KITCHEN, "prior"), ("b", KITCHEN, "0.3")):
        paths.append(tmp_path / f"{name}.jsonl")
        classified(run, write_rows(rows(part)), paths[-1], "--harmful-share", share)
    found = json.loads(run("check", *paths, "--json", "--permutations", 199, "--resamples", 100).stdout)
    assert found["verdict"] != "drift"
    assert any("stood under other shares of harmful requests (0.3, none) and are read under 0.02" in one
               for one in found["warnings"])  # fmt: skip
    bare = [json.loads(line) for line in paths[1].read_text().splitlines()]
    for row in bare:
        del row["label_probs"]
    refused = run("check", paths[0], write_rows(bare, "bare.jsonl"), "--permutations", 199, "--resamples", 100)
    assert refused.exit_code == 2
    assert "classifier changed" in refused.output


def test_a_run_that_goes_on_settles_as_one_that_was_never_stopped(run, write_rows, tmp_path) -> None:
    path, out = write_rows(rows(KITCHEN)), tmp_path / "out.jsonl"
    _, whole = classified(run, path, out)
    part = tmp_path / "again.jsonl.part"
    broken = write_rows(rows(KITCHEN), "broken.jsonl")
    with broken.open("a") as file:
        file.write('{"id": "torn')
    run("classify", broken, "--out", tmp_path / "again.jsonl", "--max-bad", 0)
    assert part.exists()
    assert b"+harmful" not in part.read_bytes()  # rows wait for the share
    stored = part.read_bytes()
    stopped = tmp_path / "out.jsonl.part"
    header = json.loads(stored.splitlines()[0]) | {
        "source": str(path), "size": path.stat().st_size, "modified": path.stat().st_mtime_ns
    }  # fmt: skip
    kept = stored.splitlines()[1:]
    stopped.write_bytes(b"\n".join([json.dumps(header).encode(), *kept]) + b"\n")
    said, again = classified(run, path, out)
    assert said["found_done"] == len(kept) >= 16
    for one, other in zip(again, whole, strict=True):  # batches of other sizes round differently
        probs, same = (list(row.pop("label_probs").values()) for row in (one, other))
        np.testing.assert_allclose(probs, same, atol=1e-4)
        assert one == other


def test_told_intents_are_not_read_in_an_evaluation(run, write_rows) -> None:
    given = [row | {"human_label": "g1"} for row in rows(KITCHEN, "benign")]
    done = run("classifier", "evaluate", write_rows(given), "--intent", "known", "--json", "--resamples", 100)
    assert "harmful" not in json.loads(done.stdout)["classifier"]


def test_evaluation_reads_the_rows_as_if_none_stated_an_intent(run, write_rows) -> None:
    given = write_rows([row | {"human_label": "g1"} for row in rows(KITCHEN, "benign")])
    found = json.loads(run("classifier", "evaluate", given, "--json", "--resamples", 100).stdout)
    assert found["classifier"].endswith("+harmful-0.02")
    assert together(found)[0].startswith("60 requests of unknown intent, read together")
    told, untold = (
        json.loads(run("classifier", "evaluate", given, "--harmful-share", share, "--json", "--resamples", 100).stdout)
        for share in (0.02, "prior")
    )
    assert told["classifier"] == found["classifier"]
    assert untold["classifier"] in shipped_priors()
    accuracy = [[slice_["accuracy"] for slice_ in one["slices"]] for one in (found, told, untold)]
    assert accuracy[0] == accuracy[1] != accuracy[2]


def test_taxonomies_that_join_intents_are_labelled_untold_and_never_moved(
    run, write_rows, tmp_path, monkeypatch
) -> None:
    monkeypatch.setenv("SECONDLAW_TAXONOMY", "three")
    path, out = write_rows(rows(KITCHEN)), tmp_path / "out.jsonl"
    said, _ = classified(run, path, out)
    assert said["classifier"] in shipped_priors()
    assert said["warnings"] == []
    asked, _ = classified(run, path, out, "--harmful-share", "auto")
    assert asked["classifier"] in shipped_priors()
    assert "without effect: categories of the taxonomy 'three' join" in asked["warnings"][0]
    assert "without effect: categories" in measured(run, path, "--harmful-share", "auto")["warnings"][0]
    told = tmp_path / "told.jsonl"
    classified(run, path, told, "--harmful-share", 0.05)
    refused = run("check", out, told, "--permutations", 199, "--resamples", 100)
    assert refused.exit_code == 2
    assert "classifier changed" in refused.output


def test_labels_that_join_a_share_far_from_the_file_are_pointed_out(run, write_rows, tmp_path) -> None:
    out = tmp_path / "out.jsonl"
    _, first = classified(run, write_rows(rows(KITCHEN[:5])), out, "--harmful-share", 0.9)
    mixed = write_rows([*first, *rows(KITCHEN)[5:]], "mixed.jsonl")
    said, _ = classified(run, mixed, out)
    assert said["classifier"].endswith("+harmful-0.9")
    assert "labels expect 0.90, as those that stand in the file" in together(said)[0]
    assert "expect 0.90: read them under --harmful-share auto" in together(measured(run, out))[0]


def test_rows_without_a_prompt_say_nothing_of_the_share(run, write_rows, tmp_path) -> None:
    bare = [row | {"prompt": "", "prompt_id": f"p{i}", "id": f"n{i}"} for i, row in enumerate(rows(KITCHEN))]
    path, out = write_rows(bare), tmp_path / "out.jsonl"
    said, _ = classified(run, path, out)
    assert said["classifier"] in shipped_priors()
    assert measured(run, path)["cells"][0]["classifier"] in shipped_priors()
    both = write_rows([*bare, *rows(KITCHEN)], "both.jsonl")
    assert classified(run, both, out)[0]["classifier"].endswith("+harmful-0.02")
    assert together(classified(run, both, out)[0])[0].startswith("60 requests")
    assert together(measured(run, both))[0].startswith("60 requests")


def test_a_confusion_file_settles_the_share_of_its_labels(run, write_rows, tmp_path) -> None:
    path, confusion = write_rows(rows(KITCHEN)), tmp_path / "confusion.json"
    for share in (None, 0.3):
        name = with_share(next(iter(shipped_priors())), share)
        confusion.write_text(json.dumps({"classifier": name, "categories": list(FIVE.keys), "counts": COUNTS}))
        cell = measured(run, path, "--confusion", confusion)["cells"][0]
        assert cell["classifier"] == name
        assert "confusion table" in cell["entropy"]["pooled"]["method"]
    refused = run("measure", path, "--confusion", confusion, "--harmful-share", 0.9)
    assert refused.exit_code == 2
    assert "label under its share: --harmful-share 0.3" in refused.output


def test_blocks_of_rows_are_moved_as_one(run, write_rows, monkeypatch) -> None:
    path = write_rows(rows(KITCHEN))
    whole = measured(run, path, "--harmful-share", "auto")
    monkeypatch.setattr("secondlaw.pipeline.settled_shares.BLOCK", 7)
    assert measured(run, path, "--harmful-share", "auto") == whole


def test_a_share_may_be_written_in_any_way(run, write_rows, tmp_path) -> None:
    _, labels = classified(run, write_rows(rows(KITCHEN)), tmp_path / "out.jsonl", "--harmful-share", 0.9)
    for row in labels:
        row["classifier"] = row["classifier"].replace("+harmful-0.9", "+harmful-0.90")
    found = measured(run, write_rows(labels, "longer.jsonl"))
    assert "expect 0.90: read them under --harmful-share auto" in together(found)[0]
