"""A trained head: standardised features, an ensemble of small networks, and a calibration.

Each member is a list of layers; between layers stands max(0, x), and one layer alone is multinomial logistic
regression. Members' probabilities are averaged, and the calibration, fitted on sources held out of training, maps
``p`` to ``softmax(slope * ln p + bias)``. A head may have several calibrations, one for each condition (the intent of
the request), since how often and how plainly a model refuses depends on what it is asked. A head of acts may also read
what the answer itself does (:mod:`~secondlaw.behavior.classifiers.deed`).
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from secondlaw.behavior.classifiers.answer_reading import AnswerReading
from secondlaw.behavior.classifiers.deed import Deed

__all__ = ["Head", "softmax"]

Floats = npt.NDArray[np.float64]
Layer = tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]
SMALLEST = 1e-7
"""Probabilities are kept above this before the logarithm."""


@dataclass(frozen=True, slots=True)
class Head:
    """A classifier head in NumPy.

    Parameters
    ----------
    mean, scale : ndarray, shape (features,)
        Standardisation.
    members : tuple of tuples of (weights, bias)
        The networks.
    slope : ndarray, shape (conditions,)
    bias : ndarray, shape (conditions, classes)
        The calibrations.
    prior : ndarray, shape (classes,)
        Shares of the classes under which the probabilities are calibrated.
    deed : Deed, optional
        What the answers themselves do, for a head of acts.
    answers : AnswerReading, optional
        How a head of intents reads answers.
    """

    mean: npt.NDArray[np.float32]
    scale: npt.NDArray[np.float32]
    members: tuple[tuple[Layer, ...], ...]
    slope: Floats
    bias: Floats
    prior: Floats
    deed: Deed | None = None
    answers: AnswerReading | None = None

    def raw(self, features: npt.NDArray[np.float32]) -> Floats:
        """Return the members' mean probabilities before calibration and without the deed, shape (n, classes)."""
        x = (features - self.mean) / self.scale
        out: Floats = sum((softmax(_forward(x, layers)) for layers in self.members), np.zeros(1)) / len(self.members)
        return out

    def probabilities(self, features: npt.NDArray[np.float32], condition: npt.NDArray[np.intp] | None = None) -> Floats:
        """Return calibrated probabilities, shape (n, classes).

        Parameters
        ----------
        features : ndarray, shape (n, features)
        condition : ndarray of int, shape (n,), optional
            Which calibration applies to each row; the first by default.
        """
        which = np.zeros(len(features), dtype=np.intp) if condition is None else condition
        logs = np.log(np.maximum(self.raw(features), SMALLEST))
        logits = self.slope[which, None] * logs + self.bias[which]
        return softmax(logits if self.deed is None else self.deed.told(logits, features))

    def to_arrays(self, name: str) -> dict[str, npt.NDArray[np.generic]]:
        """Return the head as named arrays; weights as float16, which changes no probability by more than about 1e-3."""
        arrays: dict[str, npt.NDArray[np.generic]] = {
            f"{name}.mean": self.mean, f"{name}.scale": self.scale, f"{name}.slope": self.slope,
            f"{name}.bias": self.bias, f"{name}.prior": self.prior,
        }  # fmt: skip
        if self.deed is not None:
            arrays |= self.deed.to_arrays(name)
        if self.answers is not None:
            arrays |= self.answers.to_arrays(name)
        for m, layers in enumerate(self.members):
            for i, (weights, bias) in enumerate(layers):
                arrays[f"{name}.{m}.{i}.weights"] = weights.astype(np.float16)
                arrays[f"{name}.{m}.{i}.bias"] = bias.astype(np.float32)
        return arrays

    @classmethod
    def from_arrays(cls, name: str, arrays: Mapping[str, npt.NDArray[np.generic]]) -> "Head":
        """Build a head from :meth:`to_arrays`'s form."""
        members: list[tuple[Layer, ...]] = []
        while f"{name}.{len(members)}.0.weights" in arrays:
            stem = f"{name}.{len(members)}"
            layers: list[Layer] = []
            while (key := f"{stem}.{len(layers)}.weights") in arrays:
                bias = arrays[f"{stem}.{len(layers)}.bias"]
                layers.append((arrays[key].astype(np.float32), bias.astype(np.float32)))
            members.append(tuple(layers))
        return cls(
            arrays[f"{name}.mean"].astype(np.float32),
            arrays[f"{name}.scale"].astype(np.float32),
            tuple(members),
            arrays[f"{name}.slope"].astype(np.float64),
            np.atleast_2d(arrays[f"{name}.bias"].astype(np.float64)),
            arrays[f"{name}.prior"].astype(np.float64),
            Deed.from_arrays(name, arrays),
            AnswerReading.from_arrays(name, arrays),
        )


def softmax(logits: npt.NDArray[np.floating]) -> Floats:
    """Return exp(x) / sum exp(x) over the last axis, without overflow."""
    powers = np.exp(logits.astype(np.float64) - logits.max(axis=-1, keepdims=True))
    out: Floats = powers / powers.sum(axis=-1, keepdims=True)
    return out


def _forward(x: npt.NDArray[np.float32], layers: tuple[Layer, ...]) -> npt.NDArray[np.float32]:
    for i, (weights, bias) in enumerate(layers):
        x = (np.maximum(x, 0) if i else x) @ weights + bias
    return x
