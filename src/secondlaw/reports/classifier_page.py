"""An evaluation as one self-contained HTML page: pictures as static SVG, no script, nothing fetched."""

from collections.abc import Sequence
from datetime import datetime
from html import escape

from secondlaw.behavior.classifiers.evaluation import Evaluation, Intents, Slice
from secondlaw.reports.classifier_charts import Curve, curve_chart, heat_map
from secondlaw.reports.classifier_tables import evaluation_tables
from secondlaw.reports.classifier_words import WAYS, headline, limits
from secondlaw.reports.notices import warning_box
from secondlaw.reports.page import bullets, chart_figure, figure, page
from secondlaw.reports.series import DotPanel, Point
from secondlaw.reports.svg import svg_of
from secondlaw.reports.words import level, one_line
from secondlaw.types import Estimate, Insufficient

__all__ = ["Part", "render_classifier_page"]

MOST_DOTS = 24
SMALL = "display: grid; grid-template-columns: repeat(auto-fill, minmax(215px, 1fr)); gap: 10px 18px;"
"""Look of small multiples."""
Part = tuple[str, Evaluation | Insufficient]
"""A heading and what stands below it."""


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
    shown = [found for _, found in parts if isinstance(found, Evaluation)]
    body = [*_first(parts, shown), warning_box(warnings)]
    for number, (heading, found) in enumerate(parts):
        if heading:
            body.append(f"<h2>{escape(heading)}</h2>")
        if isinstance(found, Insufficient):
            body.append(f'<p class="none">{escape(found.reason)}</p>')
        else:
            body.append(_part(found, f"p{number}", alone=not heading))
    made: list[str] = []
    if shown:
        one = shown[0]
        body.append(f"<section><h2>Limits</h2>{bullets(limits(one))}</section>")
        made = [f"seed {one.seed}", f"{one.resamples:,} resamples", f"{level(one.level)} intervals"]
        made.append(f"taxonomy “{one_line(one.taxonomy.name)}”")
    style = f"figure.small .panels {{ {SMALL} }}\n"
    return page(title, body, created=created, version=version, made=made, style=style)


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
            f'<section class="verdict"><h3>Helpful answers taken for each other</h3>{bullets(flags)}'
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
    return f'<section>{lead}<div class="figures">{drawn}</div></section>{evaluation_tables(found, whole)}'


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
    return figure("What is taken for what", said, drawn, kind="wide" if len(drawn) > 1 else "")


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
        figures.append(chart_figure(f"{prefix}-{by}", f"Accuracy by {by}", said, draw(panel)))
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
            figures.append(figure(f"Calibration, {WAYS[one.intent]}", said, drawn, kind="wide small"))
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
    return figure("When to leave a response to a person", caption, [picture])
