"""``python -m tests.faults.fuzz --cases N --seed S [--url URL [--key KEY]]``: the whole OpenAPI, fuzzed.

Without ``--url`` it starts services of its own, over empty folders and with models that weigh nothing, and
asks them as the one person who needs no key, as an administrator with a key, and as somebody without one.
"""

from __future__ import annotations

import argparse
import math
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Any

import httpx

from api.openai.naming import response_id
from rag.evaluation import reports
from rag.evaluation.reports import Figure, Report
from tests.faults.openapi_cases import Findings, Known, Prober, fuzz
from tests.faults.service import ROOT, FaultyService

# A request may ask to wait, or for the progress of a job: without an end of its own it would take minutes.
VARIABLES = {"FOOTNOTE_WAIT_SECONDS": "2"}
_COLLECTION = "fuzz"
_CONVERSATION = "fuzz"
_MODELS = ("footnote-quote", "footnote-embedding", "footnote", f"footnote-quote:{_COLLECTION}")
_SHOWN = 20


class Caller(StrEnum):
    """As whom the requests are made."""

    LOCAL = "local"
    """The one person at this machine, without keys."""
    ADMIN = "admin"
    NOBODY = "nobody"
    """Without a key where one is needed."""


_SHARES = {Caller.LOCAL: 0.45, Caller.ADMIN: 0.45, Caller.NOBODY: 0.1}


class NothingToFind(Exception):
    """What the requests should be about could not be made; they would only find that it is not there."""


def something_to_find(client: httpx.Client) -> Known:
    """A document, a collection, an answer, a conversation; and that nothing is paused.

    Raises ``NothingToFind``.
    """
    client.post("/v1/queue/resume")
    client.post("/v1/collections", json={"name": _COLLECTION})
    text = f"The archive of {time.time_ns()} was opened in 1987."
    files, form = {"file": ("note.txt", text.encode())}, {"collection": _COLLECTION}
    accepted = _found(client.post("/v1/documents", files=files, data=form))
    question = {"question": "When was the archive opened?", "mode": "quote", "conversation": _CONVERSATION}
    answer = _found(client.post("/v1/ask", json=question))
    document, response = accepted["document"]["id"], response_id(answer["id"])
    return {
        "conversation": [_CONVERSATION],
        "name": [_COLLECTION],
        "answer_id": [answer["id"]],
        "document_id": [document],
        "job_id": [accepted["job"]["id"]],
        # The same by the names that OpenAI's interface has for them.
        "file_id": [document],
        "vector_store_id": [_COLLECTION],
        "response_id": [response],
        "previous_response_id": [response],
        "model": _MODELS,
    }


def _found(answer: httpx.Response) -> dict[str, Any]:
    if not answer.is_success:
        raise NothingToFind(f"{answer.request.url}: {answer.status_code} {answer.text}")
    found = answer.json()
    assert isinstance(found, dict)
    return found


def admin_key(address: str) -> str:
    """Make the service's first key; from then on everybody needs one."""
    with httpx.Client(base_url=address, trust_env=False, timeout=60.0) as client:
        made = _found(client.post("/v1/keys", json={"name": "fuzz", "scope": "admin"}))
        return str(made["token"])


def run(address: str, caller: Caller, cases: int, seed: int, key: str | None = None) -> Findings:
    """Fuzz a running service. ``key`` is the one to send; nobody sends none."""
    if key is None and caller is not Caller.LOCAL:
        key = admin_key(address)
    headers = {"Authorization": f"Bearer {key}"} if key and caller is not Caller.NOBODY else {}
    # With the first key, the one person without keys would be let in no more.
    prober = Prober(address, headers, without=["POST /v1/keys"] if caller is Caller.LOCAL else ())
    with httpx.Client(base_url=address, headers=headers, trust_env=False, timeout=60.0) as client:
        prepare = dict if caller is Caller.NOBODY else lambda: something_to_find(client)
        return fuzz(prober, cases, seed, prepare, _tell)


def run_as(caller: Caller, cases: int, seed: int) -> Findings:
    """Fuzz a service of our own."""
    with tempfile.TemporaryDirectory() as folder, FaultyService(Path(folder), variables=VARIABLES) as service:
        service.start()
        print(f"as {caller}:", flush=True)
        return run(service.address, caller, cases, seed)


def _tell(sent: int) -> None:
    print(f"  {sent} requests", flush=True)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--url", help="a service that runs already")
    parser.add_argument("--key", help="the key to send to it")
    parser.add_argument("--reports", type=Path, default=ROOT / "data" / "reports")
    options = parser.parse_args(arguments)
    began = time.monotonic()
    if options.url:
        caller = Caller.ADMIN if options.key else Caller.LOCAL
        found = {caller: run(options.url, caller, options.cases, options.seed, options.key)}
    else:
        found = {
            caller: run_as(caller, math.ceil(options.cases * share), options.seed)
            for caller, share in _SHARES.items()
        }
    report = _report(found, options, time.monotonic() - began)
    print(f"wrote {reports.write(report, options.reports)}")
    for findings in found.values():
        for what, count in findings.violations.most_common():
            print(f"{count:6} x {what}\n{findings.examples[what]}\n")
    return 0 if all(figure.met is not False for figure in report.figures) else 1


def _report(found: Mapping[Caller, Findings], options: argparse.Namespace, seconds: float) -> Report:
    cases = sum(findings.cases for findings in found.values())
    errors = sum(findings.server_errors for findings in found.values())
    violations = sum((findings.violations for findings in found.values()), Counter[str]())
    wrong = violations.total()
    figures = [
        Figure("requests", f"{cases:,}"),
        Figure("answers of 5xx", str(errors), "0", errors == 0),
        Figure("answers the OpenAPI document does not describe", str(wrong), "0", wrong == 0),
    ]
    notes = [
        f"seed {options.seed}, {seconds:.0f} s",
        *([] if wrong else [f"none in {cases:,} proves at most {3 / cases:.4%} at 95 %"]),
        *(f"as {caller}: {_statuses(findings)}" for caller, findings in found.items()),
        *(f"{count} x {what}" for what, count in violations.most_common(_SHOWN)),
    ]
    command = f"python -m tests.faults.fuzz --cases {options.cases} --seed {options.seed}"
    return Report("fuzz", "Requests made from the OpenAPI document", command, figures, notes)


def _statuses(findings: Findings) -> str:
    return ", ".join(f"{count:,} x {status}" for status, count in sorted(findings.statuses.items()))


if __name__ == "__main__":
    sys.exit(main())
