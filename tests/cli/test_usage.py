"""Wrong words: exit code 2 and, with --json, the documented error object, of every command."""

import json
from pathlib import Path

import jsonschema
import pytest
import typer

from secondlaw.cli.main import app

pytestmark = pytest.mark.unit

SCHEMA = json.loads((Path(__file__).parents[2] / "docs/schemas/error.schema.json").read_text(encoding="utf-8"))


def commands(group, path=()):
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, (*path, name))
        else:
            yield (*path, name), command


COMMANDS = dict(commands(typer.main.get_command(app)))
WITH_JSON = [path for path, command in COMMANDS.items() if any("--json" in one.opts for one in command.params)]


def error_of(result):
    assert result.exit_code == 2, result.output
    (line,) = result.stdout.splitlines()
    found = json.loads(line)
    jsonschema.validate(found, SCHEMA)
    assert found["error"]["exit_code"] == 2
    return found["error"]["message"]


def test_most_commands_give_json():
    assert {("watch",), ("backtest",), ("check",), ("temporal",), ("measure",), ("compare",)} <= {*WITH_JSON}


@pytest.mark.parametrize("path", WITH_JSON, ids=" ".join)
def test_an_unknown_option_is_a_json_error(run, path):
    assert "--no-such-option" in error_of(run(*path, "--json", "--no-such-option"))


@pytest.mark.parametrize(
    "path", [path for path in WITH_JSON if any(one.required for one in COMMANDS[path].params)], ids=" ".join
)
def test_a_missing_argument_is_a_json_error(run, path):
    assert "Missing" in error_of(run(*path, "--json"))


@pytest.mark.parametrize("path", WITH_JSON, ids=" ".join)
def test_every_command_with_json_ends_in_the_documented_way(path):
    callback = COMMANDS[path].callback
    assert hasattr(callback, "__wrapped__"), "typer's own"
    assert hasattr(callback.__wrapped__, "__wrapped__"), "not @guarded: its errors would be a traceback"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("check", "a", "b", "--groups", "foo", "--json"), "'foo' is not one of"),
        (("backtest", "log", "--runs", "3", "--json"), "20"),
        (("watch", "log", "--json", "--alpha", "much"), "--alpha"),
        (("backtest", "log", "--bounds", "0", "--json"), "--bounds"),
        (("no-such-command", "--json"), "no-such-command"),
    ],
)
def test_a_bad_value_is_a_json_error(run, words, message):
    assert message in error_of(run(*words))


def test_without_json_nothing_is_on_standard_output(run):
    result = run("check", "--no-such-option")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "No such option" in result.stderr


def test_help_keeps_words_in_brackets_and_fits_any_width(run):
    said = run("serve", "--help").output
    assert "[service] of secondlaw.toml" in said
    assert not [path for path, command in COMMANDS.items() if "\n" in command.help.replace("\n\n", "")]
