"""What ``check`` says of two finished runs: the values, as plain as they are printed and written."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from secondlaw.types import Estimate, Measured

__all__ = [
    "CHECK_SCHEMA",
    "CheckResult",
    "CheckSide",
    "CheckVerdict",
    "Checked",
    "MovedPrompt",
    "MovedStratum",
    "PromptMix",
    "PromptsTested",
]

CHECK_SCHEMA = "secondlaw/check/1"

CheckVerdict = Literal["pass", "drift", "inconclusive", "no-data"]
CHECK_EXIT_CODES: Mapping[CheckVerdict, int] = {"pass": 0, "drift": 10, "inconclusive": 11, "no-data": 12}


@dataclass(frozen=True, slots=True)
class CheckSide:
    """One of the two runs.

    Parameters
    ----------
    name : str
    responses, prompts : int
        Labelled responses inside the taxonomy, and the prompts (or conversations) that they answer.
    outside : int
        Labelled responses outside the taxonomy.
    labels : str
        Who labelled: a classifier's name and version, ``"people"``, ``"unnamed"``.
    """

    name: str
    responses: int
    prompts: int
    outside: int
    labels: str

    def to_dict(self) -> dict[str, Any]:
        """Return the side as plain JSON values."""
        return {
            "name": self.name, "responses": self.responses, "prompts": self.prompts, "outside": self.outside,
            "labels": self.labels,
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class PromptMix:
    """One stratum (prompt set and intent): its share of the responses in both runs, and the weight it has here."""

    stratum: str
    matched: bool
    base: float
    candidate: float
    weight: float

    def to_dict(self) -> dict[str, Any]:
        """Return the stratum as plain JSON values."""
        return {
            "stratum": self.stratum, "matched": self.matched, "base": self.base, "candidate": self.candidate,
            "weight": self.weight,
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class PromptsTested:
    """Which prompts were tested, and how.

    Parameters
    ----------
    kind : {"paired", "unpaired", "mixed"}
        Whether prompts were swapped, dealt, or some of them swapped and the others dealt.
    matched, dealt : int
        Prompts that were swapped and dealt.
    not_used : int
        Prompts of one run alone whose stratum has no, or too few, unmatched prompts of the other.
    left_out : float
        Share of the responses that the test left out, because the runs have different numbers for the same prompts.
    standardised : bool
        Whether the sizes of change are standardised to one mix of strata.
    mix : tuple of PromptMix
    """

    kind: Literal["paired", "unpaired", "mixed"]
    matched: int
    dealt: int
    not_used: int
    left_out: float
    standardised: bool
    mix: tuple[PromptMix, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return the design as plain JSON values."""
        return {
            "kind": self.kind,
            "matched": self.matched,
            "dealt": self.dealt,
            "not_used": self.not_used,
            "left_out": self.left_out,
            "standardised": self.standardised,
            "mix": [one.to_dict() for one in self.mix],
        }


@dataclass(frozen=True, slots=True)
class Checked:
    """One check.

    Parameters
    ----------
    name : str
        ``"distribution"``, ``"misaligned"``, ``"entropy"``, ``"outside"`` or ``"category:KEY"``.
    verdict : {"pass", "drift", "inconclusive"}
    message : str
        One sentence with the numbers.
    change : Estimate
        Candidate minus base; for the distribution the total variation.
    p_value, adjusted_p : float
        By permutation; and adjusted over the checks by Holm's method, which is what decides.
    """

    name: str
    verdict: CheckVerdict
    message: str
    change: Estimate
    p_value: float
    adjusted_p: float

    def to_dict(self) -> dict[str, Any]:
        """Return the check as plain JSON values."""
        return {
            "name": self.name,
            "verdict": self.verdict,
            "message": self.message,
            "change": self.change.to_dict(),
            "p_value": self.p_value,
            "adjusted_p": self.adjusted_p,
        }


@dataclass(frozen=True, slots=True)
class MovedStratum:
    """A stratum and whether the answers in it changed (p-value of its prompts, Holm over the strata)."""

    stratum: str
    prompts: tuple[int, int]
    behavior: Mapping[str, float]
    mix: Mapping[str, float]
    p_value: float | None
    moved: bool

    def to_dict(self) -> dict[str, Any]:
        """Return the stratum as plain JSON values."""
        return {
            "stratum": self.stratum, "prompts": list(self.prompts), "behavior": dict(self.behavior),
            "mix": dict(self.mix), "p_value": self.p_value, "moved": self.moved,
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class MovedPrompt:
    """A prompt that both runs answered several times, and whether its answers changed (false discovery rate).

    Parameters
    ----------
    key : str
        The prompt's hash (16 hexadecimal digits), the same in every run.
    category : str
        Whose share rose most.
    change : float
        By how much; no interval, single prompts have few responses.
    p_value : float
        Adjusted over all prompts (Benjamini-Hochberg).
    moved : bool
    prompt_id : str or None
        As the file names it.
    lines : tuple of int or None
        Where it first stands in the base and in the candidate.
    text : str or None
        Only where texts were asked for.
    """

    key: str
    category: str
    change: float
    p_value: float
    moved: bool
    prompt_id: str | None = None
    lines: tuple[int, int] | None = None
    text: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the prompt as plain JSON values; without its text where that was not asked for."""
        said = {} if self.text is None else {"text": self.text}
        return {
            "key": self.key,
            "prompt_id": self.prompt_id,
            "lines": None if self.lines is None else list(self.lines),
            "category": self.category,
            "change": self.change,
            "p_value": self.p_value,
            "moved": self.moved,
            **said,
        }


@dataclass(frozen=True, slots=True)
class CheckResult:
    """What ``check`` found.

    Parameters
    ----------
    verdict : {"pass", "drift", "inconclusive", "no-data"}
    message : str
        One sentence for the reader of a build log.
    base, candidate : CheckSide or None
        None where nothing could be read.
    tested : PromptsTested or None
    checks : tuple of Checked
    changes : mapping of name to Measured
        Candidate minus base: ``total_variation``, ``jensen_shannon``, ``misaligned``, ``entropy``, ``entropy_within``,
        ``outside``, ``category:KEY`` for every category.
    shares : mapping of {"base", "candidate"} to mapping of category to Measured
    strata : tuple of MovedStratum
    prompts : tuple of MovedPrompt
    settings : mapping
        alpha, tolerance, level, permutations, resamples, seed, max_missing, on.
    warnings : tuple of str
    """

    verdict: CheckVerdict
    message: str
    base: CheckSide | None = None
    candidate: CheckSide | None = None
    tested: PromptsTested | None = None
    checks: tuple[Checked, ...] = ()
    changes: Mapping[str, Measured] = field(default_factory=dict)
    shares: Mapping[str, Mapping[str, Measured]] = field(default_factory=dict)
    strata: tuple[MovedStratum, ...] = ()
    prompts: tuple[MovedPrompt, ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()

    @property
    def exit_code(self) -> int:
        """0, 10, 11 or 12."""
        return CHECK_EXIT_CODES[self.verdict]

    def to_dict(self) -> dict[str, Any]:
        """Return the result as plain JSON values, in the form :data:`CHECK_SCHEMA`."""
        return {
            "schema": CHECK_SCHEMA,
            "verdict": self.verdict,
            "exit_code": self.exit_code,
            "message": self.message,
            "base": self.base.to_dict() if self.base else None,
            "candidate": self.candidate.to_dict() if self.candidate else None,
            "tested": self.tested.to_dict() if self.tested else None,
            "checks": [one.to_dict() for one in self.checks],
            "changes": {name: value.to_dict() for name, value in self.changes.items()},
            "shares": {side: {k: v.to_dict() for k, v in of.items()} for side, of in self.shares.items()},
            "moved": {
                "strata": [one.to_dict() for one in self.strata],
                "prompts": [one.to_dict() for one in self.prompts],
            },
            "settings": dict(self.settings),
            "warnings": list(self.warnings),
        }
