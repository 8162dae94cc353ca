"""What the runs say: condensed values, and the numbers with intervals that the page shows."""

import json
from collections import defaultdict
from pathlib import Path

import numpy as np
from goal_task import INTENDED, PROXY
from scipy.stats import t as student

from secondlaw.alignment import Sweep, phase_transition_test, shannon
from secondlaw.alignment.phase import FEWEST_TRIALS
from secondlaw.formats import journal_rows, replace_file

DATA = Path(__file__).parents[2] / "docs" / "experiments" / "alignment-work.json"
SHOWN_PATHS = (0.0, 0.03, 0.1, 1.0)
SERIES = {"moving": ("mean_entropy",), "laws": ("mean_entropy", "gamma"), "sweep": ("mean_entropy", "eigenvalue")}
DRAWN = "16x1"  # the size whose paths along training are kept


def condense(runs: Path) -> None:
    """Write what the page needs of the runs, a few tens of kilobytes."""
    kept = defaultdict(list)
    for row in journal_rows(runs):
        if "run" not in row:
            kept["noise"].append({key: value for key, value in row.items() if key not in ("name", "seconds")})
            continue
        run = row["run"]
        short = {
            **{name: run[name] for name in ("size", "seed", "work")},
            **{name: row[name] for name in ("parameters", "diverged", "clipped")},
            **{name: float(f"{row[name]:.5g}") for name in ("critical_work", "first_eigenvalue", "learning_rate")},
            "entropy": row["mean_entropy"][-1],
            "pooled": row["entropy_of_mean"][-1],
            "intended_share": row["shares"][0],
            "kl_intended": row["kl_intended"][-1],
            "last_eigenvalue": row["eigenvalue"][-1],
            "gamma": row["gamma"][-1],
        }
        if run["part"] != "sweep":
            short |= {name: run[name] for name in ("law", "believed", "reading", "optimizer", "every")}
        drawn = run["part"] != "sweep" or (run["size"] == DRAWN and run["work"] in SHOWN_PATHS)
        if run["part"] in SERIES and drawn:
            short["path"] = {name: row[name] for name in SERIES[run["part"]]} | {"every": run["every"]}
        kept[run["part"]].append(short)
    text = json.dumps(kept, separators=(",", ":")).replace("},{", "},\n{")
    replace_file(DATA, lambda part: part.write_text(text + "\n", encoding="utf-8"))


def kept() -> dict:
    """Return the condensed values."""
    return json.loads(DATA.read_text(encoding="utf-8"))


def interval(values) -> tuple[float, float, float]:
    """Return the mean over seeds and its 95 % interval by Student's t; seeds are what is independent."""
    x = np.asarray(values, dtype=float)
    if len(x) < 2:
        return float(x.mean()), float("nan"), float("nan")
    half = student.ppf(0.975, len(x) - 1) * x.std(ddof=1) / np.sqrt(len(x))
    return float(x.mean()), float(x.mean() - half), float(x.mean() + half)


def shown(values, digits: int = 3) -> str:
    """Return "0.640 [0.637, 0.643]"."""
    mean, low, high = interval(values)
    if np.isnan(low):
        return f"{mean:.{digits}f} (one run)"
    return f"{mean:.{digits}f} [{low:.{digits}f}, {high:.{digits}f}]"


def table(head: list[str], rows: list[list[str]]) -> str:
    """Return a table in Markdown."""
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join(lines + ["| " + " | ".join(cells) + " |" for cells in rows])


def mixture_entropy(gamma):
    """Return S of (q + gamma p*) / (1 + gamma), where the two pulls balance; no network enters."""
    g = np.asarray(gamma, dtype=float)[..., None]
    return shannon((np.array(PROXY) + g * np.array(INTENDED)) / (1.0 + g))


def sizes(rows) -> list[tuple[str, int]]:
    """Return the names of sizes with their numbers of parameters, smallest first."""
    return sorted({(row["size"], row["parameters"]) for row in rows}, key=lambda pair: pair[1])


def of(rows, **wanted) -> list[dict]:
    """Return the rows with these values."""
    return [row for row in rows if all(row.get(name) == value for name, value in wanted.items())]


def verdicts(rows) -> list[dict]:
    """Return what the test of a phase transition says of the intended share and of S, near gamma_crit and over all."""
    found = []
    for over, lowest in (("0.3 to 3 gamma_crit", 0.3), ("0.01 to 3 gamma_crit", 0.01)):
        control = sorted({row["work"] for row in rows if row["work"] >= lowest})
        for name, order in (
            ("share of the intended goal", lambda row: row["intended_share"]),
            ("S", lambda row: row["entropy"]),
        ):
            sweeps = []
            for size, parameters in sizes(rows):
                seeds = sorted({row["seed"] for row in of(rows, size=size)})
                if len(seeds) < FEWEST_TRIALS:
                    continue
                values = [[order(of(rows, size=size, work=work, seed=seed)[0]) for seed in seeds] for work in control]
                sweeps.append(Sweep(parameters, control, np.array(values)))
            verdict = phase_transition_test(sweeps, rng=np.random.default_rng(0))
            found.append({"over": over, "order": name, "verdict": verdict})
    return found


def half_way(rows) -> list[dict]:
    """Return, by network, the coefficient at which S is half-way between the proxy's entropy and the intended one."""
    level = float(shannon(np.array([PROXY, INTENDED])).mean())
    found = []
    for size, parameters in sizes(rows):
        for seed in sorted({row["seed"] for row in of(rows, size=size)}):
            own = sorted(of(rows, size=size, seed=seed), key=lambda row: row["work"])
            gammas = np.array([row["gamma"] for row in own])
            found.append(
                {
                    "size": size,
                    "parameters": parameters,
                    "seed": seed,
                    "critical": own[0]["critical_work"],
                    "at": _crossing(gammas, np.array([row["entropy"] for row in own]), level),
                    "mixture": _crossing(gammas, mixture_entropy(gammas), level),
                }
            )
    return found


def _crossing(gammas, entropies, level: float) -> float:
    """Return where S passes a level for the last time (it is not monotone), linearly in ln gamma."""
    last = int(np.flatnonzero(entropies > level)[-1])
    weight = (entropies[last] - level) / (entropies[last] - entropies[last + 1])
    return float(np.exp(np.log(gammas[last]) + weight * np.log(gammas[last + 1] / gammas[last])))


def exponent(found, against: str, rng: np.random.Generator) -> tuple[float, float, float]:
    """Return the slope of ln(half-way coefficient) on the logarithm of what it should follow; bootstrap of seeds."""
    seeds = sorted({one["seed"] for one in found})

    def slope(chosen) -> float:
        x, y = (np.log([one[name] for seed in chosen for one in of(found, seed=seed)]) for name in (against, "at"))
        return float(np.polyfit(x, y, 1)[0])

    drawn = [slope(rng.choice(seeds, len(seeds))) for _ in range(999)]
    spread = np.quantile(drawn, [0.025, 0.975]) - np.mean(drawn)
    value = slope(seeds)
    widened = spread * np.sqrt(len(seeds) / (len(seeds) - 1)) * student.ppf(0.975, len(seeds) - 1) / 1.96
    return value, value + float(widened[0]), value + float(widened[1])


def mixture_half_way() -> float:
    """Return the coefficient at which the mixture of both pulls is half-way."""
    from scipy.optimize import brentq

    level = float(shannon(np.array([PROXY, INTENDED])).mean())
    return float(brentq(lambda gamma: float(mixture_entropy(gamma)) - level, 0.5, 50.0))
