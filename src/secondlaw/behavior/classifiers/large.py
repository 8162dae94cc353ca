"""The optional engine ``embedded-large``: the shipped classifier, with a larger model to read prompts.

Acts, marks and the check for outside are those of the shipped classifier. The intent of a request is read by
all-mpnet-base-v2 with an adapter instead of MiniLM's; its file (438 MB, Apache-2.0) does not ship. Answers are read by
the shipped reader, and where intents are stated the two engines say the same. Data, licences and measured accuracy:
``data/large/MODEL_CARD.md``.
"""

from pathlib import Path

from secondlaw.behavior.classifiers.embedded import EmbeddedClassifier
from secondlaw.behavior.classifiers.head import Head
from secondlaw.behavior.classifiers.outside import OutsideDetector
from secondlaw.behavior.classifiers.shipped import (
    LINE_SPREAD,
    checked_file,
    load_weights,
    prompt_reader,
    shipped_folder,
)
from secondlaw.errors import ModelFileError
from secondlaw.language import SentenceEmbedder
from secondlaw.language.large_encoder import LargeReader

__all__ = ["LARGE", "large_folder", "load_large_classifier"]

LARGE = "embedded-large"
"""Name of the engine."""


def large_folder() -> Path:
    """Return the folder inside the package that holds this engine's head, adapter and card."""
    return shipped_folder() / "large"


def load_large_classifier(
    *, folder: Path | None = None, threads: int = 1, workers: int = 1, download: bool = True
) -> EmbeddedClassifier:
    """Load the shipped classifier with the larger reader of prompts.

    Parameters
    ----------
    folder, threads, workers, download
        See :func:`~secondlaw.behavior.classifiers.default.load_default_classifier`; the folder also holds
        ``all-mpnet-base-v2.safetensors``.

    Raises
    ------
    ModelFileError
        If a model file is missing, its hash is not the recorded one, or the head was calibrated with other shipped
        heads than the installed ones.
    """
    base, shipped = load_weights()
    manifest, arrays = load_weights(large_folder())
    if manifest["base_sha256"] != base["sha256"]:
        raise ModelFileError(
            f"the head of {LARGE} was calibrated with shipped heads of sha256 {manifest['base_sha256']}, installed are "
            f"{base['sha256']}; reinstall secondlaw"
        )
    adapter = checked_file(large_folder() / manifest["adapter"], manifest["adapter_sha256"])
    reader = LargeReader(
        adapter, folder=folder, max_tokens=manifest["max_tokens"], threads=threads, download=download
    )  # fmt: skip
    embedder = SentenceEmbedder(
        folder=folder, max_tokens=base["max_tokens"], threads=threads, workers=workers, download=download
    )
    ear = prompt_reader(folder=folder, threads=threads, workers=workers, download=download)
    return EmbeddedClassifier(
        Head.from_arrays("act", shipped),
        Head.from_arrays("intent", arrays),
        OutsideDetector.from_arrays(shipped),
        embedder=embedder,
        reader=reader,
        version=manifest["version"],
        known=arrays,
        name=manifest["name"],
        line_spread=LINE_SPREAD,
        ear=(Head.from_arrays("intent", shipped), ear),
    )
