"""The tables of docs/experiments/alignment-work.md, between the marks ``<!-- name -->`` and ``<!-- /name -->``."""

import re
from pathlib import Path

from alignment_charts import draw_all
from alignment_tables import kept
from run_tables import believed, gemma, laws, moving, noise, optimizers, readings
from sweep_tables import curvature, entropies, networks, scaling, transition

PAGE = Path(__file__).parents[2] / "docs" / "experiments" / "alignment-work.md"

TABLES = (
    networks,
    entropies,
    transition,
    scaling,
    curvature,
    noise,
    moving,
    believed,
    optimizers,
    laws,
    readings,
    gemma,
)


def write_page() -> None:
    """Write charts and tables from the condensed values."""
    data = kept()
    text = PAGE.read_text(encoding="utf-8")
    for make in TABLES:
        name = make.__name__
        block = f"<!-- {name} -->\n{make(data)}\n<!-- /{name} -->"
        text, count = re.subn(
            rf"<!-- {name} -->.*?<!-- /{name} -->", lambda _, block=block: block, text, flags=re.DOTALL
        )
        if count != 1:
            raise SystemExit(f"{PAGE} needs the marks <!-- {name} --> and <!-- /{name} --> once")
    PAGE.write_text(text, encoding="utf-8")
    draw_all(data, PAGE.parent)
