"""Agreement of predicted categories with people, with intervals by prompt."""

import numpy as np

KEYS = ("g1", "g2", "g3", "g4", "g5")
REPLICATES = 300
BINS = 15


def kappa(confusion: np.ndarray) -> np.ndarray:
    n = confusion.sum((-2, -1))
    agreed = np.trace(confusion, axis1=-2, axis2=-1) / n
    chance = (confusion.sum(-1) * confusion.sum(-2)).sum(-1) / n**2
    return (agreed - chance) / np.maximum(1 - chance, 1e-12)


def measure(truth: np.ndarray, probs: np.ndarray, groups: np.ndarray, *, rng: np.random.Generator) -> dict:
    """Accuracy, kappa, macro-F1, recall per category and calibration error; 95 % intervals by resampling prompts."""
    predicted = probs.argmax(1)
    names, group = np.unique(groups, return_inverse=True)
    per_group = np.zeros((len(names), 5, 5))
    np.add.at(per_group, (group, truth, predicted), 1)
    weights = rng.multinomial(len(names), np.full(len(names), 1 / len(names)), size=REPLICATES)
    drawn = np.einsum("rg,gij->rij", weights, per_group)
    whole = per_group.sum(0)

    def scores(c: np.ndarray) -> dict[str, np.ndarray]:
        hits, rows, cols = np.diagonal(c, axis1=-2, axis2=-1), c.sum(-1), c.sum(-2)
        f1 = 2 * hits / np.maximum(rows + cols, 1e-12)
        seen = whole.sum(1) > 0
        out = {"accuracy": hits.sum(-1) / c.sum((-2, -1)), "kappa": kappa(c), "macro_f1": f1[..., seen].mean(-1)}
        for k in np.flatnonzero(seen):
            out[f"recall_{KEYS[k]}"] = hits[..., k] / np.maximum(rows[..., k], 1)
        return out

    point, spread = scores(whole), scores(drawn)
    result = {k: [float(v), *map(float, np.percentile(spread[k], [2.5, 97.5]))] for k, v in point.items()}
    result["ece"] = {
        KEYS[k]: round(calibration_error(probs[:, k], truth == k), 3) for k in range(5) if whole.sum(1)[k] > 0
    }
    return {"n": len(truth), "prompts": len(names), **result}


def calibration_error(p: np.ndarray, hit: np.ndarray) -> float:
    """Mean distance of predicted and observed frequency over 15 bins of equal mass."""
    parts = np.array_split(np.argsort(p, kind="stable"), BINS)
    return float(sum(len(i) * abs(p[i].mean() - hit[i].mean()) for i in parts if len(i)) / len(p))


def line(name: str, m: dict) -> str:
    def show(key: str) -> str:
        return "{:.3f} [{:.3f}, {:.3f}]".format(*m[key])

    recalls = " ".join(f"{k[-2:]} {m[k][0]:.2f}" for k in m if k.startswith("recall"))
    return (
        f"| {name} | {m['n']} / {m['prompts']} | {show('accuracy')} | {show('kappa')} | {show('macro_f1')} | {recalls} "
        f"| {max(m['ece'].values()):.3f} |"
    )
