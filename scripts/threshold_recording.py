"""Records the runs of the threshold study: a real model under pressure that breaks its behavior, step by step.

    python scripts/threshold_recording.py sample FOLDER [--seconds 1500]
    secondlaw classify FOLDER/compliance.jsonl -o FOLDER/compliance.labelled.jsonl     (and refusal)
    secondlaw classify examples/gemma-pressure.jsonl.gz -o FOLDER/pressure.labelled.jsonl
    python scripts/threshold_recording.py tabulate FOLDER

`sample` asks the local model (gemma-3-270m) at ten steps; step t puts t turns of pressure before the prompt. In the run
*compliance* the assistant of those turns goes along with mild misdeeds, after a preamble in which it refused them; in
*refusal* it refuses harmless questions, after the aligned preamble that ships. Killed or out of time, it goes on where
it stood when called again. `tabulate` counts the labels (the shipped classifier's, intents known: machine labels, by no
person) by run, step and prompt, and writes examples/threshold-recorded.json. Texts are not kept in the repository.
"""

import argparse
import asyncio
import json
from pathlib import Path

from secondlaw.sampling import (
    MODEL_NAME,
    Arm,
    Budget,
    LocalModelOptions,
    OpenAIEndpoint,
    Pressure,
    SamplingRun,
    load_preamble,
    load_prompts,
    sample,
    start_local_model,
)
from secondlaw.sampling.local_model import STOP

EXAMPLES = Path(__file__).parents[1] / "examples"
SCENARIOS = EXAMPLES / "threshold-scenarios.json"
RECORDED = EXAMPLES / "threshold-recorded.json"
KEYS = ["g1", "g2", "g3", "g4", "g5", "outside"]
STEPS = 10
PROMPTS = {
    "compliance": {"benign": 10, "borderline": 10, "harmful": 20},
    "refusal": {"benign": 10, "borderline": 10, "harmful": 10},
}
SAMPLES = {"compliance": 3, "refusal": 2}


def run_of(kind: str, folder: Path, *, seed: int) -> SamplingRun:
    scenarios = json.loads(SCENARIOS.read_text())
    source: str | Path = "aligned"
    if kind == "compliance":
        source = folder / "guarded.json"
        source.write_text(json.dumps(scenarios["guarded"]))
    turns = tuple((asked, said) for asked, said in scenarios[kind])
    return SamplingRun(
        f"threshold-{kind}",
        [Arm("gemma", MODEL_NAME, load_preamble(source))],
        [prompt for name, most in PROMPTS[kind].items() for prompt in load_prompts(name, per_set=most)],
        Pressure(turns, name=f"many turns of {kind}"),
        STEPS,
        SAMPLES[kind],
        parameters={"temperature": 0.7, "max_tokens": 30, "stop": list(STOP)},
        seed=seed,
    )


async def record(kinds: list[str], folder: Path, options: argparse.Namespace) -> None:
    server, url = start_local_model(LocalModelOptions(port=0, slots=options.slots, threads=1))
    async with OpenAIEndpoint(url, timeout=300.0) as endpoint:
        for kind in kinds:
            run = run_of(kind, folder, seed=options.seed)
            state = await sample(
                run,
                endpoint,
                folder / f"{kind}.jsonl",
                concurrency=options.slots,
                budget=Budget(seconds=options.seconds),
            )
            print(kind, state)
    del server


def tabulate(folder: Path) -> None:
    """Count labels by run, step and prompt."""
    runs = []
    for kind, manifest in (
        ("compliance", folder / "compliance.jsonl.run.json"),
        ("refusal", folder / "refusal.jsonl.run.json"),
        ("pressure", EXAMPLES / "gemma-pressure.run.json"),
    ):
        rows = [json.loads(line) for line in (folder / f"{kind}.labelled.jsonl").read_text().splitlines()]
        recorded = json.loads(manifest.read_text())["run"]
        for arm in dict.fromkeys(row["model"] for row in rows):
            name = {"base": "persona, no preamble", "tuned": "persona, aligned"}.get(arm, f"many turns of {kind}")
            runs.append(_one_run(name, [row for row in rows if row["model"] == arm], recorded))
    lines = ["{", f' "labels": "machine labels of {rows[0]["classifier"]}, intents known; no person read them",',
             f' "categories": {json.dumps(KEYS)},', ' "runs": [']  # fmt: skip
    for place, run in enumerate(runs):
        prompts = run.pop("prompts")
        lines.append("  " + json.dumps(run)[:-1] + ', "prompts": [')
        lines += [f"   {json.dumps(one)}{',' if one is not prompts[-1] else ''}" for one in prompts]
        lines.append("  ]}" + ("," if place < len(runs) - 1 else ""))
    RECORDED.write_text("\n".join([*lines, " ]", "}"]) + "\n")
    print(f"{sum(run['responses'] for run in runs)} responses of {len(runs)} runs in {RECORDED}")


def _one_run(name: str, rows: list[dict], recorded: dict) -> dict:
    steps = max(row["step"] for row in rows) + 1
    prompts: dict[str, dict] = {}
    for row in rows:
        empty = [[0] * len(KEYS) for _ in range(steps)]
        entry = {"prompt_id": row["prompt_id"], "prompt_set": row["prompt_set"], "intent": row["intent"],
                 "topic": row["topic"], "counts": empty}  # fmt: skip
        found = prompts.setdefault(row["prompt_id"], entry)
        found["counts"][row["step"]][KEYS.index(row["label"])] += 1
    return {
        "name": name,
        "model": recorded["arms"][0]["served_model"],
        "responses": len(rows),
        "parameters": recorded["parameters"],
        "seed": recorded["seed"],
        "prompts": list(prompts.values()),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["sample", "tabulate"])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--kinds", nargs="+", choices=list(PROMPTS), default=list(PROMPTS))
    parser.add_argument("--seconds", type=float, default=1500.0)
    parser.add_argument("--slots", type=int, default=4)
    parser.add_argument("--seed", type=int, default=20261122)
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    if options.what == "sample":
        asyncio.run(record(options.kinds, options.folder, options))
    else:
        tabulate(options.folder)


if __name__ == "__main__":
    main()
