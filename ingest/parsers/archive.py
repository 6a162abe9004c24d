"""ZIP archives: the text is the list of their files, and every file is a member.

Entries are looked at in the directory's order; what is left out is named in a notice. Whether a member
can be read is its own affair: it becomes a document and fails or not for its own reasons.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field

from ingest.canonical import CanonicalText
from ingest.parsers import Progress
from ingest.parsers.limits import ParseLimits
from ingest.parsers.member_names import is_hidden, members_notice, safe_name, safe_path
from ingest.parsers.zip_reading import ZipReader, damaged, entry_name, is_encrypted, is_special
from ingest.sniffing import ZIP
from rag.errors import DocumentRejected
from rag.records import BlockKind, Member, Notice, ParsedDocument


def parse(data: bytes, name: str, limits: ParseLimits, progress: Progress) -> ParsedDocument:
    """The archive's name as a heading, then a list item for each file with its path and size."""
    selection = _Selection(ZipReader(data, limits), limits.max_members)
    taken = []
    for path, entry in selection.entries():
        taken.append(Member(path, entry.file_size))
        progress(len(taken), len(selection.reader.entries))
    if not taken:
        raise selection.why_nothing()
    builder = CanonicalText(limits)
    builder.add_block(BlockKind.HEADING, safe_name(name), level=1)
    for member in taken:
        builder.add_block(BlockKind.LIST_ITEM, f"- {member.name} ({member.size:,} bytes)")
    return builder.finish(ZIP, warnings=selection.notices(), members=taken)


def members(data: bytes, limits: ParseLimits) -> Iterator[tuple[str, bytes]]:
    """Path and content of each member that :func:`parse` lists, unpacked one at a time."""
    selection = _Selection(ZipReader(data, limits), limits.max_members)
    for path, entry in selection.entries():
        yield path, selection.reader.read(entry)


@dataclass
class _Selection:
    """Which entries are members, and the names of those that are not, by reason."""

    reader: ZipReader
    most: int
    encrypted: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    special: list[str] = field(default_factory=list)
    hidden: list[str] = field(default_factory=list)
    renamed: list[str] = field(default_factory=list)
    beyond: list[str] = field(default_factory=list)

    def entries(self) -> Iterator[tuple[str, zipfile.ZipInfo]]:
        """The members in order, each checked to be intact just before it is given."""
        taken = 0
        for entry in self.reader.entries:
            written = entry_name(entry)
            path = safe_path(written)
            left_out = self._reason(entry, path, taken)
            if left_out is not None:
                left_out.append(path)
            elif not entry.is_dir():
                taken += 1
                if path != written.replace("\\", "/"):
                    self.renamed.append(path)
                yield path, entry

    def _reason(self, entry: zipfile.ZipInfo, path: str, taken: int) -> list[str] | None:
        """The list of what is left out for the same reason; None for members and folders."""
        if is_special(entry):
            return self.special
        if entry.is_dir():
            return None
        if is_hidden(path):
            return self.hidden
        if is_encrypted(entry):
            return self.encrypted
        if taken >= self.most:
            return self.beyond
        return None if self.reader.is_intact(entry) else self.broken

    def notices(self) -> list[Notice]:
        """What was left out or changed and why; complete once ``entries`` is exhausted."""
        return [
            *members_notice("members_encrypted", "Files with a password were left out", self.encrypted),
            *members_notice("members_damaged", "Damaged files were left out", self.broken),
            *members_notice(
                "members_skipped", "Links, hidden and system files were left out", self.special + self.hidden
            ),
            *members_notice("members_renamed", "Names that are no plain paths were rewritten", self.renamed),
            *members_notice(
                "members_left_out",
                f"Only the first {self.most:,} files were taken; send the others in another archive",
                self.beyond,
            ),
        ]

    def why_nothing(self) -> DocumentRejected:
        """The reason for which there are no members at all."""
        if self.encrypted:
            return DocumentRejected(
                "encrypted", "The archive is protected by a password; pack it without one and send it again."
            )
        if self.broken:
            return damaged()
        return DocumentRejected("no_text", "The archive holds no documents; put some in and send it again.")
