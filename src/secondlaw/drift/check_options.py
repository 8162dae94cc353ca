"""What ``check`` is asked: which quantities decide, at which level, and how much may be missing."""

from collections.abc import Sequence
from dataclasses import dataclass

from secondlaw.errors import InvalidInput, NotEnoughData

__all__ = ["CheckOptions", "parse_checks"]

MAX_MISSING = 0.2
"""Largest share of a run's prompts that the other may lack where both were to answer the same ones."""
PLAIN = ("distribution", "misaligned", "entropy", "outside")


@dataclass(frozen=True, slots=True)
class CheckOptions:
    """How to check.

    Parameters
    ----------
    on : tuple of str
        What decides; see :func:`parse_checks`.
    alpha : float
        Probability of calling drift where both runs answer alike, over all of `on` together (Holm).
    tolerance : float or None
        Largest change that does not matter, in the unit of each check: a share, or nats.
    level : float
        Coverage of the intervals.
    permutations : int
    max_missing : float
        In [0, 1].
    """

    on: tuple[str, ...] = ("distribution",)
    alpha: float = 0.05
    tolerance: float | None = None
    level: float = 0.95
    permutations: int = 2000
    max_missing: float = MAX_MISSING

    def __post_init__(self) -> None:
        if not 0.0 < self.alpha < 0.5:
            raise InvalidInput(f"alpha lies between 0 and 0.5, got {self.alpha:g}")
        if not 0.0 <= self.max_missing <= 1.0:
            raise InvalidInput(f"--max-missing is a share from 0 to 1, got {self.max_missing:g}")
        if self.tolerance is not None and not self.tolerance > 0.0:
            raise InvalidInput(f"the tolerance must be above 0, got {self.tolerance:g}")

    def require_power(self, least_p: float, prompts: int) -> None:
        """Refuse prompts, or permutations, with which no check could ever call drift.

        Parameters
        ----------
        least_p : float
            Smallest p-value that any data on these prompts could have.
        prompts : int
            How many these are.

        Raises
        ------
        NotEnoughData
            If the prompts are too few.
        InvalidInput
            If the permutations are.
        """
        each = self.alpha / len(self.on)
        shared = f", shared by {len(self.on)} checks," if len(self.on) > 1 else ""
        if least_p > each:
            raise NotEnoughData(
                f"no p-value below {least_p:.3g} is possible with {prompts} {'prompt' if prompts == 1 else 'prompts'}, "
                f"so no check could call drift at alpha {self.alpha:g}{shared}: give both runs more prompts"
            )
        least = 1.0 / (self.permutations + 1)
        if least > each:
            raise InvalidInput(
                f"{self.permutations} permutations give no p-value below {least:.3g}, so no check could call drift at "
                f"alpha {self.alpha:g}{shared}: raise --permutations"
            )


def parse_checks(text: str, categories: Sequence[str]) -> tuple[str, ...]:
    """Read what decides.

    Parameters
    ----------
    text : str
        Names with commas between: distribution, misaligned, entropy, outside, category:KEY.
    categories : sequence of str
        Keys of the taxonomy.

    Raises
    ------
    InvalidInput
        If a name is unknown, or none is given.

    Examples
    --------
    >>> parse_checks("distribution, category:g4", ["g1", "g4"])
    ('distribution', 'category:g4')
    """
    known = (*PLAIN, *(f"category:{key}" for key in categories))
    names = tuple(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))
    unknown = [name for name in names if name not in known]
    if unknown or not names:
        got = ", ".join(repr(name) for name in unknown) or repr(text)
        raise InvalidInput(f"there is no check {got}; --on takes, with commas between: {', '.join(known)}")
    return names
