"""What embeds sentences: MiniLM, the multilingual universal sentence encoder, or a function of the user's."""

from contextlib import AbstractContextManager, nullcontext

from secondlaw.errors import InvalidInput
from secondlaw.faithfulness import NamedEmbedder
from secondlaw.language import RememberingEmbedder, universal_embedder
from secondlaw.pipeline.engines import embedder_of
from secondlaw.pipeline.own_functions import import_function
from secondlaw.pipeline.settings import Settings

__all__ = ["EMBEDDINGS", "open_embedding"]

EMBEDDINGS = ("minilm", "universal")


def open_embedding(
    spec: str, settings: Settings, *, option: str = "--embedding"
) -> AbstractContextManager[NamedEmbedder]:
    """Open an embedding by its name on the command line.

    Parameters
    ----------
    spec : str
        ``minilm``, ``universal`` (the extra ``multilingual``), or ``MODULE:FUNCTION`` of a list of texts, which returns
        as many vectors of any length.
    settings : Settings
    option : str
        What the user named it by, for messages.

    Returns
    -------
    context manager of NamedEmbedder
        Leaving it ends processes that were started.

    Raises
    ------
    InvalidInput
        If `spec` names none of these.
    ModelFileError
        If the model is not installed.
    """
    if spec == "minilm":
        return embedder_of(settings)
    if spec == "universal":
        return nullcontext(universal_embedder())
    if ":" not in spec:
        raise InvalidInput(f"{option} is {', '.join(EMBEDDINGS)}, or MODULE:FUNCTION, got {spec!r}")
    return nullcontext(RememberingEmbedder(import_function(spec, option=option), name=spec))
