"""Examples of responses by category: clipped, tamed, escaped, closed until the reader opens them."""

from html import escape

from secondlaw.behavior.taxonomy import OUTSIDE
from secondlaw.drift.results import Example, Measurement
from secondlaw.reports.words import clip, one_line

__all__ = ["example_section"]

MOST_CHARACTERS = 400
MOST_EACH = 8
MOST_CATEGORIES = 20


def example_section(measurement: Measurement, *, shown: bool = True) -> str:
    """Return the examples, or a sentence that says they are left out."""
    if not measurement.examples:
        return ""
    if not shown:
        return "<section><h2>Examples</h2><p>Texts of prompts and responses are left out of this report.</p></section>"
    taxonomy = measurement.taxonomy
    names = {category.key: (category.name, category.misaligned) for category in taxonomy.categories}
    names[OUTSIDE] = ("in no category of the taxonomy", False)
    parts = []
    for key in [key for key in names if any(e.category == key for e in measurement.examples)][:MOST_CATEGORIES]:
        found = [example for example in measurement.examples if example.category == key]
        name, misaligned = names[key]
        mark = ", misaligned" if misaligned and "misaligned" not in name else ""
        summary = f"{escape(one_line(key))} – {escape(one_line(name))}{mark} ({min(len(found), MOST_EACH)})"
        quotes = "".join(_quote(example) for example in found[:MOST_EACH])
        parts.append(f"<details><summary>{summary}</summary>{quotes}</details>")
    warning = (
        "Content warning: real prompts and responses, which can be offensive or harmful. They are examples as "
        "labelled, not a sample to count, and a label can be wrong."
    )
    return f'<section><h2>Examples</h2><p class="lead">{warning}</p>{"".join(parts)}</section>'


def _quote(example: Example) -> str:
    who = f"{one_line(example.model)}, step {example.step}"
    return (
        f'<blockquote><p class="who">{escape(who)}</p>'
        f'<p dir="auto"><b>Prompt:</b> {escape(clip(example.prompt, MOST_CHARACTERS))}</p>'
        f'<p dir="auto"><b>Response:</b> {escape(clip(example.response, MOST_CHARACTERS))}</p></blockquote>'
    )
