"""MLIP's .cfg: units, signs, order, refusals."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from elyte.core import (
    Dataset,
    FormatError,
    InputError,
    LabelledFrame,
    Labels,
    UnknownSpecies,
)
from elyte.core.formats import (
    read_dataset,
    read_frames,
    write_cfg,
)

from .format_cases import (
    FORCES,
    assert_same,
    labelled_frames,
    water,
)

CFG = """BEGIN_CFG
 Size
    2
 Supercell
    4.0 0.0 0.0
    0.0 5.0 0.0
    0.0 0.0 6.0
 AtomData:  id type cartes_x cartes_y cartes_z fx fy fz
    1 1 0.0 0.5 1.0 0.1 0.2 0.3
    2 0 2.0 2.0 2.0 -0.1 -0.2 -0.3
 Energy
    -7.25
 PlusStress:  xx yy zz yz xz xy
    12.0 24.0 36.0 1.2 2.4 3.6
 Feature   EFS_by  VASP
END_CFG
"""


def test_cfg_units_signs_and_order(tmp_path):
    path = tmp_path / "a.cfg"
    path.write_text(CFG)
    item = read_dataset(path, species=["Cl", "Na"])[0]
    assert item.frame.symbols == ["Na", "Cl"]
    assert item.labels.energy == -7.25
    assert item.labels.level == "VASP"
    expected = -np.array([[12.0, 3.6, 2.4], [3.6, 24.0, 1.2], [2.4, 1.2, 36.0]]) / 120.0
    assert np.allclose(item.labels.stress, expected)


@pytest.mark.parametrize(
    ("change", "kind", "words"),
    [
        (("    -7.25\n", "    minus seven\n"), FormatError, "expected numbers"),
        ((" Energy\n    -7.25\n", ""), FormatError, "no Energy"),
        ((" fx fy fz", " gx gy gz"), FormatError, "no forces"),
        (("xx yy zz yz xz xy", "xx yy zz xy yz xz"), FormatError, "order"),
        (("    2 0 2.0", "    2 2 2.0"), UnknownSpecies, "type 2"),
        (("END_CFG", ""), FormatError, "middle of a frame"),
        (("    0.0 0.0 6.0\n", ""), FormatError, "2 vectors"),
        ((" Size\n    2", " Size\n    3"), FormatError, "3 whole lines"),
        ((" Energy", " Enthalpy"), FormatError, "Enthalpy"),
    ],
)
def test_cfg_that_is_wrong_says_where(tmp_path, change, kind, words):
    path = tmp_path / "a.cfg"
    path.write_text(CFG.replace(*change))
    with pytest.raises(kind, match=words) as caught:
        read_dataset(path, species=["Cl", "Na"])
    assert "frame 0" in str(caught.value)


def test_cfg_needs_species(tmp_path):
    path = tmp_path / "a.cfg"
    path.write_text(CFG)
    with pytest.raises(FormatError, match="--species"):
        read_dataset(path)
    with pytest.raises(InputError, match="did you mean 'Na'"):
        read_dataset(path, species=["Cl", "na"])
    assert read_frames(path, species=[17, "11"])[0].symbols == ["Na", "Cl"]


@given(st.lists(labelled_frames(), min_size=1, max_size=3))
def test_cfg_round_trip(tmp_path_factory, items):
    path = tmp_path_factory.mktemp("c") / "a.cfg"
    dataset = Dataset(items)
    write_cfg(path, dataset, dataset.species)
    for one, two in zip(items, read_dataset(path, species=dataset.species), strict=True):
        assert_same(one, two, 1e-11)


def test_cfg_with_an_element_that_was_not_named(tmp_path):
    item = LabelledFrame(water(), Labels(0.0, FORCES))
    with pytest.raises(UnknownSpecies, match="H"):
        write_cfg(tmp_path / "a.cfg", Dataset([item]), ["O"])
