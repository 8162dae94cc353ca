"""Running the command line in this process, as a user would."""

from collections.abc import Callable

import pytest
from typer.testing import CliRunner

from secondlaw.cli.main import app


@pytest.fixture
def run(tmp_path, monkeypatch) -> Callable[..., object]:
    """Run a command in an empty folder; the result has exit_code, stdout and stderr."""
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setenv("COLUMNS", "120")
    for name in ("OPENAI_BASE_URL", "OPENAI_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    runner = CliRunner()

    def command(*words: object, stdin: str | None = None) -> object:
        return runner.invoke(app, [str(word) for word in words], input=stdin)

    return command
