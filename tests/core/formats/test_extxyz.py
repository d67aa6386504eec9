"""Extended XYZ: exact round trips, the usual names, what is refused."""

from __future__ import annotations

import ase
import ase.io
import numpy as np
import pytest
from ase.constraints import FixAtoms
from hypothesis import given
from hypothesis import strategies as st

from elyte.core import (
    Dataset,
    FormatError,
    LabelledFrame,
    Labels,
)
from elyte.core.formats import (
    read_dataset,
    write_extxyz,
)

from .format_cases import (
    CELL,
    FORCES,
    STRESS,
    VOIGT,
    assert_same,
    atoms_with,
    labelled_frames,
    water,
    written,
)


@given(st.lists(labelled_frames(), min_size=1, max_size=3))
def test_extxyz_round_trip_is_exact(tmp_path_factory, items):
    path = tmp_path_factory.mktemp("x") / "a.extxyz"
    write_extxyz(path, Dataset(items))
    back = read_dataset(path)
    assert len(back) == len(items)
    for one, two in zip(items, back, strict=True):
        assert_same(one, two)
        assert (one.config_type, one.labels.level) == (two.config_type, two.labels.level)
        assert (one.frame.molecules is None) == (two.frame.molecules is None)
        if one.labels.charges is not None:
            assert np.array_equal(one.labels.charges, two.labels.charges)


def test_ase_reads_what_is_written(tmp_path):
    item = LabelledFrame(water(molecules=[0, 0, 0]), Labels(-1.5, FORCES, STRESS), "liquid")
    write_extxyz(tmp_path / "a.xyz", Dataset([item]))
    atoms = ase.io.read(tmp_path / "a.xyz")
    assert atoms.info["REF_energy"] == -1.5
    assert atoms.info["config_type"] == "liquid"
    assert np.array_equal(atoms.arrays["REF_forces"], FORCES)
    assert np.array_equal(np.reshape(atoms.info["REF_stress"], (3, 3)), STRESS)
    assert np.array_equal(np.asarray(atoms.cell), CELL)


def test_usual_names(tmp_path):
    results = {"energy": -1.0, "forces": FORCES, "stress": np.array(VOIGT)}
    bare = read_dataset(written(tmp_path, atoms_with(results=results)))[0].labels
    info = {"REF_energy": -2.0, "REF_stress": np.array(VOIGT)}
    both = atoms_with(info, {"REF_forces": 2 * FORCES}, results)
    reference = read_dataset(written(tmp_path, both))[0].labels
    assert (bare.energy, reference.energy) == (-1.0, -2.0)
    assert np.allclose(bare.forces, FORCES)
    assert np.allclose(reference.forces, 2 * FORCES)
    for labels in (bare, reference):
        assert np.allclose(labels.stress, STRESS, atol=1e-12)


@pytest.mark.parametrize(
    ("name", "shape"), [("virial", "matrix"), ("REF_virial", "nine"), ("REF_virial", "six")]
)
def test_a_virial_becomes_a_stress_with_the_other_sign(tmp_path, name, shape):
    virial = -STRESS * np.linalg.det(CELL)
    forms = {"matrix": virial, "nine": virial.ravel(), "six": virial.ravel()[[0, 4, 8, 5, 2, 1]]}
    value = forms[shape]
    prefix = name.removesuffix("virial")
    atoms = atoms_with({prefix + "energy": 1.0, name: value}, {prefix + "forces": FORCES})
    assert np.allclose(read_dataset(written(tmp_path, atoms))[0].labels.stress, STRESS)


def test_stress_and_virial_together_are_refused(tmp_path):
    info = {"REF_energy": 0.0, "REF_stress": VOIGT, "REF_virial": VOIGT}
    path = written(tmp_path, atoms_with(info, {"REF_forces": FORCES}))
    with pytest.raises(FormatError, match="both REF_stress and REF_virial"):
        read_dataset(path)
    assert np.allclose(read_dataset(path, stress_key="REF_stress")[0].labels.stress, STRESS)
    assert read_dataset(path, stress_key="none")[0].labels.stress is None


@pytest.mark.parametrize(
    ("info", "arrays", "found"),
    [
        ({"energy": 0.0}, {"force": FORCES}, "'force'"),
        ({"dft_energy": 0.0}, {"forces": FORCES}, "'dft_energy'"),
        ({"REF_energy": 0.0}, {"my_forces": FORCES}, "'my_forces'"),
        ({"energy": 0.0}, {"charges2": np.zeros(3)}, "charges2"),
        ({"energy": 0.0, "dft_stress": VOIGT}, {"forces": FORCES}, "'dft_stress'"),
        ({"REF_energy": 0.0, "stress": STRESS}, {"REF_forces": FORCES}, "'stress'"),
        ({"REF_energy": 0.0}, {"forces": FORCES}, "'forces'"),
    ],
)
def test_other_names_are_refused_and_named(tmp_path, info, arrays, found):
    with pytest.raises(FormatError, match=found) as caught:
        read_dataset(written(tmp_path, atoms_with(info, arrays)))
    assert "frame 0" in str(caught.value)
    assert "_key" in str(caught.value) or "-key" in str(caught.value)


def test_other_names_can_be_given(tmp_path):
    info = {"e_dft": -3.0, "my_virial": (-STRESS * np.linalg.det(CELL)).ravel()}
    path = written(tmp_path, atoms_with(info, {"f_dft": FORCES}))
    labels = read_dataset(path, "e_dft", "f_dft", "my_virial")[0].labels
    assert labels.energy == -3.0
    assert np.allclose(labels.stress, STRESS)
    assert read_dataset(path, "e_dft", "none", "none")[0].labels.forces is None
    with pytest.raises(FormatError, match="no frame has a stress"):
        read_dataset(path, "e_dft", "f_dft", "absent")
    with pytest.raises(FormatError, match="shape"):
        read_dataset(path, "e_dft", "numbers", "none")


def test_constraints_are_refused_aloud(tmp_path):
    atoms = atoms_with(results={"energy": 0.0, "forces": FORCES})
    atoms.set_constraint(FixAtoms([0]))
    path = tmp_path / "a.extxyz"
    ase.io.write(path, atoms, columns=["symbols", "positions", "move_mask", "forces"])
    with pytest.raises(FormatError, match="constraints"):
        read_dataset(path)


def test_a_single_atom_needs_no_forces(tmp_path):
    path = tmp_path / "a.xyz"
    path.write_text(
        "1\nProperties=species:S:1:pos:R:3 energy=-13.6 config_type=IsolatedAtom\nH 0 0 0\n"
    )
    item = read_dataset(path)[0]
    assert item.labels.forces is None
    assert item.config_type == "IsolatedAtom"
