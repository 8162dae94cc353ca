"""``secondlaw reproduce``: text, JSON, page and report, and a paper that is not here."""

import json

import pytest

pytestmark = pytest.mark.unit


def test_text_and_report(run, tmp_path):
    result = run("reproduce", "2511.10704", "--report", tmp_path / "a.html")
    assert result.exit_code == 0, result.output
    assert "paper 13.6; ours 13.60" in result.stdout
    assert "critical alignment work" in (tmp_path / "a.html").read_text()


def test_json_is_a_list_of_claims(run):
    result = run("reproduce", "arXiv:2512.03047", "--json")
    found = json.loads(result.stdout)
    assert {"claim", "paper", "ours", "verdict", "reason"} <= found[0].keys()
    assert {one["verdict"] for one in found} <= {"reproduced", "not reproducible", "refuted"}


def test_a_paper_that_is_not_here(run):
    result = run("reproduce", "2401.00001")
    assert result.exit_code == 2
    assert "there is 2511.10704" in result.output
