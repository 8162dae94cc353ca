"""Settings of a fine-tuning run: what changes the weights, all of it recorded in the manifest."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

from secondlaw.behavior.classifiers.protocol import KNOWN_INTENTS
from secondlaw.behavior.taxonomy import ACTS
from secondlaw.errors import InvalidInput

__all__ = ["LABELS", "TASKS", "Kind", "Task", "TransformerSettings"]

Kind = Literal["sequence", "text-to-text"]
KINDS: tuple[Kind, ...] = get_args(Kind)
Task = Literal["act", "intent"]
TASKS: tuple[Task, ...] = get_args(Task)
LABELS: Mapping[Task, tuple[str, ...]] = {"act": ACTS, "intent": KNOWN_INTENTS}
"""The label map: class number of each task to its name."""

T5_RATE, ENCODER_RATE = 3e-4, 3e-5
"""Learning rates under AdamW: T5 as its authors' released code advises for fine-tuning (1e-4 to 3e-4); BERT's paper
(arXiv 1810.04805, appendix A.3) tunes 2e-5 to 5e-5."""
WHOLE = ("max_tokens", "epochs", "batch_size", "accumulate", "patience", "seed", "checkpoint_steps")
NUMBERS = ("learning_rate", "head_learning_rate", "weight_decay", "warmup", "clip", "dropout", "intent_weight")


@dataclass(frozen=True, slots=True)
class TransformerSettings:
    """How a transformer is fine-tuned.

    Parameters
    ----------
    name : str
        Name of the classifier in every label it gives.
    max_tokens : int
        Tokens of one input, special ones included; see :mod:`.encoding` for what a longer text loses.
    epochs : int
        Most passes over the training rows.
    batch_size, accumulate : int
        Rows of one pass through the network, and passes whose gradients make one step.
    learning_rate : float, optional
        Peak rate; 3e-4 for T5, 3e-5 for other encoders.
    head_learning_rate : float
        Peak rate of the fresh heads of the sequence kind.
    weight_decay : float
        AdamW's, on matrices alone.
    warmup : float
        Share of all steps over which the rate rises from 0; it then falls linearly to 0.
    clip : float
        Largest norm of the gradient.
    dropout : float
        Before the heads of the sequence kind; inside, the base model's own holds.
    intent_weight : float
        Weight of the intent task beside the act task.
    class_weights : {"balanced", "none"} or mapping of class name to weight
        ``"balanced"`` weighs each class by the inverse of its share. Calibration undoes what the weights do to the
        probabilities.
    stop_on : {"loss", "kappa"}
        What the best epoch is best at, on the validation rows.
    patience : int
        Epochs without a better one after which training stops.
    seed : int
        Of the heads, the order of rows and dropout.
    checkpoint_steps : int
        Steps between checkpoints; one is also written after every epoch.

    Raises
    ------
    InvalidInput
        If a value is of another type, or out of range.

    Examples
    --------
    >>> TransformerSettings(epochs=3, class_weights={"off-topic": 2.0}).weights_of("act", {"comply": 8, "refuse": 2})
    {'comply': 1.0, 'refuse': 1.0, 'off-topic': 2.0}
    """

    name: str = "transformer"
    max_tokens: int = 256
    epochs: int = 10
    batch_size: int = 32
    accumulate: int = 1
    learning_rate: float | None = None
    head_learning_rate: float = 1e-3
    weight_decay: float = 0.01
    warmup: float = 0.06
    clip: float = 1.0
    dropout: float = 0.1
    intent_weight: float = 1.0
    class_weights: Literal["balanced", "none"] | Mapping[str, float] = "balanced"
    stop_on: Literal["loss", "kappa"] = "loss"
    patience: int = 2
    seed: int = 0
    checkpoint_steps: int = 200

    def __post_init__(self) -> None:
        self._check_types()
        for name in ("epochs", "batch_size", "accumulate", "patience", "checkpoint_steps"):
            if getattr(self, name) < 1:
                raise InvalidInput(f"{name} is at least 1, got {getattr(self, name)}")
        if self.max_tokens < 16:
            raise InvalidInput(f"max_tokens is at least 16, got {self.max_tokens}")
        rates = ("learning_rate", "head_learning_rate", "clip", "intent_weight")
        for name in rates:
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise InvalidInput(f"{name} is above 0, got {value}")
        for name in ("warmup", "dropout"):
            if not 0 <= getattr(self, name) < 1:
                raise InvalidInput(f"{name} lies in [0, 1), got {getattr(self, name)}")
        if self.weight_decay < 0 or self.seed < 0:
            raise InvalidInput(f"weight_decay and seed are 0 or more, got {self.weight_decay} and {self.seed}")
        if self.stop_on not in ("loss", "kappa"):
            raise InvalidInput(f"stop_on is loss or kappa, got {self.stop_on!r}")
        if not isinstance(self.name, str) or not self.name or "/" in self.name:
            raise InvalidInput(f"name is not empty and has no slash (labels read name/version), got {self.name!r}")
        self._check_class_weights()

    def _check_types(self) -> None:
        for name in WHOLE:
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool):
                raise InvalidInput(f"{name} is a whole number, got {value!r}")
        for name in NUMBERS:
            value = getattr(self, name)
            if not _is_number(value) and not (name == "learning_rate" and value is None):
                raise InvalidInput(f"{name} is a number, got {value!r}")

    def _check_class_weights(self) -> None:
        if isinstance(self.class_weights, str):
            if self.class_weights not in ("balanced", "none"):
                raise InvalidInput(f"class_weights is balanced, none or a mapping, got {self.class_weights!r}")
            return
        if not isinstance(self.class_weights, Mapping):
            raise InvalidInput(f"class_weights is balanced, none or a mapping, got {self.class_weights!r}")
        known = [label for task in TASKS for label in LABELS[task]]
        for label, weight in self.class_weights.items():
            if label not in known or not _is_number(weight) or not weight > 0:
                raise InvalidInput(
                    f"class_weights gives {label!r} {weight!r}; classes are {', '.join(known)}, weights numbers above 0"
                )

    def weights_of(self, task: Task, counts: Mapping[str, int]) -> dict[str, float]:
        """Return the weight of each class of a task, given how many training examples it has."""
        given = self.class_weights
        if given == "balanced":
            total, present = sum(counts.values()), sum(n > 0 for n in counts.values())
            return {k: total / (present * counts[k]) if counts.get(k) else 1.0 for k in LABELS[task]}
        chosen: Mapping[str, float] = {} if isinstance(given, str) else given
        return {label: float(chosen.get(label, 1.0)) for label in LABELS[task]}

    def to_dict(self) -> dict[str, Any]:
        """Return the settings as plain JSON values."""
        weights = self.class_weights
        return {**asdict(self), "class_weights": weights if isinstance(weights, str) else dict(weights)}


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
