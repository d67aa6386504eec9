"""The ledger: every label that was ever computed, by the hash of its physics.

SQLite (write-ahead log, one writer) holds what one searches by; the arrays lie beside it, one
file a frame, renamed into place when whole. The array file is written first and the row second,
so a crash in between costs one label and never leaves half of one.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from elyte.core.errors import InputError, Outcome, StorageError, did_you_mean
from elyte.core.formats import write_dataset
from elyte.core.frame import Dataset, Frame, LabelledFrame, Labels
from elyte.workflow.arrays import load_arrays, save_arrays
from elyte.workflow.database import (
    GOOD,
    QUARANTINED,
    Entry,
    connect,
    guard,
    record_of_test,
)
from elyte.workflow.lock import ProjectLock
from elyte.workflow.provenance import write_provenance
from elyte.workflow.reading import LabelReader
from elyte.workflow.verification import KeyOf, find_damage


class Ledger(LabelReader):
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
            self._database = connect(self.folder / "ledger.sqlite", writable)
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Ledger:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the database and give the lock back."""
        if hasattr(self, "_database"):
            self._database.close()
        if self._lock is not None:
            self._lock.release()

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

    def note_test(self, level: str, name: str, outcome: Outcome) -> None:
        """Keep the outcome of a test of a level of theory, in the place of an earlier one."""
        self._execute(*record_of_test(level, name, outcome))

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
                entry.created,
            )
            taken += 1
        for level, name, outcome in other.tests():
            if self.test(level, name) is None:
                self.note_test(level, name, outcome)
        return taken

    # --- going out, looking after ---------------------------------------------------------

    def export(
        self,
        path: str | os.PathLike[str],
        level: str | None = None,
        species: Sequence[int | str] | None = None,
        change: Callable[[LabelledFrame], LabelledFrame] | None = None,
    ) -> int:
        """Write the good labels by suffix: `.extxyz`, `.cfg`, or a DeePMD folder.

        Isolated atoms go into an extended XYZ, where their `config_type` tells them apart. Beside
        the file (in the folder) stands PATH.provenance.json: for each frame, in the order of
        the file, its key, level of theory, engine, version, settings, type and time, and the
        hash of the arrays that the ledger keeps.

        Args:
            path: the file or folder.
            level: the level of theory, needed when there are several.
            species: order of the atom types in a `.cfg`; by default ascending numbers.
            change: what is done to each label on the way, such as taking a dispersion out.

        Returns:
            How many frames were written.
        """
        if level is not None and level not in (levels := self.levels()):
            raise InputError(
                f"{self.folder} holds no labels of '{level}'{did_you_mean(level, levels)}; "
                f"there are: {', '.join(levels) or 'none'}"
            )
        with_atoms = Path(path).suffix.lower() in (".xyz", ".extxyz")
        entries = self._chosen(level, with_atoms)
        if not Path(path).suffix:
            entries = _by_system(entries, [self.frame(entry) for entry in entries])
        items = [self.load(entry) for entry in entries]
        dataset = Dataset(items if change is None else map(change, items))
        write_dataset(path, dataset, species)
        write_provenance(path, entries, [item.labels.level for item in dataset])
        return len(dataset)

    def verify(self, repair: bool = False, key_of: KeyOf | None = None) -> list[str]:
        """Hold everything against its hash; return one line for each thing that is damaged.

        That is the database's own check, and for each entry the SHA-256 of its array file, the
        hash of its structure, and its energy.

        Args:
            repair: forget the damaged entries, so that their frames are labelled anew when they
                are next asked for.
            key_of: computes the key of an entry from its provenance (None where it cannot).
        """
        with guard(self.folder):
            state = self._database.execute("PRAGMA integrity_check").fetchone()[0]
        damages = [] if state == "ok" else [f"{self.folder / 'ledger.sqlite'}: {state}"]
        for entry in self.entries():
            damage = find_damage(self.array_path(entry.key), entry, key_of)
            if damage:
                damages.append(damage)
                if repair:
                    self.forget(entry.key)
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
        created: str = "",
    ) -> None:
        self._check_writable()
        content = save_arrays(self.array_path(key), frame, labels)
        values = {
            "key": key,
            "status": GOOD if outcome.done else QUARANTINED,
            "kind": outcome.kind,
            "reason": outcome.reason,
            "details": json.dumps(outcome.details, default=str),
            "level": labels.level if labels is not None and labels.level else level,
            "config_type": config_type,
            "provenance": json.dumps(provenance, default=str),
            "digest": frame.digest(),
            "atoms": len(frame),
            "energy": None if labels is None else labels.energy,
            "content": content,
            "created": created or time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime()),
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
        with guard(self.folder), self._database:
            self._database.execute(statement, values)


def _by_system(entries: list[Entry], frames: Sequence[Frame]) -> list[Entry]:
    """Return rows in the order of a DeePMD folder: one system after the other."""
    systems: dict[bytes, list[Entry]] = {}
    for entry, frame in zip(entries, frames, strict=True):
        systems.setdefault(frame.numbers.tobytes(), []).append(entry)
    return [entry for members in systems.values() for entry in members]
