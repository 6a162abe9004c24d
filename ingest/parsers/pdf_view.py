"""From the space of a PDF page to the page as a viewer displays it."""

from __future__ import annotations

import ctypes

import numpy as np
import pypdfium2 as pdfium
import pypdfium2.raw as pdfium_c

from ingest.parsers.pdf_glyphs import Numbers


class View:
    """A page cut to its box and turned clockwise, as ISO 32000-1, 7.7.3.3 has it displayed."""

    def __init__(self, page: pdfium.PdfPage) -> None:
        self.width, self.height = page.get_size()
        bounds = pdfium_c.FS_RECTF()
        pdfium_c.FPDF_GetPageBoundingBox(page.raw, ctypes.byref(bounds))
        self._turns = pdfium_c.FPDFPage_GetRotation(page.raw)
        corner = {
            0: (bounds.left, bounds.bottom),
            1: (bounds.right, bounds.bottom),
            2: (bounds.right, bounds.top),
            3: (bounds.left, bounds.top),
        }
        self._corner = np.array(corner[self._turns])

    def points(self, points: Numbers) -> Numbers:
        """(n, 2) positions."""
        return self.directions(points - self._corner)

    def directions(self, vectors: Numbers) -> Numbers:
        """(n, 2) directions."""
        x, y = vectors.T
        turned = {0: (x, y), 1: (y, -x), 2: (-x, -y), 3: (-y, x)}
        return np.stack(turned[self._turns], axis=1)

    def boxes(self, boxes: Numbers) -> Numbers:
        """(n, 4) boxes."""
        one, other = self.points(boxes[:, :2]), self.points(boxes[:, 2:])
        return np.hstack((np.minimum(one, other), np.maximum(one, other)))
