"""Ready means that it works: whoever asks in the first moment is answered, if need be by the model."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.journeys.running import RunningService


@pytest.mark.slow
def test_the_first_moment_of_being_ready_is_good_for_everything(tmp_path: Path) -> None:
    phases: list[str] = []
    with (
        RunningService(tmp_path, on_phase=lambda _, phase: phases.append(phase)) as service,
        service.client() as http,
    ):
        assert http.post("/v1/search", json={"query": "anything"}).status_code == 200
        note = {"file": ("ferry.txt", b"The ferry to Baltrum leaves at nine in the morning.")}
        uploaded = http.post("/v1/documents", params={"wait": "true"}, files=note)
        assert uploaded.json()["document"]["state"] == "ready"
        asked = {"question": "When does the ferry to Baltrum leave?", "mode": "answer"}
        assert http.post("/v1/ask", json=asked).json()["model"] is not None
    assert phases[-1] == "ready"
    assert any("loading" in phase for phase in phases[:-1])  # until then it said what it was doing
