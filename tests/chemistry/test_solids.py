"""Crystals from structure files, and their supercells."""

from __future__ import annotations

from pathlib import Path

import ase.io
import numpy as np
import pytest
from ase.build import bulk

from elyte.chemistry import Recipe, bond_graph, plan_composition, read_structure
from elyte.core import FormatError, InputError, RecipeError


@pytest.fixture
def salt(tmp_path: Path) -> Path:
    path = tmp_path / "licl.cif"
    ase.io.write(path, bulk("LiCl", "rocksalt", a=5.13, cubic=True))
    return path


def test_reading_and_repeating(salt: Path) -> None:
    frame = read_structure(salt, repeat=(2, 1, 3))
    assert len(frame) == 48
    np.testing.assert_allclose(np.diag(frame.cell), [10.26, 5.13, 15.39], rtol=1e-6)
    whole = ase.io.read(salt).repeat((2, 1, 3))
    found = np.sort(np.round(frame.positions, 4), axis=0)
    np.testing.assert_allclose(found, np.sort(np.round(whole.positions, 4), axis=0), atol=2e-4)
    assert len(bond_graph(frame)) == 0


def test_a_supercell_of_about_so_many_atoms_is_nearly_cubic(salt: Path) -> None:
    assert len(read_structure(salt, atoms=200)) == 216
    assert read_structure(salt, atoms=60).cell[0, 0] == pytest.approx(10.26)


def test_a_recipe_with_a_structure(salt: Path) -> None:
    path = salt.parent / "solid.yaml"
    path.write_text("structure: licl.cif\ntemperature: 600 K\nbox: 500 atoms\n")
    recipe = Recipe.load(path)
    composition = plan_composition(recipe)
    assert composition.solid is not None
    assert composition.production.counts == {"Cl": 256, "Li": 256}
    assert composition.label.atoms == 96
    assert composition.density == pytest.approx(2.08, abs=0.02)
    assert composition.elements == ("Cl", "Li")
    assert recipe.title == "licl"


def test_a_solid_thinner_than_two_cutoffs_is_refused(salt: Path) -> None:
    path = salt.parent / "solid.yaml"
    path.write_text("structure: licl.cif\ntemperature: 600 K\nbox: 10 atoms\n")
    with pytest.raises(RecipeError, match="below two cutoffs"):
        plan_composition(Recipe.load(path))


def test_files_that_are_no_crystal(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there is no structure file"):
        read_structure(tmp_path / "none.cif")
    (tmp_path / "bad.cif").write_text("nonsense")
    with pytest.raises(FormatError, match=r"bad\.cif"):
        read_structure(tmp_path / "bad.cif")
    (tmp_path / "molecule.xyz").write_text("1\n\nLi 0 0 0\n")
    with pytest.raises(FormatError, match="no periodic cell"):
        read_structure(tmp_path / "molecule.xyz")
