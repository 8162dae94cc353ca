"""Write the figures of training/report.json and training/large_report.json into the tables of the model cards.

    python scripts/fill_cards.py

Rows keep their names and their order; what stands in no report is left. Sentences are for a person to mend.
"""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from classifier_report import line

ROOT = Path(__file__).resolve().parent.parent
CARD = ROOT / "src/secondlaw/behavior/classifiers/data/MODEL_CARD.md"
SECTIONS = {"unseen sources": "unseen source", "unseen prompts": "unseen prompt", "a weak model": "local model"}
ASIDE = " (engine embedded)"


def main() -> None:
    report, large = (
        json.loads((ROOT / "training" / name).read_text(encoding="utf-8"))
        for name in ("report.json", "large_report.json")
    )

    def of_embedded(section: str, name: str) -> Mapping[str, Any] | None:
        part = next((key for start, key in SECTIONS.items() if section.startswith(f"Measured: {start}")), "")
        return report.get(part, {}).get(name)

    def of_large(section: str, name: str) -> Mapping[str, Any] | None:
        engine = "embedded" if name.endswith(ASIDE) else "embedded-large"
        return large.get(f"{name.removesuffix(ASIDE)}, {engine}")

    fill(CARD, of_embedded)
    fill(CARD.parent / "large" / CARD.name, of_large)


def fill(card: Path, found: Callable[[str, str], Mapping[str, Any] | None]) -> None:
    """Replace the rows of a card's tables for which there is something by (section, name)."""
    section, out, changed = "", [], 0
    for text in card.read_text(encoding="utf-8").splitlines():
        section = text.removeprefix("## ") if text.startswith("## ") else section
        name = text.split("|")[1].strip() if text.startswith("| ") else ""
        measured = found(section, name)
        out.append(line(name, measured) if measured is not None else text)
        changed += out[-1] != text
    card.write_text("\n".join(out) + "\n", encoding="utf-8")
    print(f"{card.relative_to(ROOT)}: {changed} rows changed")


if __name__ == "__main__":
    main()
