from __future__ import annotations

import io
from email.message import EmailMessage
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.canonical import check
from ingest.parsers import mail, members
from ingest.parsers.limits import ParseLimits
from ingest.parsers.mime import leaves, read_message
from rag.errors import DocumentRejected
from rag.records import BlockKind, ParsedDocument
from tests.ingest.reading import read, texts

HEAD = b"From: a@b.c\nTo: d@e.f\nSubject: Tea\nMIME-Version: 1.0\n"


def message(text: str = "Hello.\n\nBye.") -> EmailMessage:
    made = EmailMessage()
    made["From"] = "Ada <ada@example.com>"
    made["To"] = "Bob <bob@example.com>"
    made["Subject"] = "Prices of tea"
    made["Date"] = "Mon, 01 Jan 2024 10:00:00 +0000"
    made.set_content(text)
    return made


def unpacked(data: bytes, limits: ParseLimits | None = None) -> list[tuple[str, bytes]]:
    return list(members(io.BytesIO(data), "a.eml", limits or ParseLimits()))


def read_mail(data: bytes) -> ParsedDocument:
    return read(data, "a.eml")


def test_head_and_body() -> None:
    parsed = read_mail(message().as_bytes())
    assert parsed.title == "Prices of tea"
    assert parsed.text == (
        "Prices of tea\n\nFrom: Ada <ada@example.com>\nTo: Bob <bob@example.com>\n"
        "Date: Mon, 01 Jan 2024 10:00:00 +0000\n\nHello.\n\nBye."
    )
    assert parsed.blocks[0].kind is BlockKind.HEADING
    assert parsed.members == ()


def test_plain_text_is_preferred_unless_it_is_empty() -> None:
    made = message("plain")
    made.add_alternative("<p>marked <b>up</b></p>", subtype="html")
    assert texts(read_mail(made.as_bytes()))[2:] == ["plain"]
    made = message("  \n")
    made.add_alternative("<h2>Marked</h2><p>up</p>", subtype="html")
    assert texts(read_mail(made.as_bytes()))[2:] == ["Marked", "up"]


def test_attachments_are_members() -> None:
    made = message()
    made.add_attachment(b"%PDF-1.4", maintype="application", subtype="pdf", filename="../Größe.pdf")
    made.add_attachment("a,b\n", subtype="csv")
    forwarded = message("forwarded words")
    forwarded.replace_header("Subject", "Old/new")
    made.add_attachment(forwarded)
    data = made.as_bytes()
    found = unpacked(data)
    assert [name for name, _ in found] == ["Größe.pdf", "attachment 2.csv", "Old new.eml"]
    assert found[0][1] == b"%PDF-1.4"
    assert "forwarded words" not in read_mail(data).text
    assert "forwarded words" in read_mail(found[2][1]).text
    assert [(member.name, member.size) for member in read_mail(data).members] == [
        (name, len(content)) for name, content in found
    ]


def test_small_pictures_in_the_text_are_left_out_large_ones_are_members() -> None:
    made = message()
    made.add_alternative("<img src='cid:a'>", subtype="html")
    html = list(made.iter_parts())[1]
    assert isinstance(html, EmailMessage)
    html.add_related(b"small", maintype="image", subtype="png", cid="<a>", filename="logo.png")
    html.add_related(bytes(40_000), maintype="image", subtype="png", cid="<b>", filename="chart.png")
    parsed = read_mail(made.as_bytes())
    assert [member.name for member in parsed.members] == ["chart.png"]
    assert [(notice.code, "logo.png" in notice.detail) for notice in parsed.warnings] == [
        ("members_skipped", True)
    ]


def test_only_so_many_attachments_are_taken() -> None:
    made = message()
    for number in range(4):
        made.add_attachment(b"x", maintype="application", subtype="pdf", filename=f"{number}.pdf")
    limits = ParseLimits(max_members=3)
    assert len(unpacked(made.as_bytes(), limits)) == 3
    assert read(made.as_bytes(), "a.eml", limits).warnings[0].code == "members_left_out"


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_boundaries(end: str) -> None:
    data = HEAD + (
        b'Content-Type: multipart/mixed; boundary="=_a"\n\npreamble\n--=_a\n\none\n--=_ab is no boundary\n'
        b"--=_a \nContent-Type: text/plain\n\ntwo\n--=_a--\nepilogue"
    )
    parts = leaves(read_message(data.replace(b"\n", end.encode())))
    assert [part.body.decode().split(end) for part in parts] == [["one", "--=_ab is no boundary"], ["two"]]


def test_a_message_without_its_end_is_read_as_far_as_it_goes() -> None:
    data = (
        HEAD
        + b"Content-Type: multipart/mixed; boundary=x\n\n--x\n\none\n--x\nContent-Type: text/html\n\n<p>tw"
    )
    assert texts(read_mail(data))[2:] == ["one", "tw"]


@pytest.mark.parametrize(
    ("header", "body", "expected"),
    [
        (b"Content-Type: text/plain; charset=windows-1251", "Москва".encode("cp1251"), "Москва"),
        (b"Content-Type: text/plain; charset=no-such-thing", "Größe".encode(), "Größe"),
        (b"Content-Type: ;;;=?", b"words", "words"),
        (b"Content-Transfer-Encoding: base64", b"SGVsbG8gdGhlcmU", "Hello there"),
        (b"Content-Transfer-Encoding: base64", b"!SGVs\nbG8g*dGhlcmU=\nX", "Hello there"),
        (b"Content-Transfer-Encoding: quoted-printable", b"Gr=C3=B6=\n=C3=9Fe =ZZ", "Größe =ZZ"),
        (b"Content-Type: multipart/mixed", b"no boundary is declared", None),
    ],
)
def test_malformed_transport(header: bytes, body: bytes, expected: str | None) -> None:
    parsed = read_mail(HEAD + header + b"\n\n" + body)
    if expected is None:
        assert len(parsed.members) == 1
    else:
        assert texts(parsed)[-1] == expected


@pytest.mark.parametrize(
    ("subject", "expected"),
    [
        (b"=?utf-8?q?Gr=C3=B6=C3=9Fe?=", "Größe"),
        (b"=?koi8-r?b?7c/Ty9fB?=", "Москва"),
        ("Größe".encode(), "Größe"),
        ("Größe der Häuser".encode("cp1252"), "Größe der Häuser"),
        (b"=?no-such?q?abc?=", "abc"),
        (b"folded\n over lines", "folded over lines"),
    ],
)
def test_subjects(subject: bytes, expected: str) -> None:
    assert read_mail(b"From: a@b.c\nTo: b@c.d\nSubject: " + subject + b"\n\nHi").title == expected


def test_encrypted_messages_say_so() -> None:
    data = HEAD + b"Content-Type: application/pkcs7-mime; name=smime.p7m\n\nabc"
    with pytest.raises(DocumentRejected, match="encrypted"):
        read_mail(data)
    data = HEAD + b"Content-Type: multipart/encrypted; boundary=x\n\n--x\nContent-Type: a/b\n\nV\n--x--"
    with pytest.raises(DocumentRejected, match="encrypted"):
        read_mail(data)


@given(
    st.lists(
        st.sampled_from(
            [
                b"Content-Type: multipart/mixed; boundary=x\n",
                b'Content-Type: multipart/alternative; boundary="y\n',
                b"Content-Type: message/rfc822\n",
                b"Content-Type: text/html\n",
                b"Content-Transfer-Encoding: base64\n",
                b"Content-Disposition: attachment; filename*=utf-8''%ff\"\n",
                b"From: (((<@\n",
                b"--x\n",
                b"--y--\n",
                b"\n",
                b"\xff\x00 =?x?b?=\n",
            ]
        )
    )
)
def test_any_soup_of_lines_keeps_the_invariants(lines: list[bytes]) -> None:
    data = b"From: a\n" + b"".join(lines)
    parsed = mail.parse(data, "a.eml", ParseLimits(), lambda done, total: None)
    check(parsed)
    found = list(mail.members(data, ParseLimits()))
    assert [(member.name, member.size) for member in parsed.members] == [
        (name, len(it)) for name, it in found
    ]


def test_a_real_message(shared: Path) -> None:
    parsed = read(shared / "fixtures/eml_with_attachment.eml")
    assert parsed.title == "Email with Attachment"
    assert "This email contains an attachment." in parsed.text
    ((name, content),) = unpacked((shared / "fixtures/eml_with_attachment.eml").read_bytes())
    assert (name, content[:14]) == ("test.txt", b"This is a test")
