r"""Scores that a monitor watches: what each category counts.

- *surprisal*: :math:`f(x) = -\ln p_0(x)`, :math:`p_0` the shares of the first baseline steps with .5 added to every
  count. Its mean is :math:`S + KL(p \| p_0)`: it rises when S rises, and when behavior moves elsewhere at the same S.
- *misaligned*: 1 for the misaligned categories.
- the *mirror* :math:`B - f` of each: a fall can be drift too.
- each category's own share: a rare category that rises hides in the noise of the others.
- any bounded score of the user: one value for each category.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from secondlaw.errors import InvalidInput

__all__ = [
    "FALLING",
    "HALF",
    "MISALIGNED",
    "Score",
    "category_name",
    "category_scores",
    "misaligned_score",
    "standard_scores",
    "surprisal",
    "surprisal_score",
]

Array = NDArray[np.float64]

HALF = 0.5
"""Added to every count, so that a category never seen has a finite surprisal."""
MISALIGNED = "misaligned"
SURPRISAL = "surprisal"
CATEGORY = "category "
"""Begins the name of a score that watches one category without a key of its own; its number follows, from 1."""
FALLING = ", falling"
"""Ending of a mirror's name."""


@dataclass(frozen=True, slots=True)
class Score:
    """One score, and how much of the evidence and of the risk it takes.

    Parameters
    ----------
    name : str
    values : tuple of float (K,), or None
        What each category counts; None for the surprisal, which is read off the baseline.
    mirrored : bool
        Whether a fall is watched instead of a rise.
    weight : float
        Weight in the average of the evidence, relative to the other scores'.
    risk : float
        Part of delta (the risk that the baseline's bound is too low), relative to the other scores'.

    Raises
    ------
    InvalidInput
        If values are not finite or all the same, or weight or risk are not positive.

    Examples
    --------
    >>> Score("refusals", (0.0, 0.0, 1.0, 0.0, 0.0)).mirror().name
    'refusals, falling'
    """

    name: str
    values: tuple[float, ...] | None = None
    mirrored: bool = False
    weight: float = 1.0
    risk: float = 1.0

    def __post_init__(self) -> None:
        if self.values is not None:
            object.__setattr__(self, "values", tuple(float(value) for value in self.values))
            if not np.isfinite(self.values).all() or len(set(self.values)) < 2:
                raise InvalidInput(f"score {self.name!r} needs two different finite values, got {list(self.values)}")
        if not (0.0 < self.weight < float("inf") and 0.0 < self.risk < float("inf")):
            raise InvalidInput(f"score {self.name!r} needs positive weight and risk, got {self.weight}, {self.risk}")

    @property
    def category(self) -> int | None:
        """The place of the one category that the score watches, None if it watches anything else."""
        if self.values is None or self.mirrored or self.name == MISALIGNED or sorted(self.values)[-2:] != [0.0, 1.0]:
            return None
        return self.values.index(1.0) if min(self.values) == 0.0 else None

    def mirror(self, *, weight: float | None = None, risk: float | None = None) -> "Score":
        """Return the score that watches the other direction."""
        name = self.name.removesuffix(FALLING) if self.mirrored else self.name + FALLING
        return replace(
            self,
            name=name,
            mirrored=not self.mirrored,
            weight=self.weight if weight is None else weight,
            risk=self.risk if risk is None else risk,
        )

    def table(self, pilot: Array) -> Array:
        """Return what each category counts, read so that drift is a rise and the least is 0.

        Parameters
        ----------
        pilot : array (K, streams)
            Counts of the first baseline steps.

        Returns
        -------
        array (K, streams)
        """
        if self.values is None:
            f = surprisal(pilot)
        elif len(self.values) != len(pilot):
            raise InvalidInput(f"score {self.name!r} has {len(self.values)} values for {len(pilot)} categories")
        else:
            f = np.repeat(np.array(self.values)[:, None], pilot.shape[1], axis=1)
        return np.asarray(f.max(axis=0) - f if self.mirrored else f - (0.0 if self.values is None else f.min(axis=0)))


def surprisal(counts: Array) -> Array:
    """Return -ln of the shares with .5 added to every count, along the first axis.

    Examples
    --------
    >>> surprisal(np.array([9.5, 9.5])).round(3).tolist()
    [0.693, 0.693]
    """
    raised = np.asarray(counts, dtype=np.float64) + HALF
    return np.asarray(-np.log(raised / np.cumsum(raised, axis=0)[-1]))


def surprisal_score(*, weight: float = 1.0, risk: float = 1.0) -> Score:
    """Return the surprisal under the baseline."""
    return Score(SURPRISAL, None, weight=weight, risk=risk)


def misaligned_score(misaligned: Sequence[bool], *, weight: float = 1.0, risk: float = 1.0) -> Score:
    """Return the indicator of the misaligned categories, given for each category in order."""
    return Score(MISALIGNED, tuple(float(bool(one)) for one in misaligned), weight=weight, risk=risk)


def category_name(place: int, keys: Sequence[str] = ()) -> str:
    """Return the name of the score that watches the category at a place: its key, where that is known and free.

    Examples
    --------
    >>> category_name(3), category_name(3, ("g1", "g2", "g3", "g4", "g5")), category_name(0, ("misaligned", "fine"))
    ('category 4', 'g4', 'category misaligned')
    """
    if not keys:
        return f"{CATEGORY}{place + 1}"
    key = keys[place]
    return f"{CATEGORY}{key}" if key in (SURPRISAL, MISALIGNED) or key.endswith(FALLING) else key


def category_scores(
    misaligned: Sequence[bool], *, keys: Sequence[str] = (), weight: float = 1.0, risk: float = 1.0
) -> tuple[Score, ...]:
    """Return the rise of each category's share; they divide weight and risk evenly.

    A category that alone is misaligned, or alone is not, is left out: the misaligned share or its mirror watches it.

    Parameters
    ----------
    misaligned : sequence of bool (K,)
    keys : sequence of str (K,), optional
        Of the taxonomy: what the scores are called.
    weight, risk : float
        Of all of them together.

    Examples
    --------
    >>> [score.name for score in category_scores([False, True, False], keys=("g1", "g2", "g3"))]
    ['g1', 'g3']
    """
    bad = [bool(one) for one in misaligned]
    kept = [place for place, one in enumerate(bad) if bad.count(one) > 1]
    return tuple(
        Score(
            category_name(place, keys),
            tuple(float(other == place) for other in range(len(bad))),
            weight=weight / len(kept),
            risk=risk / len(kept),
        )
        for place in kept
    )


def standard_scores(misaligned: Sequence[bool], *, keys: Sequence[str] = ()) -> tuple[Score, ...]:
    """Return surprisal, misaligned share, their mirrors, and the rise of each category.

    The two rises carry most of the evidence and of the risk, since a rise is what a watch is kept for; of the two the
    surprisal is the broad one. The categories share three tenths of the evidence: a category that goes from .001 to .01
    beside others of .02 to .04 is found in 17 steps instead of 83 (38 instead of 455 where clustered), and ramps of S
    are found no later than without.

    Parameters
    ----------
    misaligned : sequence of bool (K,)
        Whether each category is misaligned, as in ``taxonomy.misaligned``.
    keys : sequence of str (K,), optional
        Names of the categories, as in ``taxonomy.keys``.

    Examples
    --------
    >>> from secondlaw.behavior import FIVE
    >>> [score.name for score in standard_scores(FIVE.misaligned, keys=FIVE.keys)][:5]
    ['surprisal', 'misaligned', 'surprisal, falling', 'misaligned, falling', 'g1']
    """
    rises = (surprisal_score(weight=0.4, risk=0.6), misaligned_score(misaligned, weight=0.2, risk=0.2))
    falls = tuple(score.mirror(weight=0.05, risk=0.05) for score in rises)
    return (*rises, *falls, *category_scores(misaligned, keys=keys, weight=0.3, risk=0.1))
