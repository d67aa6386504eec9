"""Frames on disk: indexed as arrays are, and in pieces."""

from __future__ import annotations

import gc
import os
from pathlib import Path

import numpy as np
import pytest

from elyte.analysis import stream
from elyte.analysis.stream import Positions, Scratch, scratch_folder
from elyte.core.errors import InputError, StorageError

OPEN_FILES = Path("/proc/self/fd")
VALUES = np.random.default_rng(0).normal(size=(23, 7, 3))


@pytest.fixture
def stored(monkeypatch: pytest.MonkeyPatch) -> Positions:
    monkeypatch.setattr(stream, "BLOCK_BYTES", 24 * 7 * 4)  # four frames a block
    scratch = Scratch(7)
    scratch.append(VALUES[:10])
    scratch.append(VALUES[10:])
    return scratch.positions()


@pytest.mark.parametrize(
    "key",
    [
        0, -1, slice(None), slice(3, 17), slice(2, None, 5), slice(None, None, -3), slice(9, 2),
        (slice(None), np.array([1, 5])), (slice(4, None, 3), np.array([[0, 1], [6, 2]])),
        (5, 2), (slice(None), slice(None), 2), (slice(1, 9), 3, 0),
    ],
    ids=str,
)  # fmt: skip
def test_indexed_as_an_array(stored: Positions, key: object) -> None:
    np.testing.assert_array_equal(stored[key], VALUES[key])  # type: ignore[index]


def test_blocks_selections_and_changes(stored: Positions) -> None:
    parts = [part for part, _ in stored.blocks()]
    assert [p.stop - p.start for p in parts] == [4, 4, 4, 4, 4, 3]
    few = np.array([6, 0])
    np.testing.assert_array_equal(stored.select(few), VALUES[:, few])
    np.testing.assert_array_equal(stored.select(few).select(np.array([1])), VALUES[:, [0]])
    shift = np.arange(23.0)[:, None, None]
    moved = stored.changed(lambda part, x: x + shift[part])
    np.testing.assert_array_equal(moved[5:20:2], (VALUES + shift)[5:20:2])
    assert np.shape(stored) == (23, 7, 3)
    assert len(moved.select(few)) == 23
    assert stored.select(few).block_length == stored.block_length  # it reads whole frames
    with pytest.raises(InputError, match="shape"):
        stored.select(np.zeros((2, 2), dtype=np.int64))
    with pytest.raises(IndexError):
        stored[23]


def test_an_array_is_positions_too() -> None:
    same = Positions.of(VALUES)
    assert Positions.of(same) is same
    np.testing.assert_array_equal(same[:, [2]], VALUES[:, [2]])
    with pytest.raises(InputError, match="expected"):
        Positions.of(np.zeros((3, 3)))


def test_nothing_stays_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    assert scratch_folder() == tmp_path
    positions = Scratch(7)
    positions.append(VALUES)
    if OPEN_FILES.exists():
        assert _open_below(tmp_path) == 1
    kept = positions.positions()
    del positions
    gc.collect()
    np.testing.assert_array_equal(kept[:], VALUES)
    assert not list(tmp_path.iterdir())
    del kept
    gc.collect()
    assert _open_below(tmp_path) == 0


def _open_below(folder: Path) -> int:
    """Count this process's open files below a folder, deleted ones too; others' come and go."""
    if not OPEN_FILES.exists():
        return 0
    targets = [_target(link) for link in OPEN_FILES.iterdir()]
    return sum(target.startswith(str(folder)) for target in targets)


def _target(link: Path) -> str:
    try:
        return os.readlink(link)
    except FileNotFoundError:  # closed meanwhile
        return ""


def test_no_room_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    scratch = Scratch(7)
    monkeypatch.setattr(os, "write", full)
    with pytest.raises(StorageError, match="TMPDIR"):
        scratch.append(VALUES)
    monkeypatch.setenv("TMPDIR", "/nowhere")
    monkeypatch.setattr(stream, "scratch_folder", lambda: Path("/nowhere"))
    with pytest.raises(StorageError, match="TMPDIR"):
        Scratch(7)
