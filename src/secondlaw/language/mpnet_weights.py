"""The weights of the lower nine layers of all-mpnet-base-v2, int8 as those of MiniLM.

mpnet (arXiv 2004.09297) is a BERT with 768 numbers a token that also adds a number to the attention of two tokens by
their distance. Nine of its twelve layers are read: the mean of their vectors tells harmful requests better than what
the last layer gives (measured: ``docs/classifiers.md``), and a quarter of the work is saved.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt

from secondlaw.errors import ModelFileError
from secondlaw.language.adapter import Adapter
from secondlaw.language.minilm_weights import Layer, Linear, MiniLM, Norm, quantise, side_by_side

__all__ = ["distances", "read_mpnet"]

LAYERS = 9
"""Layers read, of twelve."""
EPSILON = 1e-5
FIRST_POSITION = 2
"""Positions 0 and 1 of the table are for padding."""
BUCKETS, FARTHEST = 32, 128
QUERY_KEY_VALUE = ("attention.attn.q", "attention.attn.k", "attention.attn.v")

Floats = npt.NDArray[np.float32]
Get = Callable[[str], Floats]


def read_mpnet(path: Path, *, adapter: Adapter | None = None) -> tuple[MiniLM, Floats]:
    """Read the weights from a verified file.

    Parameters
    ----------
    path : Path
        The official ``model.safetensors``; only what is needed of it is read.
    adapter : Adapter, optional
        Changes of the matrices of the layers, made before they are rounded.

    Returns
    -------
    weights : MiniLM
    by_bucket : ndarray, shape (32, heads)
        What :func:`distances` adds to the attention.

    Raises
    ------
    ModelFileError
        If the file does not hold what is expected; cannot happen with a verified one.
    """
    from safetensors import safe_open  # read only where this file is used

    change = adapter if adapter is not None else Adapter({})
    try:
        with safe_open(path, "numpy") as stored:
            get: Get = stored.get_tensor
            words, word_scale = quantise(get("embeddings.word_embeddings.weight").T)
            weights = MiniLM(
                np.ascontiguousarray(words.T), word_scale,
                get("embeddings.position_embeddings.weight")[FIRST_POSITION:], _norm(get, "embeddings.LayerNorm"),
                tuple(_layer(get, f"encoder.layer.{number}", change) for number in range(LAYERS)),
                epsilon=EPSILON, by_distance=True,
            )  # fmt: skip
            return weights, get("encoder.relative_attention_bias.weight")
    except Exception as error:  # safetensors raises its own class beside KeyError and OSError
        raise ModelFileError(f"{path} does not hold the weights of mpnet: {error!r}") from error


def distances(by_bucket: Floats, tokens: int) -> Floats:
    """Return what is added to the attention of each two tokens, shape (1, heads, tokens, tokens).

    Half of the buckets are for tokens before, half for tokens after; of each half, half are exact distances and the
    rest grow with the logarithm up to 128.

    Examples
    --------
    >>> table = np.arange(32, dtype=np.float32)[:, None]
    >>> distances(table, 3)[0, 0].astype(int).tolist()
    [[0, 17, 18], [1, 0, 17], [2, 1, 0]]
    """
    place = np.arange(tokens)
    apart = place[:, None] - place[None, :]  # from the token that looks back to the one it looks at
    half, exact = BUCKETS // 2, BUCKETS // 4
    near = np.abs(apart)
    far = exact + np.log(np.maximum(near, 1) / exact) / np.log(FARTHEST / exact) * (half - exact)
    bucket = np.where(near < exact, near, np.minimum(far.astype(np.intp), half - 1)) + half * (apart < 0)
    out: Floats = np.ascontiguousarray(by_bucket[bucket].transpose(2, 0, 1)[None])
    return out


def _norm(get: Get, name: str) -> Norm:
    return Norm(get(f"{name}.weight"), get(f"{name}.bias"))


def _layer(get: Get, at: str, adapter: Adapter) -> Layer:
    def linear(*parts: str) -> Linear:
        names = [f"{at}.{part}" for part in parts]
        matrices = [quantise(adapter.merged(name, get(f"{name}.weight").T)) for name in names]
        return side_by_side(matrices, [get(f"{name}.bias") for name in names])

    return Layer(
        qkv=linear(*QUERY_KEY_VALUE),
        attended=linear("attention.attn.o"),
        attention_norm=_norm(get, f"{at}.attention.LayerNorm"),
        up=linear("intermediate.dense"),
        down=linear("output.dense"),
        output_norm=_norm(get, f"{at}.output.LayerNorm"),
    )
