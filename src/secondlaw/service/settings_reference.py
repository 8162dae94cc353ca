"""The reference of the service's settings: a table for the documents, and a JSON Schema for editors."""

from typing import Any

from secondlaw.service.settings import PREFIX, ServiceSettings

__all__ = ["service_settings_schema", "settings_table"]

_FROM = [
    {"type": "object", "properties": {name: {"type": "string"}}, "required": [name], "additionalProperties": False}
    for name in ("env", "file")
]
_SECRET = {"anyOf": [{"type": "string"}, *_FROM]}
_WINDOW = {"anyOf": [{"type": "integer", "minimum": 0}, {"type": "string", "pattern": "^[0-9]+[smhdw]$"}]}


def service_settings_schema() -> dict[str, Any]:
    """Return the JSON Schema of the table ``[service]``.

    Examples
    --------
    >>> service_settings_schema()["properties"]["port"]["default"]
    8321
    """
    schema = ServiceSettings.model_json_schema()
    fields = schema["properties"]
    fields["write_back_headers"]["additionalProperties"] = _SECRET
    for name in ("anyOf", "type", "minimum"):
        fields["every"].pop(name, None)
    fields["every"] |= _WINDOW
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def settings_table() -> str:
    """Return the settings as a Markdown table.

    Examples
    --------
    >>> settings_table().splitlines()[2]
    '| `store` | `"sqlite:///secondlaw.db"` | SQLite file or PostgreSQL address. |'
    """
    rows = [
        f"| `{name}` | {_default(field.get_default(call_default_factory=True))} | {field.description} |"
        for name, field in ServiceSettings.model_fields.items()
    ]
    return "\n".join([f"| setting, or `{PREFIX}...` | default | meaning |", "|---|---|---|", *rows])


def _default(value: Any) -> str:  # noqa: ANN401 - of any setting
    if value in ("", (), {}):
        return "none"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, str):
        return f'`"{value}"`'
    return f"`{value:g}`" if isinstance(value, float) else f"`{value}`"
