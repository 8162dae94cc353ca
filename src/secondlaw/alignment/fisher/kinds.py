"""The three Fisher matrices, named apart and never substituted for each other.

*exact*
    Labels summed over with the model's own probabilities: H = diag(p) - p p' for each prediction. The true Fisher,
    which for softmax cross-entropy is the generalised Gauss-Newton matrix. For a language model each token is a
    prediction given the tokens of the text before it.
*monte-carlo*
    Labels drawn from the model: unbiased for the exact one, with noise.
*empirical*
    Labels of the data: the second moment of the loss's gradients, which is the Fisher matrix only of a model that has
    become the data's own distribution (arXiv 1905.12558).

Eigenvalues depend on the parametrisation: halve a weight and double the next, and they change while the function stays.
"""

from typing import Literal

import numpy as np

from secondlaw.errors import InvalidInput

__all__ = ["KINDS", "KIND_WORDS", "PARAMETRISATION", "Kind", "Normalise", "check_kind"]

Kind = Literal["exact", "monte-carlo", "empirical"]
KINDS = ("exact", "monte-carlo", "empirical")
Normalise = Literal["sample", "token"]

KIND_WORDS = {
    "exact": "exact (true) Fisher: labels summed over with the model's probabilities",
    "monte-carlo": "Monte Carlo Fisher: labels drawn from the model; unbiased for the exact one",
    "empirical": "empirical Fisher: labels of the data; another matrix than the true Fisher",
}
PARAMETRISATION = (
    "eigenvalues depend on how the network is parametrised (rescaled weights, normalisation layers, adapters), not on "
    "its function alone; compare them within one architecture"
)


def check_kind(kind: str, normalise: str, rng: np.random.Generator | None, draws: int) -> None:
    """Refuse what names no Fisher matrix.

    Raises
    ------
    InvalidInput
        If a name is unknown, or the Monte Carlo Fisher has no generator or no draws.
    """
    if kind not in KINDS:
        raise InvalidInput(f"kind is one of {', '.join(KINDS)}, got {kind!r}")
    if normalise not in ("sample", "token"):
        raise InvalidInput(f"normalise is 'sample' or 'token', got {normalise!r}")
    if kind == "monte-carlo" and rng is None:
        raise InvalidInput("the Monte Carlo Fisher draws labels: give rng, a numpy.random.Generator")
    if draws < 1:
        raise InvalidInput(f"draws is at least 1 label a prediction, got {draws}")
