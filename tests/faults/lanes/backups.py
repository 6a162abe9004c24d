"""Backups under load, restored elsewhere (catalogue A20)."""

from tests.faults.backups import run

__all__ = ["run"]
