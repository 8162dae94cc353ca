"""The tables of docs/threshold-study.md, written between the marks ``<!-- name -->`` and ``<!-- /name -->``."""

import re
from pathlib import Path

from threshold_text import rate_words

PROFILES = ("compliance grows", "over-refusal grows", "both grow", "slow creep", "saturating")
SHOWN = ("betting e-SR, 1e-4", "betting e-SR, 1e-3", "betting, g2 and g4 apart", "CUSUM on misaligned share")
THRESHOLDS = ("0.001", "0.1", "0.2", "0.3", "0.4", "0.5", "0.6", "0.7")
CENTRAL = ("compliance grows", "over-refusal grows", "slow creep")
DIFFERENCE = r"\|dS\|"
BREAK = "sudden break"


def in_time(found: dict, profile: str, name: str, line: str) -> str:
    """Return "56 [50-62], +3": per cent of runs in time, and the median lead in steps."""
    entry = found["profiles"].get(profile, {"lines": {}})["lines"].get(line, {}).get(name)
    if entry is None:
        return ""
    value, low, high = (round(100 * one) for one in entry["in_time"])
    lead = entry["lead"][0]
    return f"{value} [{low}-{high}], " + ("never" if lead is None else f"{round(lead):+d}")


def table(head: list[str], rows: list[list[str]]) -> str:
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    lines += ["| " + " | ".join(cells).replace("|S_t - S_(t-1)|", DIFFERENCE) + " |" for cells in rows]
    return "\n".join(lines)


def after_break(found: dict, name: str, line: str) -> str:
    """Return the median number of steps from a sudden break to the alarm."""
    lead = found["profiles"][BREAK]["lines"].get(line, {}).get(name, {"lead": [None]})["lead"][0]
    return "never" if lead is None else f"{-round(lead)}"


def centre(result: dict) -> str:
    found, line = result["simulated"][0], result["line"]
    rows = [
        [name, rate_words(entry["rate"]), *(in_time(found, one, name, line) for one in PROFILES),
         after_break(found, name, line)]
        for name, entry in found["false_alarms"].items() if not name.endswith("falling")
    ]  # fmt: skip
    return table(["detector", "false alarms", *PROFILES, "break: steps"], rows)


def worlds(result: dict) -> str:
    rows = [
        [found["world"], name, rate_words(found["false_alarms"][name]["rate"]),
         *(in_time(found, one, name, result["line"]) for one in CENTRAL)]
        for found in result["simulated"][1:] for name in SHOWN
    ]  # fmt: skip
    return table(["stream", "detector", "false alarms", *CENTRAL], rows)


def lines(result: dict) -> str:
    found = result["simulated"][0]
    rows = [
        [line, name, *(in_time(found, one, name, line) for one in PROFILES)]
        for line in ("base + 5 points", "base + 10 points", "10 %", "20 %")
        for name in ("betting e-SR, 1e-4", "betting, g2 and g4 apart")
    ]
    return table(["line", "detector", *PROFILES], rows)


def apart(result: dict) -> str:
    found = result["apart"][0]
    rows = [
        [name, rate_words(entry["rate"]), *(in_time(found, one, name, result["line"]) for one in PROFILES)]
        for name, entry in found["false_alarms"].items()
    ]
    return table(["watched as", "false alarms", *PROFILES], rows)


def sweep(result: dict) -> str:
    shown = [one for one in result["sweep"] if one["world"] == result["sweep"][0]["world"]]
    shown = [one for one in shown if one["profile"] in ("compliance grows", "slow creep")]
    names = [one for one in shown[0]["rows"] if one in THRESHOLDS or one in SHOWN]
    rows = []
    for name in names:
        cells = [rate_words(shown[0]["rows"][name]["false_alarms"])]
        for one in shown:
            entry = one["rows"][name]
            value, low, high = (round(100 * part) for part in entry["in_time"])
            cells.append(f"{value} [{low}-{high}] ({round(100 * entry['by_chance'][0])})")
        rows.append([f"{DIFFERENCE} > {name}" if name in THRESHOLDS else name, *cells])
    return table(["rule", "false alarms", *(f"{one['profile']} (by chance)" for one in shown)], rows)


def recorded(result: dict) -> str:
    rows, rates = [], []
    for found in result["recorded"]:
        world = found["world"].removeprefix("recorded ")
        rates.append(found["false_alarms"][SHOWN[0]]["rate"][0])
        for failure, entry in found["profiles"].items():
            passed = entry["lines"].get(result["line"])
            if world.startswith("persona, no") or not passed or ("alone" in failure and "mixed" not in world):
                continue
            steps = next(iter(passed.values()))["failure"]
            moved = f"{100 * entry['baseline']:.0f} -> {100 * entry['end']:.0f} %"
            cells = [world, failure.removeprefix("failure by "), moved, str(steps)]
            rows.append([*cells, *(in_time(found, failure, name, result["line"]) for name in SHOWN)])
    words = (
        f"False alarms of the default monitor on these streams: {min(rates):.2f} to {max(rates):.2f} in 10,000 steps."
    )
    return table(["stream", "failure by", "share", "fails after", *SHOWN], rows) + "\n\n" + words


TABLES = {"centre": (centre, "simulated"), "worlds": (worlds, "simulated"), "lines": (lines, "simulated"),
          "apart": (apart, "apart"), "sweep": (sweep, "sweep"), "recorded": (recorded, "recorded")}  # fmt: skip


def fill(path: Path, result: dict) -> None:
    """Write the tables into a page between their marks, those whose part of the study was run."""
    text = path.read_text()
    for name, (make, part) in TABLES.items():
        if part not in result:
            continue
        whole = re.compile(rf"<!-- {name} -->.*?<!-- /{name} -->", re.DOTALL)
        found = make(result)
        text = whole.sub(lambda _, name=name, found=found: f"<!-- {name} -->\n{found}\n<!-- /{name} -->", text)
    path.write_text(text)
