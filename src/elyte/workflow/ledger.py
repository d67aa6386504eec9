"""The ledger: every label that was ever computed, by the hash of its physics.

SQLite (write-ahead log, one writer) holds what one searches by; the arrays lie beside it, one
file a frame, renamed into place when whole. The array file is written first and the row second,
so a crash in between costs one label and never leaves half of one.
"""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

from elyte.core.errors import DamagedData, InputError, Outcome, StorageError
from elyte.core.frame import Dataset, Frame, LabelledFrame, Labels
from elyte.workflow.arrays import load_arrays, save_arrays
from elyte.workflow.lock import ProjectLock

ISOLATED_ATOM = "IsolatedAtom"
"""The `config_type` of isolated atoms, by the convention of extxyz data sets."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS labels (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    key TEXT UNIQUE NOT NULL, status TEXT NOT NULL,
    kind TEXT NOT NULL, reason TEXT NOT NULL, details TEXT NOT NULL,
    level TEXT NOT NULL, config_type TEXT NOT NULL, provenance TEXT NOT NULL,
    digest TEXT NOT NULL, atoms INTEGER NOT NULL, energy REAL,
    content TEXT NOT NULL, created TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP
);
PRAGMA user_version = 1;
"""
_COLUMNS = (
    *("key", "kind", "reason", "details", "level", "config_type", "digest", "atoms"),
    *("energy", "created", "content", "provenance"),
)
_GOOD, _QUARANTINED = "good", "quarantined"


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


class Ledger:
    """A folder of labels, good ones and quarantined ones.

    Args:
        folder: made when it is not there.
        writable: take the writer's lock; without it the ledger can be read while another
            process writes.

    Raises:
        ProjectLocked: another process writes to the ledger.
        StorageError: the folder cannot be written, or is not there to be read.
    """

    def __init__(self, folder: str | os.PathLike[str], writable: bool = True) -> None:
        self.folder = Path(folder)
        self.writable = writable
        self._lock = ProjectLock(self.folder) if writable else None
        if self._lock is not None:
            self._lock.acquire()
        try:
            self._database = _connect(self.folder / "ledger.sqlite", writable)
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Ledger:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the database and give the lock back."""
        if hasattr(self, "_database"):
            self._database.close()
        if self._lock is not None:
            self._lock.release()

    def __len__(self) -> int:
        """Return the number of good labels."""
        return self.count()

    def count(self, quarantined: bool = False) -> int:
        """Return the number of good labels, or of quarantined ones."""
        status = _QUARANTINED if quarantined else _GOOD
        with _guard(self.folder):
            row = self._database.execute("SELECT count(*) FROM labels WHERE status = ?", [status])
            return int(row.fetchone()[0])

    def array_path(self, key: str) -> Path:
        """Return the file that holds the arrays of a key."""
        return self.folder / "arrays" / key[:2] / f"{key}.npz"

    # --- writing -------------------------------------------------------------------------

    def put(
        self,
        key: str,
        frame: Frame,
        labels: Labels,
        config_type: str = "",
        provenance: dict[str, Any] | None = None,
    ) -> None:
        """Store a good label; it is on the disk when this returns.

        Args:
            key: hash of the physics (structure, engine, version, settings).
            frame: the structure.
            labels: what the engine said; `labels.level` names the level of theory.
            config_type: where the frame came from, as in extxyz.
            provenance: further plain values (engine, settings, seconds).

        Raises:
            StorageError: the folder cannot be written, or the disk is full.
        """
        self._write(key, frame, labels, Outcome(), config_type, provenance or {})

    def quarantine(
        self,
        key: str,
        reason: str | Outcome,
        frame: Frame,
        labels: Labels | None = None,
        config_type: str = "",
        provenance: dict[str, Any] | None = None,
        level: str = "",
    ) -> None:
        """Store a frame whose label failed or was refused, with the reason.

        Raises:
            StorageError: the folder cannot be written, or the disk is full.
        """
        outcome = reason if isinstance(reason, Outcome) else Outcome("rejected", reason)
        if outcome.done:
            raise InputError("a quarantined label needs a reason")
        self._write(key, frame, labels, outcome, config_type, provenance or {}, level)

    def release(self, key: str) -> bool:
        """Let a quarantined frame go: its label becomes good if it has one.

        Without a label the entry is forgotten, so that the frame is labelled again when it is
        next asked for. Returns whether there was a label.
        """
        entry = self.entry(key)
        if entry is None or entry.outcome.done:
            raise InputError(f"no quarantined label has the key {key}")
        labelled = entry.energy is not None
        if labelled:
            change = "UPDATE labels SET status = 'good', kind = 'done' WHERE key = ?"
            self._execute(change, [key])
        else:
            self.forget(key)
        return labelled

    def forget(self, key: str) -> None:
        """Remove an entry, so that the frame is labelled anew when it is next asked for."""
        self._execute("DELETE FROM labels WHERE key = ?", [key])
        self.array_path(key).unlink(missing_ok=True)

    def merge(self, other: Ledger) -> int:
        """Take over what another ledger has and this one has not; a good label wins.

        Returns:
            How many entries were taken.

        Raises:
            DamagedData: an array file of the other ledger does not match its hash.
        """
        taken = 0
        for entry in other.entries():
            mine = self.entry(entry.key)
            if mine is not None and (mine.outcome.done or not entry.outcome.done):
                continue
            frame, labels = load_arrays(other.array_path(entry.key), entry.content, entry.level)
            self._write(
                entry.key,
                frame,
                labels,
                entry.outcome,
                entry.config_type,
                entry.provenance,
                entry.level,
            )
            taken += 1
        return taken

    # --- reading -------------------------------------------------------------------------

    def entry(self, key: str) -> Entry | None:
        """Return the row of a key, or None."""
        return next(self._select("WHERE key = ?", [key]), None)

    def entries(self, quarantined: bool | None = None) -> list[Entry]:
        """Return all rows in the order in which they came, or the good or quarantined ones."""
        if quarantined is None:
            return list(self._select("", []))
        status = _QUARANTINED if quarantined else _GOOD
        return list(self._select("WHERE status = ?", [status]))

    def get(self, key: str) -> LabelledFrame | Outcome | None:
        """Return the good label of a key, the `Outcome` of a quarantined one, or None.

        Raises:
            DamagedData: the array file does not match its hash.
        """
        entry = self.entry(key)
        if entry is None or not entry.outcome.done:
            return None if entry is None else entry.outcome
        return self.load(entry)

    def load(self, entry: Entry) -> LabelledFrame:
        """Return frame and labels of a row that has labels, quarantined or not.

        Raises:
            DamagedData: the array file does not match its hash.
            InputError: the row has a frame only.
        """
        frame, labels = load_arrays(self.array_path(entry.key), entry.content, entry.level)
        if labels is None:
            raise InputError(f"the entry {entry.key} has no label: {entry.outcome.reason}")
        return LabelledFrame(frame, labels, entry.config_type)

    def frame(self, entry: Entry) -> Frame:
        """Return the frame of any row.

        Raises:
            DamagedData: the array file does not match its hash.
        """
        return load_arrays(self.array_path(entry.key), entry.content, entry.level)[0]

    def levels(self) -> list[str]:
        """Return the levels of theory of the good labels."""
        with _guard(self.folder):
            rows = self._database.execute(
                "SELECT DISTINCT level FROM labels WHERE status = ? ORDER BY level", [_GOOD]
            )
            return [row[0] for row in rows]

    def dataset(
        self,
        config_type: str | None = None,
        level: str | None = None,
        isolated_atoms: bool = False,
    ) -> Dataset:
        """Return the good labels in the order in which they came.

        Args:
            config_type: only those of this type.
            level: only those of this level of theory; needed when there are several.
            isolated_atoms: also the isolated atoms (they come when asked for by type, too).

        Raises:
            InputError: labels of several levels of theory, and none was chosen.
            DamagedData: an array file does not match its hash.
        """
        levels = self.levels()
        if level is None and len(levels) > 1:
            raise InputError(
                f"{self.folder} holds labels of {len(levels)} levels of theory "
                f"({', '.join(levels)}): choose one by `level`"
            )
        atoms_too = isolated_atoms or config_type == ISOLATED_ATOM
        return Dataset(
            self.load(entry)
            for entry in self.entries(quarantined=False)
            if config_type in (None, entry.config_type)
            and level in (None, entry.level)
            and (atoms_too or entry.config_type != ISOLATED_ATOM)
        )

    def verify(self) -> list[str]:
        """Read every array file against its hash; return one line for each that is damaged."""
        with _guard(self.folder):
            state = self._database.execute("PRAGMA integrity_check").fetchone()[0]
        damages = [] if state == "ok" else [f"{self.folder / 'ledger.sqlite'}: {state}"]
        for entry in self.entries():
            try:
                load_arrays(self.array_path(entry.key), entry.content)
            except DamagedData as error:
                damages.append(str(error))
        return damages

    # --- inside --------------------------------------------------------------------------

    def _write(
        self,
        key: str,
        frame: Frame,
        labels: Labels | None,
        outcome: Outcome,
        config_type: str,
        provenance: dict[str, Any],
        level: str = "",
    ) -> None:
        self._check_writable()
        content = save_arrays(self.array_path(key), frame, labels)
        values = {
            "key": key,
            "status": _GOOD if outcome.done else _QUARANTINED,
            "kind": outcome.kind,
            "reason": outcome.reason,
            "details": json.dumps(outcome.details),
            "level": labels.level if labels is not None and labels.level else level,
            "config_type": config_type,
            "provenance": json.dumps(provenance),
            "digest": frame.digest(),
            "atoms": len(frame),
            "energy": None if labels is None else labels.energy,
            "content": content,
        }
        names = ", ".join(values)
        marks = ", ".join("?" * len(values))
        updates = ", ".join(f"{name} = excluded.{name}" for name in values if name != "key")
        self._execute(
            f"INSERT INTO labels ({names}) VALUES ({marks}) ON CONFLICT (key) DO UPDATE SET "
            + updates,
            list(values.values()),
        )

    def _check_writable(self) -> None:
        if not self.writable:
            raise StorageError(f"{self.folder} was opened for reading only")

    def _execute(self, statement: str, values: list[Any]) -> None:
        self._check_writable()
        with _guard(self.folder), self._database:
            self._database.execute(statement, values)

    def _select(self, condition: str, values: list[Any]) -> Iterator[Entry]:
        with _guard(self.folder):
            rows = self._database.execute(
                f"SELECT {', '.join(_COLUMNS)} FROM labels {condition} ORDER BY number", values
            ).fetchall()
        yield from (_entry(dict(zip(_COLUMNS, row, strict=True))) for row in rows)


def _entry(row: dict[str, Any]) -> Entry:
    outcome = Outcome(row.pop("kind"), row.pop("reason"), json.loads(row.pop("details")))
    provenance = json.loads(row.pop("provenance"))
    return Entry(outcome=outcome, provenance=provenance, **row)


def _connect(path: Path, writable: bool) -> sqlite3.Connection:
    with _guard(path.parent):
        if writable:
            database = sqlite3.connect(path, timeout=30)
            database.execute("PRAGMA journal_mode = WAL")
            database.execute("PRAGMA synchronous = FULL")
            database.executescript(_SCHEMA)
            return database
        if not path.is_file():
            raise StorageError(f"there is no ledger in {path.parent}")
        # A log beside the database needs shared memory, which a read-only folder cannot have;
        # without a log nobody is writing, and the file can be read as it stands.
        log = path.with_name(f"{path.name}-wal")
        effective = os.access in os.supports_effective_ids
        writes = os.access(path.parent, os.W_OK, effective_ids=effective)
        still = not writes and not log.exists()
        uri = f"{path.absolute().as_uri()}?mode=ro" + ("&immutable=1" if still else "")
        return sqlite3.connect(uri, uri=True, timeout=30)


@contextlib.contextmanager
def _guard(folder: Path) -> Iterator[None]:
    """Say what a database error means for the user."""
    try:
        yield
    except sqlite3.OperationalError as error:
        raise StorageError(
            f"the ledger in {folder} cannot be used ({error}): check free space and permissions"
        ) from error
    except sqlite3.DatabaseError as error:
        raise DamagedData(f"the ledger in {folder} is damaged ({error})") from error
