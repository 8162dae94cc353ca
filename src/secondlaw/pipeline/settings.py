"""Settings of secondlaw: command line over ``SECONDLAW_*`` over a file over defaults.

The file is ``secondlaw.toml`` in the working folder, or the table ``[tool.secondlaw]`` of ``pyproject.toml`` there.
Every name here is also an environment variable (``SECONDLAW_LEVEL=0.9``) and, with dashes, an option of the commands
that use it.
"""

import tomllib
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    PyprojectTomlConfigSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from secondlaw.errors import InvalidInput

__all__ = ["Settings", "load_settings", "settings_schema"]

FILE = "secondlaw.toml"


class Settings(BaseSettings):
    """Everything that a user may set once instead of typing it each time."""

    model_config = SettingsConfigDict(
        env_prefix="SECONDLAW_",
        toml_file=FILE,
        pyproject_toml_table_header=("tool", "secondlaw"),
        extra="forbid",
        title="secondlaw settings",
    )

    level: float = Field(0.95, gt=0.5, lt=1.0, description="Coverage of intervals.")
    resamples: int = Field(1000, ge=100, le=100_000, description="Bootstrap replicates.")
    permutations: int = Field(2000, ge=99, le=1_000_000, description="Permutations of a test.")
    seed: int = Field(0, ge=0, description="Seed of every random draw; recorded with the result.")
    taxonomy: str = Field("five", description="five, three, or a TOML or JSON file.")
    groups: Literal["auto", "prompt"] = Field(
        "auto", description="Unit of resampling; auto takes the conversation where a row names one, else the prompt."
    )
    every: str | None = Field(None, description="Window that turns ts into steps: 15m, 1h, 1d.")
    min_n: int = Field(1, ge=1, description="Cells with fewer responses are reported as insufficient.")
    max_bad: int | None = Field(None, ge=0, description="Stop when more rows than this are bad.")
    assume_utc: bool = Field(False, description="Read clocks without a zone as UTC.")
    workers: int = Field(0, ge=0, description="Processes that classify; 0 takes one per core, at most 4.")
    models_dir: Path | None = Field(None, description="Folder with model files, looked into first.")
    model_hub: str | None = Field(
        None, description="REPOSITORY@COMMIT:PATH of the embedding model on a hub, fetched only if nothing else has it."
    )
    base_url: str | None = Field(None, description="OpenAI-compatible endpoint, ending in /v1.")
    api_key: SecretStr | None = Field(None, description="Key of the endpoint; OPENAI_API_KEY is read when unset.")
    concurrency: int = Field(8, ge=1, le=1024, description="Requests under way at once.")
    timeout: float = Field(60.0, gt=0, description="Seconds for one answer of an endpoint.")
    attempts: int = Field(6, ge=1, description="Tries for one answer.")
    tolerance: float | None = Field(
        None, gt=0, description="Largest change that does not matter; without it no verdict is inconclusive."
    )
    alpha: float = Field(0.05, gt=0, lt=0.5, description="Level of the tests that decide a gate.")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Order the sources: command line, environment, secondlaw.toml, pyproject.toml."""
        files = TomlConfigSettingsSource(settings_cls), PyprojectTomlConfigSettingsSource(settings_cls)
        return init_settings, env_settings, *files


def load_settings(**command_line: Any) -> Settings:  # noqa: ANN401 - validated here
    """Merge what the command line says (None means not said) with environment, file and defaults.

    Raises
    ------
    InvalidInput
        If a value is out of range, or the file is no TOML; names the setting and the value seen.

    Examples
    --------
    >>> load_settings(level=0.9).level
    0.9
    """
    said = {name: value for name, value in command_line.items() if value is not None}
    try:
        return Settings(**said)
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"])
        raise InvalidInput(f"setting {name}: {first['msg']}, got {first['input']!r}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InvalidInput(f"{FILE} or pyproject.toml is no TOML: {error}") from error


def settings_schema() -> dict[str, Any]:
    """Return the JSON Schema of the settings file."""
    return Settings.model_json_schema()
