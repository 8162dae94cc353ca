"""The weights of MiniLM with int8 matrices, read from either of the files that carry them.

A matrix is stored as int8 with one scale an output column (embeddings: one a row): ``scale = max |w| / 127``,
``q = round(w / scale)``. The package file holds these numbers; from the float32 original they are computed, and come
out the same (tested bit by bit).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from secondlaw.errors import ModelFileError
from secondlaw.language.adapter import Adapter

__all__ = ["Layer", "Linear", "MiniLM", "Norm", "quantise", "read_minilm", "side_by_side"]

LAYERS = 6
MATRICES = (
    "attention.self.query", "attention.self.key", "attention.self.value", "attention.output.dense",
    "intermediate.dense", "output.dense",
)  # fmt: skip
"""The matrix products of a layer, in the order in which they are computed."""

SMALLEST = 1e-9
"""A column of zeros keeps a scale."""

Floats = npt.NDArray[np.float32]
Int8 = npt.NDArray[np.int8]


@dataclass(frozen=True, slots=True)
class Linear:
    """``y = x @ (weights * scale) + bias``; weights (inputs, outputs) int8, scale and bias (outputs,)."""

    weights: Int8
    scale: Floats
    bias: Floats


@dataclass(frozen=True, slots=True)
class Norm:
    """Layer normalisation: gain and bias, both (384,)."""

    gain: Floats
    bias: Floats


@dataclass(frozen=True, slots=True)
class Layer:
    """One transformer layer; query, key and value stand side by side in `qkv`."""

    qkv: Linear
    attended: Linear
    attention_norm: Norm
    up: Linear
    down: Linear
    output_norm: Norm


@dataclass(frozen=True, slots=True)
class MiniLM:
    """All weights: words (30522, 384) int8 with a scale a row, positions (512, 384) with the token type added.

    Other encoders of this shape have other sizes, another `epsilon` of the layer norms, and may add a number to the
    attention for each distance of two tokens (`by_distance`), which the graph then takes as an input.
    """

    words: Int8
    word_scale: Floats
    positions: Floats
    norm: Norm
    layers: tuple[Layer, ...]
    epsilon: float = 1e-12
    by_distance: bool = False


def read_minilm(path: Path, *, adapter: Adapter | None = None) -> MiniLM:
    """Read the weights from a verified file.

    Parameters
    ----------
    path : Path
        ``*.safetensors`` (the float32 original) or ``*.onnx`` (int8 matrices).
    adapter : Adapter, optional
        Changes of the matrices of the layers, made before they are rounded.

    Raises
    ------
    ModelFileError
        If the file does not hold what is expected; cannot happen with a verified one.
    """
    try:
        plain, quantised = _from_safetensors(path) if path.suffix == ".safetensors" else _from_onnx(path)
        if adapter is not None:
            quantised = _adapted(quantised, adapter)
        words, word_scale = quantised["embeddings.word_embeddings"]
        places, place_scale = quantised["embeddings.position_embeddings"]
        positions = places * place_scale[:, None] + plain["embeddings.token_type_embeddings.weight"][0]
        layers = tuple(_layer(f"encoder.layer.{i}", plain, quantised) for i in range(LAYERS))
        return MiniLM(words, word_scale, positions.astype(np.float32), _norm("embeddings.LayerNorm", plain), layers)
    except (KeyError, ValueError, IndexError) as error:
        raise ModelFileError(f"{path} does not hold the weights of MiniLM: {error!r}") from error


Quantised = dict[str, tuple[Int8, Floats]]


def _from_safetensors(path: Path) -> tuple[Mapping[str, Floats], Quantised]:
    from safetensors.numpy import load_file  # read only where this file is used

    plain: dict[str, Floats] = load_file(path)
    quantised: Quantised = {}
    for name in ("embeddings.word_embeddings", "embeddings.position_embeddings"):
        weights, scale = quantise(plain[f"{name}.weight"].T)
        quantised[name] = np.ascontiguousarray(weights.T), scale
    for layer in range(LAYERS):
        for part in MATRICES:
            name = f"encoder.layer.{layer}.{part}"
            quantised[name] = quantise(plain[f"{name}.weight"].T)
    return plain, quantised


def _adapted(quantised: Quantised, adapter: Adapter) -> Quantised:
    if strange := set(adapter.changes) - set(quantised):
        raise ValueError(f"the adapter changes {sorted(strange)[0]}, which MiniLM does not have")
    changed = dict(quantised)
    for name in adapter.changes:
        weights, scale = quantised[name]
        changed[name] = quantise(adapter.merged(name, weights.astype(np.float32) * scale))
    return changed


def quantise(weights: Floats) -> tuple[Int8, Floats]:
    """Return a matrix as int8 with one scale a column."""
    scale = np.maximum(np.abs(weights).max(axis=0), SMALLEST) / 127
    return np.rint(weights / scale).astype(np.int8), scale.astype(np.float32)


def side_by_side(matrices: Sequence[tuple[Int8, Floats]], biases: Sequence[Floats]) -> Linear:
    """Return several products of one input as one: weights and scales of each, and its bias."""
    weights, scales = zip(*matrices, strict=True)
    return Linear(np.concatenate(weights, axis=1), np.concatenate(scales), np.concatenate(biases))


def _from_onnx(path: Path) -> tuple[Mapping[str, Floats], Quantised]:
    import onnx  # a quarter of a second to import
    from onnx import numpy_helper

    graph: Any = onnx.load(path, load_external_data=False).graph
    arrays = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    stem = {name.removesuffix("_q"): name for name in arrays if name.endswith("_q")}
    products = [node.input[1] for node in graph.node if node.op_type == "MatMul" and node.input[1] in stem]
    names = [f"encoder.layer.{layer}.{part}" for layer in range(LAYERS) for part in MATRICES]
    stored = dict(zip(names, products, strict=True))
    for name in ("embeddings.word_embeddings", "embeddings.position_embeddings"):
        stored[name] = f"inner.{name}.weight"
    quantised = {name: (arrays[stem[at]], arrays[f"{at}_scale"].reshape(-1)) for name, at in stored.items()}
    return {name.removeprefix("inner."): array for name, array in arrays.items()}, quantised


def _norm(name: str, plain: Mapping[str, Floats]) -> Norm:
    return Norm(plain[f"{name}.weight"], plain[f"{name}.bias"])


def _layer(at: str, plain: Mapping[str, Floats], quantised: Quantised) -> Layer:
    def linear(*parts: str) -> Linear:
        names = [f"{at}.{part}" for part in parts]
        return side_by_side([quantised[name] for name in names], [plain[f"{name}.bias"] for name in names])

    return Layer(
        qkv=linear(*MATRICES[:3]),
        attended=linear(MATRICES[3]),
        attention_norm=_norm(f"{at}.attention.output.LayerNorm", plain),
        up=linear(MATRICES[4]),
        down=linear(MATRICES[5]),
        output_norm=_norm(f"{at}.output.LayerNorm", plain),
    )
