"""Writes the reference of the service's settings anew: the table in docs/service.md, and its JSON Schema.

Run: python scripts/service_reference.py
"""

import json
import re
from pathlib import Path

from secondlaw.service.settings_reference import service_settings_schema, settings_table

DOCS = Path(__file__).parents[1] / "docs"
BETWEEN = re.compile(r"(<!-- settings -->\n).*?(<!-- end of settings -->)", re.DOTALL)

if __name__ == "__main__":
    (DOCS / "schemas/service-settings.schema.json").write_text(json.dumps(service_settings_schema(), indent=2) + "\n")
    page = DOCS / "service.md"
    page.write_text(BETWEEN.sub(lambda found: found[1] + settings_table() + "\n" + found[2], page.read_text()))
