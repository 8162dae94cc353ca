"""A second embedding, of words alone: hashed counts, weighted by rarity. It shows what a level owes to the model."""

import hashlib
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from secondlaw.faithfulness.words import words

__all__ = ["lexical_vectors"]

DIMENSIONS = 256


def lexical_vectors(sentences: Sequence[str]) -> NDArray[np.float64]:
    """Embed sentences by their words, each hashed to a dimension and a sign, weighted by ``ln(1 + n / n_word)``.

    Parameters
    ----------
    sentences : sequence of str, n of them

    Returns
    -------
    ndarray of float64, shape (n, 256)
        Rows of length 1; of zeros where there is no word.

    Examples
    --------
    >>> x = lexical_vectors(["a red cat", "the red cat", "tax law"])
    >>> bool(x[0] @ x[1] > x[0] @ x[2])
    True
    """
    found = [words(one) for one in sentences]
    held: dict[str, int] = {}
    for one in found:
        for word in set(one):
            held[word] = held.get(word, 0) + 1
    out = np.zeros((len(found), DIMENSIONS))
    for row, one in enumerate(found):
        for word in one:
            place, sign = _hashed(word)
            out[row, place] += sign * np.log1p(len(found) / held[word])
    lengths = np.linalg.norm(out, axis=1, keepdims=True)
    return out / np.where(lengths > 0, lengths, 1.0)


@lru_cache(maxsize=100_000)
def _hashed(word: str) -> tuple[int, int]:
    value = int.from_bytes(hashlib.blake2b(word.encode(), digest_size=8).digest(), "little")
    return value % DIMENSIONS, 1 if value >> 63 else -1
