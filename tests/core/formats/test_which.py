"""Which format a file has, and files that are replaced whole."""

from __future__ import annotations

import ase
import ase.io
import pytest

from elyte.core import (
    Dataset,
    FormatError,
    LabelledFrame,
    Labels,
)
from elyte.core.formats import (
    read_dataset,
    read_frames,
    write_dataset,
)

from .format_cases import (
    FORCES,
    water,
)


def test_what_is_no_format(tmp_path):
    with pytest.raises(FormatError, match="no file"):
        read_dataset(tmp_path / "absent.xyz")
    with pytest.raises(FormatError, match=r"type\.raw"):
        read_dataset(tmp_path)
    (tmp_path / "a.txt").write_text("hello\n")
    with pytest.raises(FormatError, match="extended XYZ"):
        read_dataset(tmp_path / "a.txt")
    (tmp_path / "a.xyz").write_text("3\nProperties=species:S:1:pos:R:3\nH 0 0\n")
    with pytest.raises(FormatError, match=r"a\.xyz"):
        read_dataset(tmp_path / "a.xyz")
    (tmp_path / "b.xyz").write_bytes(bytes(range(256)))
    with pytest.raises(FormatError):
        read_dataset(tmp_path / "b.xyz")
    with pytest.raises(FormatError, match=r"\.json"):
        write_dataset(tmp_path / "a.json", Dataset())


def test_read_frames_of_any_ase_format(tmp_path):
    ase.io.write(tmp_path / "POSCAR", water().to_ase(), format="vasp")
    frame = read_frames(tmp_path / "POSCAR")[0]
    assert sorted(frame.symbols) == ["H", "H", "O"]
    assert frame.pbc.all()


def test_a_file_is_replaced_whole(tmp_path):
    path = tmp_path / "a.extxyz"
    path.write_text("old")
    item = LabelledFrame(water(), Labels(0.0, FORCES))
    write_dataset(path, Dataset([item]))
    assert len(read_dataset(path)) == 1
    assert [p.name for p in tmp_path.iterdir()] == ["a.extxyz"]
