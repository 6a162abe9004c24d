"""``python -m api.demo``: a real service, the sample documents, three questions, checked answers.

Exits with 0 only if everything held: every sentence is cited, every quotation is what the service
returns for its place in the document, and the question the documents do not answer is declined.
"""

from __future__ import annotations

import json
import shutil
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from api.cli.connection import Connection, Refused
from api.cli.output import footnote
from api.local_service import DidNotStart, LocalService

SAMPLES = Path(__file__).parents[1] / "data" / "samples"
FOLDER = Path("build/demo")

_QUESTIONS = "demo.json"
_NOT_SAMPLES = (_QUESTIONS, "README.md", "PROVENANCE.md")


@dataclass(frozen=True, slots=True)
class Question:
    text: str
    answerable: bool


def main() -> int:
    """Run the demonstration; returns the exit status."""
    questions = _read_questions(SAMPLES / _QUESTIONS)
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    try:
        with LocalService(FOLDER, on_phase=_print_phase) as service:
            connection = Connection(service.address)
            print(f"\nUploading {SAMPLES} to {service.address}")
            failures = _upload_all(connection)
            for question in questions:
                failures += _ask(connection, question)
            _print_memory(service.peak_memory())
            connection.close()
    except (DidNotStart, Refused) as error:
        failures = [str(error)]
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


def _print_phase(seconds: float, phase: str) -> None:
    print(f"  {seconds:5.1f} s  {phase}", flush=True)


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
        job = connection.follow(accepted["job"]["id"])
        searchable = time.monotonic() - began
        print(
            f"  {path.name:<40} stored after {durable * 1000:4.0f} ms, "
            f"searchable after {searchable:4.1f} s, {job['chunks']['total'] or 0} chunks",
            flush=True,
        )
        if job["state"] != "succeeded":
            failures.append(f"{path.name}: {job['error']}")
    return failures


def _ask(connection: Connection, question: Question) -> list[str]:
    """Ask, print and check; returns what is wrong."""
    answer = connection.call("POST", "/v1/ask", json={"question": question.text})
    print(f"\nQ: {question.text}")
    if answer["status"] == "not_in_documents":
        print("A: Not in these documents.")
    else:
        text = answer["answer"].replace("\n\n", "\n   ")
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


def _print_memory(peaks: dict[str, float]) -> None:
    shown = ", ".join(f"{name} {peak:.0f}" for name, peak in peaks.items())
    print(f"\nPeak memory in MiB: {shown}")


if __name__ == "__main__":
    sys.exit(main())
