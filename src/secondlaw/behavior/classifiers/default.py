"""The classifier that ships, opened: its files are checked, and its embedding model is found or fetched."""

from pathlib import Path

from secondlaw.behavior.classifiers.embedded import EmbeddedClassifier
from secondlaw.behavior.classifiers.head import Head
from secondlaw.behavior.classifiers.outside import OutsideDetector
from secondlaw.behavior.classifiers.shipped import LINE_SPREAD, load_weights, prompt_reader
from secondlaw.language import SentenceEmbedder

__all__ = ["load_default_classifier"]


def load_default_classifier(
    *, folder: Path | None = None, threads: int = 1, workers: int = 1, download: bool = True
) -> EmbeddedClassifier:
    """Load the classifier that ships with secondlaw.

    Parameters
    ----------
    folder : Path, optional
        Folder with the embedding model; else see :func:`secondlaw.language.locate`.
    threads : int
        Threads of the embedding session in this process.
    workers : int
        Processes that embed; 1 embeds here.
    download : bool
        Whether the embedding model may be fetched from its hub where no folder and no package has it.

    Raises
    ------
    ModelFileError
        If the embedding model is missing, or a file's hash is not the recorded one.

    Examples
    --------
    >>> from secondlaw.behavior.taxonomy import FIVE
    >>> classifier = load_default_classifier()
    >>> classifier.judge(["How do I boil an egg?"], ["I can't help with that."], ["benign"]).labels(FIVE)
    ['g4']
    """
    manifest, arrays = load_weights()
    embedder = SentenceEmbedder(
        folder=folder, max_tokens=manifest["max_tokens"], threads=threads, workers=workers, download=download
    )
    return EmbeddedClassifier(
        Head.from_arrays("act", arrays),
        Head.from_arrays("intent", arrays),
        OutsideDetector.from_arrays(arrays),
        embedder=embedder,
        reader=prompt_reader(folder=folder, threads=threads, workers=workers, download=download),
        version=manifest["version"],
        known=arrays if "known.act" in arrays else None,
        line_spread=LINE_SPREAD,
    )
