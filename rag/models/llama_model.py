"""A GGUF model's weights and vocabulary through llama.cpp's C interface.

Only the generator's own process imports this module: llama.cpp aborts the process on some errors.
"""

from __future__ import annotations

import ctypes
import logging
import re
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

import numpy as np
from llama_cpp import llama_cpp as native
from numpy.typing import NDArray

from rag.models import gguf
from rag.models.chat_formats import FORMATS, ChatFormat, detect
from rag.models.generation import PromptPart

_log = logging.getLogger(__name__)

_GGML_LOG_ERROR = 4

_LAYOUT_TOKENS = frozenset(
    spelling
    for fmt in FORMATS.values()
    for text in (*fmt.prefix.values(), fmt.suffix)
    for spelling in re.findall(r"<[^<>\s]+>", text)
)


@native.llama_log_callback  # type: ignore[untyped-decorator]  # a ctypes function type
def _forward_errors(level: int, text: bytes, _: ctypes.c_void_p) -> None:
    if level == _GGML_LOG_ERROR:
        _log.error("%s", text.decode("utf-8", "replace").rstrip())


def start_library() -> None:
    """Before anything else is done with llama.cpp, any number of times. It then logs errors only."""
    native.llama_log_set(_forward_errors, ctypes.c_void_p(0))
    native.llama_backend_init()


class LlamaModel:
    """Loaded weights with their vocabulary. Not thread safe.

    Args:
        path: a GGUF file.
        cpu_kernels: see :class:`rag.models.generation.GeneratorSettings`.

    Raises:
        Unavailable: ``model_unusable``.
    """

    def __init__(self, path: Path, *, cpu_kernels: bool) -> None:
        gguf.check_header(path)
        start_library()
        params = native.llama_model_default_params()
        params.use_extra_bufts = cpu_kernels
        self.handle = native.llama_model_load_from_file(str(path).encode(), params)
        if not self.handle:
            raise gguf.unusable(f"{path.name} is damaged or of a kind this version cannot run")
        self._vocabulary = native.llama_model_get_vocab(self.handle)
        self.size = native.llama_vocab_n_tokens(self._vocabulary)
        if not native.llama_model_has_decoder(self.handle) or self.size <= 0:
            raise gguf.unusable(f"{path.name} is not a text generating model")
        self.trained_context: int = native.llama_model_n_ctx_train(self.handle)
        self.recurrent = bool(
            native.llama_model_is_recurrent(self.handle) or native.llama_model_is_hybrid(self.handle)
        )

    @cached_property
    def pieces(self) -> list[bytes]:
        """The bytes of every token by id; control tokens are empty."""
        buffer = ctypes.create_string_buffer(1024)
        pieces = []
        for token in range(self.size):
            size = native.llama_token_to_piece(self._vocabulary, token, buffer, len(buffer), 0, False)
            pieces.append(buffer.raw[: max(size, 0)])
        return pieces

    @cached_property
    def end_tokens(self) -> frozenset[int]:
        """The tokens by which the model ends its turn."""
        return frozenset(i for i in range(self.size) if native.llama_vocab_is_eog(self._vocabulary, i))

    @cached_property
    def control_tokens(self) -> frozenset[int]:
        """Every token that means something other than text.

        Some files mark layout tokens as ordinary user-defined ones, which llama.cpp matches in *any*
        text; they are recognised by their spelling.
        """
        return self.end_tokens | {
            i
            for i in range(self.size)
            if native.llama_vocab_is_control(self._vocabulary, i) or self._spelling(i) in _LAYOUT_TOKENS
        }

    @cached_property
    def never_written(self) -> NDArray[np.intp]:
        """Control tokens that do not end a turn: a model has no business writing them."""
        return np.asarray(sorted(self.control_tokens - self.end_tokens), dtype=np.intp)

    @cached_property
    def chat_format(self) -> ChatFormat:
        """The layout for conversations; the file's own template is looked at but never run."""
        spellings = [self._spelling(token) for token in sorted(self.control_tokens)]
        return detect(self.metadata("tokenizer.chat_template"), spellings)

    def tokenize(self, parts: Sequence[PromptPart]) -> list[int]:
        """Token ids of a prompt. Untrusted parts yield no control token, whatever they contain."""
        ids: list[int] = []
        if native.llama_vocab_get_add_bos(self._vocabulary):
            ids.append(native.llama_vocab_bos(self._vocabulary))
        for part in parts:
            ids += (
                self._encode(part.text, special=True) if part.trusted else self._encode_untrusted(part.text)
            )
        return ids

    def at_least(self, parts: Sequence[PromptPart]) -> int:
        """A lower bound of the number of tokens, without tokenizing (which takes long on huge texts)."""
        longest = max(1, *map(len, self.pieces))
        return sum(len(part.text.encode("utf-8", "replace")) for part in parts) // longest

    def _encode_untrusted(self, text: str) -> list[int]:
        ids = self._encode(text, special=False)
        if self.control_tokens.isdisjoint(ids):
            return ids
        middle = len(text) // 2  # cut until no piece holds a whole control token
        if middle == 0:
            return []
        return self._encode_untrusted(text[:middle]) + self._encode_untrusted(text[middle:])

    def _encode(self, text: str, *, special: bool) -> list[int]:
        data = text.encode("utf-8", "replace")
        room = len(data) + 8
        ids = (native.llama_token * room)()
        size = native.llama_tokenize(self._vocabulary, data, len(data), ids, room, False, special)
        if size < 0:
            raise RuntimeError(f"llama_tokenize wants {-size} tokens for {len(data)} bytes")
        return list(ids[:size])

    def _spelling(self, token: int) -> str:
        return bytes(native.llama_vocab_get_text(self._vocabulary, token)).decode("utf-8", "replace")

    def metadata(self, key: str) -> str | None:
        """What the file says under a key of the GGUF specification, or None."""
        buffer = ctypes.create_string_buffer(1 << 16)
        size = native.llama_model_meta_val_str(self.handle, key.encode(), buffer, len(buffer))
        return buffer.value.decode("utf-8", "replace") if size >= 0 else None
