"""The commands for model files, and their options."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

models = typer.Typer(help="The language models of this machine, and which one is used.", no_args_is_help=True)

Json = Annotated[bool, typer.Option("--json", help="Print JSON on standard output.")]
Folder = Annotated[Path | None, typer.Option("--models", help="The folder of models.")]
Model = Annotated[str, typer.Argument(help="A name from `list`, `packaged`, or a GGUF file.")]
AnyModel = Annotated[
    str | None, typer.Argument(help="A name from `list` or a GGUF file; by default what is in force.")
]


@models.command("list")
def list_models(folder: Folder = None, as_json: Json = False) -> None:
    """Every model with its size and hash; * is the one in force."""
    from api.cli.models import managing

    raise typer.Exit(managing.list_all({"models": folder}, as_json))


@models.command("import")
def import_model(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="A GGUF file.")],
    folder: Folder = None,
    as_json: Json = False,
) -> None:
    """Copy a GGUF file into the folder of models, once it has been tried out."""
    from api.cli.models import managing

    raise typer.Exit(managing.add({"models": folder}, file, as_json))


@models.command("verify")
def verify_models(folder: Folder = None, as_json: Json = False) -> None:
    """Compare the sha256 of every file with what was recorded."""
    from api.cli.models import managing

    raise typer.Exit(managing.verify({"models": folder}, as_json))


@models.command("quantize")
def quantize_model(
    model: Model,
    form: Annotated[str, typer.Argument(help="Q4_0, Q8_0, Q4_K_M, Q5_K_M ...")],
    folder: Folder = None,
    as_json: Json = False,
) -> None:
    """Make another form of a model. From a quantized file it loses something once more."""
    from api.cli.models import managing

    raise typer.Exit(managing.quantize({"models": folder}, model, form, as_json))


@models.command("use")
def use_model(model: Model, folder: Folder = None, as_json: Json = False) -> None:
    """Put a model into force from the service's next start on; `packaged` goes back."""
    from api.cli.models import managing

    raise typer.Exit(managing.use({"models": folder}, model, as_json))


@models.command("bench")
def bench_model(
    model: AnyModel = None,
    rounds: Annotated[int, typer.Option(min=1, max=100, help="Medians are taken over so many.")] = 5,
    folder: Folder = None,
    as_json: Json = False,
) -> None:
    """How fast a model reads and writes here, alone and several at once, and the memory it takes."""
    from api.cli.models import measuring

    raise typer.Exit(measuring.bench({"models": folder}, model, rounds, as_json))


@models.command("tune")
def tune_models(
    model: AnyModel = None,
    form: Annotated[list[str] | None, typer.Option("--form", help="Try this one; may be repeated.")] = None,
    questions: Annotated[
        Path | None,
        typer.Option(exists=True, file_okay=False, help="A folder of further questions to compare answers."),
    ] = None,
    count: Annotated[int, typer.Option(min=1, help="At most so many of them.")] = 150,
    rounds: Annotated[int, typer.Option(min=1, max=100, help="Medians are taken over so many.")] = 5,
    report: Annotated[Path, typer.Option(help="The folder for the table and the picture.")] = Path(
        "data/reports"
    ),
    no_use: Annotated[bool, typer.Option("--no-use", help="Leave in force what is.")] = False,
    folder: Folder = None,
    as_json: Json = False,
) -> None:
    """Make forms of a model, measure speed and answers of each, and keep the best for this machine."""
    from api.cli.models import measuring

    options = measuring.TuneOptions(form or (), questions, count, rounds, report, not no_use)
    raise typer.Exit(measuring.tune({"models": folder}, model, options, as_json))
