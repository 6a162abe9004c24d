"""Requests made from the service's own OpenAPI document, and what its answers may look like (schemathesis).

Half of the requests fit the document and half do not. Ids, which a generator would never guess, are
often exchanged for those of documents, jobs and answers that exist, and files for ones that can be read.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, Verbosity, given, seed, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

_CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
_TIMEOUT_SECONDS = 30.0
_SERVER_ERROR = 500
_MADE_UP_KEYS = 16
"""One request in so many carries a key that the generator made up; they all have the same answer."""
_IDS = (
    "document_id", "job_id", "answer_id", "conversation", "name", "key_id",
    "file_id", "vector_store_id", "response_id", "model", "previous_response_id",
)  # fmt: skip

Known = Mapping[str, Sequence[str]]
"""Values that exist, by the name of the path parameter or the member of a body they fit."""


@dataclass
class Findings:
    """What was sent and what came back. ``violations`` has one line for each kind, however often it came."""

    cases: int = 0
    server_errors: int = 0
    statuses: Counter[int] = field(default_factory=Counter)
    violations: Counter[str] = field(default_factory=Counter)
    examples: dict[str, str] = field(default_factory=dict)

    def add(self, what: str, example: str) -> None:
        self.violations[what] += 1
        self.examples.setdefault(what, example[:600])


class Prober:
    """Sends generated requests to a running service.

    Args:
        address: ``http://127.0.0.1:8321``.
        headers: sent with every request: the key, if one is to be used.
        without: operations that are left out, ``POST /v1/keys``.
    """

    def __init__(
        self, address: str, headers: Mapping[str, str] | None = None, without: Collection[str] = ()
    ) -> None:
        self.address = address
        self._without = frozenset(without)
        self.headers = dict(headers or {})
        self.findings = Findings()
        self._session = requests.Session()
        self._session.trust_env = False
        with httpx.Client(trust_env=False, timeout=_TIMEOUT_SECONDS) as client:
            document = client.get(f"{address}/openapi.json", headers=self.headers).raise_for_status().json()
        self._schema: Any = schemathesis.openapi.from_dict(document)

    def operations(self) -> list[Any]:
        """All operations, those that delete last: the others find more while there is something."""
        found = [result.ok() for result in self._schema.get_all_operations()]
        wanted = [one for one in found if one.label not in self._without]
        return sorted(wanted, key=lambda one: one.method.upper() == "DELETE")

    def probe(self, operation: Any, cases: int, seed_: int, known: Known) -> int:
        """Send up to ``cases`` different requests; fewer where there are not that many. Returns how many."""
        before = self.findings.cases
        shares = {GenerationMode.POSITIVE: cases - cases // 2, GenerationMode.NEGATIVE: cases // 2}
        for mode, share in shares.items():
            if share:
                self._run(operation, mode, share, seed_, known)
        return self.findings.cases - before

    def _run(self, operation: Any, mode: GenerationMode, cases: int, seed_: int, known: Known) -> None:
        @seed(seed_)
        @settings(
            max_examples=cases,
            database=None,
            deadline=None,
            phases=[Phase.generate],
            verbosity=Verbosity.quiet,
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy(mode), choice=st.integers(0, 2**16))
        def send(case: Any, choice: int) -> None:
            _use_known(case, choice, known)
            if choice % _MADE_UP_KEYS and case.headers:
                case.headers.pop("Authorization", None)
            self._send(case)

        try:
            send()
        except Unsatisfiable:  # nothing can be wrong with a request that has no parameters
            return

    def _send(self, case: Any) -> None:
        self.findings.cases += 1
        label = case.operation.label
        try:
            answer = case.call(
                base_url=self.address, session=self._session, headers=self.headers, timeout=_TIMEOUT_SECONDS
            )
        except requests.Timeout:
            self.findings.add(f"{label}: no answer in {_TIMEOUT_SECONDS:.0f} s", str(case.as_curl_command()))
            return
        except requests.RequestException as error:
            self.findings.add(f"{label}: {type(error).__name__}", str(case.as_curl_command()))
            return
        self.findings.statuses[answer.status_code] += 1
        self.findings.server_errors += answer.status_code >= _SERVER_ERROR
        self._judge(case, answer)

    def _judge(self, case: Any, answer: Any) -> None:
        try:
            case.validate_response(answer, checks=_CHECKS)
        except FailureGroup as group:
            for failure in group.exceptions:
                what = f"{case.operation.label}: {failure.title} ({answer.status_code})"
                self.findings.add(what, f"{failure}\n{case.as_curl_command()}")


def _use_known(case: Any, choice: int, known: Known) -> None:
    """Exchange what names something for what exists in two of three cases, and the file in one of two.

    Half of those files come alone: the other fields of a form seldom fit each other.
    """
    body = case.body
    places = [place for place in (case.path_parameters, body) if isinstance(place, dict)]
    for number, name in enumerate(_IDS):
        values = known.get(name)
        for place in places:
            if values and name in place and (choice >> number) % 3:
                place[name] = values[choice % len(values)]
    if isinstance(body, dict) and "file" in body and choice % 2:
        body["file"] = f"File {choice}. It was written in {choice % 900 + 1000}.".encode()
        if choice % 4 == 1:
            case.body = {"file": body["file"]}


def fuzz(
    prober: Prober,
    cases: int,
    seed_: int,
    prepare: Callable[[], Known],
    tell: Callable[[int], None] = lambda _: None,
    per_round: int = 40,
) -> Findings:
    """Go round all operations until ``cases`` requests have been sent.

    Args:
        prepare: makes something to find before each round; returns what there is.
        tell: called with the number of requests sent after each round.
    """
    operations = prober.operations()
    known: Known = {}
    share = min(per_round, max(2, -(-cases // len(operations))))
    round_ = 0
    while prober.findings.cases < cases:
        for number, operation in enumerate(operations):
            left = cases - prober.findings.cases
            if left > 0:
                known = prepare() if number % 4 == 0 else known
                prober.probe(operation, min(share, left), seed_ * 10_007 + round_ * 101 + number, known)
        round_ += 1
        tell(prober.findings.cases)
    return prober.findings
