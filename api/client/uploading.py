"""The bytes of an upload: from a path, from memory or from an open file, counted while they are sent."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

Content = str | os.PathLike[str] | bytes | BinaryIO
"""A path, the bytes themselves, or a seekable file opened for reading bytes, sent from its beginning."""

OnProgress = Callable[[int, int], None]
"""Called with the bytes sent so far and their total; once more from 0 if the upload is repeated."""


def name_of(content: Content, name: str | None) -> str:
    """What the document is called. Raises ``ValueError`` for bytes without a name."""
    if name is not None:
        return name
    known = content if isinstance(content, (str, os.PathLike)) else getattr(content, "name", None)
    if not isinstance(known, (str, os.PathLike)):
        raise ValueError("give the document a name")
    return Path(known).name


@contextmanager
def opened(content: Content, on_progress: OnProgress | None) -> Iterator[BinaryIO]:
    """The content as a file; one that was opened here is closed here. Raises ``OSError``."""
    if isinstance(content, (str, os.PathLike)):
        with open(content, "rb") as file:
            yield _counted(file, on_progress)
    else:
        yield _counted(io.BytesIO(content) if isinstance(content, bytes) else content, on_progress)


def _counted(file: BinaryIO, on_progress: OnProgress | None) -> BinaryIO:
    return file if on_progress is None else cast(BinaryIO, _Counted(file, on_progress))


class _Counted:
    """Tells how far reading is. It has what httpx asks of a file and no more."""

    def __init__(self, file: BinaryIO, on_progress: OnProgress) -> None:
        self._file = file
        self._on_progress = on_progress
        self._total = file.seek(0, io.SEEK_END)
        file.seek(0)

    def read(self, size: int = -1) -> bytes:
        chunk = self._file.read(size)
        self._on_progress(self._file.tell(), self._total)
        return chunk

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()
