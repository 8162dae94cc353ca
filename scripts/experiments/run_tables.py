"""Tables of the other runs: noise, a moving proxy, a wrong curvature, optimisers, laws, readings, a language model."""

import json
from pathlib import Path

import numpy as np
from alignment_tables import mixture_entropy, of, shown, table
from goal_task import INTENDED, PROXY

from secondlaw.alignment import shannon

GEMMA = Path(__file__).parents[2] / "docs" / "experiments" / "gemma-alignment.json"


def noise(data) -> str:
    def said(values) -> str:
        return f"{values[0]:.2g} [{values[1]:.2g}, {values[2]:.2g}]"

    named = ("trace", "early", "growth", "published", "times_eta", "second_order", "spread")
    rows = [
        [one["size"], str(one["batch"]), f"{one['learning_rate']:.2g}", *(said(one[name]) for name in named)]
        for one in data.get("noise", [])
    ]
    head = ["network", "batch", "eta", "Tr Sigma", "growth of E[S(p)], 5 updates", "the same, 40 updates"]
    head += ["(eta lambda_max / 2) Tr Sigma", "times eta", "(eta^2 / 2) Tr(H_S Sigma)", "S(E[p]) - E[S(p)], nats"]
    return table(head, rows)


def moving(data) -> str:
    intended, proxy = np.array(INTENDED), np.array(PROXY)
    rows = []
    for work in sorted({row["work"] for row in data["moving"]}):
        own = of(data["moving"], work=work)
        eta = float(np.mean([row["learning_rate"] for row in own]))
        steps = np.arange(len(own[0]["path"]["mean_entropy"])) * own[0]["path"]["every"]
        shares = intended + (proxy - intended) * (steps / steps[-1])[:, None]
        gap = (shares * np.log(shares / intended)).sum(axis=1)
        expected = mixture_entropy_of(shares, [row["gamma"] for row in own])
        said = eta * float(((gap[1:] + gap[:-1]) / 2 * np.diff(steps)).sum())
        rows.append(
            [
                f"{work:g}",
                shown([row["entropy"] for row in own]),
                f"{expected[-1]:.3f}",
                shown([row["entropy"] - row["path"]["mean_entropy"][0] for row in own]),
                f"{said:.2f}",
            ]
        )
    head = ["gamma / gamma_crit", "S at the end", "mixture of both pulls", "grown by", "sum of eta D_KL, without work"]
    return table(head, rows)


def mixture_entropy_of(shares, gammas):
    mixed = [(shares + gamma * np.array(INTENDED)) / (1.0 + gamma) for gamma in gammas]
    return np.mean([shannon(one) for one in mixed], axis=0)


def believed(data) -> str:
    rows = []
    for part, words in (
        ("underestimated", "1.5 gamma_crit of the believed value"),
        ("unstable", "9 gamma_crit of the true value"),
    ):
        for share in sorted({row["believed"] for row in data[part]}, reverse=True):
            own = of(data[part], believed=share)
            true_ratio = [row["last_eigenvalue"] / share / row["first_eigenvalue"] for row in own]
            rows.append(
                [
                    words,
                    f"{share:g}",
                    shown([row["entropy"] for row in own]),
                    shown([row["kl_intended"] for row in own], 4),
                    shown(true_ratio, 2),
                    f"{np.mean([row['clipped'] for row in own]):.0f}",
                ]
            )
    return table(
        [
            "gamma",
            "believed / true lambda_max",
            "S at the end",
            "D(intended, p)",
            "true lambda_max, end / start",
            "updates bounded",
        ],
        rows,
    )


def optimizers(data) -> str:
    rows = []
    for name in dict.fromkeys(row["optimizer"] for row in data["optimizers"]):
        cells = [name]
        for work in (0.0, 0.1, 1.0):
            own = of(data["optimizers"], optimizer=name, work=work)
            cells.append(shown([row["entropy"] - float(mixture_entropy(row["gamma"])) for row in own]) if own else "")
        rows.append(cells)
    return table(["S less that of the mixture", "gamma = 0", "0.1 gamma_crit", "1 gamma_crit"], rows)


def laws(data) -> str:
    rows = []
    for law in dict.fromkeys(row["law"] for row in data["laws"]):
        own = of(data["laws"], law=law)
        late = [np.mean(row["path"]["mean_entropy"][-16:]) for row in own]
        spread = [np.std(row["path"]["mean_entropy"][-16:]) for row in own]
        gammas = [np.mean(row["path"]["gamma"][-16:]) for row in own]
        rows.append(
            [
                law,
                shown(late),
                f"{np.mean(spread):.3f}",
                shown(gammas, 2),
                shown([np.mean(row["path"]["gamma"][-16:]) / row["critical_work"] for row in own], 3),
            ]
        )
    return table(["law", "S, last 400 updates", "its spread in time", "gamma", "gamma / gamma_crit"], rows)


def readings(data) -> str:
    rows = []
    for reading in ("per flow time", "per update"):
        for work in sorted({row["work"] for row in of(data["readings"], reading=reading)}):
            own = of(data["readings"], reading=reading, work=work)
            rows.append(
                [
                    f"nats {reading}",
                    f"{work:g}",
                    shown([row["entropy"] for row in own]),
                    f"{np.mean([row['clipped'] for row in own]):.0f} of 241",
                ]
            )
    return table(["gamma read as", "gamma / gamma_crit", "S at the end", "updates bounded"], rows)


def gemma(_) -> str:
    if not GEMMA.exists():
        return "Not measured."
    found = json.loads(GEMMA.read_text(encoding="utf-8"))
    rows = []
    for gamma in sorted({one["gamma"] for one in found["runs"]}):
        own = [one for one in found["runs"] if one["gamma"] == gamma]
        after = [shown([one[name][-1] for one in own]) for name in ("kl_intended", "kl_proxy")]
        cells = [f"{gamma:g}", str(len(own)), shown([one["mean_entropy"][0][0] for one in own])]
        cells += [shown([one["mean_entropy"][-1][0] for one in own]), f"{found['model']['balance'][f'{gamma:g}']:.3f}"]
        cells += [*after, shown([one["largest_eigenvalue"][-1] for one in own], 0)]
        rows.append([*cells, f"{np.median([one['seconds_per_step'] for one in own]):.2g}"])
    head = ["gamma", "seeds", "S before", "S after", "balance of both pulls", "D(intended, p)", "D(proxy, p)"]
    return table([*head, "lambda_max after", "seconds an update"], rows)
