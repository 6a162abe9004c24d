"""The official client against ``footnote mcp``, over both of its transports, with a real service behind."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import httpx2
import pytest
from mcp import Client, MCPError, StdioServerParameters
from mcp.client.streamable_http import streamable_http_client
from mcp_types import CallToolResult, ResourceLink, TextContent, TextResourceContents

from api.client import Footnote
from api.mcp.calling import Callers
from api.mcp.files import Roots
from api.mcp.server import build
from tests.api.serving import OPENED, served_with_library

READING = {"search", "ask", "read_passage", "list_documents"}


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """The address of a service and the id of its document."""
    with served_with_library(tmp_path_factory.mktemp("service")) as (service, document):
        yield service.address, document


def _environment(address: str) -> dict[str, str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("FOOTNOTE_")}
    return clean | {"FOOTNOTE_URL": address}


@asynccontextmanager
async def _stdio(address: str, *options: str) -> AsyncIterator[Client]:
    server = StdioServerParameters(
        command=sys.executable, args=["-m", "api.cli", "mcp", *options], env=_environment(address)
    )
    async with Client(server) as client:
        yield client


@asynccontextmanager
async def _inside(address: str, roots: Roots | None = None) -> AsyncIterator[Client]:
    """The same server in this process, which starts at once."""
    async with Client(build(Callers(address, None), roots)) as client:
        yield client


@pytest.fixture(scope="module")
def http(library: tuple[str, str]) -> Iterator[str]:
    """The address of a server over streamable HTTP."""
    with serving(library[0]) as address:
        yield address


class serving:  # noqa: N801  # used as a context manager
    def __init__(self, service: str) -> None:
        self._command = [sys.executable, "-m", "api.cli", "mcp", "--http", "--port", "0"]
        self._service = service

    def __enter__(self) -> str:
        self._process = subprocess.Popen(
            self._command, stderr=subprocess.PIPE, text=True, env=_environment(self._service)
        )
        assert self._process.stderr is not None
        return self._process.stderr.readline().split()[-1]

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait(20)
        assert self._process.stderr is not None
        self._process.stderr.close()


def _text(result: CallToolResult) -> str:
    assert isinstance(result.content[0], TextContent)
    return result.content[0].text


async def _follow_an_answer(client: Client, document: str) -> None:
    """Ask, follow a citation's link, and read the same place with the tool."""
    result = await client.call_tool("ask", {"question": OPENED})
    assert not result.is_error
    assert "[1] harbour.txt: “" in _text(result)
    answer = result.structured_content
    cited = answer["citations"][0]
    link = result.content[1]
    assert isinstance(link, ResourceLink)
    read = (await client.read_resource(link.uri)).contents[0]
    assert isinstance(read, TextResourceContents)
    assert read.text == cited["quote"]
    place = {"document_id": document, "start": cited["start"], "end": cited["end"], "version": 1}
    assert _text(await client.call_tool("read_passage", place)) == cited["quote"]


async def test_everything_over_standard_input_and_output(library: tuple[str, str]) -> None:
    address, document = library
    async with _stdio(address) as client:
        tools = (await client.list_tools()).tools
        assert {tool.name for tool in tools} == READING
        assert all(tool.annotations and tool.annotations.read_only_hint for tool in tools)
        await _follow_an_answer(client, document)
        found = await client.call_tool("search", {"query": "skates in winter", "k": 1})
        assert document in _text(found)
        assert "skates" in found.structured_content["hits"][0]["text"]
        listed = await client.call_tool("list_documents", {})
        assert [one["id"] for one in listed.structured_content["documents"]] == [document]
        resources = (await client.list_resources()).resources
        assert [one.uri for one in resources] == [f"footnote://documents/{document}"]
        whole = (await client.read_resource(resources[0].uri)).contents[0]
        assert isinstance(whole, TextResourceContents)
        assert whole.text.startswith("The reading room")


async def test_what_is_not_there_is_said_so_that_a_model_does_not_make_it_up(
    library: tuple[str, str],
) -> None:
    async with _inside(library[0]) as client:
        result = await client.call_tool("ask", {"question": "Which enzyme unwinds xyzzy?"})
    assert _text(result).startswith("Not in these documents.")
    assert result.structured_content["status"] == "not_in_documents"


async def test_mistakes_come_back_as_errors_that_say_what_to_do(library: tuple[str, str]) -> None:
    async with _inside(library[0]) as client:
        unknown = await client.call_tool("read_passage", {"document_id": "doc_none"})
        assert unknown.is_error
        assert "document_not_found" in _text(unknown)
        assert (await client.call_tool("search", {"query": "x", "k": 0})).is_error
        with pytest.raises(MCPError, match="document_not_found"):
            await client.read_resource("footnote://documents/doc_none")


async def test_no_service_is_an_error_of_the_tool_and_not_of_the_server() -> None:
    async with _inside("http://127.0.0.1:9") as client:
        result = await client.call_tool("search", {"query": "x"})
    assert result.is_error
    assert "footnote serve" in _text(result)


async def test_documents_are_added_only_where_that_was_asked_for(
    library: tuple[str, str], tmp_path: Path
) -> None:
    inside, outside = tmp_path / "notes", tmp_path / "secret.txt"
    inside.mkdir()
    (inside / "boats.txt").write_text("The boathouse has eleven boats.")
    outside.write_text("Nobody may read this.")
    (inside / "link.txt").symlink_to(outside)
    async with _inside(library[0], Roots([inside])) as client:
        added = await client.call_tool("add_document", {"path": str(inside / "boats.txt")})
        assert added.structured_content["state"] in ("ready", "refined")
        noted = await client.call_tool(
            "add_document", {"name": "oars.md", "text": "Each boat has four oars."}
        )
        assert noted.structured_content["name"] == "oars.md"
        for path in (outside, inside / "link.txt", inside / ".." / "secret.txt", inside, inside / "none"):
            refused = await client.call_tool("add_document", {"path": str(path)})
            assert refused.is_error, path
            assert "is no file below" in _text(refused)
        assert (await client.call_tool("add_document", {"name": "only a name"})).is_error
    with Footnote(library[0]) as service:  # other tests count documents
        for result in (added, noted):
            service.documents.delete(result.structured_content["id"])


async def test_everything_over_streamable_http(library: tuple[str, str], http: str) -> None:
    async with Client(http) as client:
        assert {tool.name for tool in (await client.list_tools()).tools} == READING
        await _follow_an_answer(client, library[1])


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Host": "evil.example"}, 421),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "http://localhost:3000"}, 403),
        ({"Origin": "null"}, 403),
    ],
)
def test_pages_of_other_sites_are_refused(http: str, headers: dict[str, str], status: int) -> None:
    message = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}}
    accept = {"Accept": "application/json, text/event-stream"}
    answer = httpx.post(http, json=message, headers=accept | headers, trust_env=False)
    assert answer.status_code == status


async def test_over_http_each_caller_comes_with_a_key_of_their_own(tmp_path: Path) -> None:
    with served_with_library(tmp_path) as (service, document):
        with Footnote(service.address) as everybody:
            reader = everybody.keys.create("reader", "read").token
        with serving(service.address) as address:
            assert httpx.post(address, json={}, trust_env=False).status_code == 401
            wrong = {"Authorization": "Bearer fn_wrong"}
            assert httpx.post(address, json={}, headers=wrong, trust_env=False).status_code == 401
            key = {"Authorization": f"Bearer {reader}"}
            async with (
                httpx2.AsyncClient(headers=key, trust_env=False) as transport,
                Client(streamable_http_client(address, http_client=transport)) as client,
            ):
                await _follow_an_answer(client, document)
