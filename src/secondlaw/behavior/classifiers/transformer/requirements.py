"""The libraries of the extra ``[transformer]``: whether they are installed, and which versions."""

from importlib.metadata import version

from secondlaw.installed import require

__all__ = ["libraries", "require_torch"]

NEEDED = ("torch", "transformers", "safetensors")


def require_torch() -> None:
    """Raise unless the libraries are installed.

    Raises
    ------
    ModelFileError
        With what to type.
    """
    require(*NEEDED, purpose="the transformer engine", extra="transformer")


def libraries() -> dict[str, str]:
    """Return the versions of the libraries that compute."""
    return {name: version(name) for name in (*NEEDED, "tokenizers")}
