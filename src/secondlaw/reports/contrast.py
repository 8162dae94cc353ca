"""A comparison of two models in words: does behavior differ, by how much, and how sure is that.

Differences are second minus first. A difference is called one only where its interval and its test agree; where they do
not, the words say so instead of choosing the better of the two.
"""

from typing import Literal

from secondlaw.drift.results import Comparison
from secondlaw.reports.words import interval, level, number, one_line, p_value
from secondlaw.types import Estimate, Insufficient, Measured

__all__ = ["contrast_headline", "contrast_sentences", "names_of", "sign_of", "work_words"]

Sign = Literal["above", "below", "none", "open"]


def names_of(comparison: Comparison, most: int = 40) -> tuple[str, str]:
    """Return what the first and the second are called, on one line."""
    return one_line(comparison.base, most), one_line(comparison.tuned, most)


def sign_of(measured: Measured, p: float | None, alpha: float) -> Sign:
    """Return whether a difference lies above or below zero, is not told apart from it, or is left open.

    Open means that interval and test disagree.

    Examples
    --------
    >>> above = Estimate(0.2, 0.1, 0.3, 0.95, 60, "share", "counted")
    >>> sign_of(above, 0.001, 0.05), sign_of(above, 0.4, 0.05)
    ('above', 'open')
    """
    if not isinstance(measured, Estimate):
        return "none"
    apart = measured.low > 0.0 or measured.high < 0.0
    if p is not None and apart != (p < alpha):
        return "open"
    return "none" if not apart else "above" if measured.low > 0.0 else "below"


def contrast_headline(comparison: Comparison, *, confidence: float) -> str:
    """Return in one sentence whether the mix of categories differs, and by how much.

    Parameters
    ----------
    comparison : Comparison
    confidence : float
        Coverage of the intervals; a p-value below one minus it counts as a difference.
    """
    first, second = names_of(comparison)
    p, moved = comparison.distribution_p, comparison.total_variation
    if not isinstance(moved, Estimate):
        return f"{second} and {first} could not be compared: {moved.reason}"
    amount = f"total variation {number(moved)} {interval(moved)}"
    if p is None:
        return f"{second} against {first}: {amount} between their mixes of categories, without a test"
    if p < 1.0 - confidence:
        return f"{second} behaves differently from {first}: {amount} between their mixes of categories, {p_value(p)}"
    return f"No difference between {second} and {first} was shown: {amount}, {p_value(p)}"


def contrast_sentences(comparison: Comparison, *, confidence: float) -> tuple[str, ...]:
    """Return what became of the misaligned share and of S, and what total variation is."""
    first, second = names_of(comparison)
    alpha = 1.0 - confidence
    said = []
    share, entropy = comparison.misaligned_difference, comparison.entropy_difference
    for what, measured, p, points in (
        ("Misaligned share", share, comparison.misaligned_difference_p, True),
        ("S", entropy, comparison.entropy_difference_p, False),
    ):
        if isinstance(measured, Estimate):
            amount = f"{number(measured, plus=True, points=points)} {interval(measured, plus=True)}, {p_value(p)}"
            verdict = _side(sign_of(measured, p, alpha), first, second)
            said.append(f"{what}, {second} − {first}: {amount}: {verdict}.")
    moved = comparison.total_variation
    if isinstance(moved, Estimate):
        p = comparison.distribution_p
        unsettled = p is not None and p < alpha and moved.low <= 0.0
        more = " The test reads labels as counted and sees a difference; how large it is, the interval leaves open."
        said.append(
            f"Total variation is the share of the answers that would have to change category to make the two alike."
            f"{more if unsettled else ''}"
        )
    return tuple(said)


def _side(sign: Sign, first: str, second: str) -> str:
    if sign == "open":
        return "interval and test disagree, so this is not settled"
    if sign == "none":
        return "no clear difference"
    return f"{'higher' if sign == 'above' else 'lower'} for {second} than for {first}"


def work_words(comparison: Comparison, *, confidence: float) -> str:
    """Return what interval and test say of gamma_eff together; they ask different questions and may seem to disagree.

    The interval is two-sided; the test is one-sided and asks only whether gamma_eff is above zero.
    """
    work, p = comparison.alignment_work, comparison.alignment_work_p
    if isinstance(work, Insufficient):
        return ""
    shown = p is not None and p < 1.0 - confidence
    two_sided = f"the two-sided {level(confidence)} interval"
    if work.low > 0.0:
        return "above zero" if shown or p is None else f"not settled: {two_sided} lies above zero, the test does not"
    if work.high < 0.0:
        return f"below zero by {two_sided}; the one-sided test asks only whether it lies above"
    if shown:
        return f"not settled: the one-sided test, on labels as counted, puts it above zero, {two_sided} holds zero"
    if p is not None and p > confidence and work.value < 0.0:
        return f"not told apart from zero by {two_sided}; the one-sided test finds no sign of a positive value"
    return "not told apart from zero"
