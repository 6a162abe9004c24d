"""The repository's files agree with each other and hold nothing of one machine."""

from __future__ import annotations

import re
import subprocess
import tomllib

import pytest

from tests.conftest import ROOT

PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


def text_files():
    """Every file under version control, or about to be, that is text."""
    command = ["git", "-C", str(ROOT), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listing = subprocess.run(command, capture_output=True)
    if listing.returncode:
        pytest.skip("not a git checkout, so the project's own files cannot be told from others")
    for name in filter(None, listing.stdout.decode().split("\0")):
        path = ROOT / name
        if not path.is_file():
            continue
        try:
            yield name, path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue  # a picture, a PDF ...


def make_targets():
    return re.findall(r"^([a-z-]+):.*## ", (ROOT / "Makefile").read_text(), re.MULTILINE)


def canonical(name):
    return re.sub(r"[-_.]+", "-", name).lower()


def locked():
    pins = (ROOT / "requirements.lock").read_text() + (ROOT / "scripts/llama_cpp/source.lock").read_text()
    return {
        canonical(name): version for name, version in re.findall(r"^([\w.-]+)==([^\s;]+)", pins, re.MULTILINE)
    }


def test_every_make_target_is_documented():
    documents = [ROOT / "CONTRIBUTING.md", ROOT / "README.md"]
    text = "\n".join(path.read_text() for path in documents if path.exists())
    assert make_targets()
    assert [target for target in make_targets() if f"make {target}" not in text] == []


def test_every_documented_make_target_exists():
    documented = {
        target
        for name, text in text_files()
        if name.endswith(".md")
        for target in re.findall(r"`make ([a-z-]+)", text)
    }
    assert documented - set(make_targets()) == set()


def test_the_newest_release_in_the_changelog_is_this_version():
    releases = re.findall(
        r"^## \[(\d[^\]]*)\] - \d{4}-\d\d-\d\d$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE
    )
    assert releases[0] == PYPROJECT["project"]["version"]


def test_no_file_names_a_package_registry_or_a_path_of_one_machine():
    # Put together from pieces, so that this file does not find itself.
    registry = "|".join(["py" + r"pi\.org", "python" + r"hosted\.org", "download.py" + r"torch\.org"])
    folders = "|".join(["/wo" + "rk/", "/ro" + "ot/", "/ho" + r"me/\w", "/Us" + r"ers/\w", "/tm" + r"p/lab"])
    pattern = re.compile(rf"{registry}|(?<![\w.-])(?:{folders})")
    found = [f"{name}: {match[0]}" for name, text in text_files() for match in pattern.finditer(text)]
    assert found == []


def test_every_direct_dependency_is_locked():
    project = PYPROJECT["project"]
    wanted = [*project["dependencies"], *project["optional-dependencies"]["dev"]]
    names = {canonical(re.split(r"[^\w.-]", requirement, maxsplit=1)[0]) for requirement in wanted}
    assert names - locked().keys() == {"torch"}, "run `make lock`; torch alone is installed outside the lock"


def test_every_sample_has_its_provenance():
    folder = ROOT / "data" / "samples"
    provenance = (folder / "PROVENANCE.md").read_text()
    names = [path.name for path in folder.iterdir() if path.name != "PROVENANCE.md"]
    assert names
    assert [name for name in names if f"`{name}`" not in provenance] == []
