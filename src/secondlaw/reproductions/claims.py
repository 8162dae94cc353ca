"""A paper's claims beside what we measure: a verdict and a reason for each."""

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

__all__ = ["Claim", "Reproduction", "Verdict", "compared", "refuted_if"]


class Verdict(StrEnum):
    """What became of a claim.

    ``reproduced``: we measure what is stated. ``not reproducible``: what is published does not determine it, or leads
    elsewhere. ``refuted``: it contradicts a calculation or measurement that needs nothing unpublished.
    """

    REPRODUCED = "reproduced"
    NOT_REPRODUCIBLE = "not reproducible"
    REFUTED = "refuted"


@dataclass(frozen=True, slots=True)
class Claim:
    """One claim.

    Parameters
    ----------
    claim : str
        What is claimed, in our words.
    paper, ours : str
        The paper's figure or statement, and ours.
    verdict : Verdict
    reason : str
        Why, in a sentence.
    """

    claim: str
    paper: str
    ours: str
    verdict: Verdict
    reason: str

    def to_dict(self) -> dict[str, str]:
        """Return plain JSON values."""
        return asdict(self) | {"verdict": self.verdict.value}


def compared(claim: str, stated: float, measured: float, *, tolerance: float, reason: str, digits: int = 3) -> Claim:
    """Return the claim of a number, reproduced if both agree within `tolerance`.

    Examples
    --------
    >>> compared("SF", 0.906, 0.9056, tolerance=1e-3, reason="same data").verdict.value
    'reproduced'
    """
    verdict = Verdict.REPRODUCED if abs(stated - measured) <= tolerance else Verdict.NOT_REPRODUCIBLE
    return Claim(claim, f"{stated:.{digits}f}", f"{measured:.{digits + 1}f}", verdict, reason)


def refuted_if(contradicted: bool) -> Verdict:
    """Return that a claim is refuted where our measurement contradicts it, and that it is reproduced otherwise."""
    return Verdict.REFUTED if contradicted else Verdict.REPRODUCED


@dataclass(frozen=True, slots=True)
class Reproduction:
    """What became of a paper's claims.

    Parameters
    ----------
    paper : str
        arXiv id.
    title : str
    claims : tuple of Claim
    findings : tuple of str
        What we found beyond the claims, with our own measurements.
    """

    paper: str
    title: str
    claims: tuple[Claim, ...]
    findings: tuple[str, ...] = ()

    def to_list(self) -> list[dict[str, Any]]:
        """Return a dict of plain JSON values a claim."""
        return [{"arxiv": self.paper, **one.to_dict()} for one in self.claims]

    def to_text(self) -> str:
        """Return lines for a terminal."""
        lines = [f"arXiv:{self.paper}  {self.title}", ""]
        for one in self.claims:
            lines += [f"{one.claim}", f"  paper {one.paper}; ours {one.ours}", f"  {one.verdict.value}: {one.reason}"]
        return "\n".join([*lines, *([""] if self.findings else []), *(f"- {one}" for one in self.findings)])

    def to_markdown(self) -> str:
        """Return a section of a page: a table of the claims, and what was found beside."""
        lines = [f"## {self.title} (arXiv:{self.paper})", "", "| claim | paper | ours | verdict | reason |"]
        lines += ["|---|---|---|---|---|"]
        lines += [
            f"| {one.claim} | {one.paper} | {one.ours} | {one.verdict.value} | {one.reason} |" for one in self.claims
        ]
        if self.findings:
            lines += ["", *(f"- {one}" for one in self.findings)]
        return "\n".join([*lines, ""])
