"""Options that several commands have."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

Url = Annotated[
    str | None,
    typer.Option(
        "--url",
        help="Address of the service, anywhere. Default: FOOTNOTE_URL, or host and port as configured.",
    ),
]
Key = Annotated[
    str | None,
    typer.Option(
        "--key", help="The key to send. FOOTNOTE_KEY is better: other users of the machine see arguments."
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON on standard output.")]
Data = Annotated[Path | None, typer.Option("--data", help="The data folder.")]
Collections = Annotated[
    list[str] | None, typer.Option("--collection", "-c", help="Look only here; may be repeated.")
]
Into = Annotated[str, typer.Option("--collection", "-c", help="Where to put them.")]
Mode = Annotated[
    Literal["auto", "answer", "quote"],
    typer.Option("--mode", help="quote never calls the model; answer shows what it wrote, with verdicts."),
]
