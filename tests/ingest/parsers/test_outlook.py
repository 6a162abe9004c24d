from __future__ import annotations

import contextlib
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.canonical import check
from ingest.parsers import members
from ingest.parsers.limits import ParseLimits
from rag.errors import DocumentRejected, FootnoteError
from tests.ingest.ole import Tree, compound_file, properties
from tests.ingest.reading import read, texts

SUBJECT, SENDER, ADDRESS, BODY, HTML = 0x0037, 0x0C1A, 0x0C1F, 0x1000, 0x1013
NAME, SMTP = 0x3001, 0x39FE
DATA, SHORT_NAME, LONG_NAME = 0x3701, 0x3704, 0x3707


def message(values: dict[int, str | bytes], attachments: list[Tree] | None = None, header: int = 32) -> Tree:
    head: dict[int, str | bytes] = {SUBJECT: "Prices of tea", SENDER: "Ada", ADDRESS: "ada@example.com"}
    tree = properties(head | values, header)
    tree["__recip_version1.0_#00000000"] = properties({NAME: "Bob", SMTP: "bob@example.com"}, 8)
    for number, attachment in enumerate(attachments or []):
        tree[f"__attach_version1.0_#{number:08X}"] = attachment
    return tree


def file(name: str, content: bytes, identifier: int = LONG_NAME) -> Tree:
    return properties({identifier: name, DATA: content}, 8)


def forwarded(inner: Tree) -> Tree:
    return {**properties({}, 8), "__substg1.0_3701000D": inner}


def unpacked(data: bytes, limits: ParseLimits | None = None, name: str = "a.msg") -> list[tuple[str, bytes]]:
    return list(members(io.BytesIO(data), name, limits or ParseLimits()))


def test_head_and_body() -> None:
    parsed = read(compound_file(message({BODY: "Hello.\r\n\r\nGrüße"})), "a.msg")
    assert parsed.title == "Prices of tea"
    assert parsed.text == (
        'Prices of tea\n\nFrom: "Ada" <ada@example.com>\nTo: Bob <bob@example.com>\n\nHello.\n\nGrüße'
    )


def test_a_body_of_html() -> None:
    parsed = read(compound_file(message({HTML: "<h2>Tea</h2><p>Größe</p>".encode()})), "a.msg")
    assert texts(parsed)[2:] == ["Tea", "Größe"]


def test_attachments_are_members() -> None:
    large = bytes(range(256)) * 100
    data = compound_file(
        message(
            {BODY: "x"}, [file("..\\Größe.pdf", large), file("OLD~1.TXT", b"y", SHORT_NAME), file("", b"z")]
        )
    )
    assert unpacked(data) == [("Größe.pdf", large), ("OLD~1.TXT", b"y"), ("attachment 3", b"z")]
    assert [(member.name, member.size) for member in read(data, "a.msg").members] == [
        (name, len(content)) for name, content in unpacked(data)
    ]


def test_a_message_inside_is_given_as_mail_with_all_it_holds() -> None:
    deepest = message({SUBJECT: "Deep", BODY: "three"}, header=24)
    inner = message(
        {SUBJECT: "Größe/order", BODY: "two"}, [file("a.txt", b"content"), forwarded(deepest)], header=24
    )
    ((name, mail),) = unpacked(compound_file(message({BODY: "one"}, [forwarded(inner)])))
    assert name == "Größe order.eml"
    parsed = read(mail, name)
    assert parsed.title == "Größe/order"
    assert texts(parsed)[1:] == ["From: Ada <ada@example.com>\nTo: Bob <bob@example.com>", "two"]
    (attached, (deep_name, deep_mail)) = unpacked(mail, name=name)
    assert attached == ("a.txt", b"content")
    assert texts(read(deep_mail, deep_name))[-1] == "three"


def test_only_so_many_attachments_are_taken() -> None:
    data = compound_file(message({BODY: "x"}, [file(f"{number}", b"y") for number in range(4)]))
    limits = ParseLimits(max_members=3)
    assert len(unpacked(data, limits)) == 3
    assert [notice.code for notice in read(data, "a.msg", limits).warnings] == ["members_left_out"]


def test_a_property_that_is_missing_costs_only_itself() -> None:
    tree = message({BODY: "body"})
    del tree[f"__substg1.0_{SUBJECT:04X}001F"]
    parsed = read(compound_file(tree), "a.msg")
    assert parsed.title is None
    assert texts(parsed)[-1] == "body"


@pytest.mark.parametrize("size", [600, 1500, 2000])
def test_damaged_files(size: int) -> None:
    with pytest.raises(DocumentRejected, match="corrupt"):
        read(compound_file(message({BODY: "x"}))[:size] + bytes(10), "a.msg")


WHOLE = compound_file(message({BODY: "body"}, [file("a.txt", b"y")]))


@given(st.integers(0, len(WHOLE) - 1), st.binary(min_size=1, max_size=8))
def test_changed_bytes_end_in_a_document_or_a_typed_error(at: int, change: bytes) -> None:
    # Any other exception fails the test.
    with contextlib.suppress(FootnoteError):
        check(read(WHOLE[:at] + change + WHOLE[at + len(change) :], "a.msg"))
