from __future__ import annotations

import threading
import time

import pytest

from rag.stores.sharing import SharedLock

WAIT = 10.0


def test_readers_are_inside_together() -> None:
    lock, together = SharedLock(), threading.Barrier(3)

    def read() -> None:
        with lock.shared():
            together.wait(WAIT)

    threads = [threading.Thread(target=read) for _ in range(2)]
    for thread in threads:
        thread.start()
    with lock.shared():
        together.wait(WAIT)
    for thread in threads:
        thread.join()


def test_a_writer_is_alone_and_comes_before_later_readers() -> None:
    lock = SharedLock()
    order: list[str] = []
    waiting = threading.Event()

    def write() -> None:
        waiting.set()
        with lock.alone():
            order.append("writer")

    def read() -> None:
        with lock.shared():
            order.append("late reader")

    with lock.shared():
        writer = threading.Thread(target=write)
        writer.start()
        waiting.wait(WAIT)
        while not lock._writers_waiting:
            time.sleep(0.001)
        reader = threading.Thread(target=read)
        reader.start()
        reader.join(0.1)
        order.append("first reader")
    writer.join(WAIT)
    reader.join(WAIT)
    assert order == ["first reader", "writer", "late reader"]


def test_counting_under_the_lock_loses_nothing() -> None:
    lock, count = SharedLock(), [0]

    def add() -> None:
        for _ in range(500):
            with lock.alone():
                seen = count[0]
                time.sleep(0)  # lets another thread in, if it can come in
                count[0] = seen + 1

    threads = [threading.Thread(target=add) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert count == [2000]


def test_whoever_raises_leaves() -> None:
    lock = SharedLock()
    for held in (lock.shared, lock.alone):
        with pytest.raises(KeyError), held():
            raise KeyError
    with lock.alone():
        pass
