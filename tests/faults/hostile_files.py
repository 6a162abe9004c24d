"""``python -m tests.faults.hostile_files``: hostile files against a running service, and what became of them.

Sends every file of ``--folder`` and those that are made here, one after the other, and asks ``/livez`` all
the while. ``--most`` bounds each family (drawn with ``--seed``), 0 sends all of them. Then a parser that has
been taken over tries to get out. Ends with status 1 when a file has no typed outcome, or one has escaped.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import httpx

from ingest.sandbox import Sandbox
from ingest.sandbox.probe import describe
from rag.evaluation import reports
from rag.evaluation.metrics import quantile
from rag.evaluation.reports import Figure, Report
from tests.faults.hostile_cases import Case, made, naughty, of_folder, sampled
from tests.faults.service import ROOT, FaultyService
from tests.ingest.sandbox import escapes

_FOLDER = ROOT.parent / "shared" / "hostile"
_SECONDS = 10.0
_LIVE_MS = 100.0
_PATIENCE_SECONDS = 180.0
_POLL_SECONDS = 0.02
_PULSE_SECONDS = 0.02
_ENDED = ("succeeded", "failed", "dead", "cancelled")
_SLOWEST = 5


@dataclass(frozen=True, slots=True)
class Result:
    """What became of a file: a code, ``read``, or what is wrong with the service (``typed`` is False)."""

    case: Case
    outcome: str
    seconds: float
    typed: bool


class Pulse:
    """Asks ``/livez`` from a thread of its own; ``milliseconds`` has every answer's time."""

    def __init__(self, address: str) -> None:
        self.milliseconds: list[float] = []
        self.failures = 0
        self._client = httpx.Client(base_url=address, trust_env=False, timeout=10.0)
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._beat, daemon=True)

    def __enter__(self) -> Pulse:
        self._thread.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._ended.set()
        self._thread.join()
        self._client.close()

    def _beat(self) -> None:
        while not self._ended.wait(_PULSE_SECONDS):
            began = time.monotonic()
            try:
                self._client.get("/livez").raise_for_status()
            except httpx.HTTPError:
                self.failures += 1
            self.milliseconds.append((time.monotonic() - began) * 1000)


def send(client: httpx.Client, case: Case) -> Result:
    """Upload a file and wait for its outcome."""
    data = case.make()
    began = time.monotonic()
    answer = client.post("/v1/documents", files={"file": (case.name, data)})
    while answer.status_code in (429, 503) and "retry-after" in answer.headers:
        time.sleep(float(answer.headers["retry-after"]))
        began = time.monotonic()
        answer = client.post("/v1/documents", files={"file": (case.name, data)})
    if answer.is_error:
        code = answer.json().get("code", "") if "json" in answer.headers["content-type"] else ""
        typed = answer.status_code < 500 and bool(code)
        return Result(case, code or f"HTTP {answer.status_code}", time.monotonic() - began, typed)
    job = answer.json()["job"]
    while job["state"] not in _ENDED and time.monotonic() - began < _PATIENCE_SECONDS:
        time.sleep(_POLL_SECONDS)
        job = client.get(f"/v1/jobs/{job['id']}").json()
    seconds = time.monotonic() - began
    if job["state"] == "succeeded":
        return Result(case, "read", seconds, True)
    if job["state"] == "failed" and job["error"] is not None:
        return Result(case, job["error"]["code"], seconds, True)
    return Result(case, f"job {job['state']}", seconds, False)


def run(address: str, cases: Sequence[Case]) -> tuple[list[Result], Pulse]:
    results = []
    with httpx.Client(base_url=address, trust_env=False, timeout=120.0) as client, Pulse(address) as pulse:
        for case in cases:
            results.append(send(client, case))
            if not results[-1].typed or results[-1].seconds > _SECONDS:
                print(
                    f"{results[-1].seconds:7.2f} s  {case.family}: {case.title}: {results[-1].outcome}",
                    flush=True,
                )
    return results, pulse


def try_escapes() -> dict[str, str]:
    """What each attempt of a parser and of a recogniser that have been taken over came to."""
    outcomes = {}
    for role, attempts in (("parser", escapes.PARSER), ("recogniser", escapes.RECOGNISER)):
        launcher = escapes.forked(recogniser=role == "recogniser")
        try:
            for escape in attempts:
                with (
                    tempfile.TemporaryDirectory() as folder,
                    escapes.Surroundings(Path(folder)) as surroundings,
                ):
                    outcomes[f"{role}: {escape.title}"] = surroundings.outcome(escape, Sandbox(launcher))
        finally:
            launcher.stop()
    return outcomes


def main(arguments: Sequence[str] | None = None) -> int:
    options = _options(arguments)
    cases = sampled(_cases(options.folder), options.most or sys.maxsize, options.seed)
    with ExitStack() as stack:
        address = options.url
        if address is None:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            service = stack.enter_context(FaultyService(folder))
            service.start()
            address = service.address
        began = time.monotonic()
        results, pulse = run(address, cases)
        seconds = time.monotonic() - began
    escaped = try_escapes() if escapes.ARE_FOR_THIS_MACHINE and all(describe().values()) else {}
    report = _report(options, results, pulse, seconds, escaped)
    print(f"wrote {reports.write(report, options.reports)}")
    got_out = [f"{title}: {what}" for title, what in escaped.items() if not _came_to_nothing(what)]
    for line in got_out:
        print(line)
    return int(bool(got_out) or not all(result.typed for result in results))


def _cases(folder: Path | None) -> list[Case]:
    cases = list(made())
    if folder is not None and folder.is_dir():
        cases = [*of_folder(folder), *cases]
        strings = folder / "naughty_strings.json"
        cases += naughty(strings) if strings.exists() else ()
    return cases


def _report(
    options: argparse.Namespace,
    results: Sequence[Result],
    pulse: Pulse,
    seconds: float,
    escaped: dict[str, str],
) -> Report:
    untyped = [result for result in results if not result.typed]
    slow = [result for result in results if result.seconds > _SECONDS]
    p99 = quantile(pulse.milliseconds, 0.99)
    figures = [
        Figure("files sent", f"{len(results):,}"),
        Figure(
            "without a typed outcome",
            f"{len(untyped)} (at 95 % at most {3 / len(results):.2%} if 0)",
            "0",
            not untyped,
        ),
        Figure(f"longer than {_SECONDS:.0f} s", str(len(slow)), "0", not slow),
        reports.at_most_ms("`/livez` beside it, 99th percentile", p99, _LIVE_MS),
        Figure("`/livez` beside it, failures", f"{pulse.failures} of {len(pulse.milliseconds):,}", "0",
               not pulse.failures),
    ]  # fmt: skip
    for family in dict.fromkeys(result.case.family for result in results):
        figures.append(_of_family(family, [result for result in results if result.case.family == family]))
    if escaped:
        held = sum(map(_came_to_nothing, escaped.values()))
        figures.append(
            Figure("attempts to escape that came to nothing", f"{held} of {len(escaped)}", "all",
                   held == len(escaped))
        )  # fmt: skip
    most = f" --most {options.most} --seed {options.seed}" if options.most else " --most 0"
    slowest = sorted(results, key=lambda result: -result.seconds)[:_SLOWEST]
    return Report(
        "hostile-files",
        "Hostile files against a running service",
        f"python -m tests.faults.hostile_files{most}",
        figures,
        [
            f"Took {seconds:.0f} s, one file after the other; times are from the upload to the outcome. "
            f"Load average of the machine at the end: {os.getloadavg()[1]:.1f} (5 minutes).",
            *(f"{one.seconds:.1f} s: {one.case.title} ({one.outcome})" for one in slowest),
            "Measures that hold here: " + ", ".join(name for name, held in describe().items() if held) + ".",
        ],
    )


def _of_family(family: str, results: Sequence[Result]) -> Figure:
    outcomes = Counter(result.outcome for result in results).most_common()
    said = ", ".join(f"{count} {outcome}" for outcome, count in outcomes)
    times = [result.seconds for result in results]
    return Figure(
        f"{family}: {len(results)}", f"{said}; median {quantile(times, 0.5):.2f} s, most {max(times):.2f} s"
    )


def _came_to_nothing(outcome: str) -> bool:
    return outcome.startswith(("refused: ", "stopped: "))


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, default=_FOLDER, help="further hostile files")
    parser.add_argument("--most", type=int, default=60, help="of a family; 0 for all")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--url", help="a service that runs already; without it one is started")
    parser.add_argument("--reports", type=Path, default=ROOT / "data" / "reports")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
