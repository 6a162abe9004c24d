from __future__ import annotations

import pytest
from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from rag.retrieval import named_documents
from rag.retrieval.query import years
from rag.stores import chunk_store, document_catalog, schema, scopes
from rag.stores.access import LOCAL
from rag.stores.scopes import EVERYWHERE, Scope
from tests.rag.library import Library

SALES = "Net sales were {sales} million dollars.\n\nCapital expenditures were {capex} million dollars."


@pytest.fixture
def reports(library: Library) -> Library:
    for number, (company, year) in enumerate(
        (company, year) for company in ("NORDVIK", "TRAVANCORE") for year in (2021, 2022, 2023)
    ):
        library.add(f"{company}_{year}_10K.txt", SALES.format(sales=4000 + number, capex=200 + number))
    library.add(
        "report-17.txt", SALES.format(sales=7001, capex=701), metadata={"company": "Ostrava", "year": 2022}
    )
    return library


def first(library: Library, question: str) -> str:
    return library.retriever.search(question, Scope(LOCAL), 5).passages[0].document.name


@pytest.mark.parametrize(
    ("question", "name"),
    [
        ("What were the capital expenditures of Nordvik in 2022?", "NORDVIK_2022_10K.txt"),
        ("What were Travancore's net sales in FY2021?", "TRAVANCORE_2021_10K.txt"),
        ("travancore capex fy23", "TRAVANCORE_2023_10K.txt"),
        ("How much did Ostrava sell in fiscal 2022?", "report-17.txt"),
    ],
)
def test_company_and_year_together_pick_one_of_many_look_alikes(
    reports: Library, question: str, name: str
) -> None:
    assert first(reports, question) == name


def test_a_question_that_names_no_document_prefers_none(reports: Library) -> None:
    with reports.database.read() as tx:
        named = named_documents.find(tx, "How high were capital expenditures?", EVERYWHERE, EVERYWHERE)
    assert named == named_documents.NONE_NAMED


def test_what_is_named_is_preferred_and_nothing_is_left_out(reports: Library) -> None:
    found = reports.retriever.search("Nordvik 2022 net sales", Scope(LOCAL), 20).passages
    assert found[0].document.name == "NORDVIK_2022_10K.txt"
    assert {one.document.name for one in found} > {"TRAVANCORE_2022_10K.txt", "report-17.txt"}


def test_changed_metadata_is_found_at_once_and_a_deleted_document_is_not(reports: Library) -> None:
    passage = reports.retriever.search("What were the net sales of Ostrava?", Scope(LOCAL), 1).passages[0]
    assert passage.document.name == "report-17.txt"
    with reports.database.write() as tx:
        document = document_catalog.get(tx, LOCAL, passage.document.id)
        document_catalog.set_metadata(tx, document, {"company": "Zelezna"})
    assert first(reports, "What were Zelezna's net sales?") == "report-17.txt"
    reports.remove(passage.document.id)
    with reports.database.read() as tx:
        assert named_documents.find(tx, "Zelezna", EVERYWHERE, EVERYWHERE) == named_documents.NONE_NAMED


def test_a_filter_holds_for_named_documents_too(reports: Library) -> None:
    scope = Scope(LOCAL, filter={"name": {"$ne": "NORDVIK_2022_10K.txt"}})
    found = reports.retriever.search("Nordvik 2022 net sales", scope, 20).passages
    assert "NORDVIK_2022_10K.txt" not in {one.document.name for one in found}


def test_names_are_told_among_what_may_be_read(library: Library) -> None:
    filler = "\n\n".join(f"The committee took note of minute {day}. " * 140 for day in range(5))
    for shelf in ("open", "closed"):
        for company in ("Nordvik", "Travancore", "Ostrava"):
            opening = f"{company} Holdings. For the fiscal year ended December 31, 2022."
            library.add(f"{company}-{shelf}.txt", f"{opening}\n\n{filler}", metadata={"shelf": shelf})
            library.add(f"{len(company)}-{shelf}.txt", f"{opening}\n\n{filler}", metadata={"shelf": shelf})
    with library.database.read() as tx:
        readable = scopes.resolve(tx, Scope(LOCAL, filter={"metadata.shelf": "open"}))
        named = named_documents.find(tx, "What did Nordvik earn?", readable, readable)
        found = chunk_store.passages(tx, {first: (1.0, {}) for first, _ in named.strengths})
    assert {one.document.name: named.strength(one.chunk_id) == 1.0 for one in found} == {
        "Nordvik-open.txt": True,
        "7-open.txt": False,
    }


def test_the_beginning_of_a_long_document_names_it(library: Library) -> None:
    filler = "\n\n".join(
        f"The committee met on day {day} and took note of the minutes." for day in range(400)
    )
    for company in ("Nordvik", "Travancore", "Ostrava"):
        opening = f"{company} Holdings. For the fiscal year ended December 31, 2022."
        library.add(f"scan-{len(company)}.txt", f"{opening}\n\n{filler}\n\nThe dividend was 3 dollars.")
    assert first(library, "What dividend did Travancore pay?") == "scan-10.txt"


def test_what_is_called_so_comes_before_what_begins_with_it_however_many_do(library: Library) -> None:
    filler = "\n\n".join(f"Table {table} has the scores of some run. " * 140 for table in range(4))
    for name in ("nordvik", "siskin", "pipit", "dunlin", "plover"):
        opening = f"We compare our method with Nordvik. Ours is called {name}."
        library.add(f"{name}.txt", f"{opening}\n\n{filler}\n\nPre-training took four days.")
    with library.database.read() as tx:
        named = named_documents.find(tx, "How long did Nordvik's pre-training take?", EVERYWHERE, EVERYWHERE)
    assert max(named.strengths.values()) == 1.0
    assert first(library, "How long did Nordvik's pre-training take?") == "nordvik.txt"


@pytest.mark.parametrize("written", ["FY2022", "FY22", "fiscal 2022", "FY '22", "in 2022?"])
def test_years_are_known_however_they_are_written(written: str) -> None:
    assert years(written) == {"2022"}


def test_numbers_that_are_no_years_are_none() -> None:
    assert years("12022 items, 202 pages, model X2022") == set()


def test_names_written_together_are_looked_for() -> None:
    weights = named_documents.naming_words("What did American Express earn?")
    assert weights["americanexpress"] == 1.0
    assert weights["earn"] < 1.0


def test_an_older_library_gets_its_names(reports: Library) -> None:
    with reports.database.write() as tx:
        tx.exec_driver_sql("DELETE FROM keyword_documents")
        for name in ("keyword_document_places", "keyword_document_terms", "keyword_documents"):
            tx.exec_driver_sql(f"DROP TABLE {name}")
    named = ScriptDirectory(str(schema.MIGRATIONS)).get_revision("0004")
    with reports.database.write() as tx, Operations.context(MigrationContext.configure(tx)):
        named.module.upgrade()
    assert first(reports, "Nordvik 2023 net sales") == "NORDVIK_2023_10K.txt"
