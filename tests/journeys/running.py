"""A service in processes of its own, as ``footnote serve`` starts it."""

from __future__ import annotations

from typing import Any

import httpx

from api.local_service import LocalService


class RunningService(LocalService):
    """With a client for its tests."""

    def client(self) -> httpx.Client:
        return httpx.Client(base_url=self.address, timeout=120.0, trust_env=False)


def upload(client: httpx.Client, name: str, content: bytes, **data: str) -> dict[str, Any]:
    """Upload, wait until it is read, and return the answer."""
    answer = client.post("/v1/documents", params={"wait": "true"}, files={"file": (name, content)}, data=data)
    assert answer.is_success, answer.text
    body: dict[str, Any] = answer.json()
    return body


def resolved(client: httpx.Client, place: dict[str, Any]) -> str:
    """The text that stands where a hit or citation says it stands."""
    document = place["document"]
    answer = client.get(
        f"/v1/documents/{document['id']}/text",
        params={"start": place["start"], "end": place["end"], "version": document["version"]},
    )
    assert answer.status_code == 200, answer.text
    return str(answer.json()["text"])
