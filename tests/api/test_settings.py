from __future__ import annotations

from pathlib import Path

import pytest

from api.settings import load
from rag.errors import BadRequest


def test_defaults_need_nothing() -> None:
    settings = load({})
    assert settings.host == "127.0.0.1"
    assert settings.database_path == Path("data/library/footnote.db")


def test_environment_is_read_and_converted() -> None:
    settings = load({"FOOTNOTE_PORT": "9000", "FOOTNOTE_DATA": "there", "PATH": "/bin"})
    assert (settings.port, settings.data) == (9000, Path("there"))


def test_an_empty_variable_is_unset() -> None:
    assert load({"FOOTNOTE_MODEL": ""}).model is None


def test_command_line_wins_over_environment_wins_over_file(tmp_path: Path) -> None:
    file = tmp_path / "footnote.toml"
    file.write_text("port = 1\nthreads = 3\nmax_citations = 7\n")
    environ = {"FOOTNOTE_CONFIG": str(file), "FOOTNOTE_PORT": "2", "FOOTNOTE_THREADS": "4"}
    settings = load(environ, {"port": 5, "data": None})
    assert (settings.port, settings.threads, settings.max_citations) == (5, 4, 7)


@pytest.mark.parametrize(
    ("environ", "named"),
    [
        ({"FOOTNOTE_PROT": "1"}, "FOOTNOTE_PROT: there is no such setting"),
        ({"FOOTNOTE_PORT": "many"}, "FOOTNOTE_PORT"),
        ({"FOOTNOTE_PORT": "70000"}, "FOOTNOTE_PORT"),
        ({"FOOTNOTE_HOST": "example.org"}, "give an address, not a name"),
        ({"FOOTNOTE_GENERATOR_URL": "127.0.0.1:8080"}, "FOOTNOTE_GENERATOR_URL: "),
        ({"FOOTNOTE_GENERATOR_URL": "http://me:canary@a/v1"}, "footnote_generator_key_file"),
        ({"FOOTNOTE_GENERATOR_MODEL": "m"}, "want footnote_generator_url"),
        ({"FOOTNOTE_GENERATOR_URL": "http://a/v1", "FOOTNOTE_MODEL": "m"}, "exclude each other"),
        ({"FOOTNOTE_ALLOWED_HOSTS": "a b"}, "FOOTNOTE_ALLOWED_HOSTS"),
        ({"FOOTNOTE_DATABASE": "postgresql://x/y"}, "sqlite:///"),
        ({"FOOTNOTE_DATABASE": "sqlite:///"}, "missing"),
        ({"FOOTNOTE_CONFIG": "/nonexistent.toml"}, "cannot be read"),
        ({"FOOTNOTE_TRACES": "127.0.0.1:4318"}, "FOOTNOTE_TRACES: value error, an address like http://"),
        ({"FOOTNOTE_LOG_LEVEL": "loud"}, "FOOTNOTE_LOG_LEVEL"),
    ],
)
def test_what_is_wrong_is_named(environ: dict[str, str], named: str) -> None:
    with pytest.raises(BadRequest) as refused:
        load(environ)
    assert refused.value.code == "bad_settings"
    assert named in refused.value.detail


def test_unknown_keys_of_the_file_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "footnote.toml"
    file.write_text("prot = 1\n")
    with pytest.raises(BadRequest, match="prot: there is no such setting"):
        load({"FOOTNOTE_CONFIG": str(file)})
