"""The uncased BERT tokenizer of MiniLM, built from its vocabulary.

``data/vocab.txt`` is the vocabulary of ``bert-base-uncased`` (Google, Apache-2.0), 30,522 word pieces. Normaliser, word
splitting and special tokens are those of the published ``tokenizer.json`` of all-MiniLM-L6-v2; a test compares the ids.
"""

import hashlib
from functools import lru_cache
from importlib import resources
from typing import TYPE_CHECKING

from secondlaw.errors import InvalidInput, ModelFileError

if TYPE_CHECKING:
    from tokenizers import Tokenizer

__all__ = ["CHARACTERS_PER_TOKEN", "build_tokenizer", "cut_text"]

VOCABULARY_SHA256 = "07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3"
SPECIAL_TOKENS = {"[PAD]": 0, "[UNK]": 100, "[CLS]": 101, "[SEP]": 102, "[MASK]": 103}
LONGEST_WORD = 100
"""Longer words become [UNK], as in the published tokenizer."""
CHARACTERS_PER_TOKEN = 40
"""Characters kept per token of the limit; English has about 4.5, so only text that is nearly all blanks or unbroken
strings loses anything that the token limit would have kept."""


def build_tokenizer(*, max_tokens: int) -> "Tokenizer":
    """Build the tokenizer, truncating at `max_tokens` (the two special tokens included), without padding.

    Raises
    ------
    ModelFileError
        If the vocabulary in the package is damaged.
    InvalidInput
        If `max_tokens` is not between 3 and 512, the model's positions.
    """
    from tokenizers import AddedToken, Tokenizer, models, normalizers, pre_tokenizers, processors

    if not 3 <= max_tokens <= 512:
        raise InvalidInput(f"max_tokens lies between 3 and 512, the positions of the model, got {max_tokens}")
    tokenizer = Tokenizer(
        models.WordPiece(
            vocab=_vocabulary(),
            unk_token="[UNK]",  # noqa: S106
            max_input_chars_per_word=LONGEST_WORD,
        )
    )
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.add_special_tokens([AddedToken(token, special=True, normalized=False) for token in SPECIAL_TOKENS])
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", SPECIAL_TOKENS["[CLS]"]), ("[SEP]", SPECIAL_TOKENS["[SEP]"])],
    )
    tokenizer.enable_truncation(max_length=max_tokens)
    return tokenizer


def cut_text(text: str, *, max_tokens: int) -> str:
    """Cut a text to what the tokenizer could need, so that ten megabytes cost no more than a page.

    Leading blanks go, then the first ``CHARACTERS_PER_TOKEN * max_tokens`` characters stay; lone surrogates, which no
    encoder takes, become question marks.

    Examples
    --------
    >>> len(cut_text("a b " * 1_000_000, max_tokens=128))
    5120
    """
    kept = text[: 1 << 20].lstrip()[: CHARACTERS_PER_TOKEN * max_tokens]
    return kept if kept.isascii() else kept.encode("utf-8", "replace").decode("utf-8")


@lru_cache(maxsize=1)
def _vocabulary() -> dict[str, int]:
    raw = resources.files("secondlaw.language").joinpath("data/vocab.txt").read_bytes()
    found = hashlib.sha256(raw).hexdigest()
    if found != VOCABULARY_SHA256:
        raise ModelFileError(
            f"the vocabulary secondlaw/language/data/vocab.txt has sha256 {found}, the pinned one is "
            f"{VOCABULARY_SHA256}; reinstall secondlaw"
        )
    return {token: index for index, token in enumerate(raw.decode("utf-8").splitlines())}
