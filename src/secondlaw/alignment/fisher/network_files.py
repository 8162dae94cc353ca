"""Networks of transformers from a folder, a GGUF file or a hub: causal language models and sequence classifiers.

Only ``safetensors`` and GGUF are opened (pickled weights run code when loaded), no code of a repository is ever run,
and nothing is fetched unless that is allowed.
"""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stderr
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

import torch
import transformers
from torch import Tensor, nn

from secondlaw.errors import InvalidInput, ModelFileError, NotEnoughData

__all__ = ["LoadedNetwork", "load_network", "token_batches"]

CAUSAL = ("ForCausalLM", "LMHeadModel")
CLASSIFIER = "ForSequenceClassification"


@dataclass(frozen=True, slots=True, eq=False)
class LoadedNetwork:
    """A network with its tokenizer.

    Parameters
    ----------
    model : nn.Module
    tokenizer : object
        Of transformers.
    task : str
        ``"next token"`` or ``"class"``.
    architecture : str
    """

    model: nn.Module
    tokenizer: Any
    task: str
    architecture: str


def load_network(
    name: str | Path, *, revision: str | None = None, allow_download: bool = False, device: str = "cpu"
) -> LoadedNetwork:
    """Load a causal language model or a sequence classifier.

    Parameters
    ----------
    name : str or Path
        A folder that transformers has saved, a ``.gguf`` file, or a repository of the hub.
    revision : str, optional
        Commit, tag or branch of a repository.
    allow_download : bool
        Whether a repository may be fetched; else it must be in the hub's cache.
    device : str
        As torch names it.

    Raises
    ------
    ModelFileError
        If it is not available, or cannot be read.
    InvalidInput
        If it is neither a causal language model nor a sequence classifier, or there is no such device.
    """
    path = Path(name).expanduser()
    where: dict[str, Any] = {"local_files_only": not allow_download, "trust_remote_code": False}
    if revision is not None:
        where["revision"] = revision
    source = str(path) if path.exists() else str(name)
    if path.suffix == ".gguf":
        if not path.is_file():
            raise ModelFileError(f"there is no file {path}")
        source, where = str(path.parent), {"gguf_file": path.name, "local_files_only": True}
    elif path.is_file():
        raise ModelFileError(f"{path} is no folder and no .gguf file: give the folder that transformers has saved")
    with _quietly(), _said(name, allow_download):
        # The configuration of a GGUF file names no architecture: such files hold language models.
        config = None if "gguf_file" in where else transformers.AutoConfig.from_pretrained(source, **where)
        causal = config is None or _is_causal(config, str(name))
        kind = transformers.AutoModelForCausalLM if causal else transformers.AutoModelForSequenceClassification
        safe = {} if config is None else {"use_safetensors": True}
        model = kind.from_pretrained(source, dtype=torch.float32, **where, **safe)
        tokenizer = transformers.AutoTokenizer.from_pretrained(source, **where)
    tokenizer.padding_side = "right"
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token or tokenizer.unk_token
    if model.config.get_text_config().pad_token_id is None:
        model.config.get_text_config().pad_token_id = tokenizer.pad_token_id
    return LoadedNetwork(_placed(model, device), tokenizer, "next token" if causal else "class", type(model).__name__)


def token_batches(
    network: LoadedNetwork, texts: Sequence[str], *, rows: int, tokens: int, labels: Sequence[int] | None = None
) -> list[dict[str, Tensor]]:
    """Return texts as padded batches.

    Parameters
    ----------
    network : LoadedNetwork
    texts : sequence of str
    rows : int
        Texts of a batch.
    tokens : int
        Tokens of a text at most; longer texts are cut.
    labels : sequence of int, optional
        One a text, for a classifier.

    Raises
    ------
    NotEnoughData
        If no text has a token to predict.
    """
    if rows < 1 or tokens < 2:
        raise InvalidInput(f"a batch has at least 1 text and a text at least 2 tokens, got {rows} and {tokens}")
    out = []
    for start in range(0, len(texts), rows):
        part = list(texts[start : start + rows])
        encoded = network.tokenizer(part, return_tensors="pt", padding=True, truncation=True, max_length=tokens)
        batch = {key: value for key, value in encoded.items() if isinstance(value, Tensor)}
        if labels is not None:
            batch["labels"] = torch.as_tensor(labels[start : start + rows])
        out.append(batch)
    if not out:
        raise NotEnoughData("there are no texts")
    return out


def _is_causal(config: Any, name: str) -> bool:  # noqa: ANN401 - of transformers
    known = list(getattr(config, "architectures", None) or [])
    if any(CLASSIFIER in one for one in known):
        return False
    if not getattr(config, "is_encoder_decoder", False) and any(mark in one for one in known for mark in CAUSAL):
        return True
    seen = ", ".join(known) or "no architecture"
    raise InvalidInput(
        f"{name} is {seen}; the command takes causal language models and sequence classifiers. From Python, "
        "FisherProducts takes any torch.nn.Module"
    )


def _placed(model: nn.Module, device: str) -> nn.Module:
    try:
        return model.to(torch.device(device))
    except (RuntimeError, AssertionError) as error:
        raise InvalidInput(f"there is no device {device!r} here: {str(error).splitlines()[0]}") from error


@contextmanager
def _quietly() -> Iterator[None]:
    """Keep the loader's bars and remarks off standard error; what goes wrong is raised.

    Its bar for GGUF files knows no setting, hence the redirection.
    """
    logger, bars = logging.getLogger("transformers"), transformers.utils.logging
    before, shown = logger.level, bars.is_progress_bar_enabled()
    logger.setLevel(logging.ERROR)
    bars.disable_progress_bar()  # type: ignore[no-untyped-call]
    try:
        with redirect_stderr(StringIO()):
            yield
    finally:
        logger.setLevel(before)
        if shown:
            bars.enable_progress_bar()  # type: ignore[no-untyped-call]


@contextmanager
def _said(name: str | Path, allow_download: bool) -> Iterator[None]:
    """Say in one sentence what the loader says in many."""
    try:
        yield
    except (InvalidInput, ModelFileError):
        raise
    except ImportError as error:
        said = " ".join(str(error).split())[:200]
        raise ModelFileError(f"{name} needs a library that is not installed ({said})") from error
    except Exception as error:  # the loader raises OSError, ValueError, KeyError and those of two HTTP libraries
        if not allow_download and not Path(name).expanduser().exists():
            raise ModelFileError(
                f"{name} is no folder or .gguf file here, nor in the hub's cache on this machine; allow the "
                "download of a repository (--allow-download), or give a folder"
            ) from error
        said = " ".join(str(error).split())[:200] or type(error).__name__
        raise ModelFileError(f"{name} cannot be loaded ({said})") from error
