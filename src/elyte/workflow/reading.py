"""What a ledger can be asked: rows, labels, data sets; nothing here writes."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from elyte.core.errors import InputError, Outcome
from elyte.core.frame import Dataset, Frame, LabelledFrame
from elyte.workflow.arrays import load_arrays
from elyte.workflow.database import COLUMNS, GOOD, QUARANTINED, Entry, guard, read_tests

ISOLATED_ATOM = "IsolatedAtom"
"""The `config_type` of isolated atoms, by the convention of extxyz data sets."""
STRAIN_TEST = "StrainTest"
"""The `config_type` of frames that were strained to test an engine's stress."""
AUXILIARY = (ISOLATED_ATOM, STRAIN_TEST)
"""What a data set leaves out unless it is asked for."""


class LabelReader:
    """The reading half of a `Ledger`, which opens and closes the database.

    Args:
        folder: of the ledger.
    """

    folder: Path
    _database: sqlite3.Connection

    def __len__(self) -> int:
        """Return the number of good labels."""
        return self.count()

    def count(self, quarantined: bool = False) -> int:
        """Return the number of good labels, or of quarantined ones."""
        status = QUARANTINED if quarantined else GOOD
        with guard(self.folder):
            row = self._database.execute("SELECT count(*) FROM labels WHERE status = ?", [status])
            return int(row.fetchone()[0])

    def array_path(self, key: str) -> Path:
        """Return the file that holds the arrays of a key."""
        return self.folder / "arrays" / key[:2] / f"{key}.npz"

    def entry(self, key: str) -> Entry | None:
        """Return the row of a key, or None."""
        return next(self._select("WHERE key = ?", [key]), None)

    def entries(self, quarantined: bool | None = None) -> list[Entry]:
        """Return all rows in the order in which they came, or the good or quarantined ones."""
        if quarantined is None:
            return list(self._select("", []))
        status = QUARANTINED if quarantined else GOOD
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
        with guard(self.folder):
            rows = self._database.execute(
                "SELECT DISTINCT level FROM labels WHERE status = ? ORDER BY level", [GOOD]
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
            isolated_atoms: also the isolated atoms. They, and the strained frames of tests of the
                stress, come when asked for by type, too.

        Raises:
            InputError: labels of several levels of theory, and none was chosen.
            DamagedData: an array file does not match its hash.
        """
        return Dataset(map(self.load, self._chosen(level, isolated_atoms, config_type)))

    def test(self, level: str, name: str) -> Outcome | None:
        """Return the outcome of a test of a level of theory, or None: it was not made."""
        found = (o for known, called, o in self.tests() if (known, called) == (level, name))
        return next(found, None)

    def tests(self) -> list[tuple[str, str, Outcome]]:
        """Return (level of theory, name, outcome) of all tests."""
        with guard(self.folder):
            return read_tests(self._database)

    def _chosen(
        self, level: str | None, isolated_atoms: bool, config_type: str | None = None
    ) -> list[Entry]:
        """Return the rows of a data set, in order; one level of theory alone."""
        self._one_level(level)
        hidden = {*AUXILIARY} - {config_type} - ({ISOLATED_ATOM} if isolated_atoms else set())
        return [
            entry
            for entry in self.entries(quarantined=False)
            if config_type in (None, entry.config_type)
            and level in (None, entry.level)
            and entry.config_type not in hidden
        ]

    def _one_level(self, level: str | None) -> None:
        levels = self.levels()
        if level is None and len(levels) > 1:
            raise InputError(
                f"{self.folder} holds labels of {len(levels)} levels of theory "
                f"({', '.join(levels)}): choose one by `level`"
            )

    def _select(self, condition: str, values: list[Any]) -> Iterator[Entry]:
        with guard(self.folder):
            rows = self._database.execute(
                f"SELECT {', '.join(COLUMNS)} FROM labels {condition} ORDER BY number", values
            ).fetchall()
        yield from map(Entry.from_row, rows)
