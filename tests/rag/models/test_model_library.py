from __future__ import annotations

from pathlib import Path

import pytest

from rag.errors import BadRequest, Conflict, NotFound, Unavailable
from rag.models.generator import Generator
from rag.models.hashing import sha256_of
from rag.models.locations import default_model_path
from rag.models.model_library import Entry, Kind, ModelLibrary, generator_path, is_sound
from rag.models.model_task import ModelTask, check


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("models")


@pytest.fixture(scope="module")
def made(models: Path) -> Entry:
    library = ModelLibrary.within(models)
    return library.make(library.find("packaged"), "q4_0", threads=2)


def test_without_a_folder_the_packaged_model_is_in_force(tmp_path: Path) -> None:
    library = ModelLibrary.within(tmp_path / "nothing")
    (only,) = library.entries()
    assert library.in_force() == only
    assert (only.record.kind, only.record.form) == (Kind.PACKAGED, "Q4_1")
    assert only.record.sha256 == sha256_of(default_model_path())
    assert generator_path(tmp_path / "nothing") == default_model_path()


def test_a_form_is_made_once_and_says_what_it_was_made_from(models: Path, made: Entry) -> None:
    library = ModelLibrary.within(models)
    assert made.name == "SmolLM2-135M-Instruct.Q4_0"
    assert made.record.made_from == sha256_of(default_model_path())
    assert made.record.bytes == made.path.stat().st_size < default_model_path().stat().st_size
    assert check(made.path)["form"] == "Q4_0"
    written = made.path.stat().st_mtime_ns
    assert library.make(library.find("packaged"), "Q4_0", threads=2) == made
    assert made.path.stat().st_mtime_ns == written
    assert {path.suffix for path in made.path.parent.iterdir()} == {".gguf", ".json"}  # nothing half done


def test_what_is_chosen_is_used_until_its_file_changes(models: Path, made: Entry) -> None:
    library = ModelLibrary.within(models)
    library.use(made.name)
    assert library.in_force() == made
    assert generator_path(models) == made.path
    with Generator(generator_path(models)) as generator:  # an answer names what wrote it
        assert (generator.name, generator.identity.sha256) == (made.name, made.record.sha256)

    whole = made.path.read_bytes()
    made.path.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    try:
        assert not is_sound(made)
        assert generator_path(models) == default_model_path()
        with pytest.raises(Unavailable, match="recorded"):
            library.use(made.name)
    finally:
        made.path.write_bytes(whole)

    library.use("packaged")
    assert generator_path(models) == default_model_path()


def test_a_choice_of_other_bytes_of_the_same_name_does_not_count(models: Path, made: Entry) -> None:
    library = ModelLibrary.within(models)
    library.use(made.name)
    choice = made.path.parent / "in-force.json"
    choice.write_text(choice.read_text().replace(made.record.sha256, "0" * 64))
    assert generator_path(models) == default_model_path()
    library.use("packaged")


def test_an_imported_file_is_tried_out_first(tmp_path: Path, made: Entry) -> None:
    library = ModelLibrary.within(tmp_path)
    told: list[tuple[str, int, int]] = []
    entry = library.add(made.path, lambda *one: told.append(one))
    assert entry.record.kind is Kind.IMPORTED
    assert entry.record.sha256 == made.record.sha256
    assert entry.record.licence == "apache-2.0"
    assert told[0][1] > 0
    with pytest.raises(Conflict, match="already"):
        library.add(made.path, lambda *_: None)

    cut = tmp_path / "cut.gguf"
    cut.write_bytes(made.path.read_bytes()[: 40 << 20])
    with pytest.raises(Unavailable, match=r"cut\.gguf is damaged"):
        library.add(cut, lambda *_: None)
    assert [one.name for one in library.entries() if one.record.kind is Kind.IMPORTED] == [entry.name]
    assert sorted(path.name for path in entry.path.parent.iterdir()) == [
        f"{entry.name}.gguf",
        f"{entry.name}.json",
    ]


def test_a_file_without_its_record_is_no_model(tmp_path: Path) -> None:
    folder = tmp_path / "generators"
    folder.mkdir()
    (folder / "half.gguf").write_bytes(b"GGUF")
    assert [entry.record.kind for entry in ModelLibrary.within(tmp_path).entries()] == [Kind.PACKAGED]


def test_what_is_not_there_is_said(models: Path) -> None:
    library = ModelLibrary.within(models)
    with pytest.raises(NotFound, match="footnote models list"):
        library.find("nothing")
    with pytest.raises(BadRequest, match="Q4_K_M"):
        library.make(library.find("packaged"), "Q4_9", threads=1)


@pytest.mark.slow
def test_two_forms_of_one_model_are_compared_token_by_token(made: Entry) -> None:
    with ModelTask() as task:
        same = _compared(task, default_model_path())
        other = _compared(task, made.path)
    assert same["agreement"] == 1.0
    assert same["divergence"] == pytest.approx(0.0, abs=1e-6)
    assert same["perplexity"] == same["reference_perplexity"] > 1.0
    assert 0.5 < other["agreement"] < 1.0
    assert other["divergence"] > 0.01
    assert other["tokens"] == same["tokens"] > 500


def _compared(task: ModelTask, candidate: Path) -> dict[str, float]:
    reference = default_model_path()
    return task.do("compare", candidate, reference=str(reference), candidate=str(candidate), threads=2)


def test_a_task_that_kills_its_process_is_an_error(tmp_path: Path) -> None:
    with ModelTask() as task, pytest.raises(Unavailable, match="gave up"):
        task.do("nonsense", tmp_path / "any.gguf")
