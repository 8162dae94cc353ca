"""Files of a repository on a model hub, at a commit that cannot move: out of the hub's cache, or fetched into it.

Only the client of the hub speaks to it (``huggingface_hub``). Nothing that is fetched is run: of a repository only the
files that are asked for are taken, and those of its folders never.
"""

import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from secondlaw.errors import ModelFileError
from secondlaw.installed import require

__all__ = ["AtCommit", "snapshot"]

AT_COMMIT = re.compile(r"(?P<repository>[\w.-]+(/[\w.-]+)?)@(?P<commit>[0-9a-f]{40})")
IN_FOLDERS = ("*/*",)
"""The patterns of the hub's client cross slashes: without this ``*.safetensors`` fetches ``onnx/model.safetensors``."""
TOKEN = "HF_TOKEN"  # noqa: S105 - the name of the variable
DENIED = (401, 403)


@dataclass(frozen=True, slots=True)
class AtCommit:
    """A repository at a commit.

    Parameters
    ----------
    repository : str
    commit : str
        40 hexadecimal digits: branches and tags can move.

    Examples
    --------
    >>> AtCommit.read(f"me/mine@{'0' * 40}").repository
    'me/mine'
    >>> AtCommit.read("me/mine@main") is None
    True
    """

    repository: str
    commit: str

    @classmethod
    def read(cls, text: str) -> "AtCommit | None":
        """Read ``REPOSITORY@COMMIT``; None if it is anything else."""
        found = AT_COMMIT.fullmatch(text)
        return None if found is None else cls(found["repository"], found["commit"])

    def __str__(self) -> str:
        return f"{self.repository}@{self.commit}"


def snapshot(
    at: AtCommit,
    patterns: Sequence[str],
    *,
    allow_download: bool,
    remedy: str,
    quiet: bool = False,
    cache: Path | None = None,
    endpoint: str | None = None,
) -> Path:
    """Return the folder of the cache that holds a repository's files; some may be missing if they are not there either.

    Parameters
    ----------
    at : AtCommit
    patterns : sequence of str
        Names of files, with ``*`` for anything.
    allow_download : bool
        Whether files may be fetched; else no request is made.
    remedy : str
        What to do where a download is needed and not allowed.
    quiet : bool
        No progress bars and no remarks of the client; no bars, either, where standard error is no terminal.
    cache, endpoint
        Of the hub; default its client's own.

    Raises
    ------
    ModelFileError
        If the client is not installed, or the files are neither in the cache nor can be fetched.
    """
    require("huggingface_hub", purpose=f"{at} of a hub", extra="transformer")
    from huggingface_hub import snapshot_download

    try:
        with _hushed(bars=quiet or not sys.stderr.isatty(), remarks=quiet):
            return Path(
                snapshot_download(
                    at.repository, revision=at.commit, allow_patterns=list(patterns), ignore_patterns=list(IN_FOLDERS),
                    local_files_only=not allow_download, cache_dir=cache, endpoint=endpoint, max_workers=1,
                )
            )  # fmt: skip
    except Exception as error:  # the hub's client raises its own classes, and those of two HTTP libraries
        why = (
            _why(at, error)
            if allow_download
            else f"it is not, or not whole, in the hub's cache on this machine; {remedy}"
        )
        raise ModelFileError(f"{at} is not available: {why}") from error


def _why(at: AtCommit, error: Exception) -> str:
    """Say in one sentence what the hub or its client said, and what to do."""
    from huggingface_hub.errors import GatedRepoError, RepositoryNotFoundError, RevisionNotFoundError

    status = next((found for found in map(_status, (error, error.__cause__)) if found is not None), None)
    if isinstance(error, GatedRepoError):
        return (
            f"the repository is gated; accept its terms on the hub and set {TOKEN} to a token of that account (its "
            "right to read gated repositories included)"
        )
    if status in DENIED:
        return (
            f"the hub denies it (status {status}): {at.repository} is private or there is no such repository; check "
            f"the name, or set {TOKEN} to a token that may read it"
        )
    if isinstance(error, RevisionNotFoundError):
        return f"the hub has the repository, but not this commit (status {status}); check the commit"
    if isinstance(error, RepositoryNotFoundError):
        return (
            f"the hub knows no repository {at.repository} (status {status}); check the name; some hubs hide private "
            f"ones so: set {TOKEN} for one"
        )
    said = str(error).strip().splitlines()
    return f"{said[0] if said else type(error).__name__}; check name, commit and network"


def _status(error: BaseException | None) -> int | None:
    status = getattr(getattr(error, "response", None), "status_code", None)
    return status if isinstance(status, int) else None


@contextmanager
def _hushed(*, bars: bool, remarks: bool) -> Iterator[None]:
    """Hide the progress bars and the remarks of the hub's client."""
    import huggingface_hub.utils

    client: Any = huggingface_hub.utils
    bars = bars and not client.are_progress_bars_disabled()
    level = client.logging.get_verbosity()
    if bars:
        client.disable_progress_bars()
    if remarks:
        client.logging.set_verbosity_error()
    try:
        yield
    finally:
        client.logging.set_verbosity(level)
        if bars:
            client.enable_progress_bars()
