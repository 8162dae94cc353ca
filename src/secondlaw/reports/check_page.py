"""``check`` as one self-contained HTML page: the verdict, both runs' shares side by side, the changes, what moved."""

from datetime import datetime
from html import escape

from secondlaw.drift.check_results import CheckResult
from secondlaw.reports.check_text import FEW, SAID, change_words, how_tested
from secondlaw.reports.notices import warning_box
from secondlaw.reports.page import bullets, chart_figure, page
from secondlaw.reports.series import DotPanel, Point
from secondlaw.reports.tables import entry, table
from secondlaw.reports.words import count, level, one_line, p_value
from secondlaw.types import Estimate

__all__ = ["render_check_page"]

TITLE = "Check of two runs"


def render_check_page(found: CheckResult, *, created: datetime, version: str) -> str:
    """Return a result as one HTML page.

    Parameters
    ----------
    found : CheckResult
        Texts of prompts are shown where it holds them.
    created : datetime
        With a zone.
    version : str
        Of secondlaw.

    Raises
    ------
    InvalidInput
        If `created` has no zone.
    """
    said = [one.message for one in found.checks] or [found.message]
    parts = [
        f"<h1>{escape(SAID[found.verdict])}</h1>",
        f'<section class="verdict">{bullets(said)}{_sides(found)}</section>',
        warning_box(found.warnings),
    ]
    if found.checks:
        parts.append(f'<div class="figures">{_shares(found)}{_changes(found)}</div>')
        parts += [_change_table(found), _mix(found), _moved(found)]
    settings = ", ".join(f"{name} {value}" for name, value in found.settings.items() if value is not None)
    return page(TITLE, parts, created=created, version=version, made=[settings] if settings else [])


def _sides(found: CheckResult) -> str:
    lines = [
        f"{word}: {one_line(side.name)}, {count(side.responses, 'responses')} to {count(side.prompts, 'prompts')}, "
        f"{side.outside:,} outside the taxonomy, labels: {one_line(side.labels)}"
        for word, side in (("Base", found.base), ("Candidate", found.candidate))
        if side is not None
    ]
    if found.tested is not None:
        lines.append(f"Tested: {how_tested(found.tested)}")
    return f'<p class="lead">{"<br>".join(escape(line) for line in lines)}</p>'


def _figure(key: str, title: str, caption: str, panel: DotPanel) -> str:
    from secondlaw.reports.charts import draw

    return chart_figure(key, title, caption, draw(panel))


def _shares(found: CheckResult) -> str:
    rows: list[tuple[str, int, Point | None]] = []
    names = [one_line(side.name, 30) for side in (found.base, found.candidate) if side is not None]
    for key in found.shares["base"]:
        for style, side in enumerate(("base", "candidate")):
            value = found.shares[side][key]
            rows.append(
                (
                    f"{one_line(key, 16)} {'●■'[style]}",
                    style,
                    Point.of(0, value) if isinstance(value, Estimate) else None,
                )
            )
    said = f"● {names[0]}, ■ {names[1]}; {level(float(found.settings['level']))} intervals."
    return _figure("shares", "Shares of both runs", said, DotPanel("", "share", tuple(rows), is_share=True))


def _changes(found: CheckResult) -> str:
    rows: list[tuple[str, int, Point | None]] = []
    for name, value in found.changes.items():
        if name.startswith("category:") or name in ("misaligned", "outside"):
            point = Point.of(0, value) if isinstance(value, Estimate) else None
            rows.append((one_line(name.removeprefix("category:"), 20), 0, point))
    said = f"Candidate less base, {level(float(found.settings['level']))} intervals; on the line: no change."
    panel = DotPanel("", "change of the share", tuple(rows), has_zero_line=True, is_share=True)
    return _figure("changes", "What changed", said, panel)


def _change_table(found: CheckResult) -> str:
    p_values = {"total_variation" if one.name == "distribution" else one.name: one for one in found.checks}
    rows = []
    for name in found.changes:
        one = p_values.get(name)
        p = "" if one is None else f"{p_value(one.p_value)}; adjusted {p_value(one.adjusted_p)}: {one.verdict}"
        key = name.removeprefix("category:")
        shares = [entry(found.shares[side][key]) if key in found.shares[side] else "" for side in found.shares]
        rows.append([escape(one_line(name, 40)), *shares, escape(change_words(name, found)), escape(p)])
    return f"<h2>Numbers</h2>{table(('quantity', 'base', 'candidate', 'candidate less base', 'test'), rows)}"


def _mix(found: CheckResult) -> str:
    if found.tested is None or len(found.tested.mix) < 2:
        return ""
    rows = [
        [
            escape(one_line(one.stratum, 60)),
            "swapped" if one.matched else "dealt",
            *(f"{100 * share:.1f} %" for share in (one.base, one.candidate)),
            f"{100 * one.weight:.1f} %" if found.tested.standardised else "as it is",
        ]
        for one in found.tested.mix
    ]
    heads = ("prompt set, intent", "test", "of the base", "of the candidate", "weight in the changes")
    return f"<h2>Mix of prompts</h2>{table(heads, rows)}"


def _moved(found: CheckResult) -> str:
    parts = []
    if found.strata:
        keys = list(found.strata[0].behavior)
        rows = [
            [
                escape(one_line(one.stratum, 60)),
                f"{one.prompts[0]:,} / {one.prompts[1]:,}",
                *(f"{100 * one.behavior[key]:+.1f}" for key in keys),
                escape("too few prompts" if one.p_value is None else p_value(one.p_value)),
                "moved" if one.moved else "",
            ]
            for one in found.strata
        ]
        heads = ("prompt set, intent", "prompts", *(f"{one_line(key, 12)}, points" for key in keys), "p (Holm)", "")
        parts.append(table(heads, rows, "What each adds to the change of the shares, labels as counted"))
    if found.prompts:
        clear = [one for one in found.prompts if one.moved]
        said = "Prompts that moved most" if clear else "Prompts that moved most, none of them clearly by itself"
        rows = [
            [
                escape(one_line(one.prompt_id or one.key, 60)),
                f"{escape(one_line(one.category, 20))} {100 * one.change:+.0f} points",
                escape(p_value(one.p_value)),
                "moved" if one.moved else "",
                escape(one_line(one.text, 160)) if one.text else "",
            ]
            for one in clear or found.prompts[:FEW]
        ]
        parts.append(table(("prompt", "rose most", "p (Benjamini-Hochberg)", "", ""), rows, said))
    return f"<h2>What moved</h2>{''.join(parts)}" if parts else ""
