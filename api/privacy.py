"""What may leave this machine, and what was kept from leaving it: shown, not claimed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Literal

from pydantic import BaseModel, Field

from rag.models.remote.server import URL_SETTING
from rag.network_guard import Destination, Endpoint, is_this_machine

_TRACES = "FOOTNOTE_TRACES"
_TRACED = "Traces are sent there: times, counts and identifiers, no text of anybody's."
_PROCESSES = {_TRACES: ["api", "worker"], URL_SETTING: ["api"]}
_GUARDED = ("api", "worker", "generator")


class AllowedConnection(BaseModel):
    processes: list[str]
    destination: Annotated[str, Field(description="Host and port.")]
    setting: Annotated[str, Field(description="What allows it; unset it, and nothing is allowed.")]
    reason: str
    document_text: Annotated[
        bool, Field(description="Whether questions and sentences of documents are sent there.")
    ]
    this_machine: Annotated[bool, Field(description="Whether that is this machine itself.")]


class GuardedProcess(BaseModel):
    process: Annotated[str, Field(description="`api`, `worker`, `generator`, or `parser`.")]
    guard: Annotated[
        Literal["audit_hook", "none", "kernel"],
        Field(description="What refuses: a hook in the process, or a kernel that gives it no network."),
    ]
    refused: Annotated[
        dict[str, int] | None,
        Field(
            description="Connections refused since the service started, by kind of destination; null where "
            "the kernel refuses and does not count."
        ),
    ]


class Privacy(BaseModel):
    telemetry: Annotated[Literal["none"], Field(description="Nothing is reported to anybody.")]
    langchain_tracing: Annotated[bool, Field(description="Whether langchain-core's tracing client is on.")]
    downloads: Annotated[Literal["none"], Field(description="Nothing is fetched while the service runs.")]
    allowed: Annotated[
        list[AllowedConnection], Field(description="Every connection that may be made; empty by default.")
    ]
    processes: list[GuardedProcess]


def report(
    *,
    allowed: Sequence[Endpoint] | None,
    refused: Mapping[str, Mapping[str, float]],
    langchain_tracing: bool,
    parser_without_network: bool,
    generator_process: bool = True,
) -> Privacy:
    """Args:
    allowed: what the guard of this process lets through; None where there is no guard, as in tests.
    refused: connections by process and kind of destination.
    parser_without_network: whether the kernel took the network from those who read documents.
    generator_process: whether there is one; another server's model has none here.
    """
    guard: Literal["audit_hook", "none"] = "none" if allowed is None else "audit_hook"
    kinds = [kind.value for kind in Destination]
    guarded = [
        GuardedProcess(
            process=name,
            guard=guard,
            refused={kind: int(refused.get(name, {}).get(kind, 0)) for kind in kinds},
        )
        for name in _GUARDED
        if name != "generator" or generator_process
    ]
    parser = GuardedProcess(
        process="parser", guard="kernel" if parser_without_network else guard, refused=None
    )
    return Privacy(
        telemetry="none",
        langchain_tracing=langchain_tracing,
        downloads="none",
        allowed=[
            AllowedConnection(
                processes=_PROCESSES[endpoint.setting],
                destination=str(endpoint),
                setting=endpoint.setting,
                reason=_reason(endpoint),
                document_text=endpoint.setting == URL_SETTING,
                this_machine=is_this_machine(endpoint.host),
            )
            for endpoint in allowed or ()
        ],
        processes=[*guarded, parser],
    )


def _reason(endpoint: Endpoint) -> str:
    if endpoint.setting == _TRACES:
        return _TRACED
    sent = "Questions, and the sentences of documents that may answer them, go there to be put into words."
    if is_this_machine(endpoint.host):
        return sent
    return f"{sent} Document text leaves this machine to {endpoint}."
