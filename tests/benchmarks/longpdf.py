"""A long PDF of real pages: the research papers of the evaluation data, or else the sample handbook."""

from __future__ import annotations

from pathlib import Path

import pypdfium2 as pdfium

from tests.evals.reading import ROOT

PAPERS = ROOT.parent / "shared" / "evals" / "papers"
SAMPLE = ROOT / "data" / "samples" / "lighthouse-handbook.pdf"


def make(path: Path, pages: int) -> Path:
    """Write a PDF of so many pages to ``path``; sources are repeated when they run out."""
    sources = sorted(PAPERS.rglob("*.pdf")) or [SAMPLE]
    whole = pdfium.PdfDocument.new()
    while len(whole) < pages:
        for source in sources:
            document = pdfium.PdfDocument(source)
            wanted = list(range(min(len(document), pages - len(whole))))
            if wanted:  # an empty list would mean all of them
                whole.import_pages(document, wanted)
            document.close()
    whole.save(path)
    whole.close()
    return path
