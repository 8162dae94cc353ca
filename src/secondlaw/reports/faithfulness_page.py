"""Faithfulness as one self-contained HTML page: each answer's sentences by support, and its topics side by side."""

from collections.abc import Sequence
from datetime import datetime
from html import escape

import numpy as np

from secondlaw.faithfulness import ANSWER, CONTEXT, QUESTION, GroundedSentence, Scored
from secondlaw.reports.notices import warning_box
from secondlaw.reports.page import page
from secondlaw.reports.tables import entry, table
from secondlaw.reports.words import clip, count, one_line, p_value, tame
from secondlaw.statistics import LEVEL
from secondlaw.types import Estimate

__all__ = ["render_faithfulness_page"]

TITLE = "Faithfulness of answers"
MOST_ANSWERS = 100
MOST_SENTENCES = 60
MOST_TOPICS = 12
LONGEST = 400
STEPS = ((0.75, "s3"), (0.6, "s2"), (0.45, "s1"), (-1.0, "s0"))
"""Cosines from which a sentence has a colour: for the eye, no thresholds of truth."""
PRODUCTION = (
    ("relaxation", "Relaxation, context to answer (our definition)"),
    ("entropy_change", "Entropy of topics, answer less context"),
)
STYLE = """
.sentence { border-radius: 3px; padding: 1px 5px; box-decoration-break: clone; -webkit-box-decoration-break: clone; }
:root { --supported: #bfdcf2; --near: #e0edf7; --far: #fdeacb; --unsupported: #f7c99b; }
@media screen and (prefers-color-scheme: dark) {
  :root { --supported: #1d4d70; --near: #1b3346; --far: #4a3a17; --unsupported: #7a4313; }
}
.s3 { background: var(--supported); } .s2 { background: var(--near); }
.s1 { background: var(--far); } .s0 { background: var(--unsupported); }
.novel { font-weight: 600; color: var(--warn); }
.bar { display: inline-block; height: .75em; background: var(--strong); vertical-align: -.05em; border-radius: 1px; }
.share { color: var(--soft); font-size: .8rem; padding-left: 5px; white-space: nowrap; }
article { border-top: 1px solid var(--line); margin-top: 2.2rem; padding-top: .4rem; }
article h2 { border: 0; margin: .6rem 0 .3rem; }
@media screen and (max-width: 760px) {
  .sentences table, .sentences tbody, .sentences tr, .sentences th, .sentences td { display: block; min-width: 0; }
  .sentences thead { display: none; }
  .sentences tr { border-bottom: 1px solid var(--line); padding: 6px 0; }
  .sentences th, .sentences td { border: 0; padding: 2px 0; font-weight: 400; }
  .sentences td::before { color: var(--soft); }
  .sentences td:nth-child(2)::before { content: "cosine "; }
  .sentences td:nth-child(3)::before { content: "most like it: "; }
  .sentences td:nth-child(4)::before { content: "novel: "; }
}
"""


def render_faithfulness_page(
    results: Sequence[Scored], *, source: str, created: datetime, version: str, warnings: Sequence[str] = ()
) -> str:
    """Return results as one HTML page.

    Parameters
    ----------
    results : sequence of Scored
        The first 100 are shown.
    source : str
        What was read.
    created : datetime
        With a zone.
    version : str
        Of secondlaw.
    warnings : sequence of str

    Raises
    ------
    InvalidInput
        If `created` has no zone.
    """
    shown = results[:MOST_ANSWERS]
    parts = [
        f"<h1>{escape(count(len(results), 'answers'))} of {escape(one_line(source, 80))}</h1>",
        _reading(),
        warning_box(warnings),
        *(_article(one) for one in shown),
    ]
    if len(results) > len(shown):
        parts.append(f"<p>{count(len(results) - len(shown), 'more answers')}: see the machine-readable output.</p>")
    return page(TITLE, parts, created=created, version=version, style=STYLE)


def _reading() -> str:
    names = ("0.75 and above", "0.60 to 0.75", "0.45 to 0.60", "below 0.45")
    key = " ".join(
        f'<span class="sentence {style}">{name}</span>' for (_, style), name in zip(STEPS, names, strict=True)
    )
    return (
        '<section class="verdict"><p><strong>How to read this.</strong> Each sentence of an answer stands beside the '
        "context sentence most like it; the colour is their cosine: "
        f"{key}. Likeness is not truth: a negated copy looks well supported. Numbers and names that neither context "
        "nor question holds are named.</p><p>Semantic faithfulness (SF) compares the <em>topics</em> of answer and "
        "question. It does not detect hallucination; on people's labels it is at chance for single answers.</p>"
        "</section>"
    )


def _article(one: Scored) -> str:
    example = one.embedded.example
    asked = clip(example.question, LONGEST) if example.question.strip() else "(no question)"
    parts = [f"<h2>{escape(asked)}</h2>", f'<p class="lead">{escape(_sizes(one))}</p>', _numbers(one)]
    parts += [f'<p class="notes">{escape(tame(note))}</p>' for note in one.notes]
    return f"<article>{''.join(parts)}{_sentences(one)}{_topics(one)}</article>"


def _sizes(one: Scored) -> str:
    parts = one.embedded.parts
    sizes = (int((parts == part).sum()) for part in (QUESTION, CONTEXT, ANSWER))
    said = "{} of the question, {} of the context, {} of the answer".format(*sizes)
    topics = ""
    if one.topics is not None:
        topics = f"; {count(one.topics.k, 'topics')}, stability {one.topics.stability:.2f}"
    by = one_line(one.embedding, 60)
    return f"id {one_line(one.embedded.example.id, 60)}. Sentences: {said}{topics}. Embedding: {by}."


def _numbers(one: Scored) -> str:
    null = "none: there are no topics to deal"
    if one.null is not None and one.p_value is not None:
        chance = p_value(one.p_value, one_sided=True)
        null = f"{one.null.mean:.3f} [{one.null.low:.3f}, {one.null.high:.3f}], {chance}"
    rows = [
        ("Support (mean cosine)", entry(one.grounding.support)),
        ("Bigram precision", entry(one.grounding.bigram_precision)),
        ("Semantic faithfulness", entry(one.semantic_faithfulness)),
        ("Topic divergence", entry(one.topic_divergence)),
        ("SF where question and answer have one law of topics", escape(null)),
        ("Answer on topics that the question lacks", entry(one.off_support_mass)),
    ]
    if one.grounding.judged is not None:
        rows.insert(2, ("Judge's mean", entry(one.grounding.judged)))
    if one.spread is not None:
        rows.append(("SF under other choices", f"{one.spread.low:.3f} to {one.spread.high:.3f}"))
    rows += [(name, entry(one.production[key])) for key, name in PRODUCTION if key in one.production]
    said = f"Intervals: {100 * _level(one):g} %. {one.smoothing:g} added to every topic"
    said += "." if one.null is None else f"; {one.null.draws} deals for SF by chance, as many resamples."
    return table(("", "value"), [(escape(name), value) for name, value in rows], said)


def _level(one: Scored) -> float:
    measured = (one.semantic_faithfulness, one.off_support_mass, one.grounding.support, one.grounding.bigram_precision)
    return next((each.level for each in measured if isinstance(each, Estimate)), LEVEL)


def _sentences(one: Scored) -> str:
    found = one.grounding.sentences
    if not found:
        return ""
    rows = [
        (_coloured(sentence), f"{sentence.support:.2f}", escape(clip(sentence.source, LONGEST)), _novel(sentence))
        for sentence in found[:MOST_SENTENCES]
    ]
    more = "" if len(found) <= MOST_SENTENCES else f"<p>{len(found) - MOST_SENTENCES:,} more sentences.</p>"
    return (
        "<h3>Sentences of the answer and what supports them</h3>"
        + f'<div class="sentences">{table(("answer", "cosine", "most like it in the context", "novel"), rows)}</div>'
        + more
    )


def _coloured(sentence: GroundedSentence) -> str:
    style = next(name for least, name in STEPS if sentence.support >= least)
    return f'<span class="sentence {style}">{escape(clip(sentence.text, LONGEST))}</span>'


def _novel(sentence: GroundedSentence) -> str:
    novel = (*sentence.novel_numbers, *sentence.novel_names)
    return f'<span class="novel">{escape(one_line(", ".join(novel), 80))}</span>' if novel else "none"


def _topics(one: Scored) -> str:
    if one.topics is None or one.topics.k < 2:
        return ""
    labels, parts = one.topics.labels, one.embedded.parts
    present, sizes = np.unique(labels, return_counts=True)
    order = present[np.argsort(-sizes, kind="stable")][:MOST_TOPICS]
    rows = []
    for topic in order:
        cells = [escape(clip(_typical(one, labels == topic), 160))]
        for part in (QUESTION, CONTEXT, ANSWER):
            inside, whole = int(((labels == topic) & (parts == part)).sum()), int((parts == part).sum())
            cells.append(_bar(inside, whole))
        rows.append(tuple(cells))
    caption = "Share of the sentences of each text in each topic; a topic is shown by its most typical sentence."
    if len(present) > MOST_TOPICS:
        caption += f" {len(present) - MOST_TOPICS} smaller topics are not shown."
    return "<h3>Topics</h3>" + table(("topic", "question", "context", "answer"), rows, caption)


def _typical(one: Scored, members: np.ndarray) -> str:
    vectors = one.embedded.vectors[members]
    best = int((vectors @ vectors.mean(axis=0)).argmax())
    return one.embedded.sentences[int(np.flatnonzero(members)[best])]


def _bar(inside: int, whole: int) -> str:
    if not whole:
        return '<span class="none">no sentence</span>'
    share = inside / whole
    return f'<span class="bar" style="width:{70 * share:.0f}px"></span><span class="share">{inside} of {whole}</span>'
