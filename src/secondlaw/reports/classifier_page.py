"""An evaluation as one self-contained HTML page: pictures as static SVG, no script, nothing fetched."""

from collections.abc import Sequence
from datetime import UTC, datetime
from html import escape
from pathlib import Path

from secondlaw.behavior.classifiers.evaluation import Evaluation, Intents, Slice
from secondlaw.errors import InvalidInput
from secondlaw.reports.classifier_charts import Curve, curve_chart, heat_map
from secondlaw.reports.classifier_words import WAYS, headline, limits, named
from secondlaw.reports.page import frame
from secondlaw.reports.series import DotPanel, Point
from secondlaw.reports.svg import svg_of
from secondlaw.reports.tables import entry, table
from secondlaw.reports.words import level, one_line, tame
from secondlaw.reports.writing import write_page
from secondlaw.types import Estimate, Insufficient, Measured

__all__ = ["Part", "render_classifier_page", "write_classifier_page"]

MOST_DOTS = 24
SMALL = "display: grid; grid-template-columns: repeat(auto-fill, minmax(215px, 1fr)); gap: 10px 18px;"
"""Look of small multiples."""
Part = tuple[str, Evaluation | Insufficient]
"""A heading and what stands below it."""


def write_classifier_page(
    parts: Sequence[Part],
    path: str | Path,
    *,
    created: datetime,
    version: str,
    warnings: Sequence[str] = (),
    title: str = "Classifier report",
) -> Path:
    """Write evaluations as one HTML file, replacing an older one in a single step. See :func:`render_classifier_page`.

    Raises
    ------
    SourceError
        If the file cannot be written.
    """
    page = render_classifier_page(parts, created=created, version=version, warnings=warnings, title=title)
    return write_page(page, path)


def render_classifier_page(
    parts: Sequence[Part],
    *,
    created: datetime,
    version: str,
    warnings: Sequence[str] = (),
    title: str = "Classifier report",
) -> str:
    """Return evaluations as one HTML page.

    Parameters
    ----------
    parts : sequence of (str, Evaluation or Insufficient)
        One for ``evaluate``; one for each kind of held-out rows for ``train``.
    created : datetime
        With a zone.
    version : str
        Of secondlaw.
    warnings : sequence of str
    title : str

    Raises
    ------
    InvalidInput
        If `created` has no zone.
    """
    if created.tzinfo is None:
        raise InvalidInput(f"the report's time needs a zone, got {created.isoformat()} without one")
    body = [f'<header><p class="eyebrow">{escape(one_line(title, 120))}</p></header>']
    shown = [found for _, found in parts if isinstance(found, Evaluation)]
    body += _first(parts, shown)
    if warnings:
        said = "".join(f"<li>{escape(tame(text[:400]))}</li>" for text in warnings)
        body.append(f'<div class="warnings"><h2>Before you read on</h2><ul>{said}</ul></div>')
    for number, (heading, found) in enumerate(parts):
        if heading:
            body.append(f"<h2>{escape(heading)}</h2>")
        if isinstance(found, Insufficient):
            body.append(f'<p class="none">{escape(found.reason)}</p>')
        else:
            body.append(_part(found, f"p{number}", alone=not heading))
    if shown:
        body.append(f"<section><h2>Limits</h2>{_list(limits(shown[0]))}</section>")
        one = shown[0]
        when = created.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")
        said = (
            f"secondlaw {one_line(version, 40)} · {when} · seed {one.seed} · {one.resamples:,} resamples · "
            f"{level(one.level)} intervals · taxonomy “{one_line(one.taxonomy.name)}”"
        )
        body.append(f"<footer>{escape(said)}</footer>")
    return frame(escape(one_line(title, 120)), body, style=f"figure.small .panels {{ {SMALL} }}\n")


def _list(sentences: Sequence[str]) -> str:
    return "<ul>" + "".join(f"<li>{escape(tame(text[:600]))}</li>" for text in sentences) + "</ul>"


def _first(parts: Sequence[Part], shown: Sequence[Evaluation]) -> list[str]:
    if not shown:
        return [f"<h1>{escape(parts[0][0] if parts else 'Nothing')}: no number</h1>"]
    flags = [
        f"{heading + ', ' if heading else ''}{WAYS[one.intent]}: {flag}"
        for heading, found in parts
        if isinstance(found, Evaluation)
        for one in found.slices
        for flag in one.flags
        if one.by == "all"
    ]
    head = headline(shown[0])
    said = [f"<h1>{escape(head)}</h1>"]
    if flags:
        said.append(
            f'<section class="verdict"><h3>Helpful answers taken for each other</h3>{_list(flags)}'
            "<p>Above 5 % the paper (arXiv 2512.03047) asks for a look at the classifier; the misaligned share "
            "read off such labels needs its correction.</p></section>"
        )
    return said


def _part(found: Evaluation, prefix: str, *, alone: bool) -> str:
    whole = [one for way in ("known", "unknown", "recorded") if (one := found.whole(way)) is not None]
    lead = "" if alone else f'<p class="lead">{escape(headline(found))}</p>'
    pictures = [
        _confusion(found, whole, prefix),
        *_by(found, prefix),
        *_calibration(whole, prefix),
        _coverage(whole, prefix),
    ]
    drawn = "".join(filter(None, pictures))
    return f'<section>{lead}<div class="figures">{drawn}</div></section>{_tables(found, whole)}'


def _figure(title: str, caption: str, drawn: Sequence[str], *, kind: str = "") -> str:
    kind = f' class="{kind}"' if kind else ""
    return (
        f'<figure{kind}><h3>{escape(title)}</h3><div class="panels">{"".join(drawn)}</div>'
        f"<figcaption>{escape(tame(caption))}</figcaption></figure>"
    )


def _confusion(found: Evaluation, whole: Sequence[Slice], prefix: str) -> str:
    names = "; ".join(f"{one_line(c.key)} {one_line(c.name)}" for c in found.taxonomy.categories)
    said = f"Each row sums to 100 %: where the responses of a true category went, and how many they are. {names}."
    drawn = [
        svg_of(
            heat_map(one, WAYS[one.intent]),
            prefix=f"{prefix}-confusion-{one.intent}",
            title=f"Confusion matrix, {WAYS[one.intent]}",
            description=said,
        )
        for one in whole
    ]
    return _figure("What is taken for what", said, drawn, kind="wide" if len(drawn) > 1 else "")


def _by(found: Evaluation, prefix: str) -> list[str]:
    from secondlaw.reports.charts import draw

    figures = []
    for by in dict.fromkeys(one.by for one in found.slices if one.by != "all"):
        rows: list[tuple[str, int, Point | None]] = []
        ways: tuple[Intents, ...] = ("known", "unknown", "recorded")
        names = list(dict.fromkeys(one.name for one in found.slices if one.by == by))[:MOST_DOTS]
        kept = [(style, way) for style, way in enumerate(ways) if found.of(by, way)]
        for name in names:
            for style, way in kept:
                one = next((one for one in found.of(by, way) if one.name == name), None)
                if one is not None:
                    label = one_line(name, 22) if (style, way) == kept[0] else "not told"
                    rows.append((label, style, Point.of(0, one.agreement.accuracy)))
        said = f"Accuracy with {level(found.level)} intervals by prompt; ● told the intent, ■ not told it."
        if kept and kept[0][1] == "recorded":
            said = f"Accuracy with {level(found.level)} intervals by prompt."
        panel = DotPanel("", "accuracy", tuple(rows), is_share=True)
        picture = svg_of(draw(panel), prefix=f"{prefix}-{by}", title=f"Accuracy by {by}", description=said)
        figures.append(_figure(f"Accuracy by {by}", said, [picture]))
    return figures


def _calibration(whole: Sequence[Slice], prefix: str) -> list[str]:
    figures = []
    for one in whole:
        if one.calibration is None:
            continue
        drawn = []
        for place, (key, curve) in enumerate(zip(one.calibration.classes, one.calibration.curve, strict=True)):
            if not curve or isinstance(one.agreement.recall[place], Insufficient):
                continue
            points = tuple((b.probability, b.frequency.value, b.frequency.low, b.frequency.high) for b in curve)
            ece = one.calibration.ece_debiased[place]
            error = f"ECE {ece.value:.3f}" if isinstance(ece, Estimate) else "no ECE"
            chart = curve_chart(
                [Curve(key, 0, points)],
                title=f"{one_line(key, 14)}: {error}",
                x_title="probability",
                y_title="share that is so",
                x=(0.0, 1.0),
                y=(0.0, 1.0),
                diagonal=True,
                square=True,
            )
            drawn.append(
                svg_of(
                    chart,
                    prefix=f"{prefix}-calibration-{one.intent}-{place}",
                    title=f"Calibration of {key}",
                    description="Frequency over probability",
                )
            )
        said = (
            "Bins of equal mass: on the dashed line the probability keeps its promise, below it the classifier is "
            "too sure. Whiskers: intervals by prompt. Categories without a true row are left out."
        )
        if drawn:
            figures.append(_figure(f"Calibration, {WAYS[one.intent]}", said, drawn, kind="wide small"))
    return figures


def _coverage(whole: Sequence[Slice], prefix: str) -> str:
    curves, said = [], []
    for style, one in enumerate(whole):
        a = one.abstention
        if a is None or not a.curve:
            continue
        curves.append(
            Curve(
                WAYS[one.intent],
                style,
                tuple((p.coverage, p.accuracy.value, p.accuracy.low, p.accuracy.high) for p in a.curve),
            )
        )
        where = (
            ""
            if a.threshold is None or a.coverage is None
            else (f": confidence from {a.threshold:.3f} on keeps {100 * a.coverage.value:.0f} % of the labels")
        )
        said.append(f"{'●■▲'[style]} {WAYS[one.intent]}: {a.guarantee}{where}.")
    if not curves:
        return ""
    low = min(point[2] for curve in curves for point in curve.points)
    target = next(one.abstention.target for one in whole if one.abstention is not None)
    chart = curve_chart(
        curves,
        title="",
        x_title="share of the labels kept, surest first",
        y_title="their accuracy",
        x=(0.0, 1.02),
        y=(max(0.0, min(low, target) - 0.03), 1.0),
        level=target,
    )
    caption = " ".join(said) + f" Dashed: the accuracy wanted, {100 * target:g} %."
    picture = svg_of(chart, prefix=f"{prefix}-coverage", title="Accuracy against coverage", description=caption)
    return _figure("When to leave a response to a person", caption, [picture])


def _tables(found: Evaluation, whole: Sequence[Slice]) -> str:
    slices = [
        [
            escape(f"{named(one)}, {WAYS[one.intent]}"),
            f"{one.agreement.n:,} / {one.agreement.groups:,}",
            *(
                entry(m, unit=False, reason=False)
                for m in (one.agreement.accuracy, one.agreement.macro_f1, one.agreement.kappa)
            ),
            _worst(one),
            f"{one.outside:,}",
        ]
        for one in found.slices
    ]
    heads = ("rows", "n / prompts", "accuracy", "macro-F1", "Cohen's κ", "worst ECE, debiased", "called outside")
    parts = [f"<details open><summary>All slices</summary>{table(heads, slices)}</details>"]
    for one in whole:
        rows = []
        for place, key in enumerate(one.agreement.classes):
            numbers: list[Measured | None] = [
                one.agreement.recall[place],
                one.agreement.precision[place],
                one.agreement.f1[place],
            ]
            numbers.append(one.calibration.ece_debiased[place] if one.calibration else None)
            rows.append([escape(one_line(key, 20)), *(entry(m, reason=False) for m in numbers)])
        named_by = ("category", "recall", "precision", "F1", "ECE, debiased")
        parts.append(
            f"<details open><summary>Categories, {WAYS[one.intent]}</summary>{table(named_by, rows)}</details>"
        )
    others = [[escape(name), entry(m, unit=False)] for name, m in _others(found, whole)]
    parts.append(f"<details open><summary>Further numbers</summary>{table(('quantity', 'estimate'), others)}</details>")
    return "".join(parts)


def _worst(one: Slice) -> str:
    errors = [m for m in (one.calibration.ece_debiased if one.calibration else ()) if isinstance(m, Estimate)]
    return entry(max(errors, key=lambda m: m.value)) if errors else '<span class="none">no probabilities</span>'


def _others(found: Evaluation, whole: Sequence[Slice]) -> list[tuple[str, Measured]]:
    rows: list[tuple[str, Measured]] = []
    for one in whole:
        way = WAYS[one.intent]
        rows += [(f"{pair}, {way}", m) for pair, m in one.mistaken.items()]
        if one.calibration is not None:
            rows.append((f"Brier score, {way}", one.calibration.brier))
        for name, e in (("prompts", one.entropy_prompts), ("cells of source and model", one.entropy_cells)):
            if e is not None:
                rows.append((f"correlation of entropies over {name} (Pearson), {way}", e.pearson))
                rows.append((f"correlation of entropies over {name} (Spearman), {way}", e.spearman))
    names = {"fleiss_kappa": "Fleiss' κ among annotators", "krippendorff_alpha": "Krippendorff's α among annotators"}
    return rows + [(names.get(name, name), m) for name, m in (found.raters or {}).items()]
