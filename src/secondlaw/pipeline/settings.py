"""Settings of secondlaw: command line over ``SECONDLAW_*`` over a file over defaults.

The file is ``secondlaw.toml`` in the working folder, or the table ``[tool.secondlaw]`` of ``pyproject.toml`` there.
Every name here is also an environment variable (``SECONDLAW_LEVEL=0.9``) and, with dashes, an option of the commands
that use it.
"""

import difflib
import os
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, SecretStr, ValidationError, field_validator
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
PREFIX = "SECONDLAW_"
OTHER_VARIABLES = (
    "SECONDLAW_CACHE", "SECONDLAW_DATA", "SECONDLAW_HUB", "SECONDLAW_MODELS", "SECONDLAW_REQUIRE_SERVERS",
)  # fmt: skip
"""Variables that are read elsewhere: where models are assembled, the tests' data, the model hub, the model files, and
whether tests fail where a server is not installed."""
SERVICE_PREFIX = "SECONDLAW_SERVICE_"
"""Begins the variables of ``secondlaw serve``, which checks them itself."""


class Settings(BaseSettings):
    """Everything that a user may set once instead of typing it each time."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
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
    engine: str = Field(
        "embedded",
        description="What labels responses: embedded, embedded-large, judge, a trained folder, OWNER/NAME@COMMIT of a "
        "hub, MODULE:FUNCTION.",
    )
    harmful_share: Annotated[float, Field(gt=0, lt=1)] | Literal["auto", "prior"] | None = Field(
        None,
        description="Share of harmful requests among those of unknown intent, where it is known; auto reads it off "
        "the whole file, prior is what the classifier expects, two thirds (default: auto where a whole file is read, "
        "else prior).",
    )
    workers: int = Field(0, ge=0, description="Processes that classify; 0 takes one per core, at most 4.")
    models_dir: Path | None = Field(None, description="Folder with model files, looked into first.")
    offline: bool = Field(False, description="Never fetch a model file from a hub.")
    base_url: str | None = Field(None, description="OpenAI-compatible endpoint, ending in /v1.")
    api_key: SecretStr | None = Field(None, description="Key of the endpoint; OPENAI_API_KEY is read when unset.")
    concurrency: int = Field(8, ge=1, le=1024, description="Requests under way at once.")
    timeout: float = Field(60.0, gt=0, description="Seconds for one answer of an endpoint.")
    attempts: int = Field(6, ge=1, description="Tries for one answer.")
    tolerance: float | None = Field(
        None, gt=0, description="Largest change that does not matter; without it no verdict is inconclusive."
    )
    alpha: float = Field(0.05, gt=0, lt=0.5, description="Level of the tests that decide a gate.")
    monitor_detector: Literal["betting", "universal", "cusum", "page-hinkley", "adwin", "paper"] = Field(
        "betting",
        description="What watches a stream; only betting, and universal for independent responses, bound false alarms.",
    )
    monitor_watch: Literal["all", "rises", "surprisal", "misaligned", "entropy"] = Field(
        "all", description="What is watched: surprisal and misaligned share, both directions, or one of them."
    )
    monitor_promise: Literal["e-SR", "e-process"] = Field(
        "e-SR",
        description="What monitor_alpha bounds: false alarms a step (e-SR), or the chance of ever one (e-process).",
    )
    monitor_alpha: float = Field(
        1e-4, gt=0, lt=1, description="False-alarm budget of all monitored series of a source together."
    )
    monitor_delta: float = Field(
        0.0, ge=0, lt=1, description="Risk taken on the baselines; 0 keeps the promise on average over baselines."
    )
    monitor_baseline: int = Field(100, ge=1, description="Steps learnt from before monitoring begins.")
    monitor_tolerance: dict[str, float] = Field(
        default_factory=dict,
        description="Rise that is no drift, by what is watched: surprisal (nats), misaligned (share), or a score.",
    )
    monitor_by: Literal["prompt_set", "intent"] | None = Field(
        None, description="One monitor for each prompt set or intent; one for each stream and model when unset."
    )
    rows_per_step: int | None = Field(None, ge=1, description="Responses that make a step of a monitored stream.")
    lateness: str | None = Field(
        None, description="How long a step stays open for late rows of a live log: 5m, or a number of steps."
    )
    judge_base_url: str | None = Field(None, description="Endpoint of the judge; base_url when unset.")
    judge_model: str | None = Field(None, description="What the endpoint calls the model that judges.")
    judge_api_key: SecretStr | None = Field(
        None, description="Key of the judge's endpoint; the other keys serve only where there is one endpoint."
    )
    judge_rubric: Path | None = Field(None, description="TOML file with the judge's rules; those that ship when unset.")
    judge_samples: int = Field(1, ge=1, le=100, description="Votes a question, where no token probabilities are given.")
    judge_temperature: float | None = Field(
        None, ge=0, le=2, description="Temperature of the judge; 0 when unset, 0.7 for several votes."
    )
    judge_tries: int = Field(3, ge=1, description="Answers asked for until one follows the schema.")
    judge_max_tokens: int = Field(256, ge=8, description="Longest answer of the judge.")
    judge_max_chars: int = Field(
        8000, ge=100, description="Longest text shown to the judge; longer ones lose their middle."
    )
    judge_token_probabilities: bool = Field(True, description="Ask for token probabilities.")
    judge_reasons: bool = Field(
        False, description="Ask for a sentence of reason before the choice; kept in the journal."
    )
    judge_journal: Path | None = Field(
        None, description="Where verdicts are kept (hashes, no texts); the cache folder when unset."
    )
    judge_prompt_price: float | None = Field(None, ge=0, description="Price of a million tokens that the judge reads.")
    judge_completion_price: float | None = Field(None, ge=0, description="Price of a million tokens that it writes.")
    judge_max_requests: int | None = Field(None, gt=0, description="Stop judging after so many requests.")
    judge_max_total_tokens: int | None = Field(None, gt=0, description="Stop judging after so many tokens.")
    judge_max_cost: float | None = Field(None, gt=0, description="Stop judging at this cost.")
    judge_max_seconds: float | None = Field(None, gt=0, description="Stop judging after so long.")

    service: dict[str, Any] = Field(default_factory=dict, description="Settings of secondlaw serve: docs/service.md.")

    @field_validator("harmful_share", mode="before")
    @classmethod
    def _share_or_auto(cls, value: object) -> object:
        if value in (None, "auto", "prior"):
            return value
        try:
            share = float(value)  # type: ignore[arg-type]
        except (TypeError, ValueError):
            share = 0.0
        if not 0.0 < share < 1.0:
            raise ValueError("a share lies between 0 and 1, auto reads it off the file, prior leaves it at two thirds")
        return share

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
        If a value is out of range, the file is no TOML, or the environment holds a ``SECONDLAW_`` name that is no
        setting; names the setting and the value seen.

    Examples
    --------
    >>> load_settings(level=0.9).level
    0.9
    """
    _check_environment()
    said = {name: value for name, value in command_line.items() if value is not None}
    try:
        return Settings(**said)
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"])
        raise InvalidInput(f"setting {name}: {first['msg']}, got {first['input']!r}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InvalidInput(f"{FILE} or pyproject.toml is no TOML: {error}") from error


def _check_environment() -> None:
    """Refuse a misspelt variable, which would be ignored in silence."""
    known = [*(f"{PREFIX}{name.upper()}" for name in Settings.model_fields), *OTHER_VARIABLES]
    for name in sorted(os.environ):
        if name.upper().startswith(SERVICE_PREFIX):
            continue
        if name.upper().startswith(PREFIX) and name.upper() not in known:
            near = difflib.get_close_matches(name.upper(), known, n=1, cutoff=0.0)
            raise InvalidInput(
                f"the environment sets {name}, which is no setting; did you mean {near[0]}? Correct or unset it"
            )


def settings_schema() -> dict[str, Any]:
    """Return the JSON Schema of the settings file."""
    return Settings.model_json_schema()
