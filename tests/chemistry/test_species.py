"""The library: formulas, charges, conformers and named sites of every species."""

from __future__ import annotations

import numpy as np
import pytest
from ase.data import atomic_numbers, covalent_radii
from rdkit import Chem
from rdkit.Chem.rdMolDescriptors import CalcMolFormula

from elyte.chemistry import SPECIES, conformer, find_species, sites
from elyte.chemistry.conformers import bonds_of, molecule_of
from elyte.chemistry.species import atom_count, element_counts, from_smiles, ions_of, mass
from elyte.core import InputError, UnknownSpecies

MOLECULES = [name for name, s in SPECIES.items() if s.role != "element"]

# Å; from crystal structures and microwave spectroscopy, ± what a force field may differ.
BOND_LENGTHS = {
    ("PF6-", "P", "F"): (1.55, 1.65),
    ("BF4-", "B", "F"): (1.35, 1.43),
    ("TFSI-", "S", "N"): (1.53, 1.63),
    ("TFSI-", "S", "O"): (1.40, 1.50),
    ("TFSI-", "C", "F"): (1.30, 1.40),
    ("EC", "C", "O"): (1.17, 1.46),
    ("water", "O", "H"): (0.94, 0.99),
    ("urea", "N", "H"): (0.98, 1.03),
    ("EMIM+", "C", "N"): (1.30, 1.50),
}


def test_the_library_holds_what_the_papers_need() -> None:
    wanted = (
        "Li+ PF6- BF4- TFSI- EMIM+ BMIM+ PYR14+ F-OMIM+ C4F9CO2- EC EMC DMC DEC PC FEC urea "
        "acetamide N-methylacetamide water choline+ Cl- Li P S Cl"
    )
    assert set(wanted.split()) <= set(SPECIES)


@pytest.mark.parametrize("name", MOLECULES)
def test_formula_and_charge_are_those_of_the_smiles(name: str) -> None:
    species = SPECIES[name]
    molecule = molecule_of(species.smiles)
    assert Chem.GetFormalCharge(molecule) == species.charge
    counts = {
        a: sum(x.GetSymbol() == a for x in molecule.GetAtoms()) for a in element_counts(species)
    }
    assert counts == dict(element_counts(species))
    assert CalcMolFormula(molecule).rstrip("+-0123456789") == species.formula.rstrip("0123456789")
    assert (species.charge > 0) == (species.role == "cation")
    assert (species.charge < 0) == (species.role == "anion")


@pytest.mark.parametrize("name", MOLECULES)
def test_conformers_are_sane(name: str) -> None:
    for seed in (0, 3):
        frame = conformer(name, seed)
        assert len(frame) == atom_count(SPECIES[name])
        np.testing.assert_allclose(frame.masses @ frame.positions, 0.0, atol=1e-9)
        bonds = bonds_of(name)
        distances = np.linalg.norm(frame.positions[:, None] - frame.positions[None], axis=-1)
        sums = covalent_radii[frame.numbers][:, None] + covalent_radii[frame.numbers][None]
        bonded = np.eye(len(frame), dtype=bool)
        bonded[bonds[:, 0], bonds[:, 1]] = bonded[bonds[:, 1], bonds[:, 0]] = True
        ratio = distances / sums
        off = ~np.eye(len(frame), dtype=bool)
        assert (ratio[bonded & off] > 0.75).all()
        assert (ratio[bonded & off] < 1.2).all()
        assert (ratio[~bonded] > 1.2).all()


@pytest.mark.parametrize(("name", "first", "second"), list(BOND_LENGTHS))
def test_bond_lengths(name: str, first: str, second: str) -> None:
    frame = conformer(name)
    kinds = {atomic_numbers[first], atomic_numbers[second]}
    lengths = [
        np.linalg.norm(frame.positions[i] - frame.positions[j])
        for i, j in bonds_of(name)
        if set(frame.numbers[[i, j]]) == kinds
    ]
    low, high = BOND_LENGTHS[name, first, second]
    assert lengths
    assert low < min(lengths) <= max(lengths) < high


def test_flexible_molecules_have_different_conformers_and_the_same_seed_repeats() -> None:
    first, second = conformer("TFSI-", 1), conformer("TFSI-", 2)
    assert np.abs(first.positions - second.positions).max() > 0.1
    np.testing.assert_array_equal(first.positions, conformer("TFSI-", 1).positions)


def test_names_aliases_salts_and_smiles() -> None:
    assert find_species("Li⁺").name == "Li+"
    assert find_species("PF₆⁻").name == "PF6-"
    assert find_species("Ethylene Carbonate").name == "EC"
    assert find_species("NMA").name == "N-methylacetamide"
    assert find_species("smiles:O=C1OCCO1").name == "EC"
    assert ions_of("LiPF6") == {"Li+": 1, "PF6-": 1}
    assert ions_of("EMIM-BF4") == ions_of("EMIMBF4") == {"EMIM+": 1, "BF4-": 1}
    assert ions_of("Mg(TFSI)2") == {"Mg2+": 1, "TFSI-": 2}
    assert ions_of("choline chloride") == {"choline+": 1, "Cl-": 1}
    ethanol = from_smiles("CCO", 0)
    assert find_species(ethanol.name) == ethanol
    assert mass(ethanol) == pytest.approx(46.07, abs=0.01)
    assert len(conformer(ethanol.name)) == 9


def test_unknown_species_names_the_nearest() -> None:
    with pytest.raises(UnknownSpecies, match=r"unknown species 'LiPF7' \(did you mean 'LiPF6'\?\)"):
        ions_of("LiPF7")
    with pytest.raises(UnknownSpecies, match="did you mean 'acetamide'"):
        find_species("acetamid")


@pytest.mark.parametrize(
    ("smiles", "charge", "message"),
    [
        ("C1CC", None, "not a SMILES"),
        ("[Li+].[Cl-]", None, "several molecules"),
        ("CCO", 1, r"has charge 0, but charge \+1 is stated"),
        ("", None, "not a SMILES"),
    ],
)
def test_bad_smiles(smiles: str, charge: int | None, message: str) -> None:
    with pytest.raises(InputError, match=message):
        from_smiles(smiles, charge)


def test_sites_of_carbonates_and_anions() -> None:
    ec = sites("EC")
    frame = conformer("EC")
    assert [len(ec[n]) for n in ("O", "O(carbonyl)", "O(ether)", "H(methylene)")] == [3, 1, 2, 4]
    (oxygen,) = ec["O(carbonyl)"]
    (carbon,) = ec["C(carbonyl)"]
    assert np.linalg.norm(frame.positions[oxygen] - frame.positions[carbon]) < 1.25
    assert len(sites("VC")["O(ether)"]) == 2
    assert len(sites("EMC")["C(methyl)"]) == 2
    assert len(sites("TFSI-")["O(sulfonyl)"]) == 4
    assert len(sites("PF6-")["F"]) == 6
    assert len(sites("C4F9CO2-")["O(carboxylate)"]) == 2
    assert len(sites("EMIM+")["C2"]) == len(sites("EMIM+")["H(C2)"]) == 1
    assert len(sites("choline+")["O(hydroxyl)"]) == 1


def _dihedral(p: np.ndarray, i: int, j: int, k: int, m: int) -> float:
    """The textbook formula with atan2, other than the library's."""
    a, b, c = p[j] - p[i], p[k] - p[j], p[m] - p[k]
    x = np.dot(np.cross(a, b), np.cross(b, c))
    y = np.linalg.norm(b) * np.dot(a, np.cross(b, c))
    return abs(np.degrees(np.arctan2(y, x)))


@pytest.mark.parametrize(
    ("name", "cis", "trans"), [("urea", 2, 2), ("acetamide", 1, 1), ("N-methylacetamide", 0, 1)]
)
def test_amide_hydrogens_cis_and_trans_in_every_conformer(name: str, cis: int, trans: int) -> None:
    found = sites(name)
    assert len(found.get("H(cis)", [])) == cis
    assert len(found.get("H(trans)", [])) == trans
    (oxygen,), (carbon,) = found["O(amide)"], found["C(carbonyl)"]
    neighbours = {int(h): int(n) for n, h in map(sorted, bonds_of(name))}
    for seed in range(6):
        positions = conformer(name, seed).positions
        for kind, low, high in (("H(cis)", 0, 60), ("H(trans)", 120, 180.1)):
            for hydrogen in found.get(kind, []):
                angle = _dihedral(positions, oxygen, carbon, neighbours[int(hydrogen)], hydrogen)
                assert low <= angle < high
