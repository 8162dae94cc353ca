"""The library of the extra ``[alignment]`` that Fisher products need: whether it is installed."""

from secondlaw.installed import require

__all__ = ["require_libraries"]


def require_libraries(*names: str) -> None:
    """Raise unless the libraries are installed.

    Raises
    ------
    ModelFileError
        With what to type.
    """
    require(*names, purpose="the Fisher spectrum of a network", extra="alignment")
