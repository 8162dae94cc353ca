"""Settings of a simulation: which model, its parameters, and how long; from options, a TOML or a JSON file."""

import difflib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from secondlaw.alignment.arguments import counted
from secondlaw.errors import FileFormatError, InvalidInput, NotEnoughData, SourceError

__all__ = ["MODELS", "SimulationSettings", "read_settings"]

SIX_PROXY = (0.4, 0.3, 0.1, 0.1, 0.05, 0.05)
SIX_INTENDED = (0.05, 0.75, 0.05, 0.05, 0.05, 0.05)
FEWEST_TRIALS = 5
MOST_NUMBERS = 100_000_000

MODELS: dict[str, dict[str, Any]] = {
    "published": {
        "reading": "fitted", "terms": "both", "work": 0.0, "noise_trace": None, "divergence": None, "spread": None,
        "learning_rate": None, "largest_eigenvalue": None, "parameters": None, "start": None, "clipped": None,
        "scaled_work": None, "steps": 10_000, "trials": 20,
    },
    "diffusion": {
        "proxy": SIX_PROXY, "intended": SIX_INTENDED, "gaming": 0.5, "work": 0.0, "diffusion": 0.05, "steps": 20_000,
        "dt": 0.02, "start": None, "trials": 200,
    },
    "random-energy": {
        "goals": 100, "preference": None, "work": 1.0, "diffusion": 1.0, "steps": 200, "dt": 0.05, "trials": 200,
    },
}  # fmt: skip
"""The parameters of each model, and what they are where they are not given; None: what the model itself takes."""


@dataclass(frozen=True, slots=True)
class SimulationSettings:
    """A model with its parameters.

    Parameters
    ----------
    model : str
        ``"published"``, ``"diffusion"`` or ``"random-energy"``.
    values : dict
        Every parameter of :data:`MODELS` for that model.

    Examples
    --------
    >>> SimulationSettings.of({"model": "diffusion", "work": 1.0})["gaming"]
    0.5
    """

    model: str
    values: dict[str, Any]

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> "SimulationSettings":
        """Return settings from what was said; names as in :data:`MODELS`, besides ``model``.

        Raises
        ------
        InvalidInput
            If there is no such model, or a parameter is not the model's.
        NotEnoughData
            With fewer than five trials.
        """
        said = {name: value for name, value in given.items() if value is not None}
        model = str(said.pop("model", ""))
        if model not in MODELS:
            raise InvalidInput(f"--model is one of {', '.join(MODELS)}, got {model or 'none'}")
        known = MODELS[model]
        for name in said:
            if name not in known:
                near = difflib.get_close_matches(name, known, n=1)
                hint = f"; did you mean {near[0]}?" if near else f"; it has {', '.join(known)}"
                raise InvalidInput(f"model {model} has no parameter {name}{hint}")
        values = known | said
        steps = counted(_whole(values["steps"], "steps"), "steps")
        trials = counted(_whole(values["trials"], "trials"), "trials")
        if trials < FEWEST_TRIALS:
            raise NotEnoughData(f"an interval over trials needs at least {FEWEST_TRIALS}, got {values['trials']}")
        width = _whole(values["goals"], "goals") if model == "random-energy" else steps
        if model == "diffusion":  # some 200 points are kept, with every goal's share
            width = min(steps, 200) * max(np.size(values["proxy"]), 1)
        if trials * width > MOST_NUMBERS:
            raise InvalidInput(
                f"{trials:,} trials of {width:,} numbers are more than {MOST_NUMBERS:,} in memory: ask for fewer"
            )
        return cls(model, values)

    def __getitem__(self, name: str) -> Any:  # noqa: ANN401 - numbers, texts, lists
        return self.values[name]

    def number(self, name: str) -> float:
        """Return a parameter that is a number."""
        value = self.values[name]
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise InvalidInput(f"{name} must be a number, got {value!r}")
        return float(value)

    def whole(self, name: str) -> int:
        """Return a parameter that is a whole number."""
        return _whole(self.values[name], name)

    def flag(self, name: str) -> bool:
        """Return a parameter that is true or false."""
        value = self.values[name]
        if not isinstance(value, bool):
            raise InvalidInput(f"{name} must be true or false, got {value!r}")
        return value

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        plain = {name: list(value) if isinstance(value, tuple) else value for name, value in self.values.items()}
        return {"model": self.model, **{name: value for name, value in plain.items() if value is not None}}


def read_settings(path: str | Path) -> dict[str, Any]:
    """Read a settings file, TOML or JSON.

    Raises
    ------
    SourceError
        If it cannot be opened.
    FileFormatError
        If it is neither TOML nor a JSON object.
    """
    import orjson

    path = Path(path)
    try:
        content = path.read_bytes()
    except OSError as error:
        raise SourceError(f"{path} cannot be opened: {error.strerror or error}") from error
    try:
        found = orjson.loads(content) if path.suffix.lower() == ".json" else tomllib.loads(content.decode())
    except (orjson.JSONDecodeError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise FileFormatError(
            f"{path.name} is no {'JSON' if path.suffix.lower() == '.json' else 'TOML'}: {error}"
        ) from error
    if not isinstance(found, dict):
        raise FileFormatError(f"{path.name} must hold names and values, got {type(found).__name__}")
    return {str(name).replace("-", "_"): value for name, value in found.items()}


def _whole(value: Any, name: str) -> int:  # noqa: ANN401 - from a file
    if isinstance(value, bool) or not isinstance(value, int | float) or int(value) != value:
        raise InvalidInput(f"{name} must be a whole number, got {value!r}")
    return int(value)
