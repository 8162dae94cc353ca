"""An arm of a run: a model behind an endpoint, with the turns that stand before every prompt.

The pair that ships is *base*, the plain model, and *tuned*, the same model with an aligned few-shot preamble: what
alignment does to S(t) is then measured with everything else equal.
"""

from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import orjson

from secondlaw.errors import FileFormatError, InvalidInput
from secondlaw.sampling.scenarios import Message

__all__ = ["Arm", "load_preamble"]


@dataclass(frozen=True, slots=True)
class Arm:
    """A model of a run.

    Parameters
    ----------
    name : str
        What the rows carry as ``model``.
    served_model : str
        What the endpoint calls the model.
    preamble : tuple of messages
        Turns that stand before every prompt.

    Raises
    ------
    InvalidInput
        If the name or the model is empty.
    """

    name: str
    served_model: str
    preamble: tuple[Message, ...] = ()

    def __post_init__(self) -> None:
        if not self.name.strip() or not self.served_model.strip():
            raise InvalidInput(f"an arm needs a name and a model, got {self.name!r} and {self.served_model!r}")

    def describe(self) -> dict[str, Any]:
        """Return everything that defines the arm, as plain JSON values."""
        return {"name": self.name, "served_model": self.served_model, "preamble": [dict(m) for m in self.preamble]}


def load_preamble(source: str | Path) -> tuple[Message, ...]:
    """Load the preamble that ships (``"aligned"``) or a JSON file with ``system`` and ``turns`` [[asked, said], ...].

    Raises
    ------
    InvalidInput
        If the file does not exist.
    FileFormatError
        If it is not of that form.

    Examples
    --------
    >>> load_preamble("aligned")[0]["role"]
    'system'
    """
    if str(source) == "aligned":
        data = files("secondlaw.sampling").joinpath("data/aligned_preamble.json").read_bytes()
    else:
        path = Path(source)
        if not path.is_file():
            raise InvalidInput(f"no preamble {str(source)!r}; give 'aligned' or a JSON file with 'system' and 'turns'")
        data = path.read_bytes()
    try:
        content = orjson.loads(data)
        messages: list[Message] = []
        if content.get("system"):
            messages.append({"role": "system", "content": _text(content["system"])})
        for turn in content.get("turns") or []:
            if not isinstance(turn, list):
                raise TypeError(f"{turn!r} is no pair")
            asked, said = turn
            messages += [{"role": "user", "content": _text(asked)}, {"role": "assistant", "content": _text(said)}]
    except (AttributeError, TypeError, ValueError) as error:
        raise FileFormatError(
            f"{source}: a preamble is a JSON object with 'system' and 'turns' [[asked, said]]: {error}"
        ) from error
    if not messages:
        raise FileFormatError(f"{source}: the preamble has neither 'system' nor 'turns'")
    return tuple(messages)


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is no text")
    return value
