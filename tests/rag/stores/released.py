"""Databases as each released schema had them, with rows in every table, written in SQL of their own time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory

from rag.stores import schema
from rag.stores.database import Database, bare_connection

Rows = Mapping[str, Sequence[Mapping[str, Any]]]

_VERSION = """
    INSERT INTO versions(id, document_id, number, name, sha256, size, state, title, pages_without_text,
                         notices, first_chunk, last_chunk, characters, created_at, ready_at)
"""
_JOB = """
    INSERT INTO jobs(id, public_id, document_id, version_id, state, stage, pages_done, chunks_done,
                     notices, attempts, run_at, created_at)
"""

ADDED: Mapping[str, Sequence[str]] = {
    "0001": [
        """INSERT INTO collections(id, public_id, name, created_at)
           VALUES (1, 'col_a', 'default', 0.5), (2, 'col_b', 'Prüfberichte', 1)""",
        """INSERT INTO documents(id, public_id, collection_id, name, metadata, latest_version,
                                 live_version_id, created_at, updated_at)
           VALUES (1, 'doc_a', 1, 'BestBuy_FY23.pdf', '{"year": 2023, "tags": ["Ärger", true]}', 2, 2, 0, 9),
                  (2, 'doc_b', 2, 'b.txt', '{}', 1, NULL, 0, 0)""",
        _VERSION + "VALUES (1, 1, 1, 'old.pdf', 'aa', 3, 'ready', NULL, '[]', '[]', NULL, NULL, 3, 0, 1)",
        _VERSION
        + "VALUES (2, 1, 2, 'BestBuy_FY23.pdf', 'ab', 4, 'ready', 'Ann. Report', '[2]', '[]', 1, 2, 8, 0, 2)",
        _VERSION
        + "VALUES (3, 2, 1, 'b.txt', 'bb', 3, 'queued', NULL, '[]', '[]', NULL, NULL, NULL, 0, NULL)",
        "INSERT INTO spaces(id, key, dimension, created_at) VALUES (1, 'space-a', 2, 0)",
        """INSERT INTO chunks(id, version_id, collection_id, start, "end", page, context, tokens)
           VALUES (1, 2, 1, 0, 3, 1, 'BestBuy', 1), (2, 2, 1, 4, 8, NULL, '', 1)""",
        """INSERT INTO vectors(id, space_id, chunk_id, vector)
           VALUES (1, 1, 1, x'0000803f00000000'), (2, 1, 2, x'000000000000803f')""",
        """INSERT INTO index_changes(seq, space_id, operation, first_chunk, last_chunk)
           VALUES (1, 1, 'add', 1, 2)""",
        """INSERT INTO keywords(rowid, context, body) VALUES (1, 'BestBuy', 'abc'), (2, '', 'zinc')""",
        """INSERT INTO text_pieces(version_id, start, "end", text)
           VALUES (1, 0, 3, 'old'), (2, 0, 8, 'abc zinc')""",
        """INSERT INTO pages(version_id, number, start, "end", width, height, words)
           VALUES (2, 1, 0, 8, 595.5, 842, x'00ff')""",
        _JOB + "VALUES (1, 'job_a', 1, 2, 'succeeded', 'done', 1, 2, '[]', 1, 0, 0)",
        _JOB + "VALUES (2, 'job_b', 2, 3, 'queued', 'queued', 0, 0, '[]', 0, 0, 0)",
        """INSERT INTO idempotency_keys(key, request_hash, document_id, job_id, created_at)
           VALUES ('k-1', 'hash', 1, 1, 3)""",
        """INSERT INTO conversation_turns(id, conversation, question, standalone, answer, created_at)
           VALUES (7, 'c', 'And?', 'And (abc)?', 'abc [1]', 5.0)""",
    ],
    "0002": [
        """INSERT INTO documents(id, public_id, collection_id, name, metadata, latest_version,
                                 live_version_id, source, parent_id, root_id, depth, created_at, updated_at)
           VALUES (3, 'doc_c', 1, 'inner.txt', '{}', 1, NULL, 'minutes/inner.txt', 1, 1, 1, 0, 0)""",
        "INSERT INTO deleted_documents(public_id, deleted_at) VALUES ('doc_gone', 4.5)",
        "INSERT INTO signatures(version_id, signature) VALUES (2, x'0102')",
        "INSERT INTO signature_bands(band, version_id) VALUES (77, 2)",
        "INSERT INTO near_duplicates(version_id, other_id, similarity) VALUES (2, 3, 0.9)",
        "INSERT INTO headings(version_id, start, level, text) VALUES (2, 0, 1, 'Zinc')",
    ],
    "0003": [
        """INSERT INTO answers(id, public_id, created_at, question, standalone, conversation, request,
                               environment, status, kind, answerability, answer, sentences, conflicts, notes,
                               coverage, timings, model_name, model_sha256)
           VALUES (1, 'ans_a', 6, 'What is it?', NULL, 'c', '{}', '{}', 'answered', 'lookup', 0.5, 'zinc [1]',
                   '[]', '[]', '[]', '{}', '{}', 'small', 'cd')""",
        """INSERT INTO answer_spans(answer_id, position, role, document, version, start, "end", score, scores,
                                    citation, sha256)
           VALUES (1, 0, 'evidence', 'doc_a', 2, 4, 8, 0.5, '{}', 1, 'ef')""",
        "INSERT INTO deleted_answers(public_id, deleted_at) VALUES ('ans_gone', 4)",
        """INSERT INTO conversation_turns(id, conversation, question, standalone, answer, receipt_id,
                                          created_at)
           VALUES (8, 'c', 'What is it?', 'What is it?', 'zinc [1]', 1, 6)""",
    ],
    "0004": [
        "INSERT INTO keyword_documents(rowid, names, beginning) VALUES (3, 'inner', '')",
    ],
    "0005": [
        "INSERT INTO tenants(id, name, created_at) VALUES (2, 'laboratory', 1)",
        """INSERT INTO keys(id, public_id, tenant_id, name, prefix, hash, scope, collections, created_at)
           VALUES (1, 'key_a', 2, 'reader', 'fn_abc', x'beef', 'read', NULL, 2)""",
        """INSERT INTO collections(id, public_id, tenant_id, name, created_at)
           VALUES (3, 'col_c', 2, 'default', 2)""",
    ],
    "0006": [
        "INSERT INTO spaces(id, key, dimension, created_at, teacher_id) VALUES (2, 'student-of-a', 2, 3, 1)",
        """INSERT INTO embedders(space_id, name, sha256, folder, added_at)
           VALUES (1, 'model-a', 'ab', NULL, 3)""",
        "UPDATE embedding_state SET serving_id = 1, switched_at = 4",
    ],
    "0007": [
        """UPDATE answers SET reuse_key = 'k', library = 'l', draft_key = 'd', draft = '{"text": "zinc"}'
           WHERE id = 1""",
        "UPDATE collections SET revision = 3 WHERE id = 2",
    ],
}
"""What each revision's database holds besides that of the one before; nothing where one is missing."""

REWRITTEN = {("versions", "state")}
"""Columns whose values a migration changes on purpose; tests of their own say how."""


def build(path: Path, revision: str) -> None:
    """Make a database of that schema, by way of all before it, with the rows of each."""
    config = Config()
    config.set_main_option("script_location", str(schema.MIGRATIONS))
    database = Database(path)
    with database.migrating() as connection:
        config.attributes["connection"] = connection
        for step in schema.revisions():
            command.upgrade(config, step)
            for statement in ADDED.get(step, ()):
                connection.exec_driver_sql(statement)
            connection.commit()
            if step == revision:
                break
    database.close()


def rows(path: Path) -> Rows:
    """Every row of every ordinary table."""
    with bare_connection(path) as connection:
        tables = connection.execute(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND sql NOT LIKE '%VIRTUAL%' "
            "AND name NOT LIKE 'keyword%' AND name NOT LIKE 'sqlite%' AND name <> 'alembic_version'"
        ).fetchall()
        found = {}
        for (table,) in tables:
            cursor = connection.execute(f'SELECT * FROM "{table}"')
            columns = [column[0] for column in cursor.description]
            found[table] = [dict(zip(columns, row, strict=True)) for row in cursor]
    return found


def lost(before: Rows, after: Rows) -> list[str]:
    """What of ``before`` is not in ``after``, value by value; new tables, columns and rows are no loss."""
    missing = []
    for table, stored in before.items():
        for row in stored:
            kept = {name: value for name, value in row.items() if (table, name) not in REWRITTEN}
            if not any(kept.items() <= candidate.items() for candidate in after.get(table, ())):
                missing.append(f"{table}: {row}")
    return missing


def head() -> str:
    newest = ScriptDirectory(str(schema.MIGRATIONS)).get_current_head()
    assert newest is not None
    return newest
