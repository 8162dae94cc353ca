"""A taxonomy by its name, or from a user's TOML or JSON file."""

import tomllib
from pathlib import Path
from typing import Any

from secondlaw.behavior.taxonomy import FIVE, THREE, Taxonomy
from secondlaw.errors import InvalidInput

__all__ = ["load_taxonomy"]

_NAMED = {taxonomy.name: taxonomy for taxonomy in (FIVE, THREE)}


def load_taxonomy(name_or_path: str | Path) -> Taxonomy:
    """Return a taxonomy.

    Parameters
    ----------
    name_or_path : str or Path
        ``"five"``, ``"three"``, or a ``.toml`` or ``.json`` file in the form of :meth:`Taxonomy.to_dict`.

    Raises
    ------
    InvalidInput
        If there is no such name or file, or the file states no taxonomy.

    Examples
    --------
    >>> load_taxonomy("five").keys
    ('g1', 'g2', 'g3', 'g4', 'g5')
    """
    if str(name_or_path) in _NAMED:
        return _NAMED[str(name_or_path)]
    path = Path(name_or_path)
    if path.suffix.lower() not in (".toml", ".json"):
        raise InvalidInput(f"a taxonomy is {', '.join(_NAMED)}, or a .toml or .json file, got {str(name_or_path)!r}")
    try:
        values = _parsed(path.read_text(encoding="utf-8"), path)
    except FileNotFoundError as error:
        raise InvalidInput(f"there is no taxonomy file {path}; check the name") from error
    except (OSError, ValueError) as error:
        raise InvalidInput(f"{path} cannot be read as a taxonomy: {error}") from error
    if not isinstance(values, dict):
        raise InvalidInput(f"{path} holds no taxonomy; it needs name, categories and composition")
    return Taxonomy.from_dict(values)


def _parsed(text: str, path: Path) -> Any:  # noqa: ANN401 - whatever the file holds
    if path.suffix.lower() == ".toml":
        return tomllib.loads(text)
    import json

    return json.loads(text)
