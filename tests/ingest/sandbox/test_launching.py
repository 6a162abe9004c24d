"""Children from their start to their end: nothing of them is left, whatever happens to whom."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest

from ingest.parsers.limits import ParseLimits
from ingest.sandbox import ParseServer, Sandbox
from ingest.sandbox.launching import ForkServer, FreshProcess, Launcher, is_forking_supported
from rag.errors import DocumentRejected, Unavailable
from tests.ingest.sandbox import scripted

pytestmark = pytest.mark.skipif(not is_forking_supported(), reason="looks into /proc")

Write = Callable[..., Path]

# The standard streams, the channel, the selector, and two for the child that stands by.
_IDLE_DESCRIPTORS = 7


@pytest.fixture
def fork_server() -> Iterator[ForkServer]:
    launcher = scripted.forked()
    yield launcher
    launcher.stop()


def children(pid: int | str = "self") -> list[int]:
    task = threading.get_native_id() if pid == "self" else pid
    return [int(child) for child in Path(f"/proc/{pid}/task/{task}/children").read_text().split()]


def is_gone(pid: int) -> bool:
    """Whether the process has ended; a zombie has, if it is not ours to wait for."""
    try:
        return ") Z " in Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return True


def wait_until(condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + 10
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def written_pid(path: Path) -> int:
    assert wait_until(lambda: path.exists() and bool(path.read_text()))
    return int(path.read_text())


def writes_pid(path: Path) -> str:
    return f"open({str(path)!r}, 'w').write(str(os.getpid())); time.sleep(60)"


def test_the_children_of_a_child_are_killed_too(
    write: Write, scripted_sandbox: Sandbox, tmp_path: Path
) -> None:
    script = f"if not os.fork(): {writes_pid(tmp_path / 'pid')}\ntime.sleep(60)"
    with pytest.raises(DocumentRejected, match="time"):
        scripted_sandbox.parse_file(write(b"x"), script, ParseLimits(wall_seconds=1))
    assert wait_until(lambda: is_gone(written_pid(tmp_path / "pid")))


def test_what_a_child_leaves_running_is_killed(
    write: Write, scripted_sandbox: Sandbox, tmp_path: Path
) -> None:
    quiet = "os.close(1); os.close(2); "
    script = f"if not os.fork(): {quiet}{writes_pid(tmp_path / 'pid')}\ntime.sleep(0.5)"
    with pytest.raises(DocumentRejected, match="exit status 0"):
        scripted_sandbox.parse_file(write(b"x"), script)
    assert wait_until(lambda: is_gone(written_pid(tmp_path / "pid")))


def test_a_child_sees_nothing_of_the_environment_or_the_servers_descriptors(
    write: Write, scripted_sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET", "value")
    seen = tmp_path / "seen"
    script = f"""
with open({str(seen)!r}, "w") as file:
    opened = {{os.readlink(f"/proc/self/fd/{{fd}}").partition(":")[0] for fd in os.listdir("/proc/self/fd")
               if int(fd) > 2 and os.path.exists(f"/proc/self/fd/{{fd}}")}}
    print(*os.environ, file=file)
    print(*sorted(opened & {{"socket", "pipe", "anon_inode"}}), file=file)
"""
    with pytest.raises(DocumentRejected):
        scripted_sandbox.parse_file(write(b"x"), script)
    environment, opened = seen.read_text().split("\n")[:2]
    allowed = {"LC_ALL", "LC_CTYPE", "LD_LIBRARY_PATH", "PATH", "TESSDATA_PREFIX"}
    assert set(environment.split()) <= allowed | {"OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"}
    assert opened == ""


def test_an_abandoned_child_is_killed(write: Write, fork_server: ForkServer, tmp_path: Path) -> None:
    sandbox = Sandbox(fork_server)
    named = f'os.write(1, b\'{{"member": ["a", 9]}}\\n\'); {writes_pid(tmp_path / "pid")}'
    iterator = sandbox.members(write(b"x"), named)
    assert next(iterator)[0] == "a"
    pid = written_pid(tmp_path / "pid")
    assert not is_gone(pid)
    iterator.close()  # type: ignore[attr-defined]  # a generator
    assert wait_until(lambda: is_gone(pid))


def test_a_server_that_was_killed_is_replaced(write: Write, server: ParseServer) -> None:
    path = write(b"Some text.")
    server.parse_file(path, "a.txt")
    assert server.pid is not None
    before = server.pid
    os.kill(before, signal.SIGKILL)
    assert server.parse_file(path, "a.txt").text == "Some text."
    assert server.pid != before


def test_a_document_whose_server_is_killed_is_read_again(
    write: Write, fork_server: ForkServer, tmp_path: Path
) -> None:
    mark = tmp_path / "mark"
    script = f"""
if os.path.exists({str(mark)!r}):
    os.write(1, b'{{"error": ["DocumentRejected", "no_text", "Second time."]}}\\n')
else:
    open({str(mark)!r}, "w").close()
    os.kill(os.getppid(), signal.SIGKILL)
    time.sleep(60)
"""
    with pytest.raises(DocumentRejected, match=r"Second time\."):
        Sandbox(fork_server).parse_file(write(b"x"), script)


def test_a_document_whose_server_is_killed_twice_is_not_blamed(write: Write, fork_server: ForkServer) -> None:
    with pytest.raises(Unavailable, match=r"parser_unavailable.*twice"):
        Sandbox(fork_server).parse_file(write(b"x"), "os.kill(os.getppid(), signal.SIGKILL); time.sleep(60)")


@pytest.mark.parametrize(
    "launcher",
    [
        pytest.param(lambda: ForkServer(["-I", "-c", "raise SystemExit(1)"]), id="ends at its start"),
        pytest.param(lambda: ForkServer(["-I", "-c", "import os; os.kill(os.getpid(), 9)"]), id="is killed"),
        pytest.param(lambda: scripted.forked(no_room=True), id="cannot fork"),
        pytest.param(lambda: without_programs(ForkServer()), id="no program"),
        pytest.param(lambda: without_programs(FreshProcess()), id="no program, without a server"),
    ],
)
def test_a_document_is_not_blamed_for_a_parser_that_does_not_start(
    write: Write, launcher: Callable[[], Launcher]
) -> None:
    started = launcher()
    sandbox = Sandbox(started)
    path = write(b"Some text.")
    try:
        with pytest.raises(Unavailable, match="parser_unavailable"):
            sandbox.parse_file(path, "a.txt")
        with pytest.raises(Unavailable, match="parser_unavailable"):
            list(sandbox.members(path, "a.zip"))
        with pytest.raises(Unavailable, match="parser_unavailable"):
            sandbox.render_page(path, 1)
    finally:
        if isinstance(started, ForkServer):
            started.stop()


def without_programs(launcher: Launcher) -> Launcher:
    """The same, on a machine whose Python is gone."""
    launcher._command[0] = "/nowhere/python"  # type: ignore[attr-defined]  # both have one
    return launcher


def test_members_that_the_machine_cut_off_are_not_taken_for_all_there_are(
    write: Write, fork_server: ForkServer
) -> None:
    script = (
        'os.write(1, b\'{"member": ["a", 1]}\\nx\'); '
        "time.sleep(0.2); os.kill(os.getppid(), signal.SIGKILL); time.sleep(60)"
    )
    members = Sandbox(fork_server).members(write(b"x"), script)
    name, pieces = next(members)
    assert (name, b"".join(pieces)) == ("a", b"x")
    with pytest.raises(Unavailable, match="parser_unavailable"):
        next(members)


def test_a_spare_child_that_was_killed_costs_nobody_a_document(write: Write, fork_server: ForkServer) -> None:
    sandbox = Sandbox(fork_server)
    fork_server.warm_up()
    server_pid = fork_server.pid
    assert server_pid is not None
    for _ in range(2):
        assert wait_until(lambda: len(children(server_pid)) == 1)
        (spare,) = children(server_pid)
        os.kill(spare, signal.SIGKILL)
        assert wait_until(partial(is_gone, spare))
        with pytest.raises(DocumentRejected, match="exit status 5"):
            sandbox.parse_file(write(b"x"), "os._exit(5)")
    assert fork_server.pid == server_pid


OWNER = """
import sys, pathlib
from ingest.sandbox.documents import Sandbox
from tests.ingest.sandbox import scripted
launcher = getattr(scripted, sys.argv[1])()
Sandbox(launcher).parse_file(pathlib.Path(sys.argv[2]), sys.argv[3])
"""


@pytest.mark.parametrize("way", ["fresh", "forked"])
def test_nothing_survives_its_owner(write: Write, tmp_path: Path, way: str) -> None:
    confined = "from ingest.sandbox.confinement import follow_parent\n"
    script = confined * (way == "fresh") + "follow_parent(os.getppid())\n" * (way == "fresh")
    script += writes_pid(tmp_path / "pid")
    command = [sys.executable, "-c", OWNER, way, str(write(b"x")), script]
    with subprocess.Popen(command, cwd=Path(__file__).parents[3]) as owner:
        pid = written_pid(tmp_path / "pid")
        server_pid = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
        owner.kill()
    assert wait_until(lambda: is_gone(pid) and is_gone(server_pid))


def test_a_child_whose_parent_is_gone_does_nothing() -> None:
    task = '{"task":"parse","name":"a","limits":{},"parent":1}'
    command = [sys.executable, "-I", "-m", "ingest.sandbox.child", task]
    done = subprocess.run(command, input=b"text", capture_output=True, check=False)
    assert (done.returncode, done.stdout) == (1, b"")


def descriptors(pid: int | str) -> int:
    return len(os.listdir(f"/proc/{pid}/fd"))


def resident_kilobytes(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0])


def test_many_documents_leave_nothing_behind(write: Write, server: ParseServer) -> None:
    good, bad = write(b"Some text."), write(b"%PDF-1.7\n", "bad")
    server.parse_file(good, "a.txt")
    pid = server.pid
    assert pid is not None
    assert wait_until(lambda: len(children(pid)) == 1 and descriptors(pid) == _IDLE_DESCRIPTORS)
    before = descriptors("self"), descriptors(pid), resident_kilobytes(pid)
    for _ in range(150):
        server.parse_file(good, "a.txt")
        with pytest.raises(DocumentRejected):
            server.parse_file(bad, "bad.pdf")
    assert server.pid == pid, "it was replaced, so it had crashed"
    assert wait_until(lambda: len(children(pid)) == 1), "only the spare child"
    assert wait_until(lambda: (descriptors("self"), descriptors(pid)) == before[:2])
    assert resident_kilobytes(pid) < before[2] + 1024


def test_several_threads_share_a_server(write: Write, server: ParseServer) -> None:
    paths = [write(f"Text number {number}.".encode(), str(number)) for number in range(24)]
    with ThreadPoolExecutor(4) as pool:
        read = list(pool.map(lambda path: server.parse_file(path, "a.txt").text, paths))
    assert read == [f"Text number {number}." for number in range(24)]


def test_members_are_read_while_their_container_is_unpacked(write: Write, server: ParseServer) -> None:
    from tests.ingest.builders import archive

    container = write(archive({"a.txt": b"One text.", "b.txt": b"Another text."}), "container")
    found = []
    for name, pieces in server.members(container, "a.zip"):
        member = write(b"".join(pieces), "member")
        found.append(server.parse_file(member, name).text)
    assert found == ["One text.", "Another text."]


def test_the_server_stays_single_threaded_and_light(server: ParseServer, write: Write) -> None:
    server.parse_file(write(b"Some text."), "a.txt")
    status = Path(f"/proc/{server.pid}/status").read_text()
    assert status.partition("Threads:")[2].split()[0] == "1"
    assert server.pid is not None
    assert resident_kilobytes(server.pid) < 120_000


def test_a_closed_server_starts_again_when_needed(write: Write) -> None:
    with ParseServer() as server:
        first = server.pid
    assert first is not None
    assert is_gone(first)
    assert server.parse_file(write(b"Some text."), "a.txt").text == "Some text."
    server.close()
    assert server.pid is None
