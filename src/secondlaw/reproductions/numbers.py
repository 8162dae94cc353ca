"""A reproduced number: what a paper states, what we measure, and whether they agree."""

from dataclasses import dataclass
from typing import Any

__all__ = ["Reproduced", "Reproduction"]


@dataclass(frozen=True, slots=True)
class Reproduced:
    """One number of a paper.

    Parameters
    ----------
    name : str
    stated, measured : float
        Of the paper, and ours.
    tolerance : float
        Largest absolute difference at which they agree.

    Examples
    --------
    >>> Reproduced("SF", 0.906, 0.9056, 1e-3).agrees
    True
    """

    name: str
    stated: float
    measured: float
    tolerance: float

    @property
    def agrees(self) -> bool:
        """Whether both are within the tolerance."""
        return abs(self.stated - self.measured) <= self.tolerance

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {
            "name": self.name,
            "stated": self.stated,
            "measured": self.measured,
            "tolerance": self.tolerance,
            "verdict": "reproduces" if self.agrees else "differs",
        }


@dataclass(frozen=True, slots=True)
class Reproduction:
    """What reproduces of a paper, and what the reader must know beside it.

    Parameters
    ----------
    paper : str
        arXiv id.
    title : str
    numbers : tuple of Reproduced
    findings : tuple of str
        What we found beyond the numbers, with our own measurements.
    """

    paper: str
    title: str
    numbers: tuple[Reproduced, ...]
    findings: tuple[str, ...]

    @property
    def agrees(self) -> bool:
        """Whether every number reproduces."""
        return all(one.agrees for one in self.numbers)

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {
            "paper": self.paper,
            "title": self.title,
            "reproduces": self.agrees,
            "numbers": [one.to_dict() for one in self.numbers],
            "findings": list(self.findings),
        }

    def to_text(self) -> str:
        """Return lines for a terminal."""
        lines = [f"arXiv:{self.paper}  {self.title}", ""]
        width = max(len(one.name) for one in self.numbers)
        lines.append(f"{'':{width}}   stated  measured  verdict")
        for one in self.numbers:
            verdict = f"{'reproduces' if one.agrees else 'DIFFERS'} (to {one.tolerance:g})"
            lines.append(f"{one.name:{width}}  {one.stated:7.3f}  {one.measured:8.4f}  {verdict}")
        return "\n".join([*lines, "", *(f"- {finding}" for finding in self.findings)])
