"""Backups taken while several clients write, each restored elsewhere and held against what was promised
(catalogue A20). ``python -m tests.faults.backups --n 50``.

Whatever was acknowledged before a backup began is in it, byte for byte; what was deleted before is not; it
holds together by itself, and nothing is in it that nobody sent. After the last one the copy is started as a
service, and has to answer as the library it was made of.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from pathlib import Path

import pysqlite3

from rag.errors import FootnoteError
from rag.stores import backup_reading, consistency, schema
from rag.stores.blobs import BlobStore
from rag.stores.database import Database
from tests.faults.clients import Crowd
from tests.faults.ledger import Entry, Ledger, only_word, sha256
from tests.faults.outcome import Outcome, quantile
from tests.faults.over_rest import Client
from tests.faults.service import ROOT, FaultyService

TITLE = "backups taken under load of several clients and restored elsewhere"
CLIENTS = 4
_PAUSE = 0.5
_COMPARED = 20


def run(n: int, seed: int, folder: Path, clients: int = CLIENTS) -> Outcome:
    """Take and restore ``n`` backups of one library."""
    began = time.monotonic()
    chance = random.Random(seed)
    ledger = Ledger(folder / "ledger" / "requests.jsonl")
    crowd = Crowd(ledger, clients, seed)
    wrong: list[str] = []
    seconds: list[float] = []
    with FaultyService(folder) as service:
        service.start()
        with crowd.at_work(service.client):
            for number in range(n):
                time.sleep(chance.uniform(0, _PAUSE))
                found, took = _backed_up_and_restored(service.data, folder / "copy", ledger)
                wrong += [f"backup {number}: {one}" for one in found]
                seconds.append(took)
        wrong += _answers_the_same(service, folder, ledger)
    ledger.close()
    figures = {
        "acknowledged uploads": f"{sum(len(one.versions) for one in ledger.entries.values()):,}",
        "acknowledged deletes": f"{sum(one.deleted for one in ledger.entries.values()):,}",
        "command p50": f"{quantile(seconds, 0.5):.1f} s",
    }
    return Outcome("backups", TITLE, n, seed, wrong + crowd.violations, time.monotonic() - began, figures)


def _backed_up_and_restored(data: Path, copy: Path, ledger: Ledger) -> tuple[list[str], float]:
    """What is wrong with a backup taken now, and the seconds the command took."""
    target = copy.with_name("library.backup")
    before = list(ledger.as_of_now().values())
    began = time.monotonic()
    wrong = _command("backup", str(target), "--data", str(data))
    took = time.monotonic() - began
    after = ledger.as_of_now()
    if not wrong:
        try:
            backup_reading.verify(target, schema.revisions(), lambda *_: None)
            backup_reading.restore(target, copy, schema.revisions(), lambda *_: None)
            wrong = _unsound(copy) + _broken_promises(copy, before, after)
        except FootnoteError as error:
            wrong = [str(error)]
    shutil.rmtree(copy, ignore_errors=True)
    target.unlink(missing_ok=True)
    return wrong, took


def _unsound(copy: Path) -> list[str]:
    database = Database(copy / "footnote.db")
    try:
        report = consistency.check(database, BlobStore(copy / "blobs"), copy / "indexes", read_files=True)
    finally:
        database.close()
    return [f"{one.code}: {one.detail}" for one in report.findings]


def _broken_promises(copy: Path, before: Iterable[Entry], after: Mapping[str, Entry]) -> list[str]:
    """The copy against the ledger of when the backup began, and that of when it was done."""
    stored = _documents(copy)
    sent = {sha256(text) for entry in after.values() for text in [*entry.versions, *_pending(entry)]}
    wrong = [f"{document}: nobody sent this" for document, versions in stored.items() if set(versions) - sent]
    for entry in before:
        if entry.id is None:
            continue
        if entry.deleted and entry.id in stored:
            wrong.append(f"{entry.id}: it was deleted before")
        if not after[entry.key].deleting:
            have = stored.get(entry.id, {})
            wrong += [
                f"{entry.id}: {text[:14]} is missing" for text in entry.versions if sha256(text) not in have
            ]
            wrong += [
                f"{entry.id}: {text[:14]} reads otherwise"
                for text in entry.versions
                if have.get(sha256(text)) not in (None, text)
            ]
    return wrong


def _pending(entry: Entry) -> Sequence[str]:
    return [] if entry.pending is None else [entry.pending]


def _documents(copy: Path) -> dict[str, dict[str, str | None]]:
    """By public id: the SHA-256 of every version, and its text where it has been read."""
    found: dict[str, dict[str, str | None]] = {}
    with closing(pysqlite3.connect(copy / "footnote.db")) as connection:
        for public_id, hashed, read, text in connection.execute("""
            SELECT documents.public_id, versions.sha256, versions.characters IS NOT NULL,
                   (SELECT group_concat(text, '') FROM (
                        SELECT text FROM text_pieces WHERE version_id = versions.id ORDER BY start))
            FROM documents JOIN versions ON versions.document_id = documents.id
        """):
            found.setdefault(public_id, {})[hashed] = text if read else None
    return found


def _answers_the_same(service: FaultyService, folder: Path, ledger: Ledger) -> list[str]:
    """A copy of the library at rest, started as a service, beside the library itself."""
    target = folder / "at-rest.backup"
    with service.client() as http:
        Client(http).wait_until_idle()
    wrong = _command("backup", str(target), "--data", str(service.data))
    wrong = wrong or _command("restore", str(target), "--data", str(folder / "other" / "data"))
    if wrong:
        return wrong
    words = [only_word(entry.versions[-1]) for entry in ledger.entries.values() if entry.present][:_COMPARED]
    with FaultyService(folder / "other") as other:
        other.start()
        with service.client() as first, other.client() as second:
            for word in words:
                hits = [
                    _without_timings(client.search(word).json()) for client in (Client(first), Client(second))
                ]
                if hits[0] != hits[1] or not hits[0]:
                    wrong.append(f"{word}: the copy finds something else")
    return wrong


def _without_timings(found: Mapping[str, object]) -> str:
    return json.dumps(found["hits"], sort_keys=True)


def _command(*arguments: str) -> list[str]:
    """Run the command line; what it said if it failed."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("FOOTNOTE_")}
    done = subprocess.run(
        [sys.executable, "-m", "api.cli", *arguments], cwd=ROOT, env=clean, capture_output=True, text=True
    )
    return [f"{arguments[0]}: {done.stderr.strip()}"] if done.returncode else []


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.faults.backups", description=__doc__)
    parser.add_argument("--n", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="faults-", ignore_cleanup_errors=True) as folder:
        outcome = run(options.n, options.seed, Path(folder))
    print(outcome.line())
    for violation in outcome.violations[:20]:
        print(f"  {violation}")
    return int(bool(outcome.violations))


if __name__ == "__main__":
    sys.exit(main())
