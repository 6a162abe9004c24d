"""How much a single document may cost, whatever it contains."""

from __future__ import annotations

from dataclasses import dataclass, replace

_MEBIBYTE = 2**20
# Honest documents take a few seconds a megabyte; machines that are five times slower are slow ones.
_LEAST_SECONDS = 8
_SECONDS_PER_MEBIBYTE = 24


@dataclass(frozen=True, slots=True)
class ParseLimits:
    """Bounds on one parse. Passing one rejects the document (``limit_exceeded``), where nothing else is said.

    ``memory_bytes`` is address space (RLIMIT_AS), ``cpu_seconds`` processor time (RLIMIT_CPU),
    ``wall_seconds`` the time until the child process is killed. ``max_unpacked_bytes``,
    ``max_zip_entries`` and ``max_zip_ratio`` bound zip-based formats before anything is unpacked;
    ``max_pixels`` bounds a rendered page. ``max_words`` is how many word boxes are kept (beyond it the
    text stays complete and only the boxes end), ``max_members`` how many documents inside a document
    (the others are left out with a notice). ``max_image_pixels`` bounds a picture as it is in its file.

    Text recognition runs in a process of its own, which has ``ocr_memory_bytes`` of address space and, for
    each page, ``ocr_seconds_per_page`` of both kinds of time. Only ``max_ocr_pages`` are recognised,
    further ones stay without text; 0 turns recognition off.
    """

    memory_bytes: int = 1536 * _MEBIBYTE
    cpu_seconds: int = 60
    wall_seconds: float = 120.0
    max_pages: int = 5_000
    max_chars: int = 50_000_000
    max_result_bytes: int = 256 * _MEBIBYTE
    max_unpacked_bytes: int = 512 * _MEBIBYTE
    max_zip_entries: int = 10_000
    max_zip_ratio: int = 200
    max_pixels: int = 16_000_000
    max_words: int = 3_000_000
    max_members: int = 1_000
    max_image_pixels: int = 100_000_000
    ocr_memory_bytes: int = 3072 * _MEBIBYTE
    ocr_seconds_per_page: int = 120
    max_ocr_pages: int = 500

    def for_size(self, size: int) -> ParseLimits:
        """The same with no more processor time than a file of ``size`` bytes can honestly take.

        So what a few kilobytes unpack to is stopped after seconds, while a large report has its minute.
        """
        seconds = _LEAST_SECONDS + _SECONDS_PER_MEBIBYTE * size // _MEBIBYTE
        return replace(self, cpu_seconds=min(self.cpu_seconds, seconds))
