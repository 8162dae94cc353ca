"""Inferred entropy production as one self-contained HTML page: the number, what it covers, where it comes from."""

from datetime import datetime
from html import escape

from secondlaw.reports.inference_figures import Known, inference_figures, known_value
from secondlaw.reports.inference_words import (
    check_words,
    data_words,
    headline,
    largest,
    limit_words,
    null_words,
    parts_of,
    train_words,
)
from secondlaw.reports.notices import warning_box
from secondlaw.reports.page import bullets, page, sentence
from secondlaw.reports.tables import entry, table
from secondlaw.reports.words import one_line, p_value, reading, tame
from secondlaw.trajectories.inference_results import Inference, Rung
from secondlaw.types import Insufficient

__all__ = ["render_inference_page"]

TITLE = "Entropy production"
MOST_ROWS = 60


def render_inference_page(found: Inference, *, created: datetime, version: str, exact: Known = None) -> str:
    """Return an inference as one HTML page.

    Parameters
    ----------
    found : Inference
    created : datetime
        With a zone.
    version : str
        Of secondlaw.
    exact : float or dict of int to float, optional
        The known value, or one for each lag, drawn beside the estimates.

    Raises
    ------
    InvalidInput
        If `created` has no zone.
    """
    figures = "".join(inference_figures(found, exact))
    heading = "<h2>Where it comes from, and whether it has converged</h2>"
    parts = [
        f"<h1>{escape(sentence(headline(found)))}</h1>",
        f'<section class="verdict">{bullets(map(sentence, _verdict(found, exact)))}</section>',
        warning_box([sentence(one) for one in found.warnings]),
        f'{heading}<div class="figures">{figures}</div>' if figures else "",
        _rungs(found),
        _numbers(found),
        _diagnostics(found),
        _limits(),
    ]
    made = [f"seed {found.seed}"]
    return page(TITLE, parts, about=found.source, created=created, version=version, made=made)


def _verdict(found: Inference, exact: Known) -> list[str]:
    said = [f"the interval covers {found.result.covers}", null_words(found), train_words(found)]
    known = known_value(found, exact)
    if known:
        said.append(f"the known value is {known:.4g}: {found.estimate.value / known:.2f} of it is found")
    said += limit_words(found)
    if found.per_spike is not None:
        said.append(f"per spike: {reading(found.per_spike)}")
    said.append(f"estimator {found.estimator} ({found.words}): {found.reason}")
    return [*said, f"data: {data_words(found)}", *found.notes, *check_words(found)]


def _rungs(found: Inference) -> str:
    parts = []
    for head, rungs in (("observables up to order", found.orders), ("lag, steps", found.lags)):
        if rungs:
            heads = [head, f"held-out value, {found.estimate.unit}", "sign flips", "train value"]
            gains = any(one.gain is not None for one in rungs)
            parts.append(table([*heads, *["more than the one before"] * gains], [_rung(one, gains) for one in rungs]))
    return f"<h2>Hierarchy and convergence</h2>{''.join(parts)}" if parts else ""


def _rung(rung: Rung, gains: bool) -> list[str]:
    null = rung.result.null
    cells = [
        str(rung.at),
        entry(rung.result.estimate, unit=False),
        escape("none" if null is None else p_value(null.p_value)),
        f"{rung.result.train_value:.4g}",
    ]
    return [*cells, "" if rung.gain is None else entry(rung.gain, plus=True, unit=False)] if gains else cells


def _numbers(found: Inference) -> str:
    out: list[str] = []
    for title, parts in parts_of(found):
        if isinstance(parts, Insufficient):
            said = f'<p class="notes">{escape(tame(sentence(parts.reason)))}.</p>'
            out += [said] * (said not in out)
            continue
        rows = [[escape(one_line(one.name, 60)), entry(one.estimate, unit=False)] for one in largest(parts, MOST_ROWS)]
        left = f"The {MOST_ROWS} largest of {len(parts):,}" if len(parts) > MOST_ROWS else ""
        out.append(
            f"<details><summary>Contributions by {title}</summary>"
            f"{table((title, f'part of the value, {found.estimate.unit}'), rows, left)}</details>"
        )
    if found.pairs:
        pairs = [
            [escape(one_line(f"{one.one} and {one.other}", 60)), f"{one.onto_one:.4g}", f"{one.onto_other:.4g}",
             f"{one.onto_one - one.onto_other:+.4g}", entry(one.estimate, unit=False)]
            for one in found.pairs[:MOST_ROWS]
        ]  # fmt: skip
        heads = ("pair", "onto the first", "onto the second", "difference", f"part of the mean, {found.estimate.unit}")
        caption = (
            "Differences have no interval of their own; parts add up to the mean of the fitted sum, not to the value."
        )
        out.append(
            "<details><summary>Pairs that act on each other most unequally</summary>"
            f"{table(heads, pairs, caption)}</details>"
        )
    return f"<h2>Contributions</h2>{''.join(out)}"


def _diagnostics(found: Inference) -> str:
    plain = found.result.to_dict()["diagnostics"]
    rows = [[escape(name.replace("_", " ")), escape(_shown(value))] for name, value in plain.items()]
    rows.append(["method", escape(tame(found.estimate.method))])
    return f"<h2>Diagnostics</h2>{table(('quantity', 'value'), rows)}"


def _shown(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, dict):
        return "; ".join(f"{name.replace('_', ' ')}: {_shown(one)}" for name, one in value.items())
    if isinstance(value, tuple | list):
        return ", ".join(_shown(one) for one in value) or "none"
    return str(value)


def _limits() -> str:
    said = [
        "a value of 0 does not show reversibility: what hidden variables do, and what these observables do not see, "
        "stays hidden",
        "the divergence of a step from its reverse is entropy production only for a stationary Markov process",
        "blocks must be longer than the memory of the process; otherwise the interval is too narrow",
    ]
    return f"<h2>Limits</h2>{bullets(map(sentence, said))}"
