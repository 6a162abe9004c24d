"""A service in processes of its own, as ``footnote serve`` starts it."""

from __future__ import annotations

import time
from typing import Any

import httpx

from api.local_service import LocalService

_SECONDS = 600.0
"""No figure: the worker gives way to everything else, and a busy machine has much else."""


class RunningService(LocalService):
    """With a client for its tests."""

    def client(self) -> httpx.Client:
        return httpx.Client(base_url=self.address, timeout=_SECONDS, trust_env=False)


def upload(client: httpx.Client, name: str, content: bytes, **data: str) -> dict[str, Any]:
    """Upload, wait until it is read, and return the answer."""
    answer = client.post("/v1/documents", params={"wait": "true"}, files={"file": (name, content)}, data=data)
    assert answer.is_success, answer.text
    body: dict[str, Any] = answer.json()
    deadline = time.monotonic() + _SECONDS
    while body["job"]["state"] in ("queued", "running"):  # longer than the service lets anybody wait
        assert time.monotonic() < deadline, body
        time.sleep(0.1)
        body["job"] = client.get(f"/v1/jobs/{body['job']['id']}").json()
        body["document"] = client.get(f"/v1/documents/{body['document']['id']}").json()
    return body


def until_refined(client: httpx.Client, document: str) -> None:
    """Wait until the document has its last vectors: until then its scores may change between two looks."""
    deadline = time.monotonic() + _SECONDS
    while client.get(f"/v1/documents/{document}").json()["state"] != "refined":
        assert time.monotonic() < deadline
        time.sleep(0.1)


def resolved(client: httpx.Client, place: dict[str, Any]) -> str:
    """The text that stands where a hit or citation says it stands."""
    document = place["document"]
    answer = client.get(
        f"/v1/documents/{document['id']}/text",
        params={"start": place["start"], "end": place["end"], "version": document["version"]},
    )
    assert answer.status_code == 200, answer.text
    return str(answer.json()["text"])
