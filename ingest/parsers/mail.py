"""Mail messages: who wrote what to whom as text, attachments and forwarded messages as members."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from ingest.canonical import CanonicalText
from ingest.parsers import Progress
from ingest.parsers.html import write_html
from ingest.parsers.limits import ParseLimits
from ingest.parsers.member_names import members_notice, safe_name
from ingest.parsers.mime import Part, leaves, read_message
from ingest.parsers.mime import field as header_field
from ingest.parsers.paragraphs import write_paragraphs
from ingest.sniffing import MAIL
from rag.errors import DocumentRejected
from rag.records import BlockKind, Member, Notice, ParsedDocument

_SEALED = ("application/pkcs7-mime", "application/x-pkcs7-mime")
_SHOWN_FIELDS = ("From", "To", "Cc", "Date")
_DECORATION_BYTES = 16 * 1024
"""A picture set into a message's HTML that is smaller is a logo, an icon or a tracking pixel."""
# Only where content alone does not tell the kind, or a person would want to know.
_EXTENSIONS = {
    "text/plain": ".txt",
    "text/html": ".html",
    "text/csv": ".csv",
    "text/markdown": ".md",
    "text/calendar": ".ics",
    "application/json": ".json",
    "application/pdf": ".pdf",
    "image/jpeg": ".jpg",
    "image/png": ".png",
}


def parse(data: bytes, name: str, limits: ParseLimits, progress: Progress) -> ParsedDocument:
    """The subject as a heading, the fields people look at, then the body as its writer meant it."""
    message = read_message(data)
    letter = _Letter(message)
    subject = header_field(message.header, "subject")
    builder = CanonicalText(limits)
    write_head(
        builder, subject, [(shown, header_field(message.header, shown.lower())) for shown in _SHOWN_FIELDS]
    )
    head_end = len(builder)
    for part in letter.body:
        write_body(builder, part.text(), is_html=part.content_type == "text/html")
    if letter.is_encrypted and len(builder) == head_end:
        raise DocumentRejected(
            "encrypted", "The message is encrypted or sealed; save its content by itself and send that."
        )
    taken = [Member(name, len(content)) for name, content in _contents(letter, limits)]
    return builder.finish(MAIL, title=subject, warnings=letter.notices(limits.max_members), members=taken)


def members(data: bytes, limits: ParseLimits) -> Iterator[tuple[str, bytes]]:
    """Name and content of each attachment, decoded one at a time."""
    return _contents(_Letter(read_message(data)), limits)


def _contents(letter: _Letter, limits: ParseLimits) -> Iterator[tuple[str, bytes]]:
    for number, part in enumerate(letter.attachments[: limits.max_members], start=1):
        yield _name_of(part, number), part.content()


def write_head(builder: CanonicalText, subject: str, fields: Sequence[tuple[str, str]]) -> None:
    """The subject as a heading and a line for each field that has a value, as one paragraph."""
    builder.add_block(BlockKind.HEADING, subject, level=1)
    builder.add_block(BlockKind.PARAGRAPH, "\n".join(f"{name}: {value}" for name, value in fields if value))


def write_body(builder: CanonicalText, text: str, *, is_html: bool) -> None:
    """The body of a message, or a part of it."""
    if is_html:
        write_html(text, builder)
    else:
        write_paragraphs(text, builder)


@dataclass
class _Letter:
    """The parts of a message by what they are to its reader."""

    message: Part
    body: list[Part] = field(default_factory=list)
    attachments: list[Part] = field(default_factory=list)
    decorations: list[Part] = field(default_factory=list)
    is_encrypted: bool = False

    def __post_init__(self) -> None:
        # What can be read, by where it stands: in a version of an alternative, or by itself.
        readable: dict[tuple[int, ...], dict[int, list[Part]]] = {}
        for part in leaves(self.message):
            if part.content_type in _SEALED or "encrypted" in part.path:
                self.is_encrypted = True
            elif _is_body(part):
                where, version = _alternative_of(part)
                readable.setdefault(where, {}).setdefault(version, []).append(part)
            else:
                (self.decorations if _is_decoration(part) else self.attachments).append(part)
        for versions in readable.values():
            self.body += _best(list(versions.values()))

    def notices(self, most: int) -> list[Notice]:
        """What of the message is neither text nor member."""
        return [
            *members_notice(
                "members_skipped",
                "Small pictures in the text were left out",
                [_name_of(part, number) for number, part in enumerate(self.decorations, start=1)],
            ),
            *members_notice(
                "members_left_out",
                f"Only the first {most:,} attachments were taken; send the others by themselves",
                [_name_of(part, number) for number, part in enumerate(self.attachments[most:], most + 1)],
            ),
        ]


def _is_body(part: Part) -> bool:
    return part.content_type in ("text/plain", "text/html") and not part.is_attachment and not part.file_name


def _is_decoration(part: Part) -> bool:
    return (
        "related" in part.path
        and part.content_type.startswith("image/")
        and len(part.body) < _DECORATION_BYTES
    )


def _alternative_of(part: Part) -> tuple[tuple[int, ...], int]:
    """The place of the ``multipart/alternative`` around the part, or its own, and the version it is of."""
    if "alternative" not in part.path:
        return part.place, 0
    level = part.path.index("alternative")
    return part.place[:level], part.place[level]


def _best(versions: Sequence[Sequence[Part]]) -> Sequence[Part]:
    """Plain text says the same with less around it, unless a program left it empty."""
    with_words = [parts for parts in versions if any(part.text().strip() for part in parts)]
    plain = [parts for parts in with_words if all(part.content_type == "text/plain" for part in parts)]
    return next(iter(plain or with_words), versions[0])


def _name_of(part: Part, number: int) -> str:
    """The name the attachment has, or one made of its subject or place and its kind."""
    if part.content_type == "message/rfc822":
        forwarded = read_message(part.content())
        subject = header_field(forwarded.header, "subject").replace("/", " ")
        return safe_name(part.file_name or f"{subject or f'message {number}'}.eml")
    return safe_name(part.file_name, f"attachment {number}{_EXTENSIONS.get(part.content_type, '')}")
