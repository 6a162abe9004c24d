"""Entering receipts, with the turns of conversations they belong to, at once or a little later."""

from __future__ import annotations

import threading

from rag.errors import Busy
from rag.stores import answers, conversations, receipt_rows
from rag.stores.conversations import Turn
from rag.stores.database import Database, Tx
from rag.stores.receipt import Receipt
from rag.stores.receipt_journal import ReceiptJournal

JOURNAL_NAME = "receipts.journal"
_PATIENCE_SECONDS = 0.25
"""How long an answer waits for the database before its receipt goes to the journal instead."""


class ReceiptWriter:
    """Writes to ``database``, and to a journal beside it while somebody else holds the database for long.

    Whoever reads receipts or conversations calls ``settle`` first. Safe to use from many threads.
    """

    def __init__(self, database: Database, patience: float = _PATIENCE_SECONDS) -> None:
        self._database = database
        self._journal = ReceiptJournal(database.path.with_name(JOURNAL_NAME), database.health)
        self._patience = patience
        self._settling = threading.Lock()

    def write(self, receipt: Receipt) -> None:
        """Store a receipt and its turn; they are on the disk when this returns.

        Raises ``StorageFailed``; then nothing was stored.
        """
        try:
            with self._database.write_soon(self._patience) as tx:
                _enter(tx, receipt)
        except Busy:
            self._journal.append(receipt_rows.to_json(receipt))

    def remember(self, receipt: Receipt) -> None:
        """Store the turn alone. Raises ``Busy`` or ``StorageFailed``; then nothing was stored."""
        if receipt.conversation is not None:
            with self._database.write() as tx:
                _add_turn(tx, receipt.conversation, answers.as_kept(tx, receipt), None)

    @property
    def settled(self) -> bool:
        """Whether nothing waits in the journal."""
        return self._journal.empty

    def settle(self) -> None:
        """Enter what waits in the journal. Costs nothing when nothing does, which is nearly always.

        Raises ``Busy`` or ``StorageFailed``; then it waits on.
        """
        if self._journal.empty:
            return
        with self._settling:
            waiting = [receipt_rows.from_json(record) for record in self._journal.take()]
            with self._database.write() as tx:
                for receipt in waiting:
                    if not answers.is_known(tx, receipt.id):  # else a crash came before ``done``
                        _enter(tx, receipt)
            self._journal.done()


def _enter(tx: Tx, receipt: Receipt) -> None:
    key, receipt = answers.keep(tx, receipt)
    if receipt.conversation is not None:
        _add_turn(tx, receipt.conversation, receipt, key)


def _add_turn(tx: Tx, conversation: str, receipt: Receipt, key: int | None) -> None:
    turn = Turn(receipt.question, receipt.understood, receipt.answer)
    conversations.add_turn(tx, receipt.owner, conversation, turn, key)
