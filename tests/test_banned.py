"""What must not be in the code that runs: ways in which data become a program (rule 15 of the design).

Looks at the syntax, not the text, so that a comment or a string may name what is banned.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import ROOT

SOURCES = sorted(path for folder in ("api", "ingest", "rag") for path in (ROOT / folder).rglob("*.py"))

# pickle and what is made of it; XML readers that expand entities; shells.
MODULES = frozenset({
    "pickle", "cPickle", "_pickle", "dill", "cloudpickle", "joblib", "shelve", "marshal", "code", "codeop",
    "xml.etree.ElementTree", "xml.dom.minidom", "xml.sax", "pty", "telnetlib", "ftplib",
})  # fmt: skip
BUILT_IN = frozenset({"eval", "exec", "compile", "__import__"})
# By the end of the dotted name. A yaml.safe_load and a torch.load with weights_only would be allowed
# here by name only when somebody needs them.
CALLS = (
    "torch.load", "np.load", "numpy.load", "pickle.load", "pickle.loads", "yaml.load", "yaml.full_load",
    "yaml.unsafe_load", "os.system", "os.popen", "subprocess.getoutput", "subprocess.getstatusoutput",
    "tempfile.mktemp", "ssl._create_unverified_context", "etree.XMLTreeBuilder",
)  # fmt: skip
# Arguments and what they must not be; ``np.load`` is allowed with allow_pickle=False in so many words.
ARGUMENTS = {
    "shell": True,
    "trust_remote_code": True,
    "allow_pickle": True,
    "weights_only": False,
    "resolve_entities": True,
    "load_dtd": True,
    "huge_tree": True,
    "no_network": False,
}


def violations(source: str) -> Iterator[str]:
    """What is banned in ``source``, with its line."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [node.module or "", *(f"{node.module}.{alias.name}" for alias in node.names)]
        else:
            names = []
        for name in names:
            if name in MODULES or name.partition(".")[0] in MODULES:
                yield f"line {node.lineno}: imports {name}"  # type: ignore[attr-defined]  # both have one
        if isinstance(node, ast.Call):
            yield from _calls(node)


def _calls(call: ast.Call) -> Iterator[str]:
    name = _dotted(call.func)
    given = {word.arg: word.value for word in call.keywords if word.arg}
    if name in BUILT_IN:
        yield f"line {call.lineno}: calls {name}"
    is_plain_load = name.endswith(("np.load", "numpy.load")) and _is(given.get("allow_pickle"), False)
    if any(name == banned or name.endswith(f".{banned}") for banned in CALLS) and not is_plain_load:
        yield f"line {call.lineno}: calls {name}"
    for argument, value in given.items():
        # A value that is worked out cannot be told: it has to be written down.
        if argument in ARGUMENTS and not _is(value, not ARGUMENTS[argument]):
            yield f"line {call.lineno}: {argument} is not {not ARGUMENTS[argument]}"


def _dotted(function: ast.expr) -> str:
    parts = []
    while isinstance(function, ast.Attribute):
        parts.append(function.attr)
        function = function.value
    # What is called on a result or an item has no name of its own: not every `compile` is the built-in.
    parts.append(function.id if isinstance(function, ast.Name) else "")
    return ".".join(reversed(parts))


def _is(value: ast.expr | None, wanted: bool) -> bool:
    return isinstance(value, ast.Constant) and value.value is wanted


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_nothing_turns_data_into_a_program(path: Path) -> None:
    assert list(violations(path.read_text("utf-8"))) == []


def test_every_xml_reader_says_that_it_expands_nothing() -> None:
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and _dotted(node.func).endswith(("XMLParser", "iterparse")):
                given = {word.arg for word in node.keywords}
                assert {"resolve_entities", "no_network", "load_dtd", "huge_tree"} <= given, path


@pytest.mark.parametrize(
    "source",
    [
        "import pickle",
        "from pickle import loads",
        "from xml.etree import ElementTree",
        "import xml.sax",
        "eval('1')",
        "exec(text)",
        "torch.load(path)",
        "np.load(path)",
        "np.load(path, allow_pickle=True)",
        "yaml.load(text)",
        "subprocess.run(text, shell=True)",
        "subprocess.run(text, shell=flag)",
        "AutoModel.from_pretrained(name, trust_remote_code=True)",
        "os.system('ls')",
        "etree.XMLParser(resolve_entities=True)",
    ],
)
def test_what_is_banned_is_found(source: str) -> None:
    assert list(violations(source))


@pytest.mark.parametrize(
    "source",
    [
        "import json",
        "re.compile(pattern)",
        "model.eval()",
        "'eval(text)'",
        "np.load(path, allow_pickle=False)",
        "subprocess.run(arguments, shell=False)",
        "json.load(file)",
    ],
)
def test_what_is_not_banned_is_left_alone(source: str) -> None:
    assert list(violations(source)) == []
