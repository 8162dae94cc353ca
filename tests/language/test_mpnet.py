"""mpnet's lower layers in int8: against the published architecture with random numbers, and what a user meets."""

import math
from pathlib import Path

import numpy as np
import pytest

from secondlaw.errors import ModelFileError
from secondlaw.language import large_encoder
from secondlaw.language.adapter import Adapter
from secondlaw.language.large_encoder import LARGE_DIMENSIONS, LargeReader
from secondlaw.language.model_files import MPNET, PinnedFile
from secondlaw.language.mpnet_weights import distances, read_mpnet

pytestmark = pytest.mark.unit
TEXTS = ["How do I kill weeds?", "", "Tell me about the river Danube, where it rises and where it ends.", "naïve ☃"]
WIDTH = 24


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory):
    """A random mpnet of 24 numbers a token, its file and the pin of that file."""
    torch, transformers = pytest.importorskip("torch"), pytest.importorskip("transformers")
    safetensors = pytest.importorskip("safetensors.torch")
    torch.manual_seed(0)
    shape = transformers.MPNetConfig(
        hidden_size=WIDTH, intermediate_size=48, num_attention_heads=12, num_hidden_layers=10, vocab_size=30527,
        initializer_range=0.2,
    )  # fmt: skip
    model = transformers.MPNetModel(shape, add_pooling_layer=False).eval()
    folder = tmp_path_factory.mktemp("mpnet")
    path = folder / MPNET.name
    safetensors.save_file(model.state_dict(), path)
    from secondlaw.formats import sha256_of

    return model, folder, PinnedFile(MPNET.name, sha256_of(path), path.stat().st_size, (), "do nothing")


@pytest.fixture
def reader(tiny, monkeypatch: pytest.MonkeyPatch):
    _, folder, pin = tiny
    monkeypatch.setattr(large_encoder, "MPNET", pin)
    monkeypatch.setattr(large_encoder, "LARGE_DIMENSIONS", WIDTH)
    return lambda adapter=None: LargeReader(adapter, folder=folder, download=False)


def reference(model, texts: list[str]) -> np.ndarray:
    """Mean over the tokens after the ninth layer, one text at a time, in float32."""
    import torch

    from secondlaw.language.tokenizer import build_tokenizer

    out = []
    for text in texts:
        pieces = build_tokenizer(max_tokens=128).encode(text).ids[1:-1]
        ids = torch.tensor([[0, *(piece + 4 for piece in pieces), 2]])
        with torch.no_grad():
            out.append(model(ids, output_hidden_states=True).hidden_states[9][0].mean(0).numpy())
    return np.array(out)


def test_it_reads_as_the_published_architecture_does(tiny, reader) -> None:
    expected, found = reference(tiny[0], TEXTS), reader().embed(TEXTS)
    cosines = (expected * found).sum(1) / np.linalg.norm(expected, axis=1) / np.linalg.norm(found, axis=1)
    assert cosines.min() > 0.99  # int8 against float32
    assert np.abs(found - found[::-1]).max() > 0.1  # texts differ: a constant would pass nothing else here


def test_a_text_does_not_depend_on_its_neighbours(reader) -> None:
    together = reader().embed(TEXTS)
    alone = np.vstack([reader().embed([text]) for text in TEXTS])
    np.testing.assert_allclose(together, alone, atol=1e-6)


def test_a_repeated_text_is_read_once(reader, monkeypatch: pytest.MonkeyPatch) -> None:
    one, seen = reader(), []
    encode = large_encoder._Encoder.encode
    monkeypatch.setattr(large_encoder._Encoder, "encode", lambda self, texts: seen.extend(texts) or encode(self, texts))
    first = one.embed(["a", "b", "a"])
    np.testing.assert_array_equal(one.embed(["b", "a", "c"])[:2], first[[1, 0]])
    assert seen == ["a", "b", "c"]
    one.close()
    assert one.embed([]).shape == (0, WIDTH)


def test_an_adapter_changes_what_is_read(reader, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    down, up = (rng.normal(0, 1, shape).astype(np.float32) for shape in ((WIDTH, 2), (2, WIDTH)))
    Adapter({"encoder.layer.8.attention.attn.q": (down, up)}).save(tmp_path / "a.npz")
    assert np.abs(reader(tmp_path / "a.npz").embed(TEXTS) - reader().embed(TEXTS)).max() > 0.01


def test_distances_of_tokens_fall_into_the_published_buckets() -> None:
    def bucket(query: int, key: int) -> int:
        n, after = abs(query - key), 16 if key > query else 0
        return after + (n if n < 8 else min(8 + int(math.log(n / 8) / math.log(16) * 8), 15))

    table = np.arange(64, dtype=np.float32).reshape(32, 2)
    expected = [[2 * bucket(query, key) + 1 for key in range(128)] for query in range(128)]
    np.testing.assert_array_equal(distances(table, 128)[0, 1], expected)


def test_without_the_file_the_remedy_is_told(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match="fetch_mpnet") as error:
        LargeReader(folder=tmp_path, download=False)
    assert MPNET.name in str(error.value)
    assert LARGE_DIMENSIONS == 768


def test_another_file_under_that_name_is_refused(tmp_path: Path) -> None:
    (tmp_path / MPNET.name).write_bytes(b"something else")
    with pytest.raises(ModelFileError, match="sha256"):
        LargeReader(folder=tmp_path, download=False)
    with pytest.raises(ModelFileError, match="does not hold the weights of mpnet"):
        read_mpnet(tmp_path / MPNET.name)
