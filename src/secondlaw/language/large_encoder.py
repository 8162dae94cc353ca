"""Prompts as vectors of all-mpnet-base-v2 with an adapter: the mean over the tokens of its ninth layer, 768 numbers.

A larger reader than MiniLM, for prompts alone: those repeat, so that its six times greater work is seldom done.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from secondlaw.language.adapter import Adapter
from secondlaw.language.encoder import in_batches, open_session, padded
from secondlaw.language.int8_graph import build_graph
from secondlaw.language.model_files import MPNET, locate, verify
from secondlaw.language.mpnet_weights import distances, read_mpnet
from secondlaw.language.remembered_texts import RememberedTexts
from secondlaw.language.tokenizer import build_tokenizer, cut_text

__all__ = ["LARGE_DIMENSIONS", "LargeReader"]

LARGE_DIMENSIONS = 768
SHIFT, START, END = 4, 0, 2
"""mpnet's word pieces are BERT's, four further on, between two marks of its own."""
CACHED_TEXTS = 20_000
"""Vectors kept, 3 KiB each."""

Vectors = npt.NDArray[np.float32]


class LargeReader:
    """Reads prompts; opened at the first call, which takes a few seconds.

    Parameters
    ----------
    adapter : Path, optional
        File of an :class:`~secondlaw.language.adapter.Adapter` of mpnet.
    folder : Path, optional
        Folder with ``all-mpnet-base-v2.safetensors``; else see :func:`~secondlaw.language.model_files.locate`.
    max_tokens : int
        Truncation.
    threads : int
    download : bool
        Whether the file (438 MB) may be fetched from its hub where no folder has it.

    Raises
    ------
    ModelFileError
        If the file is missing or is not the pinned one.
    """

    def __init__(
        self,
        adapter: Path | None = None,
        *,
        folder: Path | None = None,
        max_tokens: int = 128,
        threads: int = 1,
        download: bool = True,
    ) -> None:
        self._model = locate(MPNET, folder=folder, download=download)
        self._adapter, self._max_tokens, self._threads = adapter, max_tokens, threads
        self._encoder: _Encoder | None = None
        self._known = RememberedTexts(CACHED_TEXTS)

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Read texts.

        Parameters
        ----------
        texts : sequence of str

        Returns
        -------
        ndarray of float32, shape (n, 768)
            Of no fixed length, in the order of `texts`.
        """
        cut = [cut_text(text, max_tokens=self._max_tokens) for text in texts]
        found = self._known.vectors(cut, lambda new: self._opened().encode(new))
        return np.stack(found) if found else np.zeros((0, LARGE_DIMENSIONS), np.float32)

    def close(self) -> None:
        """Let go of the session."""
        self._encoder = None

    def _opened(self) -> "_Encoder":
        if self._encoder is None:
            self._encoder = _Encoder(self._model, self._adapter, max_tokens=self._max_tokens, threads=self._threads)
        return self._encoder


class _Encoder:
    """One session with its tokenizer."""

    def __init__(self, model: Path, adapter: Path | None, *, max_tokens: int, threads: int) -> None:
        verify(model, MPNET)
        weights, self._by_bucket = read_mpnet(model, adapter=None if adapter is None else Adapter.load(adapter))
        self._session = open_session(build_graph(weights), model=model, threads=threads)
        self._tokenizer = build_tokenizer(max_tokens=max_tokens)

    def encode(self, texts: Sequence[str]) -> Vectors:
        ids = [
            [START, *(piece + SHIFT for piece in encoding.ids[1:-1]), END]
            for encoding in self._tokenizer.encode_batch(list(texts))
        ]
        return in_batches(ids, self._run, dimensions=LARGE_DIMENSIONS)

    def _run(self, ids: list[list[int]]) -> Vectors:
        tokens, lengths, mask = padded(ids, fill=1)
        feed = {"ids": tokens, "lengths": lengths, "distances": distances(self._by_bucket, tokens.shape[1])}
        hidden = self._session.run(None, feed)[0]  # (text, token, 768)
        mean: Vectors = np.einsum("btd,bt->bd", hidden, mask) / lengths[:, None].astype(np.float32)
        return mean
