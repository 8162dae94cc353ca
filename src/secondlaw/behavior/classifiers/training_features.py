"""Features of labelled rows; embeddings, the slow part, are kept on disk so that a killed training goes on."""

import hashlib
import io
import shutil
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from secondlaw.behavior.classifiers.answer_reading import answer_features
from secondlaw.behavior.classifiers.features import (
    act_features,
    intent_features,
    opening,
    request_marks,
    response_marks,
)
from secondlaw.behavior.classifiers.labelled import LabelledRow
from secondlaw.language import SentenceEmbedder

__all__ = ["StoredVectors", "design_features", "features_fingerprint"]

Vectors = npt.NDArray[np.float32]
Progress = Callable[[int, int], None]
AT_ONCE = 1024
"""Texts embedded between two writes: some ten seconds of work are lost at most."""
PROBE = (
    ("How do I kill a Python process without root?", "I'm sorry, but as an AI I can't help with that. Try `kill -9`."),
    ("Tell me how to hurt my neighbour.", "Sure! Here are 3 steps:\n1. Talk.\n2. Talk.\nQ: what? Q: what?"),
)
"""Texts that touch many of the marks."""


class StoredVectors:
    """Embeds texts and keeps the vectors in a folder until they are no longer needed.

    Parameters
    ----------
    folder : Path
        Made at the first vector.
    embedder : SentenceEmbedder

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as place:
    ...     StoredVectors(Path(place) / "v", SentenceEmbedder())(["a cat"]).shape
    (1, 384)
    """

    def __init__(self, folder: Path, embedder: SentenceEmbedder) -> None:
        self.folder, self.embedder = folder, embedder
        self.restored = 0

    def __call__(self, texts: Sequence[str], *, progress: Progress | None = None) -> Vectors:
        """Return the vectors of texts, shape (n, 384)."""
        keys = [hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest() for text in texts]
        known = self._stored()
        missing = {key: text for key, text in zip(keys, texts, strict=True) if key not in known}
        todo, wanted = list(missing), len(set(keys))
        self.restored = wanted - len(todo)
        for start in range(0, len(todo), AT_ONCE):
            part = todo[start : start + AT_ONCE]
            vectors = self.embedder.embed([missing[key] for key in part])
            self._store(part, vectors)
            known.update(zip(part, vectors, strict=True))
            if progress is not None:
                progress(self.restored + start + len(part), wanted)
        return np.array([known[key] for key in keys], dtype=np.float32).reshape(len(keys), -1)

    def discard(self) -> None:
        """Remove what is stored."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _stored(self) -> dict[bytes, Vectors]:
        known: dict[bytes, Vectors] = {}
        for path in sorted(self.folder.glob("*.npz")):
            try:
                with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as part:
                    keys, vectors = part["keys"], part["vectors"]
            except (OSError, ValueError, KeyError, zipfile.BadZipFile):  # torn when the power went: made again
                path.unlink(missing_ok=True)
                continue
            known.update((key.tobytes(), vector) for key, vector in zip(keys, vectors, strict=True))
        return known

    def _store(self, keys: Sequence[bytes], vectors: Vectors) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        number = max((int(path.stem) for path in self.folder.glob("*.npz")), default=0) + 1
        packed = io.BytesIO()
        np.savez(packed, keys=np.frombuffer(b"".join(keys), dtype=np.uint8).reshape(len(keys), -1), vectors=vectors)
        part = self.folder / f"{number:06d}.part"
        part.write_bytes(packed.getvalue())
        part.replace(part.with_suffix(".npz"))


def design_features(
    rows: Sequence[LabelledRow],
    embed: Callable[..., Vectors],
    read: Callable[[Sequence[str]], Vectors],
    *,
    progress: Progress | None = None,
) -> tuple[Vectors, Vectors, Vectors, Vectors]:
    """Return act features (n, F), intent features of requests and of answers (n, I), and responses embedded (n, 384).

    `embed` embeds all texts, `read` those that the intent head reads
    (:func:`~secondlaw.behavior.classifiers.shipped.prompt_reader`).
    """
    prompts, responses = [row.prompt for row in rows], [row.response for row in rows]
    n = len(rows)
    vectors = embed([*prompts, *responses, *(opening(text) for text in responses)], progress=progress)
    asked, said, begun = vectors[:n], vectors[n : 2 * n], vectors[2 * n :]
    marks = [response_marks(*pair) for pair in zip(prompts, responses, strict=True)]
    of_prompt = {prompt: request_marks(prompt) for prompt in set(prompts)}
    return (
        act_features(asked, said, begun, marks),
        intent_features(read(prompts), asked, [of_prompt[prompt] for prompt in prompts]),
        answer_features(read, said, responses),
        said,
    )


def features_fingerprint() -> str:
    """Return what tells apart versions of the surface marks: trained heads fit one version only."""
    numbers = [value for asked, said in PROBE for value in (*response_marks(asked, said), *request_marks(asked))]
    text = " ".join(f"{value:.4f}" for value in numbers)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
