"""The table of arXiv:2512.05156, and what is said where its data are missing."""

import os
from pathlib import Path

import pytest
from typer.testing import CliRunner

from secondlaw.cli.main import app
from secondlaw.errors import FileFormatError
from secondlaw.reproductions import reproduce_semantic_faithfulness

DATA = Path(os.environ.get("SECONDLAW_DATA", Path(__file__).parents[2].parent / "shared" / "data"))
FILE = DATA / "faithfulness/nvidia10k_qca_distributions_v2.json"


@pytest.mark.paper
@pytest.mark.skipif(not FILE.is_file(), reason="needs the paper's distributions (set SECONDLAW_DATA)")
def test_the_ten_values_and_two_means_reproduce_to_a_thousandth():
    found = reproduce_semantic_faithfulness(DATA)
    assert len(found.claims) == 16
    assert [one.claim for one in found.claims[:12] if one.verdict != "reproduced"] == []
    assert [one.verdict for one in found.claims[12:]] == ["refuted", "not reproducible", "refuted", "not reproducible"]
    assert "degenerate" in found.claims[12].reason
    assert found.claims[13].ours.startswith("0.108, 0.288 nats")
    assert "38 to" in found.findings[0]
    result = CliRunner().invoke(app, ["reproduce", "2512.05156", "--data", str(DATA)])
    assert result.exit_code == 0
    assert result.stdout.count("  reproduced: ") == 12


@pytest.mark.unit
def test_missing_or_foreign_data_are_told(tmp_path, monkeypatch):
    monkeypatch.delenv("SECONDLAW_DATA", raising=False)
    result = CliRunner().invoke(app, ["reproduce", "2512.05156"])
    assert result.exit_code == 13
    assert "SECONDLAW_DATA" in result.stderr
    assert CliRunner().invoke(app, ["reproduce", "2512.05156", "--data", str(tmp_path)]).exit_code == 13
    assert CliRunner().invoke(app, ["reproduce", "1234.5678"]).exit_code == 2
    (tmp_path / "faithfulness").mkdir()
    (tmp_path / "faithfulness/nvidia10k_qca_distributions_v2.json").write_text('{"triplets": []}')
    with pytest.raises(FileFormatError, match="5 each"):
        reproduce_semantic_faithfulness(tmp_path)
