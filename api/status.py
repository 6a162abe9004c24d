"""What a person wants to know of the service they use: its models, how fast they are, how much there is."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Annotated

from prometheus_client.core import Metric
from pydantic import BaseModel, Field

from api.answer_schemas import Model
from api.rights import Right

_EVERYTHING = ""


class CallerStatus(BaseModel):
    """Whoever asks."""

    key: Annotated[str, Field(description="Id of the key, `local` for the one person without keys.")]
    right: Right
    restricted: Annotated[bool, Field(description="Whether the key is good for some collections only.")]


class LanguageModel(Model):
    context_tokens: int
    drafting: Annotated[str, Field(description="How its words are used: `free`, `copy` or `off`.")]


class Speeds(BaseModel):
    """Means since the service started; null before there is anything to measure."""

    read_tokens_per_second: float | None
    written_tokens_per_second: float | None
    search_ms: float | None
    answer_ms: float | None


class Sizes(BaseModel):
    """Over all tenants. ``free`` is what the disk still has."""

    vectors: int
    index_bytes: int
    database_bytes: int
    file_bytes: int
    free_bytes: int | None
    memory_bytes: int


class Status(BaseModel):
    software: Annotated[str, Field(description="The version of Footnote.")]
    caller: CallerStatus
    generator: Annotated[LanguageModel | None, Field(description="Null until it works.")]
    embedder: Annotated[Model | None, Field(description="Null until it works.")]
    max_upload_bytes: int
    answers_kept_days: int
    speeds: Annotated[Speeds | None, Field(description="Null for keys that may not see `/metrics`.")]
    sizes: Annotated[Sizes | None, Field(description="Null for keys that may not see `/metrics`.")]


class Figures:
    """The service's families of figures, added up by name and one label."""

    def __init__(self, families: Iterable[Metric]) -> None:
        self._sums: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))
        for family in families:
            for sample in family.samples:
                for value in (_EVERYTHING, *sample.labels.values()):
                    self._sums[sample.name][value] += sample.value

    def sum(self, name: str, label: str = _EVERYTHING) -> float:
        """Of all samples of that name, or of those with a label of this value; 0 without any."""
        found: Mapping[str, float] = self._sums.get(name, {})
        return found.get(label, 0.0)

    def has(self, name: str) -> bool:
        return name in self._sums

    def mean_ms(self, histogram: str, label: str) -> float | None:
        times = self.sum(f"{histogram}_count", label)
        return round(1000 * self.sum(f"{histogram}_sum", label) / times, 1) if times else None


def speeds(figures: Figures) -> Speeds:
    return Speeds(
        read_tokens_per_second=_rate(figures, "prompt", "prefill"),
        written_tokens_per_second=_rate(figures, "completion", "decode"),
        search_ms=figures.mean_ms("footnote_stage_seconds", "retrieve"),
        answer_ms=figures.mean_ms("footnote_stage_seconds", "total"),
    )


def sizes(figures: Figures) -> Sizes:
    free = "footnote_disk_free_bytes"
    return Sizes(
        vectors=int(figures.sum("footnote_index_vectors")),
        index_bytes=int(figures.sum("footnote_file_bytes", "indexes")),
        database_bytes=int(
            figures.sum("footnote_file_bytes", "database") + figures.sum("footnote_file_bytes", "wal")
        ),
        file_bytes=int(figures.sum("footnote_blob_bytes")),
        free_bytes=int(figures.sum(free)) if figures.has(free) else None,
        memory_bytes=int(figures.sum("footnote_process_resident_bytes")),
    )


def _rate(figures: Figures, kind: str, phase: str) -> float | None:
    seconds = figures.sum("footnote_generator_seconds_total", phase)
    tokens = figures.sum("footnote_generator_tokens_total", kind)
    return round(tokens / seconds, 1) if seconds and tokens else None
