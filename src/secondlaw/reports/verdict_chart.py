"""How many of each paper's claims hold: one bar a paper, divided by verdict."""

from collections.abc import Mapping
from typing import Any

import altair as alt

from secondlaw.reports.base_charts import chart_of, finished
from secondlaw.reports.look import COLORS

__all__ = ["verdict_chart"]

WIDE, BAR = 440, 34


def verdict_chart(counts: Mapping[str, Mapping[str, int]]) -> dict[str, Any]:
    """Return how many claims have which verdict.

    Parameters
    ----------
    counts : mapping of str to mapping of str to int
        By paper, by verdict, in the order in which verdicts are drawn; each verdict once a paper.

    Examples
    --------
    >>> verdict_chart({"arXiv:1": {"reproduced": 2, "refuted": 1}})["height"]
    34
    """
    names = list(dict.fromkeys(name for one in counts.values() for name in one))
    rows = []
    for paper, one in counts.items():
        start = 0
        for place, name in enumerate(names):
            number = one.get(name, 0)
            if number:
                rows.append({
                    "paper": paper, "verdict": name, "from": start, "to": start + number, "place": place,
                    "middle": start + number / 2.0, "said": str(number),
                })  # fmt: skip
            start += number
    base = chart_of(rows).encode(
        y=alt.Y("paper:N", sort=list(counts), axis=alt.Axis(title=None, ticks=False, domain=False, labelLimit=160))
    )
    bars = base.mark_bar(size=20).encode(
        x=alt.X("from:Q", axis=alt.Axis(title="claims", grid=False, tickMinStep=1, tickCount=6)),
        x2="to:Q",
        color=alt.Color(
            "verdict:N",
            scale=alt.Scale(domain=names, range=[COLORS[0], COLORS[6], COLORS[1]][: len(names)]),
            legend=alt.Legend(title=None, orient="bottom", symbolType="square"),
        ),
    )
    numbers = base.mark_text(color="white", fontWeight="bold", fontSize=12).encode(x="middle:Q", text="said:N")
    return finished([bars, numbers], WIDE, BAR * len(counts))
