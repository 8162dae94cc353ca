"""Inferred entropy production as one self-contained HTML page: the number, what it covers, where it comes from."""

from collections.abc import Sequence
from datetime import UTC, datetime
from html import escape
from pathlib import Path
from typing import Any

import numpy as np

from secondlaw.errors import InvalidInput
from secondlaw.reports.inference_words import data_words, headline, largest, null_words, train_words
from secondlaw.reports.page import frame
from secondlaw.reports.svg import svg_of
from secondlaw.reports.tables import entry, table
from secondlaw.reports.words import count, one_line, p_value, reading, tame
from secondlaw.reports.writing import write_page
from secondlaw.trajectories.inference_results import Inference, Rung
from secondlaw.types import Insufficient

__all__ = ["render_inference_page", "write_inference_page"]

TITLE = "Entropy production"
Known = float | dict[int, float] | None
MOST_BARS = 20
MOST_ROWS = 60


def write_inference_page(
    found: Inference,
    path: str | Path,
    *,
    created: datetime,
    version: str,
    exact: Known = None,
) -> Path:
    """Write an inference as one HTML file, replacing an older one in a single step; see :func:`render_inference_page`.

    Raises
    ------
    SourceError
        If the file cannot be written.
    """
    return write_page(render_inference_page(found, created=created, version=version, exact=exact), path)


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
    if created.tzinfo is None:
        raise InvalidInput(f"the report's time needs a zone, got {created.isoformat()} without one")
    figures = [*_contributions(found), *_couplings(found), *_paths(found, exact), *_ladders(found, exact)]
    body = [
        f'<header><p class="eyebrow">{TITLE} · {escape(one_line(found.source, 80))}</p></header>',
        f"<h1>{escape(_sentence(headline(found)))}</h1>",
        f'<section class="verdict">{_list(_verdict(found, exact))}</section>',
    ]
    if found.warnings:
        body.append(f'<div class="warnings"><h2>Before you read on</h2>{_list(found.warnings)}</div>')
    if figures:
        body.append(
            f'<h2>Where it comes from, and whether it has converged</h2><div class="figures">{"".join(figures)}</div>'
        )
    body += [_rungs(found), _numbers(found), _diagnostics(found), _limits(found)]
    when = created.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")
    body.append(f"<footer>{escape(f'secondlaw {one_line(version, 40)} · {when} · seed {found.seed}')}</footer>")
    return frame(TITLE, body)


def _sentence(text: str) -> str:
    first = text.split(" ", 1)[0]
    return f"{text[0].upper()}{text[1:]}" if first.rstrip(":").isalpha() else text  # names such as x7 stay as they are


def _list(sentences: Sequence[str]) -> str:
    return "<ul>" + "".join(f"<li>{escape(tame(_sentence(text[:900])))}</li>" for text in sentences) + "</ul>"


def _verdict(found: Inference, exact: Known) -> list[str]:
    said = [f"the interval covers {found.result.covers}", null_words(found), train_words(found)]
    known = _known(found, exact)
    if known:
        said.append(f"the known value is {known:.4g}: {found.estimate.value / known:.2f} of it is found")
    if found.per_spike is not None:
        said.append(f"per spike: {reading(found.per_spike)}")
    said.append(f"estimator {found.estimator} ({found.words}): {found.reason}")
    return [*said, f"data: {data_words(found)}", *found.notes]


def _known(found: Inference, exact: Known) -> float | None:
    return exact.get(found.asked.lag) if isinstance(exact, dict) else exact


def _figure(key: str, title: str, caption: str, specification: dict[str, Any]) -> str:
    picture = svg_of(specification, prefix=f"ep-{key}", title=title, description=caption)
    return (
        f'<figure><h3>{escape(title)}</h3><div class="panels">{picture}</div>'
        f"<figcaption>{escape(caption)}</figcaption></figure>"
    )


def _contributions(found: Inference) -> list[str]:
    from secondlaw.reports.inference_charts import contribution_chart

    out = []
    for key, title, parts in (
        ("variables", "By variable", found.variables),
        ("observables", "By observable", found.result.contributions),
    ):
        if isinstance(parts, Insufficient) or len(parts) < 2:
            continue
        shown = largest(parts, MOST_BARS)
        left = f" Drawn are the {len(shown)} largest of {len(parts):,}." if len(shown) < len(parts) else ""
        caption = (
            "How the held-out value divides; all parts add up to it. Lines: intervals from the same resampled blocks. "
            f"A part may be negative; only the sum is a bound.{left}"
        )
        out.append(_figure(key, title, caption, contribution_chart(shown, unit=found.estimate.unit)))
    return out


def _couplings(found: Inference) -> list[str]:
    from secondlaw.reports.inference_charts import asymmetry_chart

    fitted, couplings = found.asymmetry, found.recording.couplings
    if fitted is None or couplings is None or fitted.shape != couplings.shape:
        return []
    true = couplings - couplings.T
    i, j = np.triu_indices(len(true), 1)
    x, y = true[i, j], fitted[i, j]
    slope = float(x @ y / (x @ x)) if (x @ x) > 0.0 else 0.0
    correlation = float(np.corrcoef(x, y)[0, 1]) if x.std() > 0.0 and y.std() > 0.0 else 0.0
    caption = (
        f"Each dot is one of {count(len(x), 'pairs')}; on the dashed line both are equal. Correlation "
        f"{correlation:.3f}, slope through 0 {slope:.2f}; penalties and shrinkage pull it below 1."
    )
    return [_figure("couplings", "Asymmetry of couplings, fitted against true", caption, asymmetry_chart(fitted, true))]


def _paths(found: Inference, exact: Known) -> list[str]:
    from secondlaw.reports.inference_charts import path_chart

    if not found.paths:
        return []
    known = _known(found, exact)
    timed = found.recording.trajectories.dt is not None
    lines = "orange: the held-out estimate" + ("" if known is None else "; dotted: the known value")
    caption = (
        f"Fitted entropy production summed along {_trajectories(len(found.paths))}; {lines}. The parameters were "
        "fitted on these same trajectories, so that the curves lie above what new data would show: by the gap between "
        "train and held-out value."
    )
    drawn = path_chart(found.paths, rate=found.estimate.value, x_title="time" if timed else "step", exact=known)
    return [_figure("path", "Along a trajectory", caption, drawn)]


def _trajectories(number: int) -> str:
    return "1 trajectory" if number == 1 else count(number, "trajectories")


def _ladders(found: Inference, exact: Known) -> list[str]:
    from secondlaw.reports.inference_charts import ladder_chart

    out, unit = [], found.estimate.unit
    if found.orders:
        caption = (
            "Nested sets of observables. In the population a larger set never gives less; on held-out rows it may, "
            "where more parameters cost more than they bring."
        )
        drawn = ladder_chart(found.orders, x_title="observables up to this order", unit=unit, joined=False)
        out.append(_figure("orders", "By order of interaction", caption, drawn))
    if found.lags:
        dt = None if found.recording.kind == "flips" else found.recording.trajectories.dt
        caption = (
            "The same data at longer lags, each value divided by its lag. For a Markov process that is fully observed "
            "the value rises as the lag gets shorter; if it falls instead, noise of measurement or hidden variables "
            f"are at work.{'' if exact is None else ' Dashed: the known value.'}"
        )
        drawn = ladder_chart(
            found.lags, x_title="lag, steps" if dt is None else "lag, units of time", unit=unit, step=dt or 1.0,
            exact=exact,
        )  # fmt: skip
        out.append(_figure("lags", "Convergence in the lag", caption, drawn))
    return out


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
    for title, parts in (("variable", found.variables), ("observable", found.result.contributions)):
        if isinstance(parts, Insufficient):
            said = f'<p class="notes">{escape(tame(_sentence(parts.reason)))}.</p>'
            out += [said] * (said not in out)
            continue
        rows = [[escape(one_line(one.name, 60)), entry(one.estimate, unit=False)] for one in largest(parts, MOST_ROWS)]
        left = f"The {MOST_ROWS} largest of {len(parts):,}" if len(parts) > MOST_ROWS else ""
        out.append(
            f"<details><summary>Contributions by {title}</summary>"
            f"{table((title, f'part of the value, {found.estimate.unit}'), rows, left)}</details>"
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
    if isinstance(value, tuple | list):
        return ", ".join(_shown(one) for one in value) or "none"
    return str(value)


def _limits(found: Inference) -> str:
    said = [
        "a value of 0 does not show reversibility: what hidden variables do, and what these observables do not see, "
        "stays hidden",
        "the divergence of a step from its reverse is entropy production only for a stationary Markov process",
        "blocks must be longer than the memory of the process; otherwise the interval is too narrow",
    ]
    return f"<h2>Limits</h2>{_list(said)}"
