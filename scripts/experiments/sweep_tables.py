"""Tables of the sweep over alignment work: networks, entropies, the test of a transition, scaling, curvature."""

import numpy as np
from alignment_tables import exponent, half_way, mixture_entropy, of, shown, sizes, table, verdicts


def networks(data) -> str:
    rows = []
    for size, parameters in sizes(data["sweep"]):
        first = of(data["sweep"], size=size, work=0.0)
        critical = [row["critical_work"] for row in first]
        rows.append(
            [
                size,
                f"{parameters:,}",
                shown([row["first_eigenvalue"] for row in first], 2),
                shown(critical, 1),
                f"{np.mean([row['learning_rate'] for row in first]):.2g}",
            ]
        )
    return table(["width x layers", "N", "lambda_max before", "gamma_crit", "eta"], rows)


def entropies(data) -> str:
    named = sizes(data["sweep"])
    rows = []
    for work in sorted({row["work"] for row in data["sweep"]}):
        cells = [f"{work:g}"]
        for size, _ in named:
            own = of(data["sweep"], size=size, work=work)
            expected = float(np.mean(mixture_entropy([row["gamma"] for row in own])))
            cells.append(f"{shown([row['entropy'] for row in own])}; {expected:.3f}")
        rows.append(cells)
    return table(["gamma / gamma_crit", *(f"{size}, N = {parameters:,}" for size, parameters in named)], rows)


def transition(data) -> str:
    rows = []
    for one in verdicts(data["sweep"]):
        verdict = one["verdict"]
        growth = verdict.growth
        rows.append(
            [
                one["over"],
                one["order"],
                f"**{verdict.kind}**",
                f"{growth.value:.2f} [{growth.low:.2f}, {growth.high:.2f}]",
                verdict.reason,
            ]
        )
    return table(["control", "order parameter", "verdict", "growth of the steepest slope, (ln N)^b", "reason"], rows)


def scaling(data) -> str:
    found = half_way(data["sweep"])
    rows = []
    for size, parameters in sizes(data["sweep"]):
        own = of(found, size=size)
        columns = [[one["at"] for one in own], [one["mixture"] for one in own]]
        columns += [[one["at"] / one["mixture"] for one in own], [one["at"] / one["critical"] for one in own]]
        rows.append([size, f"{parameters:,}", *map(shown, columns)])
    head = [
        "network",
        "N",
        "gamma at half-way",
        "mixture, interpolated alike",
        "ratio",
        "gamma at half-way / gamma_crit",
    ]
    slopes = []
    for name, words in (("critical", "gamma_crit = (lambda_max / 2) ln N"), ("parameters", "N")):
        value, low, high = exponent(found, name, np.random.default_rng(1))
        slopes.append(f"- {value:.3f} [{low:.3f}, {high:.3f}] against {words}")
    said = "\n".join(
        ["Exponent of gamma at half-way over all networks (the paper says 1 against gamma_crit):", "", *slopes]
    )
    return f"{table(head, rows)}\n\n{said}"


def curvature(data) -> str:
    rows = []
    for work in (0.0, 0.03, 0.1, 0.5, 1.0, 3.0):
        ratios = [
            [row["last_eigenvalue"] / row["first_eigenvalue"] for row in of(data["sweep"], size=size, work=work)]
            for size, _ in sizes(data["sweep"])
        ]
        rows.append([f"{work:g}", *(shown(one, 2) for one in ratios)])
    return table(["gamma / gamma_crit", *(size for size, _ in sizes(data["sweep"]))], rows)
