"""What refinement could reach at best: the bare ONNX session over the very batches the refiner makes."""

from __future__ import annotations

import os
import time
from pathlib import Path

from ingest.refiner import BATCH, WINDOW
from ingest.sandbox import parse_file
from ingest.splitting import embedding_text, split
from rag.models.embeddings import embeddings_at
from rag.models.locations import default_embedder_path
from rag.models.onnx_embeddings import BATCH_TOKENS, OnnxEmbeddings, _feeds, batches, padded
from rag.models.tokenizer import OffsetTokenizer
from rag.text.forms import spoken


def chunks_per_second(pdf: Path) -> float:
    """Chunks of ``pdf`` that the session alone runs through in a second: no database, no tokenizing."""
    texts = _texts(pdf)
    teacher = embeddings_at(None, os.cpu_count())
    assert isinstance(teacher, OnnxEmbeddings), "there is no ONNX form of the embedder"
    tokenizer, session = teacher._loaded()
    feeds = []
    for first in range(0, len(texts), WINDOW):
        window = sorted(texts[first : first + WINDOW], key=len)
        for at in range(0, len(window), BATCH):
            ids = [encoding.ids for encoding in tokenizer.encode_batch_fast(window[at : at + BATCH])]
            for members in batches([len(one) for one in ids], BATCH_TOKENS):
                feeds.append(_feeds(*padded([ids[one] for one in members])))
    session.run(None, feeds[0])
    began = time.monotonic()
    for feed in feeds:
        session.run(None, feed)
    return len(texts) / (time.monotonic() - began)


def _texts(pdf: Path) -> list[str]:
    parsed = parse_file(pdf, pdf.name)
    pieces = split(parsed, OffsetTokenizer(default_embedder_path()), title=parsed.title or pdf.stem)
    return [embedding_text(piece.context, spoken(parsed.text, piece)) for piece in pieces]
