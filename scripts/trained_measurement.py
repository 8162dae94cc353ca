"""What a classifier of one's own does to a measurement: Do-Not-Answer, half its prompts to train on, half measured.

    python scripts/trained_measurement.py [--divisions 6]

Through the commands themselves: `classifier train` on one half, `measure` of the other, by people's labels, by the
shipped classifier and by the trained one, each told the intent and not. Needs the labelled responses (SECONDLAW_DATA).
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
from classifier_rows import DATA, HARMFUL_OF

COMMAND = (sys.executable, "-c", "from secondlaw.cli.main import main; main()")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--divisions", type=int, default=6)
    data = pd.read_parquet(DATA / "labelled.parquet").query("source == 'do_not_answer'")
    for division in range(parser.parse_args().divisions):
        with tempfile.TemporaryDirectory() as folder:
            report(Path(folder), data, division)


def report(folder: Path, data: pd.DataFrame, division: int) -> None:
    prompts = np.random.default_rng(division).permutation(data.prompt.unique())
    learns = data.prompt.isin(prompts[: len(prompts) // 2])
    write(folder / "half.jsonl", data[learns], labels=True)
    secondlaw("classifier", "train", folder / "half.jsonl", "--out", folder / "mine", "--json")
    rest = data[~learns]
    write(folder / "people.jsonl", rest, labels=True)
    print(f"\ntrained on {learns.sum()} rows, measured on {len(rest)} of other prompts")
    print("people:", *told(secondlaw("measure", folder / "people.jsonl", "--json")))
    for name, intents in (("stated", True), ("unknown", False)):
        write(folder / f"{name}.jsonl", rest, intents=intents)
        for engine in ("embedded", folder / "mine"):
            measured = secondlaw("measure", folder / f"{name}.jsonl", "--engine", engine, "--json")
            print(f"intent {name}, {Path(engine).name}:", *told(measured), flush=True)


def write(path: Path, rows: pd.DataFrame, *, labels: bool = False, intents: bool = True) -> None:
    """Write rows as users have them; the intent follows from people's category, as in the learning curve."""
    kept = pd.DataFrame({"prompt": rows.prompt, "response": rows.response, "source": rows.source})
    if intents:
        kept["intent"] = rows.category.map(HARMFUL_OF).map({0.0: "benign", 1.0: "harmful"})
    if labels:
        kept["human_label"], kept["label_strength"] = rows.category, "human"
    kept.to_json(path, orient="records", lines=True)


def secondlaw(*arguments: object) -> dict:
    done = subprocess.run([*COMMAND, *map(str, arguments)], capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(done.stderr)
    return json.loads(done.stdout)


def told(measured: dict) -> tuple[str, ...]:
    """Return S as measured, and as labelled where it was corrected."""
    cell = measured["cells"][0]
    found = [(cell["correction"], cell["entropy"]["pooled"])]
    if "entropy" in cell.get("uncorrected", {}):
        found.append(("as labelled", cell["uncorrected"]["entropy"]))
    return tuple(f"{how}: S {s['value']:.2f} [{s['low']:.2f}, {s['high']:.2f}]" for how, s in found)


if __name__ == "__main__":
    main()
