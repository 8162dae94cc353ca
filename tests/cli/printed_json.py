"""What commands print with ``--json``, checked against the schemas that are published for it."""

import json
from pathlib import Path

import jsonschema

SCHEMAS = Path(__file__).parents[2] / "docs/schemas"


def valid(name, printed):
    """Return a whole output, checked against a schema that is itself sound and allows no other version."""
    schema = json.loads((SCHEMAS / f"{name}.schema.json").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    found = json.loads(printed)
    jsonschema.validate(found, schema)
    assert found["schema"] == schema["$id"]
    unknown = found.keys() - schema["properties"].keys()
    assert not unknown
    return found


def printed(run, schema, *words):
    """Run a command that succeeds."""
    result = run(*words, "--json", "--quiet")
    assert result.exit_code == 0, result.output
    return valid(schema, result.stdout)


def refusal(run, code, *words):
    """Run a command that is refused, and return its message of one line."""
    result = run(*words, "--json", "--quiet")
    assert result.exit_code == code, result.output
    message = valid("error", result.stdout)["error"]["message"]
    assert "\n" not in message
    return message
