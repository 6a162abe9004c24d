"""The OpenAPI document, the page made of it, and the written documentation say the same."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
import typer.main

from api.cli.commands import app as command_line
from api.openai.errors import is_openai
from api.settings import CONFIG_VARIABLE, PREFIX, Settings
from tests.api.conftest import Client

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"


@pytest.fixture
def openapi(client: Client) -> dict[str, Any]:
    document: dict[str, Any] = client.get("/openapi.json").json()
    return document


def _operations(openapi: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    return [
        (method.upper(), path, operation)
        for path, methods in openapi["paths"].items()
        for method, operation in methods.items()
    ]


def test_every_reference_resolves(openapi: dict[str, Any]) -> None:
    named = set(re.findall(r"#/components/schemas/([\w-]+)", str(openapi)))
    assert named <= set(openapi["components"]["schemas"])


def test_errors_are_documented_as_problems(openapi: dict[str, Any]) -> None:
    for method, path, operation in _operations(openapi):
        for status, answer in operation["responses"].items():
            if int(status) >= 400:
                expected = "application/json" if is_openai(path) else "application/problem+json"
                assert list(answer["content"]) == [expected], (method, path, status)


def test_requests_have_examples(openapi: dict[str, Any]) -> None:
    for name in ("SearchRequest", "AskRequest", "NewCollection", "DocumentPatch", "ChatRequest"):
        assert openapi["components"]["schemas"][name]["examples"]


def test_every_number_and_string_of_a_request_is_bounded(openapi: dict[str, Any]) -> None:
    unbounded = []
    for method, path, operation in _operations(openapi):
        for parameter in operation.get("parameters", []):
            for kind in parameter["schema"].get("anyOf", [parameter["schema"]]):
                if not _bounded(kind):
                    unbounded.append((method, path, parameter["name"]))
    assert unbounded == []


def _bounded(schema: dict[str, Any]) -> bool:
    match schema.get("type"):
        case "integer" | "number":
            return "maximum" in schema and "minimum" in schema
        case "string":
            return bool({"maxLength", "enum", "pattern"} & set(schema))
    return True


class _Sources(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [f"<{tag}>"] if tag == "script" else []
        self.found += [value or "" for name, value in attrs if name in ("src", "href", "action")]


def test_the_page_loads_nothing_and_shows_every_operation(client: Client, openapi: dict[str, Any]) -> None:
    page = client.get("/docs")
    sources = _Sources()
    sources.feed(page.text)
    assert sources.found == ["/openapi.json"]
    assert "default-src 'none'" in page.headers["content-security-policy"]
    for _, path, _ in _operations(openapi):
        assert path in page.text


def test_rest_names_every_operation(openapi: dict[str, Any]) -> None:
    written = (DOCS / "rest.md").read_text(encoding="utf-8")
    missing = [
        f"{method} {path}" for method, path, _ in _operations(openapi) if f"`{method} {path}`" not in written
    ]
    assert missing == []


def test_configuration_lists_every_setting_and_no_other() -> None:
    written = (DOCS / "configuration.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| `(FOOTNOTE_\w+)` \| (.+?) \|", written, re.MULTILINE))
    expected = {
        PREFIX + name.upper(): str(field.description) for name, field in Settings.model_fields.items()
    }
    assert {name: text for name, text in rows.items() if name != CONFIG_VARIABLE} == expected
    assert CONFIG_VARIABLE in rows


def test_cli_lists_every_command_and_option() -> None:
    written = (DOCS / "cli.md").read_text(encoding="utf-8")
    group = typer.main.get_command(command_line)
    for name, command in _commands(group, ()):
        assert f"`{name}" in written, name
        for parameter in command.params:
            for option in parameter.opts:
                if option.startswith("--") and option != "--help":
                    assert option in written, (name, option)


def _commands(command: Any, path: tuple[str, ...]) -> list[tuple[str, Any]]:
    if not hasattr(command, "commands"):
        return [(" ".join(("footnote", *path)), command)]
    return [found for name, child in command.commands.items() for found in _commands(child, (*path, name))]


_RAISED = re.compile(
    r"(?:BadRequest|TooLarge|Unsupported|NotFound|Gone|Conflict|DocumentRejected|Unavailable|Busy|StorageFailed"
    r"|FootnoteError|HttpProblem|Refusal|Unauthenticated|Forbidden)\(\s*(?:\d{3},\s*)?[\"']([a-z_]+)[\"']"
)
_ANSWERED = re.compile(r"problems\.response\(\s*\d{3},\s*[\"']([a-z_]+)[\"']")
_ROUTING = re.compile(r"^    \d{3}: \(\"([a-z_]+)\"", re.MULTILINE)


def test_every_code_in_the_source_is_explained() -> None:
    explained = set(re.findall(r"^\| `([a-z_]+)` \|", (DOCS / "errors.md").read_text("utf-8"), re.MULTILINE))
    raised = {"internal_error", "invalid_request"}
    for folder in ("rag", "ingest", "api"):
        for path in (ROOT / folder).rglob("*.py"):
            source = path.read_text(encoding="utf-8")
            for pattern in (_RAISED, _ANSWERED, _ROUTING):
                raised |= set(pattern.findall(source))
    assert raised - explained == set()
