"""Measure the corrections of classifier error on responses labelled by people, and print tables (some minutes).

    python scripts/calibrate_corrections.py [--cache FILE.npz] [--adapters FOLDER]
                                             [--predictions FILE.parquet] [--runs 100]

The labels are predicted out of fold, in two readings: by heads that never saw the source, and by heads trained on its
rows that never saw the prompt. Needs what `train_classifier` needs, and some minutes more for adapters that are not
kept; without the labelled responses (SECONDLAW_DATA) it simulates, says so and ends. Every number comes from
`secondlaw.drift.measure_cell`, as a user gets it.
"""

import argparse
from pathlib import Path

import numpy as np
import pandas as pd
from correction_cells import (
    ERRORS,
    LABELS,
    MISALIGNED,
    REFUSED,
    Judged,
    K,
    entropy,
    errors_of_cell,
    inside,
    interval,
    judged_cells,
    labelled,
    measured,
    print_errors,
    read_by_people,
    with_models,
)
from simulated_corrections import another_source, missed, simulated

from secondlaw.behavior.taxonomy import INTENTS

DRAWS = 4
"""Draws of the resamples over which intervals without a label are judged."""
DRAWN, ENOUGH = 250, 40
"""Responses of a drawn cell, and those of either act that a source must have to draw from."""


def by_default(cells: list[Judged]) -> None:
    """Show what a user gets without a label of his own: EM on the probabilities."""
    print("| cell | n | S by people | machine as it is | EM [95 %] | error | shares off by | holds S | shares held "
          "| misfit noted |\n|---|---|---|---|---|---|---|---|---|---|")  # fmt: skip
    errors, raw, held, shares_held, widths = [], [], [], [], []
    for cell in cells:
        truth, every = entropy(cell.shares), [measured(cell, cell.rows(), seed) for seed in range(DRAWS)]
        found = every[0]
        value, (low, high) = float(found.pooled.point), interval(found.pooled.replicates)
        machine = entropy(np.bincount(cell.probabilities.argmax(axis=1), minlength=K) / len(cell))
        holds, of_shares = bool(inside(found.pooled.replicates, truth)), inside(found.shares.replicates, cell.shares)
        off = np.abs(found.shares.point - cell.shares).sum() / 2
        doubted = any("calibration data" in note for note in found.notes)
        print(
            f"| {cell.name} | {len(cell)} | {truth:.3f} | {machine:.3f} | {value:.3f} [{low:.2f}, {high:.2f}] "
            f"| {value - truth:+.3f} | {off:.3f} | {'yes' if holds else 'no'} | {of_shares.sum()} "
            f"| {'yes' if doubted else 'no'} |",
            flush=True,
        )
        errors.append(abs(value - truth))
        raw.append(abs(machine - truth))
        for one in every:
            held.append(inside(one.pooled.replicates, truth))
            shares_held.append(inside(one.shares.replicates, cell.shares).mean())
            widths.append(float(np.diff(interval(one.pooled.replicates))[0]))
    for name, found in (("machine as it is", raw), ("EM", errors)):
        print(f"\n{name}: median error {np.median(found):.3f}, within .05 {np.mean(np.array(found) <= 0.05):.2f}, "
              f"within .1 {np.mean(np.array(found) <= 0.1):.2f}", end="")  # fmt: skip
    print(f"; intervals hold S in {np.mean(held):.2f}, a share in {np.mean(shares_held):.2f} of the cells, width of S "
          f"{np.median(widths):.2f} in the median ({DRAWS} draws of the resamples)\n", flush=True)  # fmt: skip


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


def drawn(sources: list[Judged], runs: int) -> None:
    """Show EM without a label on cells drawn from sources never seen, with shares of refusals of all kinds."""
    print(ERRORS.format("source, intent"))
    everything = []
    for source in sources:
        for intent, (complied, refused) in enumerate(((0, 3), (1, 2))):
            mine = source.strata == intent
            pools = [np.flatnonzero(mine & (source.truth == act)) for act in (complied, refused)]
            if min(map(len, pools)) < ENOUGH:
                continue
            found = []
            for number, share in enumerate(REFUSED):
                for seed in range(runs):
                    rng = np.random.default_rng([seed, 6, number])
                    n = rng.binomial(DRAWN, share)
                    rows = np.concatenate([rng.choice(pools[0], DRAWN - n), rng.choice(pools[1], n)])
                    cell = source.take(rows, np.arange(DRAWN))
                    found.append(errors_of_cell(cell, seed))
            print_errors(f"{source.name}, {INTENTS[intent]}", found)
            everything += found
    print_errors("all", everything)


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
    print(f"\n## Simulated: no human label, a source off those known, {2 * options.runs} runs a line\n")
    another_source(2 * options.runs)
    if not DATA.is_dir():
        print(f"no labelled responses in {DATA}: set SECONDLAW_DATA")
        return
    from held_out_heads import held_out, judged_unseen
    from out_of_fold import BY_PEOPLE, checked
    from trained_cells import trained_cells

    held = held_out(options.cache, options.adapters)
    if options.predictions and options.predictions.exists():
        table = checked(pd.read_parquet(options.predictions))
    else:
        table = with_models(checked(judged_unseen(held)), DATA)
        if options.predictions:
            table.to_parquet(options.predictions)
    for together, of in ((False, "its source"), (True, "all sources")):
        trained = trained_cells(read_by_people(table, BY_PEOPLE), held, together=together)
        for told, cells in trained.items():
            print(f"\n## trained on {of}, prompts unseen, intent {'stated' if told else 'unknown'}: no human label\n")
            by_default(cells)
    for told in (True, False):
        cells, sources = judged_cells(table, BY_PEOPLE, told=told)
        pooled = [source for source in sources if source.name in ("xstest", "do_not_answer")]
        said = "intent stated" if told else "intent unknown"
        print(f"\n## {said}: no human label\n")
        by_default(cells)
        if told:
            print(f"\n## {said}: no human label, cells of {DRAWN} drawn from each source\n")
            drawn(sources, max(1, options.runs // 10))
        print(f"\n## {said}: {LABELS} random human labels, {options.runs} draws a cell\n")
        with_labels(cells, options.runs, None)
        print(f"\n## {said}: coverage of 95 % intervals from {LABELS} random labels, {3 * options.runs} draws\n")
        coverage(pooled, 3 * options.runs)
        print(f"\n## {said}: {LABELS} labels chosen by doubt: RMSE of S / of the shares / coverage of S\n")
        active(pooled, options.runs)


if __name__ == "__main__":
    main()
