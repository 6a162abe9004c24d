"""Text recognition (OCR) for pages that are pictures, when an engine is installed. Runs in the sandbox."""
