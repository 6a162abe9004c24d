from __future__ import annotations

import subprocess
import sys

import pytest

from ingest.language import identify

SENTENCES = {
    "en": "The keeper of the lighthouse climbed the stairs every evening to light the lamp.",
    "de": "Der Leuchtturmwärter stieg jeden Abend die Treppe hinauf, um die Lampe anzuzünden.",
    "fr": "Le gardien du phare montait chaque soir l'escalier pour allumer la lampe.",
    "es": "El guardián del faro subía cada noche la escalera para encender la lámpara.",
    "it": "Il guardiano del faro saliva ogni sera le scale per accendere la lampada.",
    "ru": "Смотритель маяка каждый вечер поднимался по лестнице, чтобы зажечь лампу.",
    "ar": "كان حارس المنارة يصعد الدرج كل مساء ليضيء المصباح الكبير.",
    "zh": "灯塔看守人每天晚上都爬上长长的楼梯去点亮那盏照耀大海的明灯。",
    "ja": "灯台守は毎晩ランプに火をともすために長い階段を上りました。",
}


@pytest.mark.parametrize("code", SENTENCES)
def test_sentences(code: str) -> None:
    found = identify(SENTENCES[code])
    assert found is not None
    assert found.code == code
    assert 0.5 <= found.probability <= 1


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Hello there",
        "12.5 33.4 99 1,234 5,555 Q1 Q2 Q3 USD EUR kg mm cm pcs ltr " * 5,
        "for (int i = 0; i < n; ++i) { x[i] = y->z(i); } std::vector<int> v; " * 10,
        "\ud800" * 100,
    ],
)
def test_what_is_not_language(text: str) -> None:
    assert identify(text) is None


def test_the_title_page_does_not_decide() -> None:
    text = SENTENCES["fr"] * 12 + SENTENCES["en"] * 400
    found = identify(text)
    assert found is not None
    assert found.code == "en"


def test_nothing_is_loaded_before_it_is_needed() -> None:
    program = "import sys, ingest.language as l; l.identify('1 2 3'); print('py3langid' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
