"""Any function from texts to vectors as an embedder: rows of length 1, repeated texts once, vectors remembered."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from secondlaw.errors import InvalidInput
from secondlaw.language.embeddings import CACHED_TEXTS, CHUNK, MAX_TOKENS
from secondlaw.language.remembered_texts import RememberedTexts
from secondlaw.language.tokenizer import cut_text

__all__ = ["RememberingEmbedder"]

Vectors = npt.NDArray[np.float32]


class RememberingEmbedder:
    """Embeds texts with a function, checks what it returns, and remembers it.

    Parameters
    ----------
    encode : callable
        From a list of texts to vectors, shape (n, d), of any length; called with at most 512 texts, cut as for MiniLM.
    name : str
        What results say they were embedded with.
    cached_texts : int
        How many vectors are remembered, least recently used out first.

    Examples
    --------
    >>> embedder = RememberingEmbedder(lambda texts: [[len(text), 1.0] for text in texts], name="lengths")
    >>> embedder.embed(["", "abc", ""]).round(2).tolist() == np.float32([[0, 1], [0.95, 0.32], [0, 1]]).tolist()
    True
    """

    def __init__(self, encode: Callable[[Sequence[str]], Any], *, name: str, cached_texts: int = CACHED_TEXTS) -> None:
        self.name = name
        self._encode = encode
        self._known = RememberedTexts(max(cached_texts, 0))
        self._dimensions: int | None = None

    def embed(self, texts: Sequence[str], /) -> Vectors:
        """Embed texts.

        Parameters
        ----------
        texts : sequence of str

        Returns
        -------
        ndarray of float32, shape (n, d)
            Rows of length 1 in the order of `texts`; of zeros where the function returns zeros.

        Raises
        ------
        InvalidInput
            If the function returns something else than as many finite vectors of one dimension.
        """
        cut = [cut_text(text, max_tokens=MAX_TOKENS) for text in texts]
        found = self._known.vectors(cut, self._in_chunks)
        return np.stack(found) if found else np.zeros((0, self._dimensions or 1), np.float32)

    def _in_chunks(self, texts: list[str]) -> Iterator[Vectors]:
        for start in range(0, len(texts), CHUNK):
            yield from self._checked(texts[start : start + CHUNK])

    def _checked(self, texts: list[str]) -> Vectors:
        try:
            found = np.array(self._encode(texts), dtype=np.float64)
        except (TypeError, ValueError) as error:
            raise InvalidInput(f"the embedding {self.name} returns no vectors of numbers: {error}") from error
        if found.ndim != 2 or len(found) != len(texts) or not found.shape[1] or not np.isfinite(found).all():
            raise InvalidInput(
                f"the embedding {self.name} returns one finite vector a text, got shape {found.shape} for "
                f"{len(texts)} texts{'' if np.isfinite(found).all() else ' with values that are not finite'}"
            )
        if self._dimensions not in (None, found.shape[1]):
            raise InvalidInput(f"the embedding {self.name} has {self._dimensions} dimensions, now {found.shape[1]}")
        self._dimensions = found.shape[1]
        lengths = np.linalg.norm(found, axis=1, keepdims=True)
        return (found / np.where(lengths > 0, lengths, 1.0)).astype(np.float32)
