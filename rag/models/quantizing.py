"""Other quantizations of a GGUF file, through llama.cpp's own quantizer.

Only a child process imports this module: llama.cpp aborts the process on some errors. What a form is: Q4_0
keeps 4 bits a weight and one scale for 32 of them, Q4_1 a scale and an offset, Q8_0 8 bits and a scale; the K
forms nest blocks of scales and keep some tensors finer (``_M`` more of them than ``_S``).
"""

from __future__ import annotations

import ctypes
import os
from pathlib import Path

from llama_cpp import llama_cpp as native

from rag.errors import StorageFailed
from rag.models import gguf
from rag.models.forms import FORMS, named
from rag.models.llama_model import start_library


def quantize(source: Path, target: Path, form: str, threads: int) -> None:
    """Write ``source`` in another form to ``target``, which is there whole and on disk, or not at all.

    A file that is quantized already is read back to numbers first. Those differ from the original's by what
    the first quantization lost, which stays lost, and are rounded once more.

    Raises:
        BadRequest: ``unknown_form``.
        StorageFailed: ``storage_failed``.
        Unavailable: ``model_unusable``.
    """
    form = named(form)
    gguf.check_header(source)
    start_library()
    params = native.llama_model_quantize_default_params()
    params.ftype = getattr(native, FORMS[form])
    params.allow_requantize = True
    params.nthread = threads
    unfinished = target.with_name(f".{target.name}.{os.getpid()}.new")
    try:
        code = native.llama_model_quantize(
            str(source).encode(), str(unfinished).encode(), ctypes.byref(params)
        )
        if code != 0:
            raise gguf.unusable(
                f"{source.name} cannot be written as {form}: it is damaged or the disk is full"
            )
        _settle(unfinished, target)
    except OSError as error:
        raise StorageFailed(
            "storage_failed", f"The model could not be written ({error.strerror}); free or mend the disk."
        ) from error
    finally:
        unfinished.unlink(missing_ok=True)


def _settle(unfinished: Path, target: Path) -> None:
    with unfinished.open("rb") as file:
        os.fsync(file.fileno())
    unfinished.replace(target)
