"""The manifest beside the rows: what it records, what it allows, and that nothing foreign is touched."""

import json
import re

import orjson
import pytest

from secondlaw.errors import FileFormatError, InvalidInput, NotEnoughData
from secondlaw.sampling import Arm, check_manifest, load_scenario, manifest_path
from secondlaw.sampling.manifests import record_session

pytestmark = pytest.mark.unit


def test_everything_that_defines_the_run_is_recorded(tmp_path, small_run):
    out = tmp_path / "run.jsonl"
    record_session(small_run(), out, {"started": "then"})
    record_session(small_run(), out, {"started": "later"})
    record = json.loads(manifest_path(out).read_text())
    assert record["run"] == json.loads(orjson.dumps(small_run().describe()))
    assert [session["started"] for session in record["sessions"]] == ["then", "later"]
    assert list(tmp_path.iterdir()) == [manifest_path(out)]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"seed": 4}, r"\(seed: 3 there, 4 now\)"),
        ({"samples": 1}, r"\(samples: 2 there, 1 now\)"),
        ({"steps": 3, "samples": 5}, r"\(samples: 2 there, 5 now; steps: 2 there, 3 now\)"),
        ({"parameters": {}}, r"\(parameters\)"),
        ({"arms": [Arm("base", "other")]}, r"\(arms\)"),
        ({"scenario": load_scenario("pressure")}, r"\(scenario\)"),
    ],
)
def test_another_run_is_refused_and_named(tmp_path, small_run, changes, message):
    out = tmp_path / "run.jsonl"
    record_session(small_run(), out, {})
    before = manifest_path(out).read_bytes()
    with pytest.raises(InvalidInput, match=message):
        check_manifest(small_run(**changes), out)
    assert manifest_path(out).read_bytes() == before


def test_more_samples_of_the_same_run_are_welcome(tmp_path, small_run):
    out = tmp_path / "run.jsonl"
    record_session(small_run(), out, {})
    check_manifest(small_run(samples=5), out)


@pytest.mark.parametrize("content", [b"no newline at the end", b'{"id": "a"}\n', b"\x00\x01"])
def test_a_file_of_something_else_is_left_alone(tmp_path, small_run, content):
    out = tmp_path / "mine.jsonl"
    out.write_bytes(content)
    with pytest.raises(InvalidInput, match=r"holds data but there is no mine\.jsonl\.run\.json"):
        check_manifest(small_run(), out)
    assert out.read_bytes() == content


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"run": 3}', '{"run": {"samples": "2"}}'])
def test_a_damaged_manifest_is_named(tmp_path, small_run, content):
    out = tmp_path / "run.jsonl"
    manifest_path(out).write_text(content)
    with pytest.raises(FileFormatError, match=re.escape(str(manifest_path(out))) + " is no manifest"):
        check_manifest(small_run(), out)


def test_a_name_that_promises_another_format_is_refused(tmp_path, small_run):
    with pytest.raises(InvalidInput, match=r"ends in \.jsonl"):
        check_manifest(small_run(), tmp_path / "run.jsonl.gz")
    with pytest.raises(InvalidInput, match="is a folder"):
        check_manifest(small_run(), tmp_path)


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"steps": 0}, InvalidInput, "steps is at least 1, got 0"),
        ({"samples": 0}, InvalidInput, "samples is at least 1, got 0"),
        ({"arms": [Arm("a", "m"), Arm("a", "n")]}, InvalidInput, "different names, got"),
        ({"arms": []}, InvalidInput, "different names, got"),
        ({"prompts": []}, NotEnoughData, "at least one prompt"),
        ({"parameters": {"n": 3, "seed": 1}}, InvalidInput, "must not hold n and seed"),
        ({"scenario": load_scenario("pressure"), "steps": 11}, InvalidInput, "has 10 steps, got 11"),
    ],
)
def test_a_run_that_cannot_be(small_run, changes, error, message):
    with pytest.raises(error, match=message):
        small_run(**changes)


def test_ids_and_seeds_stay_what_they_were(small_run):
    """A recording made by an earlier version goes on only if these never change."""
    run = small_run()
    row_id = run.row_id(run.arms[0], run.prompts[0], 1, 0)
    assert (row_id, run.request_seed(row_id)) == ("2bbc4662fb1cedaf", 744193414)


def test_ids_and_seeds_differ(small_run):
    run = small_run(steps=9, samples=20)
    ids = [run.row_id(run.arms[0], p, t, k) for p in run.prompts for t in range(9) for k in range(20)]
    assert len(set(ids)) == len({run.request_seed(i) for i in ids}) == run.total
