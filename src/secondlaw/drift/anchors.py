r"""Did the model move, or the classifier that watches it? A fixed human-labelled *anchor set* tells.

When both could have changed between two periods, their labels differ for either reason. Two tests keep them apart:

- **classifier**: old and new version label the same anchor rows. If they are alike they could be swapped within any
  prompt, so the p-value is exact by swapping. The statistic compares, within each category that people gave, how often
  the versions say each category, :math:`\sum_{ck} (n^{new}_{ck} - n^{old}_{ck})^2 / (n^{new}_{ck} + n^{old}_{ck})`:
  McNemar's for one pair of categories, and it sees changes that cancel in the margins (g1 taken for g2 and g2 for g1).
- **model**: both periods labelled by *one* version; prompts are swapped (or, if the periods share none, dealt anew), so
  a classifier's error costs power, not validity. Where the old texts are gone, each period is corrected by its own
  version's confusion with people on the anchor instead, and the corrected shares are compared.

Each test is made at alpha / 2 (Bonferroni): the probability of naming anything that did not move is at most alpha.
What is not named is not thereby shown to be steady; with a tolerance, *steady* means that the intervals of the changes
of all shares (at coverage 1 - alpha / 2) lie within it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from secondlaw.errors import InvalidInput, NotEnoughData
from secondlaw.statistics.permutation import PERMUTATIONS, homogeneity_test, p_text, paired_test
from secondlaw.types import Estimate, Measured

__all__ = ["Attribution", "Movement", "attribute", "classifier_test", "model_test"]

Ints = NDArray[np.int64]
Verdict = Literal["none", "model", "classifier", "both", "undecided"]


@dataclass(frozen=True, slots=True)
class Movement:
    """Whether one of the two moved, and by how much.

    Parameters
    ----------
    p_value : float
    shares : mapping of category key to Measured
        Change of each share, later minus earlier, at coverage 1 - alpha / 2.
    misaligned, entropy : Measured
        Change of the misaligned share and of S (nats).
    groups : int
        Prompts that carry the test.
    method : str
        In words.
    """

    p_value: float
    shares: Mapping[str, Measured]
    misaligned: Measured
    entropy: Measured
    groups: int
    method: str

    def within(self, tolerance: float) -> bool:
        """Whether every share's change is shown to lie within the tolerance."""
        return all(
            isinstance(c, Estimate) and -tolerance <= c.low and c.high <= tolerance for c in self.shares.values()
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the movement as plain JSON values."""
        return {
            "p_value": self.p_value,
            "shares": {key: change.to_dict() for key, change in self.shares.items()},
            "misaligned_share": self.misaligned.to_dict(),
            "entropy": self.entropy.to_dict(),
            "groups": self.groups,
            "method": self.method,
        }


@dataclass(frozen=True, slots=True)
class Attribution:
    """What moved.

    Parameters
    ----------
    verdict : {"none", "model", "classifier", "both", "undecided"}
        *undecided* only with a tolerance: nothing is shown to have moved, nor all to be steady.
    steady : tuple of str
        Which of model and classifier are shown to have moved no share by more than the tolerance.
    alpha : float
        Probability with which something is named that did not move, at most.
    tolerance : float or None
    model, classifier : Movement
    message : str
        One sentence.
    """

    verdict: Verdict
    steady: tuple[str, ...]
    alpha: float
    tolerance: float | None
    model: Movement
    classifier: Movement
    message: str

    def to_dict(self) -> dict[str, Any]:
        """Return the attribution as plain JSON values."""
        return {
            "verdict": self.verdict,
            "steady": list(self.steady),
            "alpha": self.alpha,
            "tolerance": self.tolerance,
            "model": self.model.to_dict(),
            "classifier": self.classifier.to_dict(),
            "message": self.message,
        }


def classifier_test(
    human: Ints,
    first: Ints,
    second: Ints,
    groups: Ints,
    *,
    categories: int,
    rng: np.random.Generator,
    permutations: int = PERMUTATIONS,
) -> float:
    """Test whether two versions label anchor rows alike, given what people said of them.

    Parameters
    ----------
    human, first, second : ndarray of int, shape (n,)
        Category of each row by people and by the two versions, 0 to K; K is *outside*.
    groups : ndarray of int, shape (n,)
        Prompt of each row; the versions are swapped in whole prompts.
    categories : int
        K.
    rng : numpy.random.Generator
    permutations : int
        Random swaps, unless all are fewer.

    Returns
    -------
    float
        Exact p-value; 1 if no label differs.

    Raises
    ------
    NotEnoughData
        If there is no row.

    Examples
    --------
    >>> human = np.zeros(12, dtype=int)
    >>> old, new = human, np.array([0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1])
    >>> classifier_test(human, old, new, np.arange(12), categories=5, rng=np.random.default_rng(0)) < 0.01
    True
    """
    width = categories + 1
    if not len(human):
        raise NotEnoughData("the anchor set has no row that both versions labelled: score it with each of them")
    if not (len(human) == len(first) == len(second) == len(groups)):
        raise InvalidInput(f"anchor columns differ in length: {len(human)}, {len(first)}, {len(second)}, {len(groups)}")
    ids, unit = np.unique(groups, return_inverse=True)
    difference, total = np.zeros((len(ids), width * width)), np.zeros(width * width)
    for label, sign in ((second, 1.0), (first, -1.0)):
        np.add.at(difference, (unit, human * width + label), sign)
        np.add.at(total, human * width + label, 1.0)
    moved = difference[difference.any(axis=1)][:, total > 0.0]
    if not len(moved):
        return 1.0
    weight = 1.0 / total[total > 0.0]
    return paired_test(
        lambda signs: ((signs @ moved) ** 2) @ weight,
        len(moved),
        rng=rng,
        alternative="greater",
        permutations=permutations,
    ).p_value


def model_test(
    before: NDArray[np.integer[Any]],
    after: NDArray[np.integer[Any]],
    *,
    rng: np.random.Generator,
    permutations: int = PERMUTATIONS,
) -> tuple[float, bool, int]:
    """Test whether two periods, labelled by one classifier, are distributed alike.

    Parameters
    ----------
    before, after : ndarray of int, shape (G, K + 1)
        Counts by group, of the same G groups in both; a group that a period lacks is a row of zeros.
    rng : numpy.random.Generator
    permutations : int

    Returns
    -------
    p_value : float
    paired : bool
        Whether groups that both periods hold were swapped (all others are then left out), or groups dealt anew.
    groups : int
        How many groups carry the test.

    Examples
    --------
    >>> model_test(np.tile([5, 0], (8, 1)), np.tile([1, 4], (8, 1)), rng=np.random.default_rng(0))
    (0.0078125, True, 8)
    """
    both = (before.sum(axis=1) > 0) & (after.sum(axis=1) > 0)
    paired = bool(both.any())
    if paired:
        before, after = before[both], after[both]
    test = homogeneity_test(before, after, rng=rng, paired=paired, permutations=permutations)
    return test.p_value, paired, int(both.sum()) if paired else int(((before + after).sum(axis=1) > 0).sum())


def attribute(model: Movement, classifier: Movement, *, alpha: float, tolerance: float | None = None) -> Attribution:
    """Say which of the two moved.

    Parameters
    ----------
    model, classifier : Movement
    alpha : float
        Probability of naming anything that did not move; each test is made at alpha / 2.
    tolerance : float, optional
        Largest change of a share that does not matter.

    Returns
    -------
    Attribution
    """
    if not 0.0 < alpha < 1.0:
        raise InvalidInput(f"alpha lies between 0 and 1, got {alpha}")
    if tolerance is not None and tolerance <= 0.0:
        raise InvalidInput(f"a tolerance is a share above 0, got {tolerance}")
    parts = {"model": model, "classifier": classifier}
    moved = tuple(name for name, part in parts.items() if part.p_value <= alpha / 2.0)
    steady = tuple(name for name, part in parts.items() if tolerance is not None and part.within(tolerance))
    verdict: Verdict
    if len(moved) == 2:
        verdict = "both"
    elif moved:
        verdict = "model" if moved == ("model",) else "classifier"
    else:
        verdict = "none" if tolerance is None or len(steady) == 2 else "undecided"
    return Attribution(
        verdict, steady, alpha, tolerance, model, classifier, _sentence(parts, moved, steady, alpha, tolerance)
    )


def _sentence(
    parts: Mapping[str, Movement],
    moved: tuple[str, ...],
    steady: tuple[str, ...],
    alpha: float,
    tolerance: float | None,
) -> str:
    said = []
    for name, part in parts.items():
        p_value = p_text(part.p_value)
        if name in moved:
            small = f", by no more than {tolerance:g} in any share" if name in steady else ""
            said.append(f"the {name} moved ({p_value}{small})")
        elif name in steady:
            said.append(f"the {name} is steady within {tolerance:g} ({p_value})")
        else:
            said.append(f"the {name} is not shown to have moved ({p_value}), nor to be steady")
    return f"{'; '.join(said)}. Chance of naming what did not move: at most {alpha:g}"
