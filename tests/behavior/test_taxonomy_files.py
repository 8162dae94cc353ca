"""A taxonomy by name or from a file."""

import json

import pytest

from secondlaw.behavior import FIVE, THREE, load_taxonomy
from secondlaw.errors import InvalidInput

pytestmark = pytest.mark.unit

TOML = """
name = "two"
categories = [
  { key = "fine", name = "fine", misaligned = false },
  { key = "wrong", name = "wrong", misaligned = true },
]
[composition]
"benign+comply" = "fine"
"benign+refuse" = "wrong"
"benign+off-topic" = "wrong"
"harmful+comply" = "wrong"
"harmful+refuse" = "fine"
"harmful+off-topic" = "fine"
"""


def test_names():
    assert load_taxonomy("five") is FIVE
    assert load_taxonomy("three") is THREE


def test_files(tmp_path):
    (tmp_path / "two.toml").write_text(TOML)
    (tmp_path / "five.json").write_text(json.dumps(FIVE.to_dict()))
    assert load_taxonomy(tmp_path / "two.toml").misaligned == (False, True)
    assert load_taxonomy(tmp_path / "five.json") == FIVE


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("four", None, "a taxonomy is five, three, or a .toml or .json file, got"),
        ("none.toml", None, "there is no taxonomy file"),
        ("bad.toml", "name = ", "cannot be read as a taxonomy"),
        ("bad.json", "[1]", "holds no taxonomy"),
        ("part.toml", 'name = "x"', "a taxonomy needs name, categories"),
        ("bytes.json", b"\xff", "cannot be read as a taxonomy"),
    ],
)
def test_what_is_no_taxonomy_is_said(tmp_path, name, content, message):
    if content is not None:
        (tmp_path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(InvalidInput, match=message):
        load_taxonomy(tmp_path / name)
