from __future__ import annotations

import random
import string
import unicodedata
from pathlib import Path

import pypdfium2 as pdfium
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.garbled import GARBLED, garbled_share

NATURAL = {
    "English": "The quick brown fox jumps over the lazy dog and runs into the forest before anyone sees it.",
    "German": "Der schnelle Fuchs springt über den faulen Hund und verschwindet, bevor es jemand sieht.",
    "French": "Le renard saute par-dessus le chien paresseux et disparaît avant que quelqu'un ne le voie.",
    "Portuguese": "A rápida raposa pula sobre o cão preguiçoso. NÃO É IRMÃ, e ninguém pode ver isso aqui.",
    "Polish": "Szybki brązowy lis przeskakuje nad leniwym psem i znika w lesie, zanim ktokolwiek to zobaczy.",
    "Finnish": "Nopea ruskea kettu hyppää laiskan koiran yli ja katoaa metsään ennen kuin kukaan näkee.",
    "Welsh": "Mae’r llwynog brown cyflym yn neidio dros y ci diog ac yn diflannu i’r goedwig cyn i neb weld.",
    "Swahili": "Mbweha mwepesi wa kahawia anaruka juu ya mbwa mvivu na kutoweka msituni kabla mtu hajaona.",
    "Vietnamese": "Con cáo nâu nhanh nhẹn nhảy qua con chó lười biếng và biến mất vào rừng trước khi thấy.",
    "Russian": "Быстрая коричневая лиса прыгает через ленивую собаку.",
    "Greek": "Η γρήγορη καφέ αλεπού πηδά πάνω από το τεμπέλικο σκυλί.",
    "Arabic": "الثعلب البني السريع يقفز فوق الكلب الكسول",
    "Hindi": "तेज भूरी लोमड़ी आलसी कुत्ते के ऊपर कूदती है",
    "Chinese": "敏捷的棕色狐狸跳过懒狗。",
    "Korean": "빠른 갈색 여우가 게으른 개를 뛰어넘는다",
    "mathematics": "∑ᵢ xᵢ² ≤ ∫ f(x) dx ⇒ ∀ε>0 ∃δ: |x−y|<δ → 𝛼𝛽𝛾 ∈ ℝ, ∂²u/∂t² = c²∇²u",
    "code": "def main(argv): return {k: v for k, v in zip(keys, vals) if v is not None and k != tmp_ptr}",
    "figures": "1,024.50 17 % 3.14 (12) 2026-11-22 +49 30 123456",
    "acronyms": "HTTP TCP XML PDF CSS RGB DNS SSH",
}


@pytest.mark.parametrize("what", NATURAL)
def test_text_that_stands_for_something_counts_as_such(what: str) -> None:
    assert garbled_share(NATURAL[what]) < 0.02


def shifted(text: str, by: int) -> str:
    return "".join(chr(ord(char) - by) if 32 < ord(char) - by < 127 else char for char in text)


def substituted(text: str) -> str:
    letters = list(string.ascii_lowercase)
    random.Random(1).shuffle(letters)
    return text.lower().translate(str.maketrans(string.ascii_lowercase, "".join(letters)))


SPOILERS = {
    "shifted by 29": lambda text: shifted(text, 29),
    "shifted by 3": lambda text: shifted(text, 3),
    "substituted": substituted,
    "private use": lambda text: "".join(chr(0xF000 + ord(char)) if char > " " else char for char in text),
    "replaced": lambda text: "".join("\ufffd" if char > " " else char for char in text),
    "numbers of glyphs": lambda text: "".join(f"(cid:{ord(char)})" if char > " " else char for char in text),
}


@pytest.mark.parametrize("how", SPOILERS)
def test_pages_are_told_from_their_garbled_selves(shared: Path, how: str) -> None:
    for name in ("evals/papers/distilbert.pdf", "fixtures/multicolumn.pdf", "fixtures/pdflatex-outline.pdf"):
        document = pdfium.PdfDocument(shared / name)
        for page in document:
            text = page.get_textpage().get_text_range().replace("\ufffe", "-")
            assert garbled_share(text) < GARBLED / 3
            if len(text) > 500:
                assert garbled_share(SPOILERS[how](text)) > GARBLED


@pytest.mark.parametrize("language", ["French", "German", "Russian"])
def test_words_decoded_wrongly_are_counted_whole(language: str) -> None:
    text = NATURAL[language]
    spoilt = text.encode().decode("cp1252", "replace")
    wrong = sum(len(word) for word in spoilt.split() if not word.isascii())
    assert garbled_share(spoilt) == pytest.approx(wrong / len("".join(spoilt.split())), abs=0.05)


def test_half_a_text() -> None:
    assert garbled_share("abcd \ufffd\ue001\ue002\U000f0000") == 0.5
    assert garbled_share("") == garbled_share(" \n\t") == 0.0
    assert unicodedata.category("\u0378") == "Cn"
    assert garbled_share("\u0378") == 1.0


@given(st.text())
def test_it_is_a_share(text: str) -> None:
    assert 0.0 <= garbled_share(text) <= 1.0
