"""Which files of a folder are left out: glob patterns, as version control systems write them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from rag.errors import BadRequest

IGNORE_FILE = ".footnoteignore"

ALWAYS = (
    # Unfinished or passing: other programs make these while they write.
    *("*~", "~$*", "#*#", "*.tmp", "*.swp", "*.part", "*.partial", "*.crdownload", "*.download"),
    # Made by machines, by the thousand.
    *("node_modules/", "__pycache__/"),
)
"""Left out everywhere, besides everything whose name begins with a dot."""


class Ignored:
    """Decides by relative path.

    A pattern without ``/`` stands for a name at any depth; with one, for a path from the folder's top.
    ``*`` and ``?`` stay within a name, ``**`` crosses folders, ``[abc]`` is a choice. A ``/`` at the end
    means folders only. What lies in a folder that is left out is left out.

    Raises ``BadRequest`` (``bad_ignore_pattern``).
    """

    def __init__(self, patterns: Iterable[str] = ()) -> None:
        self._files: list[re.Pattern[str]] = []
        self._folders: list[re.Pattern[str]] = []
        for pattern in (*ALWAYS, *patterns):
            compiled = _compiled(pattern)
            self._folders.append(compiled)
            if not pattern.endswith("/"):
                self._files.append(compiled)

    def file(self, path: str) -> bool:
        """Whether the file ``path`` (relative, ``/`` between its steps) is left out for its own sake."""
        return _hidden(path) or any(pattern.fullmatch(path) for pattern in self._files)

    def folder(self, path: str) -> bool:
        """The same for a folder, with all that is in it."""
        return _hidden(path) or any(pattern.fullmatch(path) for pattern in self._folders)

    def within(self, path: str) -> bool:
        """Whether the file ``path`` is left out for any reason, those of its folders included."""
        steps = path.split("/")
        return self.file(path) or any(self.folder("/".join(steps[:at])) for at in range(1, len(steps)))


def patterns_of(folder: Path) -> Sequence[str]:
    """The patterns in the folder's ``.footnoteignore``; none when it has none.

    Raises ``BadRequest`` (``bad_ignore_pattern``) naming the line.
    """
    try:
        lines = (folder / IGNORE_FILE).read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return []
    except (OSError, UnicodeDecodeError) as error:
        raise BadRequest("bad_ignore_pattern", f"{IGNORE_FILE} cannot be read ({error}); mend it.") from error
    patterns = []
    for number, line in enumerate(lines, start=1):
        pattern = line.strip()
        if not pattern or pattern.startswith("#"):
            continue
        try:
            _compiled(pattern)
        except BadRequest as error:
            raise BadRequest(error.code, f"{IGNORE_FILE}, line {number}: {error.detail}") from None
        patterns.append(pattern)
    return patterns


def _hidden(path: str) -> bool:
    return path.rpartition("/")[2].startswith(".")


def _compiled(pattern: str) -> re.Pattern[str]:
    if pattern.startswith("!"):
        raise BadRequest("bad_ignore_pattern", f"`{pattern}`: patterns with ! are not supported; remove it.")
    bare = pattern.strip("/")
    if not bare:
        raise BadRequest("bad_ignore_pattern", f"`{pattern}` names nothing; remove it.")
    anchored = "/" in pattern.rstrip("/")
    try:
        return re.compile(("" if anchored else "(?:.*/)?") + _translated(bare))
    except re.error:
        raise BadRequest("bad_ignore_pattern", f"`{pattern}` is not a pattern; correct it.") from None


def _translated(glob: str) -> str:
    """The glob as a regular expression that matches whole paths."""
    parts: list[str] = []
    at = 0
    while at < len(glob):
        if glob.startswith("**/", at):
            parts.append("(?:.*/)?")
            at += 3
        elif glob.startswith("**", at):
            parts.append(".*")
            at += 2
        elif glob[at] == "[" and (end := glob.find("]", at + 2)) > 0:
            chosen = glob[at + 1 : end]
            negated = "^" if chosen.startswith("!") else ""
            escaped = re.sub(r"([\\\[\]^&~|])", r"\\\1", chosen.removeprefix("!"))
            parts.append(f"(?!/)[{negated}{escaped}]")
            at = end + 1
        else:
            parts.append({"*": "[^/]*", "?": "[^/]"}.get(glob[at]) or re.escape(glob[at]))
            at += 1
    return "(?s:" + "".join(parts) + ")"
