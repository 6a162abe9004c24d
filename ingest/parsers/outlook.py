"""Outlook messages (.msg, [MS-OXMSG]) by python-oxmsg: the same shape as mail, so that both read alike.

A message attached to a message is given as mail (.eml), because its own form is only a part of the file
around it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from email.mime.application import MIMEApplication
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText
from functools import partial
from typing import TypeVar

from oxmsg import Message
from oxmsg.attachment import Attachment
from oxmsg.domain import constants
from oxmsg.properties import Properties
from oxmsg.recipient import Recipient
from oxmsg.storage import Storage
from oxmsg.util import lazyproperty

from ingest.canonical import CanonicalText, clean, collapse
from ingest.encodings import decode
from ingest.parsers import Progress
from ingest.parsers.limits import ParseLimits
from ingest.parsers.mail import write_body, write_head
from ingest.parsers.member_names import members_notice, safe_name
from ingest.sniffing import OUTLOOK
from rag.errors import DocumentRejected
from rag.records import Member, ParsedDocument

T = TypeVar("T")

_EMBEDDED = "__substg1.0_3701000D"  # the storage of an attached message, [MS-OXMSG] 2.2.2.1
_EMBEDDED_HEADER_BYTES = 24  # [MS-OXMSG] 2.4.1.2
_MAX_DEPTH = 8


def parse(data: bytes, name: str, limits: ParseLimits, progress: Progress) -> ParsedDocument:
    """The subject as a heading, sender, recipients and date, then the body."""
    message = _load(data)
    subject = _subject(message)
    builder = CanonicalText(limits)
    write_head(builder, subject, _fields(message))
    text, is_html = _body(message)
    write_body(builder, text, is_html=is_html)
    attachments = _attachments(message)
    beyond = attachments[limits.max_members :]
    return builder.finish(
        OUTLOOK,
        title=subject,
        members=[Member(name, len(content)) for name, content in _contents(attachments, limits)],
        warnings=members_notice(
            "members_left_out",
            f"Only the first {limits.max_members:,} attachments were taken; send the others by themselves",
            [_name_of(attachment, limits.max_members + at) for at, attachment in enumerate(beyond, start=1)],
        ),
    )


def members(data: bytes, limits: ParseLimits) -> Iterator[tuple[str, bytes]]:
    """Name and content of each attachment."""
    return _contents(_attachments(_load(data)), limits)


class _EmbeddedMessage(Message):
    """A message inside another, whose properties begin at another place."""

    @lazyproperty
    def _properties(self) -> Properties:
        return Properties(self._storage, properties_header_offset=_EMBEDDED_HEADER_BYTES)


def _load(data: bytes) -> Message:
    try:
        message = Message.load(data)
        # Properties are read when first asked for; a file that has none is found out here.
        message.properties.int_prop_value(constants.PID_ATTACH_SIZE)
    except MemoryError:
        raise
    except Exception as error:  # olefile and oxmsg raise almost anything on damaged files
        raise DocumentRejected(
            "corrupt", "The message is damaged or cut off; save it again and send it once more."
        ) from error
    return message


def _try(read: Callable[[], T | None], otherwise: T) -> T:
    """What ``read`` returns. A property that is damaged is a property that is not there."""
    try:
        value = read()
    except MemoryError:
        raise
    except Exception:  # as above; the rest of the message is worth having
        return otherwise
    return otherwise if value is None else value


def _subject(message: Message) -> str:
    return collapse(_try(lambda: message.subject, ""))


def _fields(message: Message) -> list[tuple[str, str]]:
    date = _try(lambda: message.sent_date, None)
    return [
        ("From", collapse(_try(lambda: message.sender, ""))),
        ("To", _recipients(message)),
        ("Date", date.strftime("%a, %d %b %Y %H:%M:%S %z") if date else ""),
    ]


def _recipients(message: Message) -> str:
    written = []
    recipients: Sequence[Recipient] = _try(lambda: message.recipients, ())
    for recipient in recipients:
        name = collapse(_try(partial(getattr, recipient, "name"), ""))
        address = collapse(_try(partial(getattr, recipient, "email_address"), ""))
        if name or address:
            written.append(f"{name} <{address}>" if name and address else name or address)
    return ", ".join(written)


def _body(message: Message) -> tuple[str, bool]:
    """The text of the body and whether it is HTML."""
    text = _try(lambda: message.body, "")
    if text.strip():
        return text, False
    html = _try(lambda: message.properties.binary_prop_value(constants.PID_HTML), b"")
    return (decode(html)[0] if html else _try(lambda: message.html_body, "")), True


def _attachments(message: Message) -> list[Attachment]:
    return _try(lambda: list(message.attachments), [])


def _contents(attachments: list[Attachment], limits: ParseLimits) -> Iterator[tuple[str, bytes]]:
    for number, attachment in enumerate(attachments[: limits.max_members], start=1):
        yield _name_of(attachment, number), _content(attachment)


def _content(attachment: Attachment, depth: int = _MAX_DEPTH) -> bytes:
    inner = _embedded(attachment)
    if inner is not None:
        return _as_mail(inner, depth)
    return _try(lambda: attachment.file_bytes, b"")


def _name_of(attachment: Attachment, number: int) -> str:
    inner = _embedded(attachment)
    if inner is not None:
        return safe_name(f"{_subject(inner).replace('/', ' ') or f'message {number}'}.eml")
    short = _try(lambda: attachment.properties.str_prop_value(constants.PID_ATTACH_FILENAME), "")
    return safe_name(_try(lambda: attachment.file_name, "") or short, f"attachment {number}")


def _embedded(attachment: Attachment) -> Message | None:
    storage = attachment._storage
    if not isinstance(storage, Storage):
        return None
    found = next((inner for inner in storage.storages if inner.name.upper() == _EMBEDDED.upper()), None)
    return None if found is None else _EmbeddedMessage(found)


def _as_mail(message: Message, depth: int) -> bytes:
    """``message`` as Internet mail with its attachments; ``depth`` levels of messages within messages."""
    mail = MIMEMultipart()
    for name, value in (("Subject", _subject(message)), *_fields(message)):
        if value:
            # UTF-8 as it is (RFC 6532): an encoded word around an address would be a name without one.
            mail[name] = value.encode().decode("ascii", "surrogateescape")
    text, is_html = _body(message)
    mail.attach(MIMEText(clean(text), "html" if is_html else "plain", "utf-8"))
    for number, attachment in enumerate(_attachments(message), start=1):
        if _embedded(attachment) is None or depth > 1:
            part = MIMEApplication(_content(attachment, depth - 1))
            name = _name_of(attachment, number)
            part.add_header("Content-Disposition", "attachment", filename=("utf-8", "", name))
            mail.attach(part)
    return mail.as_bytes()
