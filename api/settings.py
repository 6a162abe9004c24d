"""What can be configured, from ``FOOTNOTE_*`` environment variables or a TOML file, and nothing else.

Order of precedence: command line, environment, the file named by ``FOOTNOTE_CONFIG``, defaults. A
name that is not a setting is refused: a misspelt limit must not silently leave the default in force.
"""

from __future__ import annotations

import ipaddress
import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, StringConstraints, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from rag.errors import BadRequest
from rag.models.locations import default_models_folder
from rag.models.remote.server import ModelServer
from rag.network_guard import Endpoint
from rag.observability.logs import LogFormat, LogLevel

PREFIX = "FOOTNOTE_"
CONFIG_VARIABLE = "FOOTNOTE_CONFIG"
KEY_VARIABLE = "FOOTNOTE_KEY"
"""The key that the clients send. No setting: the service has no use for it and never reads it."""
URL_VARIABLE = "FOOTNOTE_URL"
"""The address that the clients speak to. No setting either."""
DEFAULT_PORT = 8321
_MEBIBYTE = 1024 * 1024


class Settings(BaseSettings):
    """Every setting; ``docs/configuration.md`` is tested to list the same ones."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="forbid", frozen=True)

    data: Annotated[
        Path, Field(description="The data folder: database, original files, indexes. One server at a time.")
    ] = Path("data/library")
    host: Annotated[
        str, Field(description="Address to listen on. Any but a loopback address needs an active key.")
    ] = "127.0.0.1"
    allowed_hosts: Annotated[
        tuple[Annotated[str, StringConstraints(to_lower=True, pattern=r"^[A-Za-z0-9.:-]{1,253}$")], ...],
        Field(
            max_length=100,
            description="Further names and addresses under which clients reach it, separated by commas. "
            "A request to any other host is refused.",
        ),
    ] = ()
    port: Annotated[int, Field(ge=0, le=65535, description="Port to listen on; 0 takes a free one.")] = (
        DEFAULT_PORT
    )
    database: Annotated[
        str | None,
        Field(
            max_length=4096,
            description="The database, `sqlite:///PATH`. Default: `footnote.db` in the data folder.",
        ),
    ] = None
    model: Annotated[
        Path | None,
        Field(
            description="The generator's weights, a GGUF file. Default: what `footnote models use` chose, "
            "else the packaged model."
        ),
    ] = None
    generator_url: Annotated[
        str | None,
        Field(
            max_length=2048,
            description="Another server whose model writes instead of one of this machine, with OpenAI's "
            "interface, like `http://127.0.0.1:8080/v1`. What it is to put into words is sent there.",
        ),
    ] = None
    generator_model: Annotated[
        str | None,
        Field(
            min_length=1,
            max_length=200,
            description="The name of the model there. Default: the first that the server lists.",
        ),
    ] = None
    generator_key_file: Annotated[
        Path | None, Field(description="A file with the key that is sent there. Default: none is sent.")
    ] = None
    generator_seconds: Annotated[
        float,
        Field(gt=0, le=3600, description="The longest that server may say nothing, in seconds."),
    ] = 60.0
    embedder: Annotated[
        Path | None,
        Field(description="The embedder, a sentence-transformers folder. Default: the packaged model."),
    ] = None
    models: Annotated[
        Path,
        Field(
            description="Folder of this machine's models: the static student of the embedder, and generators "
            "that were imported or made."
        ),
    ] = default_models_folder()
    threads: Annotated[
        int, Field(ge=1, le=256, description="CPU threads of each model. Default: the number of processors.")
    ] = os.cpu_count() or 1
    context_tokens: Annotated[
        int, Field(ge=512, le=131_072, description="Most tokens the generator reads and writes per answer.")
    ] = 4096
    max_upload_bytes: Annotated[
        int, Field(ge=1, le=64 * 1024 * _MEBIBYTE, description="The largest file accepted, in bytes.")
    ] = 256 * _MEBIBYTE
    max_json_bytes: Annotated[
        int, Field(ge=1024, le=64 * _MEBIBYTE, description="The largest JSON request body, in bytes.")
    ] = _MEBIBYTE
    max_question_chars: Annotated[
        int, Field(ge=16, le=100_000, description="The longest question or search query, in characters.")
    ] = 4000
    drafting: Annotated[
        Literal["auto", "free", "copy", "off"],
        Field(
            description="How the model writes: in its own words (`free`), by copying from the evidence "
            "(`copy`) or not at all (`off`). `auto` tries the model once and takes what it is good at."
        ),
    ] = "auto"
    max_citations: Annotated[
        int, Field(ge=1, le=20, description="Citations an answer may have unless the request says otherwise.")
    ] = 3
    abstention: Annotated[
        float,
        Field(
            ge=0,
            le=0.2,
            description="Share of answerable questions that may be refused so that others are; 0: none.",
        ),
    ] = 0.03
    answers_kept_days: Annotated[
        int, Field(ge=0, le=36_500, description="Days for which answers are kept; 0 keeps none at all.")
    ] = 90
    answer_cache: Annotated[
        bool,
        Field(
            description="Whether a question that was answered before, over documents that have not changed "
            "since, gets that answer: `on` or `off`. It needs kept answers."
        ),
    ] = True
    max_concurrent_asks: Annotated[
        int, Field(ge=1, le=128, description="Questions worked on at once; more wait in line.")
    ] = 8
    max_waiting_asks: Annotated[
        int,
        Field(
            ge=1,
            le=10_000,
            description="Questions that may wait in line, half of them with the same key; more are refused "
            "with `Retry-After`.",
        ),
    ] = 32
    queue_seconds: Annotated[
        float,
        Field(gt=0, le=3600, description="The longest a question, search or upload waits in line."),
    ] = 30.0
    ask_seconds: Annotated[
        float,
        Field(gt=0, le=3600, description="The longest a question may take with its wait, in seconds."),
    ] = 180.0
    max_concurrent_uploads: Annotated[
        int, Field(ge=1, le=256, description="Uploads taken in at once; eight times as many may wait.")
    ] = 8
    max_waiting_jobs: Annotated[
        int,
        Field(
            ge=1, le=100_000_000, description="Documents that may wait to be read; then uploads are refused."
        ),
    ] = 100_000
    max_waiting_bytes: Annotated[
        int, Field(ge=1, le=2**50, description="The same for the bytes of their files together.")
    ] = 64 * 1024 * _MEBIBYTE
    wait_seconds: Annotated[
        float, Field(gt=0, le=3600, description="The longest `?wait=true` holds a request open, in seconds.")
    ] = 600.0
    body_seconds: Annotated[
        float, Field(gt=0, le=3600, description="The longest pause while a request body arrives, in seconds.")
    ] = 30.0
    body_rate: Annotated[
        float,
        Field(ge=0, le=1e9, description="Bytes per second that a request body has to keep up; 0: any pace."),
    ] = 1000.0
    head_seconds: Annotated[
        float, Field(gt=0, le=3600, description="The longest the head of a request may take, in seconds.")
    ] = 10.0
    write_seconds: Annotated[
        float,
        Field(gt=0, le=3600, description="How long an answer waits for a client that reads none of it."),
    ] = 30.0
    max_connections: Annotated[
        int,
        Field(
            ge=1,
            le=100_000,
            description="Connections at most; at the limit idle and slow ones are closed for new ones. "
            "Never more than half the files the process may open.",
        ),
    ] = 1000
    shutdown_seconds: Annotated[
        int, Field(ge=1, le=600, description="Time for running requests to finish after SIGTERM, in seconds.")
    ] = 10
    log_level: Annotated[
        LogLevel, Field(description="The least that is logged: `debug`, `info`, `warning` or `error`.")
    ] = LogLevel.INFO
    log_format: Annotated[
        LogFormat, Field(description="Log lines as `json`, or as `text` for people to read.")
    ] = LogFormat.JSON
    traces: Annotated[
        str | None,
        Field(
            max_length=2048,
            description="Where to send traces, an OTLP address like `http://127.0.0.1:4318/v1/traces`. "
            "Default: nowhere.",
        ),
    ] = None

    @field_validator("host")
    @classmethod
    def _address(cls, host: str) -> str:
        try:
            return str(ipaddress.ip_address(host))
        except ValueError:
            raise ValueError("give an address, not a name: 127.0.0.1, or one of this machine's") from None

    @field_validator("allowed_hosts", mode="before")
    @classmethod
    def _listed(cls, hosts: object) -> object:
        """An environment variable has no lists."""
        return [one.strip() for one in hosts.split(",")] if isinstance(hosts, str) else hosts

    @field_validator("traces")
    @classmethod
    def _collector(cls, traces: str | None) -> str | None:
        if traces is not None:
            Endpoint.of_url(traces, PREFIX + "TRACES")
        return traces

    @field_validator("generator_url")
    @classmethod
    def _server(cls, url: str | None) -> str | None:
        if url is not None:
            ModelServer(url)
        return url

    @model_validator(mode="after")
    def _one_generator(self) -> Self:
        if self.generator_url is None and (self.generator_model or self.generator_key_file):
            raise ValueError(f"{PREFIX}GENERATOR_MODEL and _KEY_FILE want {PREFIX}GENERATOR_URL as well")
        if self.generator_url is not None and self.model is not None:
            raise ValueError(f"{PREFIX}GENERATOR_URL and {PREFIX}MODEL exclude each other: unset one of them")
        return self

    @field_validator("database")
    @classmethod
    def _sqlite(cls, database: str | None) -> str | None:
        if database is not None and not database.removeprefix("sqlite:///"):
            raise ValueError("the path after sqlite:/// is missing")
        if database is not None and not database.startswith("sqlite:///"):
            raise ValueError("only sqlite:///PATH is supported")
        return database

    @property
    def database_path(self) -> Path:
        if self.database is not None:
            return Path(self.database.removeprefix("sqlite:///"))
        return self.data / "footnote.db"

    @property
    def blobs_path(self) -> Path:
        return self.data / "blobs"

    @property
    def indexes_path(self) -> Path:
        return self.data / "indexes"

    @property
    def cache_path(self) -> Path:
        return self.data / "cache"

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Only what ``load`` merged, which also sees the names that are not settings."""
        return (init_settings,)


def load(environ: Mapping[str, str], overrides: Mapping[str, Any] | None = None) -> Settings:
    """The settings in force.

    Args:
        environ: usually ``os.environ``.
        overrides: values from the command line; None values are left out.

    Raises:
        BadRequest: ``bad_settings``, naming each wrong setting and where it came from.
    """
    from_file = _read_file(environ.get(CONFIG_VARIABLE) or None)
    from_environment = {
        name.removeprefix(PREFIX).lower(): value
        for name, value in environ.items()
        if name.startswith(PREFIX) and name not in (CONFIG_VARIABLE, KEY_VARIABLE, URL_VARIABLE) and value
    }
    given = {name: value for name, value in (overrides or {}).items() if value is not None}
    try:
        return Settings(**{**from_file, **from_environment, **given})
    except ValidationError as error:
        raise BadRequest("bad_settings", _explain(error, from_environment)) from None


def _read_file(path: str | None) -> dict[str, Any]:
    if path is None:
        return {}
    try:
        with open(path, "rb") as file:
            return tomllib.load(file)
    except (OSError, ValueError) as error:
        raise BadRequest(
            "bad_settings",
            f"The settings file {path} cannot be read ({error}); mend it or unset {CONFIG_VARIABLE}.",
        ) from error


def _explain(error: ValidationError, from_environment: Mapping[str, str]) -> str:
    lines = []
    for problem in error.errors():
        name = str(problem["loc"][0]) if problem["loc"] else "settings"
        shown = PREFIX + name.upper() if name in from_environment else name
        reason = (
            "there is no such setting" if problem["type"] == "extra_forbidden" else problem["msg"].lower()
        )
        lines.append(f"{shown}: {reason}")
    return "; ".join(lines) + ". See docs/configuration.md for every setting."
