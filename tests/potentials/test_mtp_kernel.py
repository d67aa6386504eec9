"""The native kernel: MLIP's results, the reference, instruction sets, threads, bad input."""

from __future__ import annotations

import ase
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data import shared_data
from elyte.core.errors import InputError, UnknownSpecies
from elyte.core.frame import Frame
from elyte.potentials import Potential
from elyte.potentials.mtp import MTP, reference
from elyte.potentials.mtp.kernel import Kernel, instruction_sets
from elyte.testing import check_potential
from mlip_oracles import ELEMENTS, MOLECULES, Configuration, read_cfg

from .mtp_cases import SPECIES, Readable, potential, structure, unusual

ISAS = instruction_sets()


def assert_matches(kernel: Kernel, frame: Frame, expected: Configuration) -> None:
    """Equal to the digits that MLIP prints: 6 of a force, 5 of a strain gradient."""
    found = kernel.evaluate(frame)
    gradient = kernel.evaluate(frame).stress * frame.volume
    assert found.energy == pytest.approx(expected.energy, rel=1e-10)
    np.testing.assert_allclose(found.forces, expected.forces, atol=6e-7)
    if frame.volume > 0:
        np.testing.assert_allclose(gradient, expected.strain_gradient, atol=6e-6)


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize("name", MOLECULES)
def test_molecules_of_mlip(name: str, isa: str) -> None:
    folder = shared_data(f"oracles/mtp/molecules/{name}")
    mtp = MTP.load(folder / "pot.mtp", ELEMENTS[: 2 if name.startswith("291") else 1])
    kernel = Kernel(mtp.native_arrays(), isa)
    for expected in read_cfg(folder / "out.cfg"):
        assert_matches(kernel, expected.frame, expected)


@pytest.mark.parametrize("isa", ISAS)
def test_crystals_of_mlip(isa: str) -> None:
    folder = shared_data("oracles/mtp/crystals/multi/10")
    mtp = MTP.load(folder / "pot.mtp", ELEMENTS[:3])
    kernel = Kernel(mtp.native_arrays(), isa)
    for expected in read_cfg(folder / "out.cfg", 200):
        assert_matches(kernel, expected.frame, expected)


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize("level", [8, 12, 16, 20])
@pytest.mark.parametrize("species", [3, 6])
def test_liquids_of_mlip(level: int, species: int, isa: str) -> None:
    folder = shared_data("oracles/mtp_liquid")
    mtp = MTP.load(folder / f"p{level}_{species}.almtp", ELEMENTS[:species])
    assert mtp.level == level
    # the input file has more digits of the positions than the output
    [given_box] = read_cfg(folder / f"s{species}.cfg")
    [expected] = read_cfg(folder / f"out_{level}_{species}.cfg")
    assert_matches(Kernel(mtp.native_arrays(), isa), given_box.frame, expected)


def assert_equals_reference(mtp: MTP, frame: Frame, isa: str) -> None:
    found = Kernel(mtp.native_arrays(), isa).evaluate(frame)
    expected = reference.evaluate(mtp, frame)
    np.testing.assert_allclose(found.energies, expected.energies, rtol=1e-10, atol=1e-9)
    scale = 1 + np.abs(expected.forces).max()
    np.testing.assert_allclose(found.forces, expected.forces, atol=1e-10 * scale)
    np.testing.assert_allclose(found.stress, expected.stress, rtol=1e-9, atol=1e-10 * scale)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(
    seed=st.integers(0, 10_000),
    n=st.integers(1, 24),
    level=st.sampled_from([2, 4, 6, 8, 10, 12]),
    pbc=st.tuples(st.booleans(), st.booleans(), st.booleans()),
    density=st.floats(0.01, 0.12),
    radial_size=st.integers(1, 9),
    isa=st.sampled_from(ISAS),
)
def test_equals_reference(
    seed: int,
    n: int,
    level: int,
    pbc: tuple[bool, bool, bool],
    density: float,
    radial_size: int,
    isa: str,
) -> None:
    mtp = potential(level, seed=seed, radial_size=radial_size)
    assert_equals_reference(mtp, structure(seed, n, density, pbc), isa)


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize("level", [14, 16, 18, 20])
def test_equals_reference_at_high_levels(level: int, isa: str) -> None:
    assert_equals_reference(potential(level), structure(level, 11), isa)


@pytest.mark.slow
@pytest.mark.parametrize("level", [22, 24])
def test_equals_reference_at_the_highest_levels(level: int) -> None:
    assert_equals_reference(potential(level), structure(level, 5), ISAS[0])


@pytest.mark.parametrize("isa", ISAS)
def test_cell_smaller_than_the_cutoff(isa: str) -> None:
    frame = Frame([1, 6], [[0, 0, 0], [1, 1, 0.9]], 2.2 * np.eye(3), True)
    mtp = potential(12, cutoff=5.0)
    assert_equals_reference(mtp, frame, isa)
    twice = Frame.from_ase(frame.to_ase().repeat((2, 1, 3)))
    energy = mtp.evaluate([frame])[0].energy
    assert mtp.evaluate([twice])[0].energy == pytest.approx(6 * energy, rel=1e-12)


@pytest.mark.level(16)
def test_tables_in_any_order() -> None:
    mtp = unusual()
    frame = structure(1, 9)
    expected = reference.evaluate(mtp, frame)
    for isa in ISAS:
        found = Kernel(mtp.native_arrays(), isa).evaluate(frame)
        np.testing.assert_allclose(found.energies, expected.energies, rtol=1e-11)
        np.testing.assert_allclose(found.forces, expected.forces, atol=1e-10)


def test_isolated_atoms() -> None:
    mtp = potential(12)
    for z, expected in zip(SPECIES, mtp.species_coefficients, strict=True):
        found = mtp.evaluate([Frame([z], [[0, 0, 0]])])[0]
        assert found.energy == expected
        assert not found.forces.any()
    apart = Frame([1, 6, 8], np.diag([10.0, 20, 30]), 50 * np.eye(3), True)
    found = mtp.evaluate([apart])[0]
    np.testing.assert_array_equal(found.energies, mtp.species_coefficients)
    assert not found.forces.any()


def test_no_atoms() -> None:
    found = potential(8).evaluate([Frame([], np.zeros((0, 3)))])[0]
    assert found.energy == 0
    assert found.forces.shape == (0, 3)


@pytest.mark.parametrize("level", [12, 16])
def test_instruction_sets_agree_to_rounding(level: int) -> None:
    mtp, frame = potential(level), structure(4, 60)
    results = [Kernel(mtp.native_arrays(), isa).evaluate(frame) for isa in ISAS]
    for other in results[1:]:
        assert other.energy == pytest.approx(results[0].energy, rel=1e-12)
        scale = np.abs(results[0].forces).max()
        np.testing.assert_allclose(other.forces, results[0].forces, atol=1e-11 * scale)


def test_instruction_set_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    arrays = potential(8).native_arrays()
    monkeypatch.setenv("ELYTE_ISA", "portable")
    assert Kernel(arrays).native.isa == "portable"
    monkeypatch.setenv("ELYTE_ISA", "abacus")
    with pytest.raises(InputError, match=r"'abacus'.*there are: .*portable"):
        Kernel(arrays)


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize("level", [8, 16])
def test_public_suite(level: int, isa: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ELYTE_ISA", isa)
    mtp = MTP.initial(level, SPECIES, cutoff=4.0)
    assert isinstance(mtp, Potential)
    check_potential(mtp, reference=Readable(mtp)).require()


def test_capsule_for_native_dynamics() -> None:
    capsule = potential(8).native(skin=0.4, threads=2)
    assert "elyte::ForceField" in repr(capsule)
    with pytest.raises(InputError, match="skin"):
        potential(8).native(skin=-1.0)


def test_calculator() -> None:
    mtp, frame = potential(12), structure(8, 12)
    expected = mtp.evaluate([frame])[0]
    atoms = frame.to_ase()
    atoms.calc = mtp.calculator()
    # not bit by bit: the neighbours come in another order from a list with a skin
    assert atoms.get_potential_energy() == pytest.approx(expected.energy, rel=1e-13)
    assert atoms.get_potential_energy(force_consistent=True) == atoms.get_potential_energy()
    np.testing.assert_allclose(atoms.get_potential_energies(), expected.energies, rtol=1e-11)
    np.testing.assert_allclose(atoms.get_forces(), expected.forces, atol=1e-10)
    np.testing.assert_allclose(atoms.get_stress(voigt=False), expected.stress, atol=1e-10)
    atoms.rattle(0.02, seed=1)
    moved = mtp.evaluate([Frame.from_ase(atoms)])[0]
    np.testing.assert_allclose(atoms.get_forces(), moved.forces, atol=1e-10)
    molecule = ase.Atoms("CO", [[0, 0, 0], [0, 0, 1.1]], calculator=mtp.calculator())
    assert molecule.get_forces().shape == (2, 3)


def test_unknown_species() -> None:
    with pytest.raises(UnknownSpecies, match="does not know Li, Cl; it knows H, C, O"):
        potential(8).evaluate([Frame([1, 3, 17], np.eye(3))])


def test_atoms_at_one_point() -> None:
    positions = np.random.default_rng(0).uniform(0, 8, (20, 3))
    positions[13] = positions[4]
    frame = Frame(np.ones(20), positions, 8 * np.eye(3), True)
    with pytest.raises(InputError, match="atoms 4 and 13 are at one point"):
        potential(8).evaluate([frame])


def test_collapsed_box() -> None:
    positions = np.random.default_rng(0).uniform(0, 0.3, (30, 3))
    frame = Frame(np.ones(30), positions, 0.3 * np.eye(3), True)
    with pytest.raises(InputError, match="collapsed"):
        potential(8).evaluate([frame])
