"""In a file of its own: as a test of any guard it would notice that one's removal, whatever it is worth."""

from __future__ import annotations

import pytest

from tests.faults.mutation_table import MUTATIONS, Mutation
from tests.faults.service import ROOT


@pytest.mark.parametrize("guard", MUTATIONS, ids=lambda guard: guard.name)
def test_a_guard_stands_where_the_table_says(guard: Mutation) -> None:
    assert (ROOT / guard.file).read_text().count(guard.text) == 1
