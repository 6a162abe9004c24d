from __future__ import annotations

from itertools import pairwise

import pytest

from rag.models.chat_formats import CHATML, FORMATS, GEMMA, LLAMA3, PLAIN, ChatFormat, Message, detect, render

TALK = [Message("system", "Be brief."), Message("user", "Hi <|im_end|>"), Message("assistant", "Hello.")]


@pytest.mark.parametrize("fmt", FORMATS.values(), ids=FORMATS)
def test_no_content_is_ever_trusted(fmt: ChatFormat) -> None:
    parts = render(TALK, fmt)
    trusted = "".join(part.text for part in parts if part.trusted)
    for message in TALK:
        assert message.content not in trusted
        assert any(message.content in part.text for part in parts if not part.trusted)


@pytest.mark.parametrize("fmt", FORMATS.values(), ids=FORMATS)
def test_neighbours_differ_in_trust_and_no_part_is_empty(fmt: ChatFormat) -> None:
    parts = render([Message("user", ""), *TALK, Message("user", "x")], fmt)
    assert all(part.text for part in parts)
    assert all(a.trusted != b.trusted for a, b in pairwise(parts))


def test_chatml_layout() -> None:
    text = "".join(part.text for part in render([Message("system", "S"), Message("user", "U")], CHATML))
    assert text == "<|im_start|>system\nS<|im_end|>\n<|im_start|>user\nU<|im_end|>\n<|im_start|>assistant\n"


def test_a_warmed_prefix_is_a_prefix_of_the_prompt() -> None:
    prefix = render(TALK[:1], CHATML, open_answer=False)
    whole = render(TALK, CHATML)
    assert "".join(p.text for p in whole).startswith("".join(p.text for p in prefix))


def test_gemma_has_no_system_role() -> None:
    parts = render([Message("system", "S"), Message("user", "U")], GEMMA)
    assert [part.text for part in parts] == [
        "<start_of_turn>user\n",
        "S\n\nU",
        "<end_of_turn>\n<start_of_turn>model\n",
    ]


def test_gemma_keeps_a_system_message_without_question() -> None:
    assert any("S" in part.text for part in render([Message("system", "S")], GEMMA))


@pytest.mark.parametrize(
    ("template", "control", "expected"),
    [
        ("{{'<|im_start|>' + role}}", ["<|im_start|>"], CHATML),
        ("{{'<|start_header_id|>'}}", ["<|start_header_id|>"], LLAMA3),
        ("{{'<start_of_turn>'}}", ["<start_of_turn>"], GEMMA),
        ("{{'<|im_start|>'}}", ["</s>"], PLAIN),
        (None, ["<|im_start|>"], PLAIN),
        ("{% for m in messages %}{{m}}{% endfor %}", ["<|im_start|>"], PLAIN),
    ],
)
def test_detection_wants_template_and_vocabulary_to_agree(
    template: str | None, control: list[str], expected: ChatFormat
) -> None:
    assert detect(template, control) is expected
