"""The models: whether they are there, and whether they are what this release was made with."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from api.doctor.checks import Check, each, fail, ok, warn
from api.generators import server_of, start_generator
from api.settings import Settings
from rag.models.hashing import sha256_of
from rag.models.locations import default_embedder_path, default_model_path, student_path
from rag.models.model_folder import WEIGHTS, ModelFolder
from rag.models.model_library import Entry, Kind, ModelLibrary, is_sound
from rag.models.remote.server import ModelServer

_PACKAGED_GENERATOR = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
_PACKAGED_EMBEDDER = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
_SHOWN = 12
_SERVER_S = 20.0
"""How long another server's model may take to write a word."""


def checks(settings: Settings) -> Iterator[Check]:
    yield from each("generator", lambda: _generator(settings))
    yield from each("embedder", lambda: _embedder(settings))
    yield from each("reader", _reader)
    yield from each("student", lambda: _student(settings))


def _generator(settings: Settings) -> Iterator[Check]:
    from rag.models import gguf

    if (server := server_of(settings)) is not None:
        yield from _server(settings, server)
        return
    chosen = None if settings.model else ModelLibrary.within(settings.models).in_force()
    if chosen is not None and chosen.record.kind is not Kind.PACKAGED:
        yield _chosen(chosen)
        return
    path = settings.model or default_model_path()
    gguf.check_header(path)
    expected = None if settings.model else _PACKAGED_GENERATOR
    yield _compared("generator", path, expected)


def _server(settings: Settings, server: ModelServer) -> Iterator[Check]:
    """Whether another server's model writes, and where text goes for that."""
    if not server.on_this_machine:
        how = "" if server.encrypted else ", unencrypted"
        yield warn(
            "text sent",
            f"document text leaves this machine to {server.host}{how}",
            "Unset FOOTNOTE_GENERATOR_URL to have a model of this machine write"
            + ("." if server.encrypted else ", or give an https address."),
        )
    with closing(start_generator(settings)) as generator:
        generator.wait_ready(_SERVER_S)
        yield ok("generator", f"{generator.identity.name} writes")


def _chosen(entry: Entry) -> Check:
    found = f"{entry.name}, sha256 {entry.record.sha256[:_SHOWN]}, put into force by `footnote models`"
    if is_sound(entry):
        return ok("generator", found)
    return warn(
        "generator",
        f"{found}, has changed since",
        "The packaged model is used instead; import or make it again, or run `footnote models use packaged`.",
    )


def _embedder(settings: Settings) -> Iterator[Check]:
    folder = settings.embedder or default_embedder_path()
    described = ModelFolder(folder)
    expected = None if settings.embedder else _PACKAGED_EMBEDDER
    found = _compared("embedder", folder / WEIGHTS, expected)
    yield Check(found.name, found.level, f"{found.found}, {described.dimension} dimensions", found.mend)


def _reader() -> Iterator[Check]:
    from rag.models.span_reader import default_reader

    identity = default_reader(threads=1).identity
    yield ok("reader", f"{identity.name}, sha256 {identity.sha256[:_SHOWN]}")


def _student(settings: Settings) -> Iterator[Check]:
    teacher = ModelFolder(settings.embedder or default_embedder_path())
    path = student_path(settings.models, teacher.space_id)
    if path.exists():
        yield ok("student", f"sha256 {sha256_of(path)[:_SHOWN]}")
    else:
        yield warn(
            "student",
            "not made yet",
            "The first start makes it, in about half a minute; or run `make setup`.",
        )


def _compared(name: str, path: Path, expected: str | None) -> Check:
    if not path.is_file():
        return fail(
            name, f"{path.name} is not there", "Install Footnote's dependencies again, or name a model."
        )
    sha256 = sha256_of(path)
    found = f"{path.name}, sha256 {sha256[:_SHOWN]}"
    if expected is not None and sha256 != expected:
        return warn(name, found, "It is not the file this release was tested with; run `make setup` again.")
    return ok(name, found if expected is not None else f"{found}, of your own choice")
