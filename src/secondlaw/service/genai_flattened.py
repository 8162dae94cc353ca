"""Lists of messages written flat into attributes: ``gen_ai.prompt.0.content``, ``llm.output_messages.0.message.role``.

Attributes of OpenTelemetry were long unable to hold structures; OpenLLMetry (``gen_ai.prompt``, ``gen_ai.completion``,
earlier ``llm.prompts``, ``llm.completions``) and OpenInference flatten them with an index.
"""

import re
from collections.abc import Mapping
from typing import Any

__all__ = ["unflattened"]

_INDEXED = re.compile(r"(\d{1,6})\.(.+)", re.ASCII)


def unflattened(attributes: Mapping[str, Any], prefix: str) -> list[dict[str, Any]]:
    """Return the entries under a prefix in the order of their index, each with the rest of its names as keys.

    Parameters
    ----------
    attributes : mapping
    prefix : str
        Without the dot before the index.

    Examples
    --------
    >>> unflattened({"gen_ai.prompt.1.role": "user", "gen_ai.prompt.0.role": "system"}, "gen_ai.prompt")
    [{'role': 'system'}, {'role': 'user'}]
    """
    entries: dict[int, dict[str, Any]] = {}
    start = len(prefix) + 1
    for name, value in attributes.items():
        if name.startswith(prefix) and name[start - 1 : start] == ".":
            found = _INDEXED.fullmatch(name, start)
            if found is not None:
                entries.setdefault(int(found[1]), {})[found[2]] = value
    return [entries[index] for index in sorted(entries)]
