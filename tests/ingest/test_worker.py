from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from itertools import islice

import pytest

from ingest import recovery, worker
from ingest.pipeline import Interrupted
from ingest.worker import Signals
from rag.models.locations import default_models_folder
from rag.records import DocumentState, JobState
from tests.ingest.workplace import PATIENCE_SECONDS, Workplace

Start = Callable[..., "subprocess.Popen[str]"]

# Three megabytes: cutting it takes seconds, long enough to be caught in the middle of it.
LONG = "".join(
    f"Observation {number} of the ducks on the river was made at noon. " for number in range(50_000)
)
MODELS = str(default_models_folder())
SEARCHABLE = {DocumentState.READY, DocumentState.REFINED}  # a worker with nothing else to do refines at once


@pytest.fixture
def start(workplace: Workplace) -> Iterator[Start]:
    running: list[subprocess.Popen[str]] = []

    def start(worker_id: str, *through: str) -> subprocess.Popen[str]:
        command = [
            sys.executable,
            "-m",
            "ingest.worker",
            "--data",
            str(workplace.folder),
            "--models",
            MODELS,
            "--worker-id",
            worker_id,
        ]
        process = subprocess.Popen([*through, *command, "--threads", "1"], stdout=subprocess.PIPE, text=True)
        running.append(process)
        return process

    yield start
    for process in running:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


def _phases(process: subprocess.Popen[str], count: int) -> list[str]:
    """The first of them; it tells other things as well."""
    assert process.stdout is not None
    told = (json.loads(line) for line in process.stdout)
    return list(islice((message["phase"] for message in told if "phase" in message), count))


def test_two_workers_share_the_work_and_one_finishes_what_the_other_died_over(
    workplace: Workplace, start: Start
) -> None:
    workers = {name: start(name) for name in ("first", "second")}
    for process in workers.values():
        assert _phases(process, 2) == ["loading", "ready"]

    bad = workplace.accept(b"%PDF-1.7\n nothing of the kind", "bad.pdf")
    good = [workplace.accept(f"Document number {number}.".encode(), f"{number}.txt") for number in range(6)]
    for accepted in [bad, *good]:
        workplace.wait(accepted, lambda job: job.state.finished)
    assert workplace.version(bad).state is DocumentState.FAILED
    assert {workplace.version(one).state for one in good} <= SEARCHABLE
    assert {workplace.job(one).attempts for one in [bad, *good]} == {1}
    refined = workplace.wait_for(
        lambda: {workplace.version(one).state for one in good}, {DocumentState.REFINED}
    )
    assert refined, "without being asked, one of them made the better vectors"
    assert workplace.publications() == 2 * 6

    long = workplace.accept(LONG.encode(), "long.txt")
    holder = workplace.wait(long, lambda job: job.stage == "splitting").worker
    assert holder is not None
    workers[holder].kill()
    workers[holder].wait()
    recovery.hand_back(workplace.database, holder)
    done = workplace.wait(long, lambda job: job.state.finished)
    assert (done.state, done.attempts, done.worker != holder) == (JobState.SUCCEEDED, 2, True)
    assert workplace.version(long).state in SEARCHABLE


def test_told_to_stop_in_the_middle_of_a_job_a_worker_gives_it_back_in_time(
    workplace: Workplace, start: Start
) -> None:
    process = start("polite")
    _phases(process, 2)
    assert os.getpriority(os.PRIO_PROCESS, process.pid) == min(19, os.getpriority(os.PRIO_PROCESS, 0) + 19)
    accepted = workplace.accept((LONG * 3).encode(), "long.txt")
    workplace.wait(accepted, lambda job: job.stage == "splitting")
    process.terminate()
    assert process.wait(timeout=PATIENCE_SECONDS) == 0
    job, version = workplace.job(accepted), workplace.version(accepted)
    assert (job.state, job.attempts, version.state) == (JobState.QUEUED, 0, DocumentState.QUEUED)
    assert workplace.publications() == 0


def test_a_worker_ends_with_its_parent(start: Start) -> None:
    parent = start("orphan", sys.executable, "-c", "import subprocess, sys; subprocess.run(sys.argv[1:])")
    _phases(parent, 2)
    parent.kill()
    assert parent.stdout is not None
    left = parent.stdout.read()  # which returns at the end of its output: the worker has gone
    assert "phase" not in left


def test_a_worker_whose_parent_has_gone_already_does_not_begin(workplace: Workplace) -> None:
    command = [sys.executable, "-m", "ingest.worker", "--data", str(workplace.folder), "--models", MODELS]
    arguments = ["--worker-id", "late", "--parent", str(2**22 + 1)]
    finished = subprocess.run([*command, *arguments], capture_output=True)
    assert (finished.returncode, finished.stdout) == (1, b"")


@pytest.fixture
def signals(monkeypatch: pytest.MonkeyPatch) -> Iterator[Signals]:
    monkeypatch.setattr(worker, "GRACE_SECONDS", 0.1)
    numbers = (signal.SIGTERM, signal.SIGINT, signal.SIGALRM, signal.SIGUSR1)
    before = {number: signal.getsignal(number) for number in numbers}
    signals = Signals()
    signals.install()
    yield signals
    signals.stand_down()
    for number, handler in before.items():
        signal.signal(number, handler)


def test_a_silent_parse_is_broken_off_when_the_job_is_lost(signals: Signals) -> None:
    threading.Timer(0.1, signals.job_lost).start()
    with pytest.raises(Interrupted), signals.interruptible():
        time.sleep(60)
    assert not signals.terminating.is_set()


def test_a_parse_may_finish_within_the_grace_and_is_then_broken_off(signals: Signals) -> None:
    with signals.interruptible():
        os.kill(os.getpid(), signal.SIGTERM)
        assert signals.terminating.is_set()
    with pytest.raises(Interrupted), signals.interruptible():
        time.sleep(60)
    assert signals.out_of_time.is_set()
    with pytest.raises(Interrupted), signals.interruptible():
        pytest.fail("there is no time for another")


def test_outside_a_parse_nothing_is_torn_apart(signals: Signals) -> None:
    signals.job_lost()
    signals.job_lost()
    os.kill(os.getpid(), signal.SIGTERM)
    signals.out_of_time.wait(10)
    assert signals.out_of_time.is_set()


def test_cleaning_up_after_an_interruption_is_not_interrupted(signals: Signals) -> None:
    cleaned: list[str] = []

    def parse() -> None:
        with signals.interruptible():
            try:
                signals.job_lost()
                time.sleep(60)
            finally:
                signals.job_lost()
                cleaned.append("child ended")

    with pytest.raises(Interrupted):
        parse()
    assert cleaned == ["child ended"]
