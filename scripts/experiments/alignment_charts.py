"""Charts of the experiment on alignment work, as SVG."""

from pathlib import Path

import altair as alt
import numpy as np
from alignment_tables import DRAWN, SHOWN_PATHS, interval, mixture_entropy, of, sizes

from secondlaw.reports.base_charts import chart_of, configured
from secondlaw.reports.look import COLORS
from secondlaw.reports.svg import svg_of

GREY = "#777777"


def draw_all(data: dict, folder: Path) -> None:
    """Write every chart."""
    for name, draw, of_rows, title, description in CHARTS:
        if data.get(of_rows):
            drawn = configured(draw(data[of_rows]), padding=6)
            picture = svg_of(drawn, prefix=f"alignment-work-{name}", title=title, description=description)
            (folder / f"alignment-work-{name}.svg").write_text(picture + "\n", encoding="utf-8")


def logarithmic(field: str, title: str, domain: list[float], values: list[float]) -> alt.X:
    scale = alt.Scale(type="log", domain=domain, nice=False)
    return alt.X(f"{field}:Q", title=title, scale=scale, axis=alt.Axis(values=values, format="~g"))


def entropy_axis(field: str, top: float = 1.8) -> alt.Y:
    return alt.Y(f"{field}:Q", title="E[S(p)], nats", scale=alt.Scale(domain=[0, top]))


def colored(names: list[str], title: str) -> alt.Color:
    scale = alt.Scale(domain=names, range=list(COLORS[: len(names)]))
    return alt.Color("name:N", scale=scale, title=title, legend=alt.Legend(orient="right", symbolOpacity=1))


def sweep_chart(rows: list[dict]) -> alt.HConcatChart:
    """Draw S over gamma, in units of gamma_crit and as it is: a line or a dot for every network."""
    names = {size: f"N = {parameters:,}" for size, parameters in sizes(rows)}
    points = [
        {"name": names[row["size"]], "network": f"{row['size']} {row['seed']}", "mean": row["entropy"]}
        | {"work": row["work"], "gamma": row["gamma"]}
        for row in rows
        if row["work"] > 0.0
    ]
    base = chart_of(points).encode(y=entropy_axis("mean"), color=colored(list(names.values()), "network"))
    x = logarithmic("work", "gamma / gamma_crit", [0.008, 4], [0.01, 0.1, 1, 3])
    lines = base.mark_line(strokeWidth=1.3, opacity=0.8).encode(x=x, detail="network:N")
    one = logarithmic("x", "gamma / gamma_crit", [0.008, 4], [0.01, 0.1, 1, 3])
    mark = chart_of([{"x": 1.0}]).mark_rule(color=GREY, strokeDash=[4, 3]).encode(x=one)
    said = chart_of([{"x": 1.0, "y": 0.12, "text": "the paper: S = 0 from here on"}])
    words = said.mark_text(align="right", dx=-5, color=GREY, fontSize=11.5)
    words = words.encode(x=one, y=entropy_axis("y"), text="text:N")
    left = alt.layer(lines, mark, words).properties(width=285, height=270, title="In the paper's unit")
    grid = np.geomspace(0.1, 500, 200)
    curve = [{"gamma": float(g), "mean": float(s)} for g, s in zip(grid, mixture_entropy(grid), strict=True)]
    x = logarithmic("gamma", "gamma, coefficient of the alignment loss", [0.1, 500], [0.1, 1, 10, 100])
    expected = chart_of(curve).mark_line(color=GREY, strokeDash=[4, 3], strokeWidth=1.5)
    label = chart_of([{"gamma": 6.0, "mean": 1.2, "text": "S of (q + gamma p*) / (1 + gamma)"}])
    note = label.mark_text(align="left", color=GREY, fontSize=11.5).encode(x=x, y=entropy_axis("mean"), text="text:N")
    dots = base.mark_point(filled=True, size=20, opacity=0.8).encode(x=x)
    right = alt.layer(expected.encode(x=x, y=entropy_axis("mean")), dots, note)
    return alt.hconcat(left, right.properties(width=285, height=270, title="As it is"), spacing=24)


def path_chart(rows: list[dict]) -> alt.HConcatChart:
    """Draw S and lambda_max along training at one size."""
    size, works = DRAWN, SHOWN_PATHS
    names = [f"{work:g} gamma_crit" for work in works]
    points = []
    for work, name in zip(works, names, strict=True):
        own = of(rows, size=size, work=work)
        for place in range(len(own[0]["path"]["eigenvalue"])):
            row = {"name": name, "update": place * own[0]["path"]["every"]}
            for field in ("mean_entropy", "eigenvalue"):
                row[field], row[field + "_low"], row[field + "_high"] = interval(
                    [one["path"][field][place] for one in own]
                )
            points.append(row)

    def panel(field: str, title: str, top: float) -> alt.LayerChart:
        base = chart_of(points).encode(x=alt.X("update:Q", title="update"), color=colored(names, "alignment work"))

        def y(name: str) -> alt.Y:
            return alt.Y(f"{name}:Q", title=title, scale=alt.Scale(domain=[0, top]))

        band = base.mark_area(opacity=0.2).encode(y=y(field + "_low"), y2=f"{field}_high:Q")
        line = base.mark_line(strokeWidth=1.8).encode(y=y(field))
        return alt.layer(band, line).properties(width=285, height=230)

    top = 1.15 * max(row["eigenvalue_high"] for row in points)
    return alt.hconcat(panel("mean_entropy", "E[S(p)], nats", 1.8), panel("eigenvalue", "lambda_max", top), spacing=24)


def noise_chart(rows: list[dict]) -> alt.LayerChart:
    """Draw the growth of S by noise beside what is said of it; each case is a line of the chart."""
    kinds = {
        "early": "measured, 5 updates",
        "growth": "measured, 40 updates",
        "published": "(eta lambda_max / 2) Tr Sigma",
        "times_eta": "the same, times eta",
        "second_order": "(eta^2 / 2) Tr(H_S Sigma)",
    }
    points, order = [], []
    for one in rows:
        case = f"{one['size']}, batch {one['batch']}, eta {one['learning_rate']:.2g}"
        order.append(case)
        points += [
            {"case": case, "name": words, "mean": one[name][0], "low": one[name][1], "high": one[name][2]}
            for name, words in kinds.items()
        ]
    scale = alt.Scale(type="symlog", constant=1e-5, domain=[-2e-3, 0.2])
    values = [-1e-3, -1e-4, 0, 1e-4, 1e-3, 1e-2, 1e-1]

    def x(field: str) -> alt.X:
        axis = alt.Axis(values=values, format="~g")
        return alt.X(f"{field}:Q", title="growth of S by gradient noise, nats per update", scale=scale, axis=axis)

    base = chart_of(points).encode(
        y=alt.Y("case:N", sort=order, title=None, axis=alt.Axis(labelLimit=260, grid=True)),
        yOffset=alt.YOffset("name:N", sort=list(kinds.values())),
        color=colored(list(kinds.values()), "growth of S"),
    )
    rule = base.mark_rule(strokeWidth=2).encode(x=x("low"), x2="high:Q")
    dot = base.mark_point(filled=True, size=34, opacity=1).encode(x=x("mean"))
    return alt.layer(rule, dot).properties(width=420, height=44 * len(rows))


def law_chart(rows: list[dict]) -> alt.HConcatChart:
    """Draw S and gamma by update under the laws, one line a seed."""
    names = list(dict.fromkeys(row["law"] for row in rows))
    points = [
        {
            "name": row["law"],
            "seed": f"{row['law']} {row['seed']}",
            "update": place * row["path"]["every"],
            "entropy": entropy,
            "gamma": gamma,
        }
        for row in rows
        for place, (entropy, gamma) in enumerate(zip(row["path"]["mean_entropy"], row["path"]["gamma"], strict=True))
    ]

    def panel(field: str, title: str, top: float) -> alt.Chart:
        base = chart_of(points).mark_line(strokeWidth=1.3, opacity=0.85)
        return base.encode(
            x=alt.X("update:Q", title="update"),
            y=alt.Y(f"{field}:Q", title=title, scale=alt.Scale(domain=[0, top])),
            color=colored(names, "law"),
            detail="seed:N",
        ).properties(width=285, height=230)

    goal = chart_of([{"y": 0.8}]).mark_rule(color=GREY, strokeDash=[4, 3]).encode(y="y:Q")
    top = 1.05 * max(row["gamma"] for row in points)
    return alt.hconcat(
        alt.layer(panel("entropy", "E[S(p)], nats", 1.8), goal), panel("gamma", "gamma", top), spacing=24
    )


CHARTS = (
    (
        "sweep", sweep_chart, "sweep", "Entropy over goals by alignment work",
        "Left, against gamma over gamma_crit, four sizes lie apart; right, against gamma, they lie on one curve.",
    ),
    (
        "paths", path_chart, "sweep", "Entropy and curvature along training",
        "Entropy over goals and the largest Fisher eigenvalue by update, four strengths of alignment work.",
    ),
    (
        "noise", noise_chart, "noise", "The exploration term",
        "Measured growth of entropy by gradient noise beside the published term and the second-order one.",
    ),
    (
        "laws", law_chart, "laws", "Two laws of alignment work",
        "Entropy and gamma by update under the proportional-integral and the minimal-work law.",
    ),
)  # fmt: skip
"""Name, chart, rows, title and description of every picture."""
