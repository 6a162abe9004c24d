from __future__ import annotations

from pathlib import Path

import pytest

from api.assembly import Service
from ingest.embedder_choice import choose, configured_model, described
from rag.errors import Conflict
from rag.models.embeddings import embeddings_at
from rag.models.locations import default_embedder_path
from rag.records import Chunk, DocumentState, ParsedDocument
from rag.stores import acceptance, chunk_store, collections, embedders, job_queue
from rag.stores.access import LOCAL
from rag.stores.blobs import BlobStore
from rag.stores.database import Database
from rag.stores.embedders import Model
from tests.api.conftest import Client
from tests.rag.models import small_embedders
from tests.rag.stores.library import unit_vectors

GONE = Model("gone-space", 4, "gone", "ab" * 32, Path("/models/gone"))


@pytest.fixture(scope="module")
def shallow(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_embedders.shallow(tmp_path_factory.mktemp("models") / "shallow")


def _served_from(service: Service, model: Model) -> None:
    with service.database.write() as tx:
        embedders.serve_from(tx, model)


def test_an_empty_library_takes_what_it_is_given(service: Service, shallow: Path) -> None:
    first = choose(service.database, None)
    assert (first.folder, first.refused, first.notice) == (None, None, None)
    second = choose(service.database, shallow)
    assert (second.folder, second.model.name, second.model.dimension) == (shallow, "shallow", 384)
    assert second.model.key != first.model.key, "as many dimensions, and another space"


def test_documents_keep_their_model_whatever_the_settings_name(
    client: Client, service: Service, shallow: Path, a_passage: None
) -> None:
    packaged = choose(service.database, None)
    named = choose(service.database, shallow)
    assert named.folder is None
    assert named.model == packaged.model
    assert named.refused is not None
    assert named.refused.name == "shallow"
    assert named.notice is not None
    assert "footnote embedder migrate" in named.notice
    again = choose(service.database, default_embedder_path())
    assert again.refused is None, "the same weights in another place are the same model"


def test_a_model_that_cannot_be_read_is_named_and_not_used(
    service: Service, tmp_path: Path, a_passage: None
) -> None:
    choose(service.database, None)
    chosen = choose(service.database, tmp_path / "nowhere")
    assert chosen.folder is None
    assert chosen.refused is not None


def test_other_weights_in_the_remembered_folder_are_another_model(service: Service, tmp_path: Path) -> None:
    folder = small_embedders.shallow(tmp_path / "mine")
    choose(service.database, folder)
    _add_passage(service.database)
    assert choose(service.database, None).folder == folder
    for path in folder.glob("*.safetensors"):
        path.unlink()
    small_embedders.shallow(tmp_path / "three", layers=3)
    (tmp_path / "three" / "model.safetensors").rename(folder / "model.safetensors")
    with pytest.raises(Conflict) as caught:
        choose(service.database, None)
    assert caught.value.code == "embedding_model_changed"
    assert "mine" in caught.value.detail


def test_a_library_of_an_earlier_release_is_served_from_what_its_vectors_are_of(
    service: Service, shallow: Path
) -> None:
    """They said nothing: the space with the most vectors decides, if its model is here."""
    packaged = embeddings_at(None)
    _add_passage(service.database, described(packaged, None))
    chosen = choose(service.database, shallow)
    assert (chosen.folder, chosen.model.key) == (None, packaged.space_id)
    assert chosen.refused is not None


def test_a_library_of_an_earlier_release_of_an_unknown_model_is_not_served(service: Service) -> None:
    _add_passage(service.database, GONE)
    with pytest.raises(Conflict) as caught:
        choose(service.database, None)
    assert caught.value.code == "embedding_model_changed"
    with service.database.write() as tx:
        embedders.begin(tx, configured_model(None))
        assert embedders.standing(tx).serving is None


def test_what_can_be_asked_and_what_cannot(client: Client, service: Service) -> None:
    _served_from(service, configured_model(None))
    _add_passage(service.database, GONE)
    told = client.get("/v1/embedder").json()
    assert told["serving"]["packaged"]
    assert (told["migration"], told["previous"], told["notes"]) == (None, None, [])
    for action, code in (("finish", "no_embedder_before"), ("back", "no_embedder_before")):
        refused = client.post(f"/v1/embedder/{action}")
        assert (refused.status_code, refused.json()["code"]) == (409, code)
    refused = client.post("/v1/embedder/migrate", json={})
    assert (refused.status_code, refused.json()["code"]) == (409, "embedder_serves_already")
    assert client.post("/v1/embedder/migrate", json={"force": 1, "folder": "/"}).status_code == 422


def test_a_migration_is_told_of_and_given_up(client: Client, service: Service) -> None:
    _served_from(service, GONE)
    _add_passage(service.database, GONE)
    started = client.post("/v1/embedder/migrate", json={})
    assert started.status_code == 202
    migration = started.json()["migration"]
    assert (migration["state"], migration["done"], migration["total"]) == ("building", 0, 1)
    assert migration["to"]["packaged"]
    service.embedder_watch.look()
    assert service.embedder_watch.pace().total == 1
    assert started.json()["notes"], "thresholds were fitted with another model than this library's"
    assert client.post("/v1/embedder/migrate", json={"force": True}).status_code == 202
    with service.database.read() as tx:
        assert embedders.standing(tx).forced
    assert client.post("/v1/embedder/back").json()["migration"] is None
    service.embedder_watch.look()
    assert service.embedder_watch.pace().done == 0


def _add_passage(database: Database, model: Model | None = None) -> None:
    """A searched passage, with a vector of a model if one is given."""
    blob = BlobStore(database.path.parent / "blobs").put([b"One."], 100)
    with database.write() as tx:
        if model is None:
            serving = embedders.standing(tx).serving
            assert serving is not None
            model = serving.model
        place = collections.get(tx, LOCAL, collections.DEFAULT)
        acceptance.accept(tx, blob, "one.txt", place, {})
        job = job_queue.claim(tx, "test")
        assert job is not None
        chunk_store.publish(
            tx,
            version_id=job.version_id,
            parsed=ParsedDocument("One.", "text/plain"),
            pieces=[Chunk(0, 4, "", 1)],
            embedded=unit_vectors(1, 1, model.dimension),
            space_id=chunk_store.open_space(tx, model.key, model.dimension),
            state=DocumentState.REFINED,
        )
        job_queue.succeed(tx, job)


@pytest.fixture
def a_passage(service: Service) -> None:
    choose(service.database, None)
    _add_passage(service.database)
