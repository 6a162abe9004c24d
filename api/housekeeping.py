"""What the service tidies now and then: a snapshot of the index, old pictures. Files are the worker's."""

from __future__ import annotations

import threading
from collections.abc import Callable

import structlog

from api.pictures import PagePictures

_log = structlog.get_logger(__name__)

_PERIOD_SECONDS = 60.0


class Housekeeper:
    """Runs every minute until it is closed; a failure is logged and tried again the next time."""

    def __init__(self, pictures: PagePictures, save_index: Callable[[], None]) -> None:
        self._pictures = pictures
        self._save_index = save_index
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="housekeeping", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        self._closing.set()
        if self._thread.is_alive():
            self._thread.join(5.0)

    def _run(self) -> None:
        while not self._closing.wait(_PERIOD_SECONDS):
            try:
                self._save_index()
                self._pictures.prune()
            except OSError as error:
                _log.warning("housekeeping_failed", error=error.strerror)
