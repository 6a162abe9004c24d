"""``footnote doctor``: examine this machine and a data folder, and say what to mend."""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any

from api.cli.output import print_json
from api.doctor import library, machine, weights
from api.doctor.checks import Check, Level
from api.settings import Settings, load
from rag.errors import FootnoteError

_MARKS = {Level.OK: "ok  ", Level.WARN: "warn", Level.FAIL: "FAIL"}


def doctor(overrides: Mapping[str, Any], as_json: bool) -> int:
    """Make every check; returns the exit status, 0 unless one of them fails."""
    try:
        settings = load(os.environ, overrides)
    except FootnoteError as error:
        print(f"footnote: {error.detail}", file=sys.stderr)
        return 1
    made: list[Check] = []
    for check in _checks(settings):
        made.append(check)
        if not as_json:
            _print(check)
    count = Counter(check.level for check in made)
    if as_json:
        print_json({"ok": not count[Level.FAIL], "checks": [asdict(check) for check in made]})
    else:
        print(f"{count[Level.OK]} ok, {count[Level.WARN]} to know about, {count[Level.FAIL]} to mend.")
    return int(count[Level.FAIL] > 0)


def _checks(settings: Settings) -> Iterator[Check]:
    holder = library.holder_of(settings.data)
    yield from machine.checks(settings, service_runs=holder is not None)
    yield from weights.checks(settings)
    yield from library.checks(settings, holder)


def _print(check: Check) -> None:
    print(f"{_MARKS[check.level]}  {check.name}: {check.found}", flush=True)
    if check.mend:
        print(f"      {check.mend}", flush=True)
