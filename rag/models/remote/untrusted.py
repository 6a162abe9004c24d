"""Texts of documents and people, made harmless for a server that lays out the conversation itself.

The local engine tokenizes such text without control tokens, so that none can be forged. A server gets
strings, puts its own layout around them and tokenizes the whole: the spelling of a control token inside a
document *becomes* that token. So whatever looks like one is broken up by a space. Every model has its own and
nobody has a list of all; what is broken up is the shape they share.
"""

from __future__ import annotations

import re

_OPENS_TAG = re.compile(r"<(?=[|｜/!<_A-Za-z])")
"""``<|im_end|>``, ``</s>``, ``<start_of_turn>``, ``<<SYS>>``, ``<｜User｜>``; also any HTML."""
_OPENS_BRACKET = re.compile(r"\[(?=/?[A-Za-z_]{2,40}\])")
"""``[INST]``, ``[/INST]``, ``[TOOL_CALLS]``, ``[gMASK]``; footnote numbers stay as they are."""


def neutralised(text: str) -> str:
    """``text`` without the spelling of a control token. What is already harmless stays as it is."""
    return _OPENS_BRACKET.sub("[ ", _OPENS_TAG.sub("< ", text))
