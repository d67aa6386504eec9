"""DeePMD folders: round trips, signs, folders that are not whole."""

from __future__ import annotations

import numpy as np
import pytest

from elyte.core import (
    Dataset,
    FormatError,
    Frame,
    LabelledFrame,
    Labels,
)
from elyte.core.formats import (
    read_dataset,
    write_dataset,
    write_deepmd,
)

from .format_cases import (
    CELL,
    FORCES,
    STRESS,
    assert_same,
    water,
)


def test_deepmd_round_trip_and_virial_sign(tmp_path):
    items = [LabelledFrame(water(), Labels(-1.0 * i, i * FORCES, i * STRESS)) for i in range(1, 4)]
    write_deepmd(tmp_path / "d", Dataset(items))
    virial = np.load(tmp_path / "d" / "set.000" / "virial.npy")
    assert np.allclose(virial[0].reshape(3, 3), -STRESS * np.linalg.det(CELL))
    for one, two in zip(items, read_dataset(tmp_path / "d"), strict=True):
        assert_same(one, two, 1e-14)


def test_deepmd_with_several_compositions_and_no_box(tmp_path):
    hydroxyl = Frame([8, 1], [[0, 0, 0], [0, 0, 1.0]])
    items = [
        LabelledFrame(hydroxyl, Labels(-1.0, FORCES[:2])),
        LabelledFrame(water(), Labels(-2.0, FORCES)),
    ]
    write_dataset(tmp_path / "d", Dataset(items))
    back = read_dataset(tmp_path / "d")
    assert [len(item.frame) for item in back] == [2, 3]
    assert [bool(item.frame.pbc.all()) for item in back] == [False, True]
    assert back[1].labels.stress is None


def test_deepmd_that_is_not_whole(tmp_path):
    item = LabelledFrame(water(), Labels(-1.0, FORCES, STRESS))
    write_deepmd(tmp_path, Dataset([item]))
    force = tmp_path / "set.000" / "force.npy"
    np.save(force, np.zeros((1, 8)))
    with pytest.raises(FormatError, match=r"force\.npy"):
        read_dataset(tmp_path)
    force.unlink()
    with pytest.raises(FormatError, match="must be there"):
        read_dataset(tmp_path)
    (tmp_path / "type_map.raw").unlink()
    with pytest.raises(FormatError, match="type_map"):
        read_dataset(tmp_path)
