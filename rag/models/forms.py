"""The forms in which a model's weights are stored, by the names people use. Loads nothing."""

from __future__ import annotations

from collections.abc import Mapping

from rag.errors import BadRequest

FORMS: Mapping[str, str] = {
    name: f"LLAMA_FTYPE_MOSTLY_{name}"
    for name in (
        *("Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0"),
        *("Q3_K_M", "Q4_K_S", "Q4_K_M", "Q5_K_S", "Q5_K_M", "Q6_K"),
        *("IQ4_NL", "IQ4_XS", "F16", "BF16"),
    )
}
"""The form and llama.cpp's constant for it. Left out are those with fewer bits, which need statistics of a
text (an importance matrix) to be of any use."""

TRIED: tuple[str, ...] = ("Q4_0", "Q8_0", "Q4_K_M", "Q5_K_M")
"""What ``footnote models tune`` makes unless told otherwise: 4 and 8 bits in the forms for which llama.cpp
has most kernels, and the two usual compromises."""

# The numbers of `general.file_type`, as far as a file may say them (llama.cpp, enum llama_ftype).
_NUMBERS: Mapping[int, str] = {
    0: "F32",
    1: "F16",
    2: "Q4_0",
    3: "Q4_1",
    7: "Q8_0",
    8: "Q5_0",
    9: "Q5_1",
    10: "Q2_K",
    11: "Q3_K_S",
    12: "Q3_K_M",
    13: "Q3_K_L",
    14: "Q4_K_S",
    15: "Q4_K_M",
    16: "Q5_K_S",
    17: "Q5_K_M",
    18: "Q6_K",
    25: "IQ4_NL",
    30: "IQ4_XS",
    32: "BF16",
}


def named(form: str) -> str:
    """The name of a form as it is listed here, however it is spelt.

    Raises:
        BadRequest: ``unknown_form``.
    """
    name = form.strip().upper()
    if name not in FORMS:
        raise BadRequest("unknown_form", f"There is no form {form!r}; take one of {', '.join(FORMS)}.")
    return name


def of_number(file_type: str | None) -> str:
    """The name for what a file says of itself; empty where it says nothing that is known."""
    return _NUMBERS.get(int(file_type), "") if file_type and file_type.isdigit() else ""
