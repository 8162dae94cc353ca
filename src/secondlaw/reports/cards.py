"""Key numbers of the first arms as cards: the number, its interval, and what n counts."""

from collections.abc import Sequence
from html import escape

from secondlaw.drift.results import Measurement
from secondlaw.reports.arms import Arm, is_uncorrected
from secondlaw.reports.look import COLORS, GLYPHS
from secondlaw.reports.tables import BADGE
from secondlaw.reports.words import clip, count, interval, level, number
from secondlaw.types import Estimate, Insufficient, Measured

__all__ = ["cards"]

MOST_ARMS = 4


def cards(measurement: Measurement, arms: Sequence[Arm]) -> str:
    """Return the key numbers of each arm: its last step, and its drift."""
    parts = []
    for arm in arms[:MOST_ARMS]:
        last = arm.cells[-1]
        badge = BADGE if is_uncorrected(last) else ""
        look = arm.style % len(COLORS)
        answers = f"{count(last.n, 'responses')} to {count(last.n_prompts, 'prompts')}"
        shown = (
            _card("Entropy S (pooled)", last.entropy.get("pooled"), measurement.level, answers),
            _card("Misaligned share", last.misaligned_share, measurement.level, answers),
            _card("Divergence from baseline", last.divergence.get("jensen_shannon"), measurement.level, answers),
            _card(
                "Drift of S, all steps", arm.rate.entropy_rate if arm.rate else None, measurement.level, "", plus=True
            ),
        )
        parts.append(
            f'<h3><span aria-hidden="true" style="color:{COLORS[look]}">{GLYPHS[look]}</span> {escape(arm.label)}, '
            f'step {last.step} {badge}</h3><div class="cards">{"".join(shown)}</div>'
        )
    if not parts:
        return ""
    more = f"<p>{count(len(arms) - MOST_ARMS, 'more models')} below.</p>" if len(arms) > MOST_ARMS else ""
    return f"<section><h2>Key numbers</h2>{''.join(parts)}{more}</section>"


def _card(what: str, measured: Measured | None, confidence: float, basis: str, *, plus: bool = False) -> str:
    head = f'<div class="card"><div class="what">{escape(what)}</div>'
    if not isinstance(measured, Estimate):
        why = clip(measured.reason, 200) if isinstance(measured, Insufficient) else "not measured"
        return f'{head}<div class="words">no number</div><div class="sure">{escape(why)}</div></div>'
    ends = interval(measured, plus=plus)[1:-1].replace(", ", " to ")
    carried = basis if measured.n_unit == "responses" and basis else count(measured.n, measured.n_unit)
    value, _, unit = number(measured, plus=plus).partition(" ")
    return (
        f'{head}<div class="value">{escape(value)} <span class="unit">{escape(unit)}</span></div>'
        f'<div class="sure">{level(confidence)} interval {escape(ends)}<br>n: {escape(carried)}</div></div>'
    )
