"""Sentence embeddings for many texts: repeated texts once, several processes if asked, order kept."""

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
import numpy.typing as npt

from secondlaw.errors import InvalidInput
from secondlaw.language.encoder import DIMENSIONS, shared_encoder
from secondlaw.language.model_files import MINILM, locate
from secondlaw.language.tokenizer import cut_text

__all__ = ["MAX_TOKENS", "MINILM_NAME", "SentenceEmbedder"]

MINILM_NAME = "all-MiniLM-L6-v2"
"""What results say they were embedded with."""

MAX_TOKENS = 128
"""Truncation of the published tokenizer.json."""
CACHED_TEXTS = 20_000
"""Vectors kept, 1.5 KiB each: 30 MiB."""
CHUNK = 512
"""Texts between two reports of progress, and the piece of work handed to a process."""
POOL_FROM = 2 * CHUNK
"""Fewer new texts than this are not worth starting processes for."""

Vectors = npt.NDArray[np.float32]


class SentenceEmbedder:
    """Embeds texts with int8 MiniLM.

    Parameters
    ----------
    folder : Path, optional
        Folder with the model file; else see :func:`~secondlaw.language.model_files.locate`.
    max_tokens : int
        Truncation in tokens. Texts are cut to 40 characters a token before tokenising, so that a response of many
        megabytes costs no more than a page.
    threads : int
        Threads of the session in this process.
    workers : int
        Processes; each owns a session of one thread. 1 computes here. Processes are spawned, start at the first large
        call, and end with :meth:`close`.
    cached_texts : int
        How many vectors are remembered, least recently used out first; 0 remembers none.
    download : bool
        Whether the model file may be fetched from its hub where no folder and no package has it.
    adapter : Path, optional
        File of a low-rank change of the weights, see :class:`~secondlaw.language.adapter.Adapter`.

    Raises
    ------
    ModelFileError
        If the model file is missing or is not the pinned one.

    Examples
    --------
    >>> vectors = SentenceEmbedder().embed(["a cat", "a kitten", "tax law"])
    >>> bool(vectors[0] @ vectors[1] > vectors[0] @ vectors[2])
    True
    """

    name = MINILM_NAME

    def __init__(
        self,
        *,
        folder: Path | None = None,
        max_tokens: int = MAX_TOKENS,
        threads: int = 1,
        workers: int = 1,
        cached_texts: int = CACHED_TEXTS,
        download: bool = True,
        adapter: Path | None = None,
    ) -> None:
        if threads < 1 or workers < 1 or cached_texts < 0:
            raise InvalidInput(
                f"threads and workers are at least 1 and cached_texts at least 0, got {threads}, {workers}, "
                f"{cached_texts}"
            )
        self._model = str(locate(*MINILM, folder=folder, download=download))
        self._adapter = None if adapter is None else str(adapter)
        self._max_tokens, self._threads, self._workers = max_tokens, threads, workers
        self._capacity = cached_texts
        self._cache: OrderedDict[bytes, Vectors] = OrderedDict()
        self._pool: ProcessPoolExecutor | None = None

    def embed(self, texts: Sequence[str], *, progress: Callable[[int, int], None] | None = None) -> Vectors:
        """Embed texts.

        Parameters
        ----------
        texts : sequence of str
            Any strings; an empty one has the vector of no words.
        progress : callable, optional
            Called with (texts done, texts in all), repeats counted.

        Returns
        -------
        ndarray of float32, shape (n, 384)
            Rows of length 1, in the order of `texts`.
        """
        cut = [cut_text(text, max_tokens=self._max_tokens) for text in texts]
        keys = [hashlib.blake2b(text.encode(), digest_size=16).digest() for text in cut]
        rows: dict[bytes, list[int]] = {}
        for row, key in enumerate(keys):
            rows.setdefault(key, []).append(row)
        out = np.empty((len(cut), DIMENSIONS), dtype=np.float32)
        done, new = 0, []
        for key, where in rows.items():
            if (known := self._cache.get(key)) is None:
                new.append(key)
            else:
                self._cache.move_to_end(key)
                out[where] = known
                done += len(where)
        # Long beside long: batches within a chunk then waste little on padding.
        new.sort(key=lambda key: len(cut[rows[key][0]]))
        chunks = [new[i : i + CHUNK] for i in range(0, len(new), CHUNK)]
        for chunk, vectors in zip(chunks, self._encode([[cut[rows[k][0]] for k in c] for c in chunks]), strict=True):
            for key, vector in zip(chunk, vectors, strict=True):
                out[rows[key]] = vector
                done += len(rows[key])
                self._remember(key, vector)
            if progress is not None:
                progress(done, len(cut))
        if progress is not None and not chunks:
            progress(len(cut), len(cut))
        return out

    def close(self) -> None:
        """End the processes, if any were started."""
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)
            self._pool = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _encode(self, chunks: list[list[str]]) -> Iterator[Vectors]:
        if self._workers == 1 or sum(map(len, chunks)) < POOL_FROM:
            encoder = shared_encoder(self._model, self._max_tokens, self._threads, self._adapter) if chunks else None
            for chunk in chunks:
                if encoder is not None:
                    yield encoder.encode(chunk)
            return
        pool = self._started_pool()
        futures: list[Future[Vectors]] = [
            pool.submit(_encode_in_worker, self._model, self._max_tokens, self._adapter, chunk) for chunk in chunks
        ]
        for future in futures:
            yield future.result()

    def _started_pool(self) -> ProcessPoolExecutor:
        if self._pool is None:
            import multiprocessing

            # Spawned, not forked: ONNX Runtime's threads do not survive a fork.
            self._pool = ProcessPoolExecutor(self._workers, mp_context=multiprocessing.get_context("spawn"))
        return self._pool

    def _remember(self, key: bytes, vector: Vectors) -> None:
        if self._capacity:
            self._cache[key] = vector.copy()
            if len(self._cache) > self._capacity:
                self._cache.popitem(last=False)


def _encode_in_worker(model: str, max_tokens: int, adapter: str | None, texts: list[str]) -> Vectors:
    return shared_encoder(model, max_tokens, 1, adapter).encode(texts)
