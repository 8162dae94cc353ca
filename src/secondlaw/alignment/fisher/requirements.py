"""The library of the extra ``[alignment]`` that Fisher products need: whether it is installed."""

from importlib.util import find_spec

from secondlaw.errors import ModelFileError

__all__ = ["require_libraries"]


def require_libraries(*names: str) -> None:
    """Raise unless the libraries are installed.

    Raises
    ------
    ModelFileError
        With what to type.
    """
    missing = [name for name in names if find_spec(name) is None]
    if missing:
        raise ModelFileError(
            f"the Fisher spectrum of a network needs {', '.join(missing)}, not installed here; run: "
            "pip install 'secondlaw[alignment]'"
        )
