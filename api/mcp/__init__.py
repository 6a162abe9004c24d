"""Footnote for assistants: a server of the Model Context Protocol on top of the Python client."""
