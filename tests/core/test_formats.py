"""Reading and writing labelled frames: units, signs, exactness, refusals. No real data needed."""

from __future__ import annotations

import ase
import ase.io
import numpy as np
import pytest
from ase.calculators.singlepoint import SinglePointCalculator
from ase.constraints import FixAtoms
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from elyte.core import (
    Dataset,
    FormatError,
    Frame,
    InputError,
    LabelledFrame,
    Labels,
    UnknownSpecies,
)
from elyte.core.formats import (
    read_dataset,
    read_frames,
    write_cfg,
    write_dataset,
    write_deepmd,
    write_extxyz,
)
from elyte.core.units import BOHR, GPA, HARTREE

CELL = np.array([[6.0, 0, 0], [0.5, 7.0, 0], [-0.3, 0.2, 8.0]])
STRESS = np.array([[0.1, 0.02, -0.03], [0.02, 0.2, 0.04], [-0.03, 0.04, -0.3]])
VOIGT = [0.1, 0.2, -0.3, 0.04, -0.03, 0.02]
FORCES = np.array([[0.1, 0.2, 0.3], [-0.1, 0.0, 0.0], [0.0, -0.2, -0.3]])


def water(periodic=True, molecules=None):
    positions = [[0, 0, 0.1], [0.76, 0, 0.6], [-0.76, 0, 0.6]]
    cell = CELL if periodic else np.zeros((3, 3))
    return Frame([8, 1, 1], positions, cell, periodic, molecules)


def atoms_with(info=None, arrays=None, results=None):
    atoms = water().to_ase()
    atoms.info.update(info or {})
    for name, array in (arrays or {}).items():
        atoms.set_array(name, np.asarray(array))
    if results:
        atoms.calc = SinglePointCalculator(atoms, **results)
    return atoms


def written(tmp_path, *images):
    path = tmp_path / "set.extxyz"
    ase.io.write(path, list(images), format="extxyz")
    return path


def assert_same(one, two, tolerance=0.0):
    assert np.array_equal(one.frame.numbers, two.frame.numbers)
    assert one.frame.pbc.tolist() == two.frame.pbc.tolist()
    pairs = [
        (one.frame.positions, two.frame.positions),
        (one.frame.cell, two.frame.cell),
        (one.labels.energy, two.labels.energy),
        (one.labels.forces, two.labels.forces),
        (one.labels.stress, two.labels.stress),
    ]
    for a, b in pairs:
        assert (a is None) == (b is None)
        if a is not None:
            assert np.allclose(a, b, rtol=tolerance, atol=tolerance)


# --- extended XYZ ---------------------------------------------------------------------------

numbers = st.floats(-1e6, 1e6, allow_nan=False, allow_subnormal=False)


@st.composite
def labelled_frames(draw):
    n = draw(st.integers(1, 5))
    periodic = draw(st.booleans())
    matrix = draw(hnp.arrays(float, (3, 3), elements=st.floats(-0.2, 0.2)))
    cell = 5 * np.eye(3) + matrix if periodic else np.zeros((3, 3))
    positions = draw(hnp.arrays(float, (n, 3), elements=numbers))
    molecules = draw(st.none() | st.just(np.arange(n) // 2))
    frame = Frame(
        draw(hnp.arrays(np.int64, n, elements=st.integers(1, 86))),
        positions,
        cell,
        periodic,
        molecules,
    )
    stress = draw(hnp.arrays(float, (3, 3), elements=st.floats(-1, 1)))
    labels = Labels(
        draw(numbers),
        draw(hnp.arrays(float, (n, 3), elements=numbers)),
        stress + stress.T if periodic and draw(st.booleans()) else None,
        draw(st.none() | hnp.arrays(float, n, elements=st.floats(-2, 2))),
        draw(st.sampled_from(["", "GFN1-xTB/tblite-0.8.0", 'odd "level" \\ x'])),
    )
    return LabelledFrame(frame, labels, draw(st.sampled_from(["", "liquid", "two words"])))


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


# --- MLIP's .cfg ----------------------------------------------------------------------------

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


# --- DeePMD ---------------------------------------------------------------------------------


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


# --- VASP's OUTCAR --------------------------------------------------------------------------

CONVERGED = "--------------- aborting loop because EDIFF is reached ---------------"


def outcar(steps=1, converged=True, stress="in kB  10.0 20.0 30.0 1.0 2.0 3.0", cut=False):
    lines = [
        " vasp.6.3.2 27Jun22 (build) complex",
        "   VRHFIN =Na: p6s1",
        "   VRHFIN =Cl: s2p5",
        "   ions per type =               1   1",
    ]
    for step in range(1, steps + 1):
        lines += [f"----- Iteration {step:4d}(   1)  -----", f"----- Iteration {step:4d}(   2) ---"]
        lines += [CONVERGED] if converged else []
        lines += [f"  {stress}"] if stress else []
        lines += [
            " VOLUME and BASIS-vectors are now :",
            "      direct lattice vectors                 reciprocal lattice vectors",
            "   114.000000000-12.000000000  0.000000000     0.25 0.0 0.0",
            "     0.000000000  5.000000000  0.000000000     0.0  0.2 0.0",
            "     0.000000000  0.000000000  6.000000000     0.0  0.0 0.1666",
            " POSITION                                       TOTAL-FORCE (eV/Angst)",
            " ---------------------------------------------------------------------",
            "      0.00000      0.00000      0.00000         0.100000     -0.200000      0.300000",
            "      2.00000      2.50000      3.00000        -0.100000      0.200000     -0.300000",
            " ---------------------------------------------------------------------",
            "  FREE ENERGIE OF THE ION-ELECTRON SYSTEM (eV)",
            "  ---------------------------------------------------",
            f"  free  energy   TOTEN  =       -{step}.50000000 eV",
            "",
            f"  energy  without entropy=      -{step}.30000000  energy(sigma->0) =      -{step}.40",
        ]
    return "\n".join(lines[: -8 if cut else None]) + "\n"


def test_outcar_units_and_signs(tmp_path):
    path = tmp_path / "OUTCAR"
    path.write_text(outcar(steps=2))
    items = read_dataset(path)
    assert [item.labels.energy for item in items] == [-1.5, -2.5]
    assert items[0].frame.symbols == ["Na", "Cl"]
    assert items[0].frame.cell[0].tolist() == [114.0, -12.0, 0.0]
    assert items[0].labels.forces[0].tolist() == [0.1, -0.2, 0.3]
    kbar = np.array([[10.0, 1.0, 3.0], [1.0, 20.0, 2.0], [3.0, 2.0, 30.0]])
    assert np.allclose(items[0].labels.stress, -kbar * 0.1 * GPA)
    assert read_dataset(path, energy_key="energy_without_entropy")[0].labels.energy == -1.3
    assert read_dataset(path, energy_key="energy_sigma_0")[0].labels.energy == -1.4
    with pytest.raises(FormatError, match="free_energy"):
        read_dataset(path, energy_key="enthalpy")


def test_outcar_without_stress(tmp_path):
    path = tmp_path / "OUTCAR.1"
    path.write_text(outcar(stress=""))
    assert read_dataset(path)[0].labels.stress is None


def test_outcar_with_an_unfinished_scf_is_refused(tmp_path):
    path = tmp_path / "OUTCAR"
    path.write_text(outcar(converged=False))
    with pytest.raises(FormatError, match=r"ionic step 1.*converged"):
        read_dataset(path)


def test_outcar_that_was_cut_off(tmp_path):
    path = tmp_path / "OUTCAR"
    path.write_text(outcar(steps=3, cut=True))
    assert len(read_dataset(path)) == 2
    path.write_text(outcar(steps=1, cut=True))
    with pytest.raises(FormatError, match="did not finish"):
        read_dataset(path)
    path.write_text(" vasp.6.3.2\n")
    with pytest.raises(FormatError, match="VRHFIN"):
        read_dataset(path)


# --- n2p2 -----------------------------------------------------------------------------------

N2P2 = """begin
comment something
lattice 10.0 0.0 0.0
lattice 0.0 10.0 0.0
lattice 0.0 0.0 10.0
atom 1.0 2.0 3.0 O -0.2 0.0 0.01 0.02 0.03
atom 2.0 2.0 3.0 H 0.2 0.0 -0.01 -0.02 -0.03
energy -2.0
charge 0.0
end
"""


def test_n2p2_is_in_hartree_and_bohr(tmp_path):
    path = tmp_path / "input.data"
    path.write_text(N2P2)
    item = read_dataset(path)[0]
    assert item.labels.energy == pytest.approx(-2.0 * HARTREE)
    assert item.frame.cell[0, 0] == pytest.approx(10 * BOHR)
    assert item.labels.forces[0, 2] == pytest.approx(0.03 * HARTREE / BOHR)
    assert item.labels.charges.tolist() == [-0.2, 0.2]
    assert read_frames(path)[0].symbols == ["O", "H"]


@pytest.mark.parametrize("change", [("end\n", ""), ("energy -2.0\n", ""), (" -0.03\n", "\n")])
def test_n2p2_that_is_not_whole(tmp_path, change):
    path = tmp_path / "input.data"
    path.write_text(N2P2.replace(*change))
    with pytest.raises(FormatError):
        read_dataset(path)


# --- which format ---------------------------------------------------------------------------


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
