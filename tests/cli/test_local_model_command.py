"""``secondlaw local-model`` ends when it is told to, with the documented exit code."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest

SCRIPT = """
import sys
from secondlaw.sampling import local_model
local_model.start_local_model = lambda options, verbose: (object(), "http://127.0.0.1:1/v1")
from secondlaw.cli.main import app
sys.argv = ["secondlaw", "local-model", "--slots", "1", *sys.argv[1:]]
app()
"""


@pytest.mark.unit
@pytest.mark.parametrize(("told", "code", "words"), [(signal.SIGINT, 130, "interrupted"), (signal.SIGTERM, 0, "")])
def test_an_interrupt_is_130_and_an_order_to_end_is_fine(told, code, words):
    process = subprocess.Popen(
        [sys.executable, "-c", SCRIPT], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "http://127.0.0.1:1/v1\n"
    assert "1 slot of" in process.stderr.readline()
    process.send_signal(told)
    _, errors = process.communicate(timeout=120)
    assert process.returncode == code
    assert words in errors
    assert "Traceback" not in errors


@pytest.mark.unit
def test_where_it_serves_can_be_read_by_a_program():
    process = subprocess.Popen(
        [sys.executable, "-c", SCRIPT, "--json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert "1 slot of" in process.stderr.readline()
    process.send_signal(signal.SIGTERM)
    printed, _ = process.communicate(timeout=120)
    found = json.loads(printed)
    schema = Path(__file__).parents[2] / "docs/schemas/local-model.schema.json"
    jsonschema.validate(found, json.loads(schema.read_text(encoding="utf-8")))
    assert found["base_url"] == "http://127.0.0.1:1/v1"
