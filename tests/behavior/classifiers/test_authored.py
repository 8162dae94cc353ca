"""The authored rows and requests are what their card says."""

import json
import re
from collections import Counter
from pathlib import Path

import pytest

from secondlaw.behavior.classifiers.training_folder import trained_on

TRAINING = Path(__file__).resolve().parents[3] / "training"
pytestmark = pytest.mark.unit


@pytest.fixture(scope="module")
def rows() -> list[dict[str, str | None]]:
    return [json.loads(line) for line in (TRAINING / "authored.jsonl").read_text(encoding="utf-8").splitlines()]


@pytest.fixture(scope="module")
def card() -> str:
    return (TRAINING / "DATA_CARD.md").read_text(encoding="utf-8")


def test_card_counts_rows_and_requests(rows, card):
    intents = {row["prompt"]: row["intent"] for row in rows}
    learnt = {row["prompt"]: row["intent"] for row in rows if "deed" not in row}
    harmful, learnt_harmful = (list(of.values()).count("harmful") for of in (intents, learnt))
    assert (
        f"{len(rows)} rows, {len(intents)} different requests ({harmful} harmful); {len(learnt)} of them "
        f"({learnt_harmful} harmful) train the intent head." in card
    )


def test_card_counts_every_kind(rows, card):
    of_authored = card.split("# Requests written later")[0]
    told = dict(re.findall(r"^\| ([^|]+) \| (\d+) \| [^|]+ \|$", of_authored, re.MULTILINE))
    assert {kind: str(n) for kind, n in Counter(row["kind"] for row in rows).items()} == told


def test_rows_are_whole_and_never_called_human(rows):
    assert len({row["id"] for row in rows}) == len(rows)
    for row in rows:
        assert row["label_strength"] == "authored"
        assert row["intent"] in ("benign", "harmful")
        assert (row["act"] is None) == (row["response"] is None)
        assert row.get("deed", "benign") in ("benign", "harmful")
        assert "deed" not in row or row["act"] == "comply"


@pytest.mark.parametrize("name", ["later", "check", "ordinary"])
def test_requests_alone_are_what_the_card_says(rows, card, name):
    asked = requests_of(name)
    section = card.split(f"(`{name}_requests.jsonl`)")[1].split("\n# ")[0]
    assert len({row["id"] for row in asked}) == len({row["prompt"].casefold() for row in asked}) == len(asked)
    assert {row["label_strength"] for row in asked} == {"authored"}
    harmful = Counter(row["part"] for row in asked if row["intent"] == "harmful")
    assert f"{len(asked)} requests ({harmful.total()} harmful)" in section
    for part, n in Counter(row["part"] for row in asked).items():
        assert f"| {part} | {n} | {harmful[part]} |" in section
    assert {row["intent"] for row in asked} == {"benign", "harmful"}
    assert not {row["prompt"].casefold() for row in asked} & {row["prompt"].casefold() for row in rows}


def test_none_of_them_was_trained_on(rows):
    for name in ("later", "check", "ordinary"):
        assert not trained_on([row["prompt"] for row in requests_of(name)]).any()
    assert trained_on([rows[0]["prompt"]]).all()


def requests_of(name: str) -> list[dict[str, str]]:
    return [json.loads(line) for line in (TRAINING / f"{name}_requests.jsonl").read_text(encoding="utf-8").splitlines()]
