"""One ONNX Runtime session of MiniLM: texts in, unit vectors out.

Mean of the token vectors, normalised to length 1 (arXiv 1908.10084). Matrix products run in int8, each token by its own
scale, so a text's vector does not depend on its neighbours in a batch: measured on 400 texts, the largest difference in
any coordinate between batches of 1, 256, 768 and 2048 tokens was 0.0, padding included; tests allow 1e-6. Processors
that add floating-point numbers in another order may round a coordinate to another step, which moves it by about .01.
"""

import os
from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from secondlaw.errors import ModelFileError
from secondlaw.language.adapter import Adapter
from secondlaw.language.int8_graph import build_graph
from secondlaw.language.minilm_weights import read_minilm
from secondlaw.language.model_files import pinned, verify
from secondlaw.language.tokenizer import build_tokenizer

__all__ = ["DIMENSIONS", "Encoder", "in_batches", "open_session", "padded"]

DIMENSIONS = 384
BATCH_TOKENS = 256
"""Tokens of a batch, padding included; larger batches leave the processor's cache (256 is faster than 768 and 2048)."""


class Encoder:
    """A session with its tokenizer; cheap to call, a second to build.

    Parameters
    ----------
    model : Path
        One of the files of ``MINILM``; verified here.
    max_tokens : int
        Truncation.
    threads : int
        Threads of one matrix product.
    adapter : Path, optional
        File of an :class:`~secondlaw.language.adapter.Adapter`, merged into the weights.
    """

    def __init__(self, model: Path, *, max_tokens: int, threads: int, adapter: Path | None = None) -> None:
        verify(model, pinned(model))
        change = None if adapter is None else Adapter.load(adapter)
        self._session = open_session(build_graph(read_minilm(model, adapter=change)), model=model, threads=threads)
        self._tokenizer = build_tokenizer(max_tokens=max_tokens)

    def encode(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """Embed texts that :func:`~secondlaw.language.tokenizer.cut_text` has cut.

        Returns
        -------
        ndarray of float32, shape (n, 384)
            Rows of length 1.
        """
        ids = [encoding.ids for encoding in self._tokenizer.encode_batch(list(texts))]
        return in_batches(ids, self._run, dimensions=DIMENSIONS)

    def _run(self, ids: list[list[int]]) -> npt.NDArray[np.float32]:
        tokens, lengths, mask = padded(ids)
        hidden = self._session.run(None, {"ids": tokens, "lengths": lengths})[0]  # (text, token, 384)
        mean = np.einsum("btd,bt->bd", hidden, mask) / lengths[:, None]
        unit: npt.NDArray[np.float32] = (mean / np.linalg.norm(mean, axis=1, keepdims=True)).astype(np.float32)
        return unit


def open_session(graph: bytes, *, model: Path, threads: int) -> Any:  # noqa: ANN401 - onnxruntime has no types
    """Return an ONNX Runtime session of a graph made of the weights of `model`.

    Its official builds keep a device id and report to their maker unless they are told not to before they start.
    """
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    # Sums in int8 on processors without VNNI could overflow; this takes the exact, slower kernels there.
    options.add_session_config_entry("session.x64quantprecision", "1")
    # The graph is fused as it should be; what ONNX Runtime would fuse beyond that runs slower.
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    try:
        return onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime raises its own undocumented classes
        raise ModelFileError(f"ONNX Runtime cannot open {model}: {error}") from error


@lru_cache(maxsize=4)
def shared_encoder(model: str, max_tokens: int, threads: int, adapter: str | None = None) -> Encoder:
    """Return this process's encoder for these settings, built once."""
    change = None if adapter is None else Path(adapter)
    return Encoder(Path(model), max_tokens=max_tokens, threads=threads, adapter=change)


def in_batches(
    ids: list[list[int]], run: Callable[[list[list[int]]], npt.NDArray[np.float32]], *, dimensions: int
) -> npt.NDArray[np.float32]:
    """Return a row a text in the order of `ids`, run in batches of like length: (n, dimensions)."""
    out = np.empty((len(ids), dimensions), dtype=np.float32)
    for batch in _batches(sorted(range(len(ids)), key=lambda i: len(ids[i])), ids):
        out[batch] = run([ids[i] for i in batch])
    return out


def padded(
    ids: list[list[int]], *, fill: int = 0
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int32], npt.NDArray[np.float32]]:
    """Return tokens (n, longest), how many each text has, and a mask of them (n, longest)."""
    lengths = np.array([len(of_text) for of_text in ids], dtype=np.int32)
    tokens = np.full((len(ids), int(lengths.max())), fill, dtype=np.int64)
    for row, of_text in enumerate(ids):
        tokens[row, : len(of_text)] = of_text
    return tokens, lengths, (np.arange(tokens.shape[1]) < lengths[:, None]).astype(np.float32)


def _batches(order: list[int], ids: list[list[int]]) -> list[list[int]]:
    """Split indices sorted by length into batches of at most ``BATCH_TOKENS`` tokens, padding included."""
    found: list[list[int]] = []
    for index in order:
        if found and (len(found[-1]) + 1) * len(ids[index]) <= BATCH_TOKENS:
            found[-1].append(index)
        else:
            found.append([index])
    return found
