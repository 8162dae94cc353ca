"""Measure the corrections of classifier error on responses labelled by people, and print tables (some minutes).

    python scripts/calibrate_corrections.py [--cache FILE.npz] [--adapters FOLDER]
                                             [--predictions FILE.parquet] [--runs 100]

The labels are predicted out of fold: by heads that never saw the source. Needs what `train_classifier` needs, and some
minutes more for adapters that are not kept; without the labelled responses (SECONDLAW_DATA) it simulates, says so and
ends. Every number comes from `secondlaw.drift.measure_cell`, as a user gets it.
"""

import argparse
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from secondlaw.behavior.classifiers.protocol import compose
from secondlaw.behavior.taxonomy import FIVE, INTENTS
from secondlaw.drift import CellRows, ClassifierError, Design, measure_cell
from secondlaw.statistics.calibration import CalibrationSample
from secondlaw.statistics.labelling_design import draw_labelling, labelling_probabilities

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "statistics"))
from simulated_responses import responses, scores

K = len(FIVE.keys)
MISALIGNED = np.array(FIVE.misaligned)
REACHABLE = np.array([FIVE.reachable(intent) for intent in INTENTS])
LABELS, LEAST, RESAMPLES = 100, 200, 300


@dataclass(frozen=True)
class Judged:
    """Responses with people's category, the machine's probabilities and what is known of its error."""

    name: str
    groups: np.ndarray
    truth: np.ndarray
    strata: np.ndarray
    probabilities: np.ndarray
    error: ClassifierError

    def __len__(self) -> int:
        return len(self.truth)

    def take(self, rows: np.ndarray, groups: np.ndarray | None = None) -> "Judged":
        own = np.unique(self.groups[rows], return_inverse=True)[1] if groups is None else groups
        return replace(
            self, groups=own, truth=self.truth[rows], strata=self.strata[rows], probabilities=self.probabilities[rows]
        )

    def rows(self, human: np.ndarray | None = None, inclusion: np.ndarray | None = None) -> CellRows:
        seen = np.full(len(self), -1) if human is None else human
        label = self.probabilities.argmax(axis=1)
        return CellRows(self.groups, label, seen, self.strata, self.probabilities, inclusion)

    @property
    def shares(self) -> np.ndarray:
        return np.bincount(self.truth, minlength=K) / len(self)


def entropy(shares: np.ndarray) -> float:
    p = shares[shares > 0]
    return float(-(p * np.log(p)).sum())


def measured(judged: Judged, rows: CellRows, seed: int, error: ClassifierError | None = None):
    error = judged.error if error is None else error
    keys = np.arange(judged.groups.max() + 1, dtype=np.uint64)
    rng = np.random.default_rng([seed, 1])
    design = Design.draw(keys, resamples=RESAMPLES, rng=rng, calibration=error.calibration)
    return measure_cell(rows, design, misaligned=MISALIGNED, error=error, reachable=REACHABLE)


def interval(replicates: np.ndarray) -> np.ndarray:
    return np.quantile(replicates, [0.025, 0.975], axis=0)


def inside(replicates: np.ndarray, truth: np.ndarray | float) -> np.ndarray:
    low, high = interval(replicates)
    return (low - 1e-9 <= truth) & (truth <= high + 1e-9)


def labelled(judged: Judged, rng: np.random.Generator, *, floor: float | None = None, labels: int = LABELS) -> CellRows:
    """Let people label some responses: at random, or by the classifier's doubt."""
    human, inclusion = np.full(len(judged), -1), None
    chosen = rng.permutation(len(judged))[:labels]
    if floor is not None:
        inclusion = labelling_probabilities(judged.probabilities, budget=labels, floor=floor)
        chosen = draw_labelling(inclusion, rng=rng)
    human[chosen] = judged.truth[chosen]
    return judged.rows(human, inclusion)


def by_default(cells: list[Judged]) -> None:
    """Show what a user gets without a label of his own: EM on the probabilities."""
    print("| cell | n | S by people | machine as it is | EM [95 %] | error | holds S | shares held | misfit noted |")
    print("|---|---|---|---|---|---|---|---|---|")
    errors, raw, held, shares_held, flagged = [], [], [], [], []
    for cell in cells:
        truth, found = entropy(cell.shares), measured(cell, cell.rows(), 0)
        value, (low, high) = float(found.pooled.point), interval(found.pooled.replicates)
        machine = entropy(np.bincount(cell.probabilities.argmax(axis=1), minlength=K) / len(cell))
        holds, of_shares = bool(inside(found.pooled.replicates, truth)), inside(found.shares.replicates, cell.shares)
        doubted = any("calibration data" in note for note in found.notes)
        print(
            f"| {cell.name} | {len(cell)} | {truth:.3f} | {machine:.3f} | {value:.3f} [{low:.2f}, {high:.2f}] "
            f"| {value - truth:+.3f} | {'yes' if holds else 'no'} | {of_shares.sum()} | {'yes' if doubted else 'no'} |",
            flush=True,
        )
        errors.append(abs(value - truth))
        raw.append(abs(machine - truth))
        held.append(holds)
        shares_held.append(of_shares.mean())
        flagged.append(doubted)
    for name, found in (("machine as it is", raw), ("EM", errors)):
        print(f"\n{name}: median error {np.median(found):.3f}, within .05 {np.mean(np.array(found) <= 0.05):.2f}, "
              f"within .1 {np.mean(np.array(found) <= 0.1):.2f}", end="")  # fmt: skip
    print(
        f"; intervals hold S in {np.mean(held):.2f}, a share in {np.mean(shares_held):.2f} of the cells\n", flush=True
    )


def with_labels(cells: list[Judged], runs: int, floor: float | None) -> None:
    """Show what a user gets who lets people read 100 responses of the cell."""
    print("| cell | median error of S | 90 % | of the labels alone, median | within .1 | covers S | width |")
    print("|---|---|---|---|---|---|---|")
    everything, alone, covers = [], [], []
    for cell in cells:
        truth, errors, plain, hits, width = entropy(cell.shares), [], [], [], 0.0
        for seed in range(runs):
            rows = labelled(cell, np.random.default_rng([seed, 2]), floor=floor)
            found = measured(cell, rows, seed)
            errors.append(abs(float(found.pooled.point) - truth))
            plain.append(abs(entropy(np.bincount(rows.human[rows.human >= 0], minlength=K) / LABELS) - truth))
            hits.append(bool(inside(found.pooled.replicates, truth)))
            width += float(np.diff(interval(found.pooled.replicates))[0]) / runs
        near = np.mean(np.array(errors) <= 0.1)
        print(f"| {cell.name} | {np.median(errors):.3f} | {np.quantile(errors, 0.9):.3f} | {np.median(plain):.3f} "
              f"| {near:.2f} | {np.mean(hits):.2f} | {width:.2f} |", flush=True)  # fmt: skip
        everything += errors
        alone += plain
        covers += hits
    print(f"\nall: median error {np.median(everything):.3f}, within .05 {np.mean(np.array(everything) <= 0.05):.2f}, "
          f"within .1 {np.mean(np.array(everything) <= 0.1):.2f}; labels alone {np.median(alone):.3f}; "
          f"covers S {np.mean(covers):.2f}\n", flush=True)  # fmt: skip


def resampled(cell: Judged, how: str, rng: np.random.Generator) -> Judged:
    """Draw a cell: the responses as they are, prompts with replacement, or 2,000 responses."""
    if how == "as it is":
        return cell
    if how == "2,000 rows":
        rows = rng.integers(0, len(cell), 2000)
        return cell.take(rows, np.arange(2000))
    order = np.argsort(cell.groups, kind="stable")
    by_group = np.split(order, np.flatnonzero(np.diff(cell.groups[order])) + 1)
    drawn = [by_group[k] for k in rng.integers(0, len(by_group), len(by_group))]
    return cell.take(np.concatenate(drawn), np.repeat(np.arange(len(drawn)), [len(one) for one in drawn]))


def coverage(sources: list[Judged], runs: int) -> None:
    """Show how often 95 % intervals from 100 random labels hold the truth of the responses drawn from."""
    print("| source, models pooled | cell | S | RMSE of S | width | misaligned share | each share g1 .. g5 |")
    print("|---|---|---|---|---|---|---|")
    for source in sources:
        truth, shares = entropy(source.shares), source.shares
        for how in ("as it is", "prompts resampled", "2,000 rows"):
            hits, errors, width = [], [], 0.0
            for seed in range(runs):
                rng = np.random.default_rng([seed, 3])
                cell = resampled(source, how, rng)
                found = measured(cell, labelled(cell, rng), seed)
                errors.append(float(found.pooled.point) - truth)
                width += float(np.diff(interval(found.pooled.replicates))[0]) / runs
                m = inside(found.misaligned.replicates, shares[MISALIGNED].sum())
                hits.append(
                    [bool(inside(found.pooled.replicates, truth)), bool(m), *inside(found.shares.replicates, shares)]
                )
            rate = np.mean(hits, axis=0)
            rmse, each = np.sqrt(np.mean(np.square(errors))), " ".join(f"{r:.2f}" for r in rate[2:])
            print(
                f"| {source.name} | {how} | {rate[0]:.3f} | {rmse:.3f} | {width:.2f} | {rate[1]:.3f} | {each} |",
                flush=True,
            )


def active(sources: list[Judged], runs: int) -> None:
    """Show what choosing by the classifier's doubt gains over choosing at random."""
    floors = (None, 0.7, 0.5, 0.3, 0.1)
    print("| source | " + " | ".join("at random" if f is None else f"floor {f:g}" for f in floors) + " |")
    print("|" + "---|" * (len(floors) + 1))
    for source in sources:
        shown = []
        for floor in floors:
            errors, moved, hits = [], [], []
            for seed in range(runs):
                rng = np.random.default_rng([seed, 4])
                cell = resampled(source, "2,000 rows", rng)
                found = measured(cell, labelled(cell, rng, floor=floor), seed)
                errors.append(float(found.pooled.point) - entropy(source.shares))
                moved.append(np.square(found.shares.point - source.shares).sum())
                hits.append(bool(inside(found.pooled.replicates, entropy(source.shares))))
            shown.append(
                f"{np.sqrt(np.mean(np.square(errors))):.3f} / {np.sqrt(np.mean(moved)):.3f} / {np.mean(hits):.2f}"
            )
        print(f"| {source.name} | {' | '.join(shown)} |", flush=True)


def simulated(runs: int) -> None:
    """Show how EM covers where its assumption holds: few prompts, rare categories, a classifier that errs."""
    print("| shares | prompts x responses | accuracy about | each share g1 .. g5 | S | bias of S, as it is |")
    print("|---|---|---|---|---|---|")
    every = {"rare": [0.9, 0.04, 0.03, 0.02, 0.01], "mixed": [0.6, 0.25, 0.1, 0.05, 0.0], "two": [0.5, 0.5, 0, 0, 0],
             "spread": [0.35, 0.25, 0.2, 0.15, 0.05]}  # fmt: skip
    error = ClassifierError(priors=np.full((3, K), 1.0 / K))
    for name, shares in every.items():
        truth = np.array(shares)
        for prompts, responses_each in ((30, 10), (10, 20), (200, 5)):
            for separation, accuracy in ((1.8, ".74"), (2.6, ".90")):
                hits, off = [], []
                for seed in range(runs):
                    rng = np.random.default_rng([seed, 5])
                    y, groups = responses(truth, prompts, responses_each, rng, strength=4.0)
                    p = scores(y, K, separation, rng)
                    cell = Judged(name, groups, y, np.full(len(y), 2), p, error)
                    found = measured(cell, cell.rows(), seed)
                    hits.append(
                        [*inside(found.shares.replicates, truth), bool(inside(found.pooled.replicates, entropy(truth)))]
                    )
                    off.append(
                        [float(found.pooled.point), entropy(np.bincount(p.argmax(axis=1), minlength=K) / len(y))]
                    )
                rate, bias = np.mean(hits, axis=0), np.mean(off, axis=0) - entropy(truth)
                each = " ".join(f"{r:.2f}" for r in rate[:-1])
                print(f"| {name} | {prompts} x {responses_each} | {accuracy} | {each} "
                      f"| {rate[-1]:.2f} | {bias[0]:+.3f}, {bias[1]:+.3f} |", flush=True)  # fmt: skip


def missed(runs: int) -> None:
    """Show what intervals from 100 random labels have to hold: categories that these labels may not show."""
    print("| shares | S: covers | too low | too high | width | that errors alone span | each share g1 .. g5 |")
    print("|---|---|---|---|---|---|---|")
    for shares in ([1, 0, 0, 0, 0], [.6, .4, 0, 0, 0], [.6, .37, .03, 0, 0], [.6, .36, .02, .02, 0],
                   [.6, .37, .01, .01, .01], [.97, .03, 0, 0, 0], [.97, .01, .01, .01, 0], [.96, .01, .01, .01, .01],
                   [.5, .3, .17, .02, .01]):  # fmt: skip
        truth, found = np.array(shares, float), []
        for seed in range(runs):
            rng = np.random.default_rng([seed, 7])
            y = rng.choice(K, 1500, p=truth)
            error = ClassifierError(priors=np.full((3, K), 1.0 / K))
            cell = Judged("", np.arange(1500), y, np.full(1500, 2), scores(y, K, 2.2, rng), error)
            said = measured(cell, labelled(cell, rng), seed)
            low, high = interval(said.pooled.replicates)
            s, held = entropy(truth), inside(said.shares.replicates, truth)
            found.append(
                [low - 1e-9 <= s <= high + 1e-9, high < s, s < low, high - low, float(said.pooled.point), *held]
            )
        rate, span = np.mean(found, axis=0), np.diff(np.quantile([one[4] for one in found], [0.025, 0.975]))[0]
        each = " ".join(f"{r:.2f}" for r in rate[5:])
        print(f"| {' '.join(f'{p:g}' for p in shares)} | {rate[0]:.2f} | {rate[1]:.2f} | {rate[2]:.2f} | {rate[3]:.2f} "
              f"| {span:.2f} | {each} |", flush=True)  # fmt: skip


def judged_cells(table: pd.DataFrame, people: tuple[str, ...], *, told: bool):
    """Return one cell a (source, model), and one a source, intent stated or not."""
    full = table[(table.form == "full") & table["act.0"].notna()].drop_duplicates(["source", "prompt", "response"])
    full = full.assign(truth=[FIVE.keys.index(c) if c in FIVE.keys else -1 for c in full.category])
    sets = full[full.label_strength.isin(people) & (full.truth >= 0) & full.harmful.notna()]
    cells, sources = [], []
    for source, rows in sets.groupby("source"):
        error = error_without(table, str(source))
        whole = judged_rows(str(source), rows, error, told=told)
        sources.append(whole)
        for model, part in rows.reset_index(drop=True).groupby("model"):
            if len(part) >= LEAST:
                cells.append(replace(whole.take(part.index.to_numpy()), name=f"{source}, {model}"))
    return cells, sources


def judged_rows(name: str, rows: pd.DataFrame, error: ClassifierError, *, told: bool) -> Judged:
    harmful = rows.harmful.to_numpy(int)
    strata = harmful if told else np.full(len(rows), INTENTS.index("unknown"))
    return Judged(
        name, np.unique(rows.prompt, return_inverse=True)[1], rows.truth.to_numpy(int), strata,
        probabilities(rows, told=told), error,
    )  # fmt: skip


def probabilities(rows: pd.DataFrame, *, told: bool) -> np.ndarray:
    if told:
        return compose(rows[[f"told.{k}" for k in range(3)]].to_numpy(), np.eye(2)[rows.harmful.to_numpy(int)], FIVE)
    return compose(
        rows[[f"act.{k}" for k in range(3)]].to_numpy(), rows[[f"intent.{k}" for k in range(2)]].to_numpy(), FIVE
    )


def error_without(table: pd.DataFrame, source: str) -> ClassifierError:
    """Return what would be known of the heads' error if the source did not exist."""
    from classifier_calibrations import ACT_PRIOR
    from out_of_fold import known_without

    from secondlaw.behavior.classifiers.leaning import leaned
    from secondlaw.behavior.classifiers.shipped import LINE_SPREAD

    known = {name.removeprefix("known."): array.astype(float) for name, array in known_without(table, source).items()}
    act, intent = (known[name] / known[name].sum(axis=1, keepdims=True) for name in ("act", "intent"))
    harmful, done, group = (known[name].astype(int) for name in ("harmful", "true_act", "group"))
    sample = CalibrationSample(
        np.concatenate([compose(act, np.eye(2)[harmful], FIVE), compose(act, intent, FIVE)]),
        np.tile(np.array([[0, 3, 4], [1, 2, 4]])[harmful, done], 2),
        np.concatenate([harmful, np.full(len(harmful), 2)]), np.tile(group, 2),
    )  # fmt: skip
    # The priors that the classifier would state, as `EmbeddedClassifier.prior` does: refusals lean towards harm.
    share, each_act = float(table.share[table.source == source].mean()), np.eye(len(ACT_PRIOR))
    expected = np.repeat([[1.0 - share, share]], len(each_act), axis=0)
    intents = (*np.eye(2)[:, None].repeat(len(each_act), axis=1), leaned(expected, each_act, deed=np.zeros(3)))
    priors = np.stack([ACT_PRIOR @ compose(each_act, intent, FIVE) for intent in intents])
    return ClassifierError(priors=priors, calibration=sample, line_spread=LINE_SPREAD)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cache", type=Path, default=Path("embeddings.npz"), help="embeddings kept between runs")
    parser.add_argument("--adapters", type=Path, default=Path("adapters"), help="adapters kept between runs")
    parser.add_argument("--predictions", type=Path, help="predictions kept between runs")
    parser.add_argument("--runs", type=int, default=100)
    options = parser.parse_args()
    from classifier_rows import DATA

    print(f"\n## Simulated: EM where its assumption holds, coverage of 95 % intervals, {options.runs} runs a line\n")
    simulated(options.runs)
    print(f"\n## Simulated: {LABELS} random human labels that may miss categories, {options.runs} runs a line\n")
    missed(options.runs)
    if not DATA.is_dir():
        print(f"no labelled responses in {DATA}: set SECONDLAW_DATA")
        return
    from out_of_fold import BY_PEOPLE, check_against_shipped, out_of_fold

    if options.predictions and options.predictions.exists():
        table = pd.read_parquet(options.predictions)
        check_against_shipped(table)
    else:
        table = with_models(out_of_fold(options.cache, options.adapters), DATA)
        if options.predictions:
            table.to_parquet(options.predictions)
    for told in (True, False):
        cells, sources = judged_cells(table, BY_PEOPLE, told=told)
        pooled = [source for source in sources if source.name in ("xstest", "do_not_answer")]
        said = "intent stated" if told else "intent unknown"
        print(f"\n## {said}: no human label\n")
        by_default(cells)
        print(f"\n## {said}: {LABELS} random human labels, {options.runs} draws a cell\n")
        with_labels(cells, options.runs, None)
        print(f"\n## {said}: coverage of 95 % intervals from {LABELS} random labels, {3 * options.runs} draws\n")
        coverage(pooled, 3 * options.runs)
        print(f"\n## {said}: {LABELS} labels chosen by doubt: RMSE of S / of the shares / coverage of S\n")
        active(pooled, options.runs)


def with_models(table: pd.DataFrame, data: Path) -> pd.DataFrame:
    public = pd.read_parquet(data / "labelled.parquet", columns=["source", "model", "prompt", "response"])
    public["source"] = public.source.str.removeprefix("constructed_mismatch_")
    return table.merge(
        public.drop_duplicates(["source", "prompt", "response"]), "left", ["source", "prompt", "response"]
    )


if __name__ == "__main__":
    main()
