"""What documents are called becomes searchable, and is entered for those that are there.

How a name became words when this was released is written down here as well: the code that does it now may
change, and with it the tables that it reads.
"""

import json
import re
import unicodedata
from pathlib import PurePosixPath

from alembic import op
from sqlalchemy import text

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_LONG = 20_000
_BEGINNING = 1_500
_MOST_METADATA = 2_000
_CASE = re.compile(r"(?<=[a-z])(?=[A-Z])")
_PART = re.compile(r"(?:19|20)\d\d(?!\d)|[^\W\d_]{3,}")
_SHORT_YEAR = re.compile(r"\bFY[ '’]?(\d\d)(?!\d)", re.IGNORECASE)
_INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff\U000e0000-\U000e007f]"
)


def upgrade() -> None:
    op.execute("""
        CREATE VIRTUAL TABLE keyword_documents USING fts5(
            names, beginning,
            content='', contentless_delete=1,
            tokenize='porter unicode61 remove_diacritics 2'
        )
    """)
    op.execute("CREATE VIRTUAL TABLE keyword_document_terms USING fts5vocab(keyword_documents, row)")
    op.execute("CREATE VIRTUAL TABLE keyword_document_places USING fts5vocab(keyword_documents, instance)")
    connection = op.get_bind()
    live = connection.execute(
        text(
            "SELECT documents.id, documents.metadata, versions.id AS version, versions.name, versions.title, "
            "versions.characters FROM versions JOIN documents ON documents.live_version_id = versions.id "
            "WHERE versions.first_chunk IS NOT NULL"
        )
    ).all()
    for row in live:
        stem = PurePosixPath(row.name).stem.replace("_", " ")
        names = [_with_parts(stem), _with_parts(row.title or ""), _said_in_metadata(json.loads(row.metadata))]
        beginning = _beginning(row.version) if (row.characters or 0) >= _LONG else ""
        connection.execute(
            text("INSERT INTO keyword_documents(rowid, names, beginning) VALUES (:id, :names, :beginning)"),
            {"id": row.id, "names": "\n".join(names), "beginning": _search_form(beginning)},
        )


def _beginning(version_id: int) -> str:
    """The first page, or as much of the text."""
    connection = op.get_bind()
    page = connection.scalar(
        text('SELECT "end" FROM pages WHERE version_id = :version AND number = 1'), {"version": version_id}
    )
    pieces = connection.scalars(
        text("SELECT text FROM text_pieces WHERE version_id = :version AND start < :most ORDER BY start"),
        {"version": version_id, "most": _BEGINNING},
    )
    return "".join(pieces)[: min(page or _BEGINNING, _BEGINNING)]


def _said_in_metadata(metadata: object) -> str:
    found: list[str] = []
    waiting = [metadata]
    while waiting and sum(map(len, found)) < _MOST_METADATA:
        value = waiting.pop()
        if isinstance(value, dict):
            waiting.extend(value.values())
        elif isinstance(value, list):
            waiting.extend(value)
        elif isinstance(value, str | int | float) and not isinstance(value, bool):
            found.append(str(value))
    return _with_parts(" ".join(found)[:_MOST_METADATA])


def _with_parts(said: str) -> str:
    plain = _search_form(said)
    words = re.findall(r"[^\W_]+", plain)
    parts = [part for word in words for part in _PART.findall(_CASE.sub(" ", word)) if part != word]
    years = [f"20{short}" for short in _SHORT_YEAR.findall(plain)]
    return " ".join([plain, *dict.fromkeys([*parts, *years])])


def _search_form(said: str) -> str:
    return said if said.isascii() else unicodedata.normalize("NFKC", _INVISIBLE.sub("", said))
