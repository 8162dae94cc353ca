"""``secondlaw demo`` on the recorded run."""

import json
from pathlib import Path

import jsonschema
import pytest

SCHEMA = Path(__file__).parents[2] / "docs/schemas/measure.schema.json"


@pytest.mark.unit
@pytest.mark.timeout(900)  # half a minute, many times that where the machine is busy
def test_the_demo_measures_the_recorded_run_and_ends_with_the_path_of_a_report(run, monkeypatch):
    monkeypatch.setenv("SECONDLAW_RESAMPLES", "200")
    monkeypatch.setenv("SECONDLAW_PERMUTATIONS", "199")
    result = run("demo", "--workers", 1, "--json")
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    jsonschema.validate(found, json.loads(SCHEMA.read_text(encoding="utf-8")))
    assert found["rows"]["used"] == found["rows"]["classified"] == 7200
    assert {(cell["model"], cell["step"]) for cell in found["cells"]} == {
        (model, step) for model in ("base", "tuned") for step in range(10)
    }
    assert {cell["correction"] for cell in found["cells"]} == {"em"}
    assert found["comparisons"][0]["matched_prompts"] == 60
    assert found["replay"]["steps"] == 1000
    assert "classifier" in found["variance"][0]["parts"]
    page = Path("secondlaw-demo.html").read_text(encoding="utf-8")
    assert "gemma-pressure.jsonl.gz" in page
    assert len(page) < 2_000_000


@pytest.mark.unit
def test_the_audit_of_the_recorded_run_names_rows_of_it():
    import gzip

    folder = Path(__file__).parents[2] / "examples"
    with gzip.open(folder / "gemma-pressure.jsonl.gz", "rt", encoding="utf-8") as file:
        ids = {json.loads(line)["id"] for line in file}
    audit = [json.loads(line) for line in (folder / "gemma-pressure.audit.jsonl").read_text().splitlines()]
    assert len(ids) == 7200
    assert len({one["id"] for one in audit}) == 300
    assert {one["id"] for one in audit} <= ids
