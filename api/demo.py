"""``python -m api.demo``: a real service, the sample documents, three questions, checked answers.

Exits with 0 only if everything held: every sentence is cited, every quotation is what the service
returns for its place in the document, and the question the documents do not answer is declined.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from api.cli.connection import Connection, Refused
from api.cli.output import footnote, marks

SAMPLES = Path(__file__).parents[1] / "data" / "samples"
FOLDER = Path("build/demo")

_QUESTIONS = "demo.json"
_NOT_SAMPLES = (_QUESTIONS, "README.md", "PROVENANCE.md")
_START_SECONDS = 180.0
_STOP_SECONDS = 30.0
_ENDED = ("succeeded", "failed", "dead", "cancelled")


@dataclass(frozen=True, slots=True)
class Question:
    text: str
    answerable: bool


def main() -> int:
    """Run the demonstration; returns the exit status."""
    questions = _read_questions(SAMPLES / _QUESTIONS)
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    with _service(FOLDER) as (process, address):
        connection = Connection(address)
        try:
            _wait_until_ready(connection, process)
            failures = _upload_all(connection)
            for question in questions:
                failures += _ask(connection, question)
            _print_memory(process.pid)
        except Refused as error:
            failures = [str(error)]
        finally:
            connection.close()
    for failure in failures:
        print(f"FAILED: {failure}", file=sys.stderr)
    print(
        "\nThe demonstration "
        + ("failed." if failures else "held: every sentence cited, every quotation checked.")
    )
    return int(bool(failures))


def check(answer: dict[str, Any], question: Question, quoted: dict[int, str]) -> list[str]:
    """What is wrong with an answer; ``quoted`` has the text found at the place of each citation number."""
    if not question.answerable:
        refused = answer["status"] == "not_in_documents"
        return [] if refused else [f"{question.text!r} is not in the documents but was answered"]
    found = []
    if answer["status"] == "not_in_documents" or not answer["sentences"]:
        found.append(f"{question.text!r} was not answered")
    for sentence in answer["sentences"]:
        if not sentence["citations"]:
            found.append(f"the sentence {sentence['text']!r} has no citation")
    for citation in answer["citations"]:
        if quoted.get(citation["number"]) != citation["quote"]:
            found.append(f"citation {citation['number']} does not quote what stands there")
    return found


def _read_questions(path: Path) -> list[Question]:
    stored = json.loads(path.read_text(encoding="utf-8"))["questions"]
    return [Question(one["question"], one["answerable"]) for one in stored]


@contextmanager
def _service(folder: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A service of its own on a free port: its process and address."""
    environment = os.environ | {
        "FOOTNOTE_DATA": str(folder),
        "FOOTNOTE_PORT": "0",
        "FOOTNOTE_HOST": "127.0.0.1",
    }
    environment.pop("FOOTNOTE_DATABASE", None)
    with open(folder / "service.log", "wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "api.cli", "serve"],
            stdout=subprocess.PIPE,
            stderr=log,
            env=environment,
            text=True,
        )
    try:
        assert process.stdout is not None
        first = process.stdout.readline()
        if "http://" not in first:
            sys.exit(f"The service did not start:\n{(folder / 'service.log').read_text()}")
        address = "http://" + first.split("http://", 1)[1].split()[0]
        print(f"Service on {address}, log in {folder / 'service.log'}")
        yield process, address
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()


def _wait_until_ready(connection: Connection, process: subprocess.Popen[str]) -> None:
    began, shown = time.monotonic(), ""
    while time.monotonic() - began < _START_SECONDS:
        if process.poll() is not None:
            sys.exit(f"The service ended with status {process.returncode}; see its log.")
        try:
            connection.call("GET", "/readyz")
        except Refused as refused:
            parts = refused.problem.get("parts", {})
            now = ", ".join(f"{name}: {part['phase']}" for name, part in parts.items())
            if now != shown:
                print(f"  {time.monotonic() - began:5.1f} s  {now}", flush=True)
                shown = now
            time.sleep(0.2)
        else:
            print(f"  {time.monotonic() - began:5.1f} s  ready\n", flush=True)
            return
    sys.exit("The service did not become ready in time; see its log.")


def _upload_all(connection: Connection) -> list[str]:
    """Upload the samples; returns what could not be read."""
    failures = []
    for path in sorted(SAMPLES.iterdir()):
        if path.name in _NOT_SAMPLES or not path.is_file():
            continue
        began = time.monotonic()
        with path.open("rb") as file:
            accepted = connection.call("POST", "/v1/documents", files={"file": (path.name, file)})
        durable = time.monotonic() - began
        job = _follow(connection, accepted["job"]["id"])
        searchable = time.monotonic() - began
        print(
            f"  {path.name:<40} stored after {durable * 1000:4.0f} ms, "
            f"searchable after {searchable:4.1f} s, {job['chunks']['total'] or 0} chunks",
            flush=True,
        )
        if job["state"] != "succeeded":
            failures.append(f"{path.name}: {job['error']}")
    return failures


def _follow(connection: Connection, job_id: str) -> Any:
    while True:
        job = connection.call("GET", f"/v1/jobs/{job_id}")
        if job["state"] in _ENDED:
            return job
        time.sleep(0.05)


def _ask(connection: Connection, question: Question) -> list[str]:
    """Ask, print and check; returns what is wrong."""
    answer = connection.call("POST", "/v1/ask", json={"question": question.text})
    print(f"\nQ: {question.text}")
    if answer["status"] == "not_in_documents":
        print("A: Not in these documents.")
    else:
        text = " ".join(f"{one['text']} {marks(one['citations'])}" for one in answer["sentences"])
        print(f"A: {text}  ({answer['status']})")
    quoted = {one["number"]: _text_at(connection, one) for one in answer["citations"]}
    for citation in answer["citations"]:
        print(footnote(citation))
    print(
        "   " + ", ".join(f"{name.removesuffix('_ms')} {ms:.0f} ms" for name, ms in answer["timings"].items())
    )
    return check(answer, question, quoted)


def _text_at(connection: Connection, citation: dict[str, Any]) -> str:
    document = citation["document"]
    place = {"start": citation["start"], "end": citation["end"], "version": document["version"]}
    found = connection.call("GET", f"/v1/documents/{document['id']}/text", params=place)
    return str(found["text"])


def _print_memory(pid: int) -> None:
    peaks = {one: _peak_mebibytes(one) for one in _with_descendants(pid)}
    print(f"\nPeak memory of the service: {sum(peaks.values()):.0f} MiB in {len(peaks)} processes")


def _with_descendants(pid: int) -> list[int]:
    found = [pid]
    for parent in found:
        for task in Path(f"/proc/{parent}/task").glob("*/children"):
            found += [int(child) for child in task.read_text().split()]
    return found


def _peak_mebibytes(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) / 1024


if __name__ == "__main__":
    sys.exit(main())
