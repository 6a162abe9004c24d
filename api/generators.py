"""Which generator the settings ask for: a model file run here, or another server's model."""

from __future__ import annotations

from api.settings import Settings
from rag.models.generation import GeneratorSettings
from rag.models.generator import Generator
from rag.models.model_library import generator_path
from rag.models.remote.generator import Limits, RemoteGenerator
from rag.models.remote.server import ModelServer
from rag.models.text_generator import TextGenerator


def start_generator(settings: Settings, *, context: int | None = None) -> TextGenerator:
    """Begin to load it, or to try it; returns at once.

    Args:
        context: most tokens of prompt and answer, where it is not what the settings say.

    Raises:
        Unavailable: ``model_missing``.
    """
    context = context or settings.context_tokens
    parallel = settings.max_concurrent_asks
    if (server := server_of(settings)) is not None:
        limits = Limits(context=context, parallel=parallel, total_s=settings.ask_seconds)
        return RemoteGenerator(server, limits).start()
    wanted = GeneratorSettings(context=context, threads=settings.threads, parallel=parallel)
    return Generator(settings.model or generator_path(settings.models), wanted).start()


def server_of(settings: Settings) -> ModelServer | None:
    """The server that writes instead of a model of this machine, if one is set."""
    if settings.generator_url is None:
        return None
    return ModelServer(
        settings.generator_url,
        settings.generator_model,
        settings.generator_key_file,
        settings.generator_seconds,
    )
