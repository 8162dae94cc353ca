"""What the documents of the service say, held against the service: settings, metrics, alert rules, examples."""

import json
import re
import subprocess
from dataclasses import fields
from pathlib import Path

import pytest
from server_tools import required

from secondlaw.cli.main import app
from secondlaw.pipeline.settings import load_settings
from secondlaw.service.evaluation_settings import EvaluationSettings
from secondlaw.service.metrics import StoreCollector
from secondlaw.service.running import Parts
from secondlaw.service.settings import ServiceSettings, load_service_settings
from secondlaw.service.settings_reference import service_settings_schema, settings_table
from secondlaw.storage import open_store

pytestmark = pytest.mark.unit

ROOT = Path(__file__).parents[2]
SERVICE = (ROOT / "docs/service.md").read_text(encoding="utf-8")
OPERATIONS = (ROOT / "docs/operations.md").read_text(encoding="utf-8")


def test_the_table_of_settings_is_that_of_the_program():
    assert settings_table() in SERVICE, "run: python scripts/service_reference.py"


def test_the_published_schema_is_that_of_the_program():
    published = json.loads((ROOT / "docs/schemas/service-settings.schema.json").read_text(encoding="utf-8"))
    assert published == service_settings_schema(), "run: python scripts/service_reference.py"


def test_the_schema_takes_what_the_program_takes():
    jsonschema = pytest.importorskip("jsonschema")
    import tomllib

    (example,) = re.findall(r"```toml\n(.*?)```", SERVICE, re.DOTALL)
    table = tomllib.loads(example)["service"]
    jsonschema.validate(table, service_settings_schema())
    assert load_service_settings(table).evaluation.tolerance == (("surprisal", 0.05),)
    for table in ({"every": 0}, {"every": "15m"}, {"write_back_headers": {"a": {"env": "PATH"}}}):
        jsonschema.validate(table, service_settings_schema())
        load_service_settings(table)
    for table in ({"evry": 0}, {"every": "15 minutes"}, {"port": 70000}, {"write_back": "collector"}):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(table, service_settings_schema())
        with pytest.raises(ValueError, match=next(iter(table))):
            load_service_settings(table)


def test_every_setting_of_a_monitor_is_described():
    for field in fields(EvaluationSettings):
        assert re.search(rf"^\|.*`{field.name}`", SERVICE, re.MULTILINE), field.name


@pytest.fixture
def metric_names(tmp_path):
    service = ServiceSettings(store=f"sqlite:///{tmp_path}/s.db", write_back="http://127.0.0.1:9/v1/logs")
    with open_store(service.store, settings=service.store_settings) as store:
        parts = Parts(store, service, load_settings())
        families = list(StoreCollector(store, parts.numbers, parts).collect())
    return {one.name + ("_total" if one.type == "counter" else "") for one in families}


def test_every_metric_is_described_and_rules_use_only_those(metric_names):
    told = OPERATIONS.split("## Metrics")[1]
    for name in metric_names:
        base = name.removesuffix("_lower").removesuffix("_upper")
        assert f"`{base}`" in told, name
    assert set(re.findall(r"secondlaw_[a-z_]+", re.findall(r"groups:.*?```", told, re.DOTALL)[0])) <= metric_names


def test_the_alert_rules_are_what_prometheus_takes(tmp_path):
    promtool = required("promtool", "the Debian package prometheus")
    (rules,) = re.findall(r"```yaml\n(groups:.*?)```", OPERATIONS, re.DOTALL)
    (tmp_path / "rules.yml").write_text(rules)
    done = subprocess.run(
        [promtool, "check", "rules", str(tmp_path / "rules.yml")], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "8 rules found" in done.stdout


def test_commands_in_the_documents_exist(monkeypatch):
    from typer.main import get_command

    command = get_command(app)
    for page in (SERVICE, OPERATIONS):
        for words in re.findall(r"^secondlaw (.*)$", page, re.MULTILINE):
            here, rest = command, words.split("#")[0].split()
            while rest and hasattr(here, "commands"):
                here = here.commands[rest.pop(0)]
            options = {name for one in here.params for name in (*one.opts, *one.secondary_opts)}
            assert {word.strip("[]") for word in rest if word.strip("[]").startswith("--")} <= options, words


def test_the_unit_names_a_command_that_exists_and_no_other_secret():
    unit = (ROOT / "examples/systemd/secondlaw.service").read_text(encoding="utf-8")
    assert "ExecStart=/opt/secondlaw/bin/secondlaw serve\n" in unit
    stated = re.findall(
        r"SECONDLAW_SERVICE_([A-Z_]+)",
        "".join(
            path.read_text(encoding="utf-8")
            for path in (ROOT / "examples").rglob("*")
            if path.suffix in (".service", ".yaml", ".conf", "") and path.is_file()
        ),
    )
    assert {name.lower() for name in stated} <= set(ServiceSettings.model_fields)
