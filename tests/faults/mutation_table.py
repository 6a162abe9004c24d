"""What keeps Footnote safe, one guard a line, with the tests that must go red when it is removed.

Everybody adds the guards of their own part: an fsync, a check whose it is, a limit. ``text`` has to stand
exactly once in ``file``; ``tests`` are what pytest is given, as few as will do.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tests.faults.cache_mutations import ANSWER_CACHE
from tests.faults.tenant_mutations import TENANTS


@dataclass(frozen=True, slots=True)
class Mutation:
    """``text`` of ``file`` becomes ``replacement``, and one of ``tests`` must fail."""

    name: str
    file: str
    text: str
    replacement: str
    tests: Sequence[str]


_BLOBS = ("tests/rag/stores/test_blobs.py",)
_GUARDS = ("tests/faults/test_guards.py",)
_SYNCS = ("tests/faults/test_syncs.py",)

DURABILITY = (
    Mutation(
        "a stored file is synced",
        "rag/stores/blobs.py",
        "                os.fsync(file.fileno())\n",
        "                pass\n",
        _SYNCS,
    ),
    Mutation(
        "the folder of a stored file is synced",
        "rag/stores/blobs.py",
        "        os.replace(temporary, folder / sha256)\n        fsync_folder(folder)\n",
        "        os.replace(temporary, folder / sha256)\n",
        _SYNCS,
    ),
    Mutation(
        "a new folder of stored files is synced",
        "rag/stores/blobs.py",
        "            fsync_folder(self.root)\n",
        "            pass\n",
        _SYNCS,
    ),
    Mutation(
        "an index snapshot is synced",
        "rag/stores/index_snapshots.py",
        "        os.fsync(file.fileno())\n",
        "        pass\n",
        _SYNCS,
    ),
    Mutation(
        "the folder of an index snapshot is synced",
        "rag/stores/index_snapshots.py",
        "    fsync_folder(path.parent)\n",
        "    pass\n",
        _SYNCS,
    ),
    Mutation(
        "a receipt that waits is synced",
        "rag/stores/receipt_journal.py",
        "                os.fsync(file.fileno())\n",
        "                pass\n",
        _SYNCS,
    ),
    Mutation(
        "the folder of the receipts that wait is synced",
        "rag/stores/receipt_journal.py",
        "            fsync_folder(self._path.parent)\n",
        "            pass\n",
        _SYNCS,
    ),
    Mutation(
        "a commit is synced",
        "rag/stores/database.py",
        '"synchronous=FULL"',
        '"synchronous=OFF"',
        _SYNCS,
    ),
    Mutation(
        "nothing is written after a failed write",
        "rag/stores/database.py",
        "        self.health.require()\n",
        "",
        _GUARDS,
    ),
    Mutation(
        "a failed write is remembered",
        "rag/stores/storage_health.py",
        "            self._trouble = trouble\n",
        "            return\n",
        _GUARDS,
    ),
    Mutation(
        "no file is stored after a failed write",
        "rag/stores/blobs.py",
        "        self._health.require()\n",
        "",
        _GUARDS,
    ),
    Mutation(
        "a failed sync of a file is told",
        "rag/stores/blobs.py",
        "            health.fail(_FAILED[error.errno])\n",
        "            pass\n",
        _GUARDS,
    ),
    Mutation(
        "a stored file is compared with its hash",
        "rag/stores/blobs.py",
        "        if found != sha256:\n",
        "        if False:\n",
        _GUARDS,
    ),
    Mutation(
        "a damaged database is not started on",
        "rag/stores/database.py",
        '        if found != ["ok"]:\n',
        "        if False:\n",
        _GUARDS,
    ),
    Mutation(
        "a full disk lets go of its reserve",
        "rag/stores/reserve.py",
        "            self.release()\n            try:\n                yield\n",
        "            try:\n                yield\n",
        _GUARDS,
    ),
    Mutation(
        "an index snapshot is compared with its hash",
        "rag/stores/index_snapshots.py",
        "or _sha256(path) != manifest.sha256:",
        "or False:",
        ("tests/rag/stores/test_index_snapshots.py",),
    ),
    Mutation(
        "an index snapshot ahead of the database is not used",
        "rag/stores/index_follower.py",
        "loaded[1] <= newest",
        "True",
        ("tests/rag/stores/test_index_follower.py",),
    ),
    Mutation(
        "commits that SQLite passes over are noticed",
        "rag/stores/log_damage.py",
        "    commits = commits_passed_over(database)\n",
        "    commits = 0\n",
        ("tests/rag/stores/test_log_damage.py",),
    ),
    Mutation(
        "what may have been lost is kept",
        "ingest/janitor.py",
        "if candidates and log_damage.noted(self._database.path) is None:",
        "if candidates:",
        ("tests/api/cli/test_checking.py", "-k", "passes_over"),
    ),
    Mutation(
        "no job waits for a clock that was set back",
        "rag/stores/job_queue.py",
        "    return or_(moment <= now, moment > now + 2 * furthest)\n",
        "    return moment <= now\n",
        ("tests/rag/stores/test_job_queue.py", "-k", "clock"),
    ),
    Mutation(
        "no document is blamed for the machine",
        "ingest/sandbox/documents.py",
        'raise _unavailable("it was ended from outside, twice")',
        'raise _crashed("it was ended from outside, twice")',
        ("tests/ingest/sandbox/test_launching.py", "-k", "twice or not_blamed"),
    ),
    Mutation(
        "a young file is not collected",
        "rag/stores/blobs.py",
        "if not alone or time.time() - path.stat().st_mtime < older_than_seconds:",
        "if not alone:",
        _BLOBS,
    ),
    Mutation(
        "an upload has a limit",
        "rag/stores/blobs.py",
        "                if size > limit:\n",
        "                if False:\n",
        _BLOBS,
    ),
    Mutation(
        "a worker whose disk failed is not started again",
        "api/supervisor.py",
        "            if code == STORAGE_FAILED:\n",
        "            if False:\n",
        _GUARDS,
    ),
    Mutation(
        "a job is given back by a full disk",
        "ingest/pipeline.py",
        "        recovery.give_back(tools.database, job)\n        raise\n",
        "        raise\n",
        ("tests/ingest/test_pipeline.py", "-k", "disk"),
    ),
)

MUTATIONS: Sequence[Mutation] = (
    *DURABILITY,
    *(Mutation(*one) for one in (*TENANTS, *ANSWER_CACHE)),
)
