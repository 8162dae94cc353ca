"""Verdicts on papers whose claims need no data but their own words."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from secondlaw.cli.main import app
from secondlaw.reproductions import Verdict, reproduce_behavior_drift, reproduce_second_law

pytestmark = pytest.mark.paper


def verdicts(found):
    return {one.claim: one.verdict for one in found.claims}


@pytest.mark.parametrize("seed", range(3))
def test_the_second_law_of_intelligence(seed):
    found = verdicts(reproduce_second_law(seed=seed))
    assert [claim for claim, verdict in found.items() if verdict is Verdict.REPRODUCED] == [
        "critical alignment work", "1.5 times that", "entropy at 1.5 times the critical work",
    ]  # fmt: skip
    assert sum(verdict is Verdict.REFUTED for verdict in found.values()) == 5
    ours = {one.claim: one.ours for one in reproduce_second_law(seed=seed).claims}
    assert ours["difference of the two arms, 20 trials each"] == "p = 1.2e-06 (Welch)"
    assert ours["S is the entropy of a goal distribution"] == "mean and spread need 11 goals"


@pytest.mark.parametrize("seed", range(3))
def test_entropy_of_behavior(seed):
    found = reproduce_behavior_drift(seed=seed)
    assert [one.verdict.value for one in found.claims] == ["refuted"] * 4 + ["not reproducible"] * 2
    assert found.claims[0].ours == "at most 124 steps"
    share = float(found.claims[2].ours.split()[0])
    assert 98.0 < share < 99.9


def test_a_page_without_a_folder_is_refused_before_any_work(tmp_path):
    result = CliRunner().invoke(app, ["reproduce", "2511.10704", "--json", "--page", str(tmp_path / "no" / "x.md")])
    assert result.exit_code == 2
    assert "is no folder; make it first" in json.loads(result.stdout)["error"]["message"]


def test_the_command_gives_a_list_of_claims(monkeypatch):
    monkeypatch.delenv("SECONDLAW_DATA", raising=False)
    runner = CliRunner()
    result = runner.invoke(app, ["reproduce", "--json"])
    assert result.exit_code == 0
    claims = json.loads(result.stdout)
    assert {one["arxiv"] for one in claims} == {"2511.10704", "2512.03047"}
    assert all(set(one) == {"arxiv", "claim", "paper", "ours", "verdict", "reason"} for one in claims)
    assert {one["verdict"] for one in claims} == {"reproduced", "not reproducible", "refuted"}
    assert "2512.05156 is left out: the paper's distributions are not part of this repository" in result.stderr
    text = runner.invoke(app, ["reproduce", "arXiv:2512.03047"])
    assert "  refuted: five categories carry ln 5 = 1.609 nats" in text.stdout


def test_the_page_in_the_docs_is_what_is_measured():
    page = Path(__file__).parents[2] / "docs/reproductions.md"
    text = page.read_text(encoding="utf-8")
    for found in (reproduce_second_law(), reproduce_behavior_drift()):
        assert found.to_markdown() in text


def test_a_page_is_written(tmp_path):
    page = tmp_path / "page.md"
    assert CliRunner().invoke(app, ["reproduce", "2512.03047", "--page", str(page)]).exit_code == 0
    assert page.read_text(encoding="utf-8").endswith(reproduce_behavior_drift().to_markdown())
