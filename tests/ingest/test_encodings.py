from __future__ import annotations

import codecs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.encodings import decode

GERMAN = "Die Größe der Straße überraschte den Bürgermeister. Können Sie mir sagen, wie spät es ist?\n"
FRENCH = "L'élève naïf a été reçu à l'école où Noël fut fêté. Ça coûte 5 € — très cher.\n"
SPANISH = "El niño comió en la montaña. ¿Cuántos años tienes? ¡Qué día más bonito!\n"
ENGLISH = "The café’s waiter said “hello” — twice. It cost £5.\n"
POLISH = "Zażółć gęślą jaźń. Wszyscy ludzie rodzą się wolni i równi pod względem swej godności.\n"
CZECH = "Příliš žluťoučký kůň úpěl ďábelské ódy. Všichni lidé se rodí svobodní.\n"
RUSSIAN = "Съешь же ещё этих мягких французских булок. Москва является столицей России.\n"
GREEK = "Η Αθήνα είναι η πρωτεύουσα της Ελλάδας και η μεγαλύτερη πόλη της χώρας.\n"
TURKISH = "Türkiye'nin başkenti Ankara'dır. İstanbul en kalabalık şehirdir, ığdır güneşli.\n"
HEBREW = "ירושלים היא עיר הבירה של מדינת ישראל והעיר הגדולה ביותר\n"
ARABIC = "القاهرة هي عاصمة جمهورية مصر العربية وأكبر مدنها\n"
JAPANESE = "日本語のテキストです。東京は日本の首都であり、世界最大級の都市です。カタカナとひらがな。\n"
CHINESE = "北京是中华人民共和国的首都,也是全国的政治、文化中心。这是一个简单的测试文本。\n"
TAIWANESE = "臺北市是中華民國的首都,這是一個簡單的測試文本,用來檢查編碼。\n"
KOREAN = "대한민국의 수도는 서울이다. 이것은 인코딩을 시험하기 위한 간단한 문장입니다.\n"
ALL = (GERMAN, FRENCH, POLISH, RUSSIAN, GREEK, ARABIC, JAPANESE, CHINESE, KOREAN, ENGLISH)

LEGACY = [
    (GERMAN, "cp1252"),
    (GERMAN, "iso8859-1"),
    (FRENCH, "cp1252"),
    (SPANISH, "cp1252"),
    (ENGLISH, "cp1252"),
    (POLISH, "cp1250"),
    (POLISH, "iso8859-2"),
    (CZECH, "cp1250"),
    (RUSSIAN, "cp1251"),
    (RUSSIAN, "koi8-r"),
    (RUSSIAN, "cp866"),
    (GREEK, "cp1253"),
    (TURKISH, "cp1254"),
    (HEBREW, "cp1255"),
    (ARABIC, "cp1256"),
    (JAPANESE, "shift_jis"),
    (JAPANESE, "euc_jp"),
    (JAPANESE, "iso2022_jp"),
    (CHINESE, "gb18030"),
    (CHINESE, "gb2312"),
    (TAIWANESE, "big5"),
    (KOREAN, "euc_kr"),
]


@pytest.mark.parametrize("repeats", [1, 20])
@pytest.mark.parametrize(("text", "encoding"), LEGACY)
def test_legacy_encodings_are_recognised(text: str, encoding: str, repeats: int) -> None:
    assert decode((text * repeats).encode(encoding))[0] == text * repeats


@pytest.mark.parametrize("text", ALL)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
@pytest.mark.parametrize("mark", [True, False])
def test_unicode_encodings_with_and_without_byte_order_mark(text: str, encoding: str, mark: bool) -> None:
    data = (("\ufeff" if mark else "") + text).encode(encoding)
    assert decode(data) == (text, encoding)


def test_a_broken_byte_does_not_turn_utf8_into_something_else() -> None:
    data = (GERMAN * 5).encode()
    text, encoding = decode(data[:20] + b"\xff" + data[20:])
    assert encoding == "utf-8"
    assert text.replace("\ufffd", "") == GERMAN * 5


def test_a_stray_zero_byte_does_not_make_utf16() -> None:
    assert decode(b"abc \x00 def\x00") == ("abc \x00 def\x00", "utf-8")


def test_bytes_beyond_the_first_block_count() -> None:
    data = b"plain ascii line\n" * 50_000 + GERMAN.encode("cp1252")
    assert decode(data)[0].endswith(GERMAN)


def test_a_declaration_is_believed_when_the_bytes_allow_it() -> None:
    assert decode(b"\xe4\xf6", "iso-8859-5") == ("\u0444\u0456", "iso8859-5")


@pytest.mark.parametrize("declared", ["base64", "utf-16", "no-such-encoding", "", "idna", "\x00", "zlib"])
def test_useless_declarations_are_ignored(declared: str) -> None:
    assert decode("Größe".encode("cp1252"), declared)[0] == "Größe"


def test_latin1_is_read_as_browsers_read_it() -> None:
    assert decode(b"\x93quoted\x94 \xe9", "iso-8859-1")[0] == "“quoted” é"


@given(st.binary(max_size=2000))
def test_any_bytes_decode(data: bytes) -> None:
    text, encoding = decode(data)
    codecs.lookup(encoding)
    text.encode("utf-8")
