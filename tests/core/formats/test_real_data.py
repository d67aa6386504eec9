"""The formats on real files, against what ASE reads or what the file prints."""

from __future__ import annotations

import ase.io
import numpy as np
import pytest

from data import shared_data
from elyte.core import FormatError
from elyte.core.formats import read_dataset, write_cfg
from elyte.core.units import BOHR, GPA, HARTREE


@pytest.mark.parametrize(
    ("name", "species", "count", "atoms"),
    [
        ("LiTi2O4_01_train.cfgs", ["Li", "Ti", "O"], 863, 28),
        ("NaClVasp300.cfgs", ["Na", "Cl"], 300, 8),
    ],
)
def test_mlip_sets(name, species, count, atoms):
    path = shared_data(f"labelled/{name}")
    dataset = read_dataset(path, species=species)
    assert len(dataset) == count
    assert {len(item.frame) for item in dataset} == {atoms}
    assert all(item.labels.stress is not None for item in dataset)
    assert max(abs(item.labels.forces.mean(axis=0)).max() for item in dataset) < 1e-5


def test_mlip_pressure_sign():
    """The first NaCl frame prints PlusStress 4.04945 4.70850 2.46275 eV: compressed, P > 0."""
    path = shared_data("labelled/NaClVasp300.cfgs")
    item = read_dataset(path, species=["Na", "Cl"])[0]
    pressure = -np.trace(item.labels.stress) / 3
    assert pressure == pytest.approx((4.04945 + 4.70850 + 2.46275) / (3 * 5.6**3), rel=1e-12)
    assert 2.0 < pressure / GPA < 4.0


@pytest.mark.parametrize("name", ["usual", "relax", "converged", "no_stresses"])
def test_outcars_as_ase_reads_them(name):
    path = shared_data(f"labelled/vasp_outcar/OUTCAR_{name}")
    images = ase.io.read(path, index=":", format="vasp-out")
    dataset = read_dataset(path)
    assert len(dataset) == len(images) == (3 if name == "relax" else 1)
    for item, atoms in zip(dataset, images, strict=True):
        results = atoms.calc.results
        assert item.frame.symbols == atoms.get_chemical_symbols()
        assert np.allclose(item.frame.positions, atoms.positions)
        assert np.allclose(item.frame.cell, atoms.cell)
        assert item.labels.energy == pytest.approx(results["free_energy"], abs=1e-9)
        assert np.allclose(item.labels.forces, results["forces"])
        if name == "no_stresses":
            assert item.labels.stress is None
        else:
            assert np.allclose(item.labels.stress, atoms.get_stress(voigt=False), rtol=1e-6)


def test_deepmd_water():
    path = shared_data("labelled/deepmd_water")
    dataset = read_dataset(path)
    assert len(dataset) == 400
    raw = path / "examples" / "water" / "data" / "data_0" / "set.000"
    first = dataset[0]
    assert len(first.frame) == 192
    assert first.frame.symbols.count("H") == 128
    assert first.labels.energy == pytest.approx(float(np.load(raw / "energy.npy").ravel()[0]))
    assert np.allclose(first.labels.forces.ravel(), np.load(raw / "force.npy")[0])
    assert first.labels.stress is None
    bonds = np.linalg.norm(first.frame.positions[:1] - first.frame.positions[64:], axis=1)
    assert bonds.min() < 1.3  # an oxygen has its hydrogen near: Å, and the types are right


def test_n2p2_water_is_a_liquid_after_conversion():
    dataset = read_dataset(shared_data("labelled/n2p2_H2O_RPBE-D3_input.data"))
    assert len(dataset) == 20
    first = dataset[0]
    assert first.labels.energy / HARTREE == pytest.approx(-1225.2, abs=1.0)
    assert first.frame.cell[0, 0] == pytest.approx(17.007526 * BOHR)
    d = first.frame.positions[:, None] - first.frame.positions
    d -= np.rint(d @ np.linalg.inv(first.frame.cell)) @ first.frame.cell
    r = np.linalg.norm(d, axis=2) + 9 * np.eye(len(first.frame))
    oxygen = first.frame.numbers == 8
    assert np.allclose(np.sort(r[oxygen][:, ~oxygen], axis=1)[:, :2], 1.0, atol=0.15)


@pytest.mark.parametrize(("name", "count"), [("20", 23), ("50", 53), ("200", 203)])
def test_carbonates(name, count):
    path = shared_data(f"labelled/carbonates_xtb/solvent_xtb_train_{name}.xyz")
    with pytest.raises(FormatError, match="'energy_xtb'"):
        read_dataset(path)
    dataset = read_dataset(path, "energy_xtb", "forces_xtb")
    assert len(dataset) == count
    atoms = [item for item in dataset if item.config_type == "IsolatedAtom"]
    assert {8, 6, 1} == {int(item.frame.numbers[0]) for item in atoms}
    clusters = [item for item in dataset if len(item.frame) > 1]
    assert all(item.frame.molecules is not None for item in clusters)


def test_two_sets_of_labels_in_one_file():
    path = shared_data("labelled/carbonates_xtb/solvent_train.xyz")
    with pytest.raises(FormatError, match="'MACE_energy', 'energy_xtb'"):
        read_dataset(path)
    xtb = read_dataset(path, "energy_xtb", "forces_xtb")
    mace = read_dataset(path, "MACE_energy", "MACE_forces")
    errors = [abs(a.labels.energy - b.labels.energy) for a, b in zip(xtb, mace, strict=True)]
    assert max(errors) > 0


def test_an_ase_trajectory_with_bare_keys():
    dataset = read_dataset(shared_data("labelled/carbonates_xtb/xtb_md.xyz"))
    assert len(dataset) == 201
    assert dataset[0].labels.energy == pytest.approx(-589.6902849308998)
    assert dataset[0].labels.charges.sum() == pytest.approx(0.0, abs=1e-6)
    assert dataset[0].frame.molecules.tolist() == [0] * 12


def test_argon():
    dataset = read_dataset(shared_data("labelled/ar_dft/Ar_dft_short.extxyz"))
    assert len(dataset) == 500
    assert dataset[0].labels.energy == pytest.approx(-62016.08626471194)


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("NaCl-set.xyz", "'dft_energy'"),
        ("mlip_test.xyz", "'dft_energy'"),
        ("mlip_train.xyz", "'dft_energy'"),
        ("NaCl_64_Atoms/NaCl_64_Atoms.extxyz", "'force'"),
        ("precomputed_NaCl-traj.xyz", "no forces"),
    ],
)
def test_awkward_files_are_refused_with_the_key_that_was_found(name, found):
    with pytest.raises(FormatError, match=found):
        read_dataset(shared_data(f"labelled/awkward_keys/{name}"))


def test_awkward_files_with_their_keys():
    folder = shared_data("labelled/awkward_keys")
    train = folder / "mlip_train.xyz"
    with pytest.raises(FormatError, match="'dft_stress'"):
        read_dataset(train, "dft_energy", "dft_forces")
    item = read_dataset(train, "dft_energy", "dft_forces", "dft_stress")[0]
    assert item.labels.stress[1, 2] == pytest.approx(0.0022821001708128283)
    assert item.labels.stress[0, 1] == pytest.approx(-0.003292566962664794)
    nacl = read_dataset(folder / "NaCl_64_Atoms" / "NaCl_64_Atoms.extxyz", forces_key="force")
    assert nacl[0].labels.forces[0, 1] == pytest.approx(-1.34151304)
    path = folder / "precomputed_NaCl-traj.xyz"
    known = read_dataset(path, forces_key="none")
    assert len(known) == 101
    assert known[0].labels.stress[0, 0] == pytest.approx(-0.00880774722797475)


@pytest.mark.parametrize("name", ["crystals/multi/10", "molecules/762/10", "molecules/291/06"])
def test_cfg_written_by_mlip_round_trips(tmp_path, name):
    path = shared_data(f"oracles/mtp/{name}/out.cfg")
    species = ["H", "C", "O"]
    dataset = read_dataset(path, species=species)
    write_cfg(tmp_path / "out.cfg", dataset, species)
    back = read_dataset(tmp_path / "out.cfg", species=species)
    assert len(back) == len(dataset)
    for one, two in zip(dataset, back, strict=True):
        assert one.labels.energy == pytest.approx(two.labels.energy, abs=1e-12)
        assert np.allclose(one.frame.positions, two.frame.positions, atol=1e-12)
        assert np.allclose(one.labels.forces, two.labels.forces, atol=1e-12)
        if one.labels.stress is not None:
            assert np.allclose(one.labels.stress, two.labels.stress, atol=1e-12)


def test_a_liquid_box_of_mlip_3():
    path = shared_data("oracles/mtp_liquid/out_16_3.cfg")
    item = read_dataset(path, species=["H", "C", "O"])[0]
    assert len(item.frame) == 1000
    assert item.labels.energy == -2025.979493388820
    assert item.labels.stress[0, 0] == pytest.approx(3654.82755 / 21.544347**3)
