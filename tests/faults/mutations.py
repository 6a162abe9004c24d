"""``python -m tests.faults.mutations``: remove each guard in turn; a test must go red for every one.

Works on a copy of the tree, in which the same tests have to be green before. The guards are listed in
``mutation_table``.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import time
import venv
from collections.abc import Sequence
from pathlib import Path

from rag.evaluation.reports import Figure, Report, write
from tests.faults.__main__ import REPORTS
from tests.faults.mutation_table import MUTATIONS, Mutation
from tests.faults.service import ROOT

_COPIED = ("rag", "ingest", "api", "tests", "data/samples", "docs")
_SECONDS = 600
_GREEN, _RED = 0, 1


def main(arguments: Sequence[str] | None = None) -> int:
    """Returns 1 when a guard can be removed without any test noticing."""
    options = _options(arguments)
    chosen = [one for one in MUTATIONS if options.only is None or options.only in f"{one.name} {one.file}"]
    began = time.monotonic()
    survivors = []
    with tempfile.TemporaryDirectory(prefix="mutations-") as folder:
        tree = _copy(Path(folder) / "tree")
        python = _interpreter(Path(folder) / "venv", tree)
        green: dict[tuple[str, ...], bool] = {}
        for one in chosen:
            tests = tuple(one.tests)
            if tests not in green:
                green[tests] = _run(tree, tests, python) == _GREEN
            if not green[tests]:  # red anyway, or not even to be run: then red proves nothing
                print(f"  {' '.join(tests)} is not green to begin with")
            noticed = green[tests] and _is_noticed(tree, one, python)
            print(f"{'noticed' if noticed else 'SURVIVED'}: {one.name} ({one.file})", flush=True)
            survivors += [] if noticed else [one]
    print(f"{len(chosen) - len(survivors)} of {len(chosen)} noticed, {time.monotonic() - began:.0f} s")
    if not options.only:
        print(f"wrote {write(_report(chosen, survivors), REPORTS)}")
    return int(bool(survivors))


def _copy(folder: Path) -> Path:
    folder.mkdir()
    for name in _COPIED:
        if (ROOT / name).exists():
            shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for path in (*ROOT.glob("*.toml"), *ROOT.glob("*.md"), ROOT / "Makefile"):
        shutil.copy(path, folder)
    return folder


def _interpreter(folder: Path, tree: Path) -> Path:
    """A Python with the same libraries that imports the copy, also in children that are isolated (``-I``)."""
    venv.create(folder, with_pip=False, symlinks=True)
    libraries = [one for one in sys.path if one.endswith("site-packages")]
    own = sysconfig.get_path("purelib", vars={"base": str(folder), "platbase": str(folder)})
    Path(own, "mutations.pth").write_text("\n".join((str(tree), *libraries)) + "\n")
    return folder / "bin" / "python"


def _is_noticed(tree: Path, one: Mutation, python: Path) -> bool:
    path = tree / one.file
    sound = path.read_text()
    if sound.count(one.text) != 1:
        print(f"  its text stands {sound.count(one.text)} times in {one.file}: mend the table")
        return False
    path.write_text(sound.replace(one.text, one.replacement))
    try:
        return _run(tree, one.tests, python) == _RED
    finally:
        path.write_text(sound)


def _run(tree: Path, tests: Sequence[str], python: Path) -> int:
    command = [str(python), "-B", "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *tests]
    try:
        done = subprocess.run(command, cwd=tree, capture_output=True, timeout=_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        return _RED  # without its guard it hangs, which is noticed too
    return done.returncode


def _report(tried: Sequence[Mutation], survivors: Sequence[Mutation]) -> Report:
    noticed = len(tried) - len(survivors)
    return Report(
        "mutations",
        "Guards removed one at a time, and whether a test goes red",
        "python -m tests.faults.mutations",
        [Figure("guards whose removal is noticed", f"{noticed} of {len(tried)}", "all", not survivors)],
        [f"Not noticed: {one.name} ({one.file})." for one in survivors],
    )


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.faults.mutations", description=__doc__)
    parser.add_argument("--only", help="those with this in their name or file")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
