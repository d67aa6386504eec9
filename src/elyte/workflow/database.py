"""The ledger's table: its columns, a row as a value, and what database errors mean."""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from elyte.core.errors import DamagedData, Outcome, StorageError

VERSION = 1
"""Of the table below; a ledger of a later version is refused."""
_SCHEMA = f"""
CREATE TABLE IF NOT EXISTS labels (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    key TEXT UNIQUE NOT NULL, status TEXT NOT NULL,
    kind TEXT NOT NULL, reason TEXT NOT NULL, details TEXT NOT NULL,
    level TEXT NOT NULL, config_type TEXT NOT NULL, provenance TEXT NOT NULL,
    digest TEXT NOT NULL, atoms INTEGER NOT NULL, energy REAL,
    content TEXT NOT NULL, created TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP
);
CREATE TABLE IF NOT EXISTS tests (
    level TEXT NOT NULL, name TEXT NOT NULL,
    kind TEXT NOT NULL, reason TEXT NOT NULL, details TEXT NOT NULL,
    created TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP,
    PRIMARY KEY (level, name)
);
PRAGMA user_version = {VERSION};
"""
COLUMNS = (
    *("key", "kind", "reason", "details", "level", "config_type", "digest", "atoms"),
    *("energy", "created", "content", "provenance"),
)
GOOD, QUARANTINED = "good", "quarantined"


@dataclass(frozen=True)
class Entry:
    """One row of the ledger; `outcome` is "done" for a good label, the reason otherwise."""

    key: str
    outcome: Outcome
    level: str
    config_type: str
    digest: str
    atoms: int
    energy: float | None
    created: str
    content: str
    provenance: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def from_row(cls, row: tuple[Any, ...]) -> Entry:
        """Make an entry from the values of `COLUMNS`."""
        values = dict(zip(COLUMNS, row, strict=True))
        details = json.loads(values.pop("details"))
        outcome = Outcome(values.pop("kind"), values.pop("reason"), details)
        return cls(outcome=outcome, provenance=json.loads(values.pop("provenance")), **values)


def connect(path: Path, writable: bool) -> sqlite3.Connection:
    """Open a database (and make it, when it may be written).

    Raises:
        StorageError: it is not there, or was made by a later version of elyte.
        DamagedData: it is not a database.
    """
    if not writable and not path.is_file():
        raise StorageError(f"there is no ledger in {path.parent}")
    with guard(path.parent):
        database = sqlite3.connect(path, timeout=30) if writable else _open_to_read(path)
        made_by = database.execute("PRAGMA user_version").fetchone()[0]
        if made_by > VERSION:
            database.close()
            raise StorageError(f"{path} was made by a later version of elyte: update elyte")
        if writable:
            database.execute("PRAGMA journal_mode = WAL")
            database.execute("PRAGMA synchronous = FULL")
            database.executescript(_SCHEMA)
    return database


def _open_to_read(path: Path) -> sqlite3.Connection:
    # A log beside the database needs shared memory, which a read-only folder cannot have;
    # without a log nobody is writing, and the file can be read as it stands.
    log = path.with_name(f"{path.name}-wal")
    effective = os.access in os.supports_effective_ids
    writes = os.access(path.parent, os.W_OK, effective_ids=effective)
    still = not writes and not log.exists()
    uri = f"{path.absolute().as_uri()}?mode=ro" + ("&immutable=1" if still else "")
    return sqlite3.connect(uri, uri=True, timeout=30)


@contextlib.contextmanager
def guard(folder: Path) -> Iterator[None]:
    """Say what a database error means for the user."""
    try:
        yield
    except sqlite3.OperationalError as error:
        if "no such table" in str(error):
            raise DamagedData(f"the ledger in {folder} is empty or damaged ({error})") from error
        raise StorageError(
            f"the ledger in {folder} cannot be used ({error}): check free space and permissions"
        ) from error
    except sqlite3.DatabaseError as error:
        raise DamagedData(f"the ledger in {folder} is damaged ({error})") from error


def record_of_test(level: str, name: str, outcome: Outcome) -> tuple[str, list[Any]]:
    """Return the statement and the values that keep the outcome of a test of a level of theory."""
    statement = "INSERT OR REPLACE INTO tests (level, name, kind, reason, details) "
    details = json.dumps(outcome.details, default=str)
    return f"{statement}VALUES (?, ?, ?, ?, ?)", [
        *(level, name, outcome.kind, outcome.reason, details)
    ]


def read_tests(database: sqlite3.Connection) -> list[tuple[str, str, Outcome]]:
    """Return (level of theory, name, outcome) of all tests; none of a ledger from before them."""
    there = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'tests'"
    if database.execute(there).fetchone() is None:
        return []
    rows = database.execute(
        "SELECT level, name, kind, reason, details FROM tests ORDER BY level, name"
    ).fetchall()
    return [(r[0], r[1], Outcome(r[2], r[3], json.loads(r[4]))) for r in rows]
