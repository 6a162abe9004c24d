"""Several clients at once, who upload, replace, delete, search and ask until the service dies under them."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress

import httpx

from tests.faults import texts
from tests.faults.ledger import Entry, Ledger, only_word
from tests.faults.over_rest import Client, Unexpected

_MOST_DOCUMENTS = 6
_REFUSALS = (409, 410, 429, 503, 507)
"""A clear no is no fault: the request is not acknowledged, and nothing of it may be kept."""


class Crowd:
    """``size`` clients, each with documents of its own, so that it knows what it did in which order.

    Each waits for ``pause`` seconds between two requests.
    """

    def __init__(self, ledger: Ledger, size: int, seed: int, pause: float = 0.0) -> None:
        self._ledger = ledger
        self._pause = pause
        self.requests = 0
        self._members = [
            _Member(f"c{number}", ledger, random.Random(seed * 1000 + number)) for number in range(size)
        ]
        self.violations: list[str] = []
        self.answers: list[str] = []

    @contextmanager
    def at_work(self, connect: Callable[[], httpx.Client]) -> Iterator[None]:
        """All of them, for as long as the block lasts; whoever finds the service gone ends earlier."""
        ended = threading.Event()
        threads = [
            threading.Thread(target=self._work, args=(member, connect, ended), daemon=True)
            for member in self._members
        ]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            ended.set()
            for thread in threads:
                thread.join()

    def act(self, number: int, client: Client) -> None:
        """One request of the client of this number."""
        self._members[number].act(client)

    def settle(self, client: Client) -> None:
        """Have every request that got no answer made once more, with its own idempotency key."""
        for member in self._members:
            member.settle(client)

    def _work(self, member: _Member, connect: Callable[[], httpx.Client], until: threading.Event) -> None:
        with connect() as http, suppress(httpx.TransportError):
            try:
                while not until.is_set():
                    self.answers += member.act(Client(http))
                    self.requests += 1
                    until.wait(self._pause)
            except Unexpected as error:
                self.violations.append(str(error))


class _Member:
    def __init__(self, name: str, ledger: Ledger, chance: random.Random) -> None:
        self._name = name
        self._ledger = ledger
        self._chance = chance
        self._made = 0

    def act(self, client: Client) -> Sequence[str]:
        """One request. Returns the ids of answers that were delivered."""
        mine = [entry for entry in self._entries() if entry.present and entry.pending is None]
        choice = self._chance.random()
        if not mine or (choice < 0.35 and len(mine) < _MOST_DOCUMENTS):
            self._made += 1
            self._upload(client, f"{self._name}-{self._made}", texts.make(self._chance))
        elif choice < 0.5:
            self._upload(client, self._chance.choice(mine).key, texts.make(self._chance))
        elif choice < 0.65 or len(mine) >= _MOST_DOCUMENTS:
            self._delete(client, self._chance.choice(mine))
        elif choice < 0.85:
            _check(client.search(only_word(self._chance.choice(mine).versions[-1])), 200)
        else:
            answer = _check(client.ask(only_word(self._chance.choice(mine).versions[-1])), 200)
            return [answer.json()["id"]] if answer.status_code == 200 else []
        return []

    def settle(self, client: Client) -> None:
        for entry in self._entries():
            if entry.pending is not None and not entry.deleting:
                self._upload(client, entry.key, entry.pending)
            if entry.deleting and not entry.deleted:
                self._delete(client, entry)

    def _entries(self) -> list[Entry]:
        return [
            entry for key, entry in list(self._ledger.entries.items()) if key.startswith(f"{self._name}-")
        ]

    def _upload(self, client: Client, key: str, text: str) -> None:
        self._ledger.asks_upload(key, text)
        entry = self._ledger.entries[key]
        once = f"{key}-{len(entry.versions)}-{only_word(text)}"
        answer = client.upload(text, once) if entry.id is None else client.replace(entry.id, text, once)
        if _check(answer, 200, 202).is_success:
            document = answer.json()["document"]["id"]
            if entry.id not in (None, document):
                raise Unexpected(f"{key} became another document")
            self._ledger.acknowledged_upload(key, document)
        else:
            self._ledger.refused_upload(key)

    def _delete(self, client: Client, entry: Entry) -> None:
        self._ledger.asks_delete(entry.key)
        assert entry.id is not None
        answer = client.delete(entry.id)
        # The first time it was asked, before the service died, may have done it.
        if answer.status_code in (404, 410) or _check(answer, 204).is_success:
            self._ledger.acknowledged_delete(entry.key)
        else:
            self._ledger.refused_delete(entry.key)


def _check(answer: httpx.Response, *wanted: int) -> httpx.Response:
    """Raises ``Unexpected`` for what is neither wanted nor a clear refusal."""
    if answer.status_code in wanted or answer.status_code in _REFUSALS:
        return answer
    raise Unexpected(
        f"{answer.request.method} {answer.request.url.path}: {answer.status_code} {answer.text[:200]}"
    )
