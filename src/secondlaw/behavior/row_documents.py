"""The row format as a JSON Schema (Draft 2020-12), for other programs that write or check rows."""

from importlib.resources import files
from typing import Any

import orjson

from secondlaw.behavior.taxonomy import OUTSIDE, Taxonomy

__all__ = ["row_schema"]


def row_schema(taxonomy: Taxonomy | None = None) -> dict[str, Any]:
    """Return the schema; with a taxonomy, labels are narrowed to its categories and ``"outside"``.

    What a schema cannot say is left to the reader: that probabilities sum to 1, that a day exists, that a user speaks
    before the last assistant message.

    Examples
    --------
    >>> row_schema()["$schema"]
    'https://json-schema.org/draft/2020-12/schema'
    """
    schema: dict[str, Any] = orjson.loads(
        files("secondlaw.behavior").joinpath("data").joinpath("row.schema.json").read_bytes()
    )
    if taxonomy is not None:
        labels = [*taxonomy.keys, OUTSIDE]
        schema["$defs"]["label"] = {"enum": labels}
        schema["$defs"]["labelKey"] = {"enum": labels}
    return schema
