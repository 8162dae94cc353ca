"""Libraries of the optional extras: whether they are installed."""

from importlib.util import find_spec

from secondlaw.errors import ModelFileError

__all__ = ["require"]


def require(*names: str, purpose: str, extra: str) -> None:
    """Raise unless the libraries are installed.

    Parameters
    ----------
    *names : str
    purpose : str
        What needs them.
    extra : str
        Of this package, which brings them.

    Raises
    ------
    ModelFileError
        With what to type.

    Examples
    --------
    >>> require("json", purpose="this example", extra="none")
    """
    missing = [name for name in names if find_spec(name) is None]
    if missing:
        raise ModelFileError(
            f"{purpose} needs {', '.join(missing)}, not installed here; run: pip install 'secondlaw[{extra}]'"
        )
