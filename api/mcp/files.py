"""Which files of this machine an assistant may add: those below folders that a person named."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path


class Roots:
    """Folders given with ``--root``. Without any, no file can be added by its path."""

    def __init__(self, folders: Sequence[Path]) -> None:
        self._folders = [folder.resolve() for folder in folders]

    def checked(self, path: str) -> Path:
        """The file itself, links followed: one that leads out of the folders is outside.

        Raises ``ValueError`` with what to do, the same for what is outside and what does not exist.
        """
        if not self._folders:
            raise ValueError(
                "Files cannot be added by path here: start `footnote mcp` with --write and --root FOLDER, "
                "or give name and text."
            )
        try:
            found = Path(path).expanduser().resolve(strict=True)
        except (OSError, ValueError, RuntimeError):
            found = None
        if found is None or not found.is_file() or not any(map(found.is_relative_to, self._folders)):
            allowed = ", ".join(map(str, self._folders))
            raise ValueError(f"{path} is no file below {allowed}; name one that is.")
        return found
