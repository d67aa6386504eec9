"""The language for sites: species, elements, kinds, functional groups, cis, trans, MDAnalysis."""

from __future__ import annotations

import numpy as np
import pytest

from elyte.analysis.functional import amide_hydrogens, functional_groups
from elyte.analysis.sites import find_pair, find_site
from elyte.core.errors import InputError, UnknownSpecies
from elyte.core.frame import Frame
from small_molecules import ACETAMIDE, ACETAMIDE_PLACES, BUTYRONITRILE, DMC, LITHIUM, TFSI, box

SYSTEM = box(LITHIUM, ACETAMIDE, DMC, TFSI, BUTYRONITRILE)
AMIDE, CARBONATE, IMIDE, NITRILE = 1, 10, 22, 37  # first atoms


def atoms(text: str, **more: object) -> list[int]:
    return find_site(text, SYSTEM, **more).atoms.tolist()  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Li", [0]),
        ("Li+", [0]),
        ("lithium", [0]),
        ("O(amide)", [AMIDE + 2]),
        ("oxygen(amide)", [AMIDE + 2]),
        ("N(amide)", [AMIDE + 3]),
        ("H(amide)", [AMIDE + 7, AMIDE + 8]),
        ("carbonyl O(DMC)", [CARBONATE + 1]),
        ("O(carbonate)", [CARBONATE + k for k in (1, 2, 3)]),
        ("carbonyl O", [AMIDE + 2, CARBONATE + 1]),
        ("N(nitrile)", [NITRILE]),
        ("N(sulfonylimide)", [IMIDE + 2]),
        ("O(TFSI)", [IMIDE + k for k in (5, 6, 7, 8)]),
        ("sulfonyl O(TFSI-)", [IMIDE + k for k in (5, 6, 7, 8)]),
    ],
)
def test_atoms_of_a_site(text: str, expected: list[int]) -> None:
    assert atoms(text) == expected


def test_species_of_several_atoms_are_their_centres() -> None:
    for text in ("TFSI-", "TFSI", "centre(TFSI)"):
        site = find_site(text, SYSTEM)
        assert site.centres
        assert site.atoms.tolist() == [3]
        assert site.molecules(SYSTEM).tolist() == [3]
    assert find_site("O(TFSI)", SYSTEM).molecules(SYSTEM).tolist() == [3] * 4


def test_hydrogen_cis_and_trans_to_the_carbonyl() -> None:
    places = np.concatenate([np.zeros((1, 3)), ACETAMIDE_PLACES, np.ones((39, 3)) * 15])
    frame = Frame(SYSTEM.numbers, places, np.eye(3) * 30, True)  # type: ignore[arg-type]
    for text in ("cis H(amide)", "hydrogen cis to the carbonyl", "H cis to the carbonyl of amide"):
        assert atoms(text, frame=frame) == [AMIDE + 7]
    assert atoms("trans H(amide)", frame=frame) == [AMIDE + 8]
    assert SYSTEM.bonds is not None
    shifted = places.copy()
    shifted[AMIDE + 7] += [30, 0, 0]  # an image of it
    cis, trans = amide_hydrogens(SYSTEM.numbers, SYSTEM.bonds, shifted, np.eye(3) * 30)
    assert (cis.tolist(), trans.tolist()) == ([AMIDE + 7], [AMIDE + 8])
    with pytest.raises(InputError, match="needs bonds"):
        find_site("cis H(amide)", SYSTEM)


def test_pairs_and_their_dashes() -> None:
    for text in ("Li–O(amide)", "Li - O(amide)", "Li-O(amide)", "Li+-O(amide)", "Li+ — O(amide)"):
        a, b = find_pair(text, SYSTEM)
        assert (a.atoms.tolist(), b.atoms.tolist()) == ([0], [AMIDE + 2])
    with pytest.raises(InputError, match="no pair of sites"):
        find_pair("Li", SYSTEM)


def test_selections_of_mdanalysis() -> None:
    pytest.importorskip("MDAnalysis")
    assert atoms("resname DMC and element O") == [CARBONATE + k for k in (1, 2, 3)]
    with pytest.raises(InputError, match="neither a site"):
        find_site("resname and", SYSTEM)
    with pytest.raises(InputError, match="holds no atoms"):
        find_site("resname XYZ", SYSTEM)


@pytest.mark.parametrize("text", ["O(EC)", "hydroxyl O(DMC)", "Na", "centre(EC)", "S(DMC)"])
def test_what_is_not_there_is_refused(text: str) -> None:
    with pytest.raises(UnknownSpecies):
        find_site(text, SYSTEM)


def test_functional_groups_by_their_bonds() -> None:
    assert SYSTEM.bonds is not None
    found = functional_groups(SYSTEM.numbers, SYSTEM.bonds)
    assert set(found) == {"carbonyl", "amide", "carbonate", "nitrile", "sulfonyl", "sulfonylimide"}
    cases = {  # SMILES-like sketches of other groups
        "ester": (["C", "O", "O", "C", "C"], [(0, 1), (0, 2), (2, 3), (0, 4)]),
        "acid": (["C", "O", "O", "H", "C"], [(0, 1), (0, 2), (2, 3), (0, 4)]),
        "carboxylate": (["C", "O", "O", "C"], [(0, 1), (0, 2), (0, 3)]),
        "ketone": (["C", "O", "C", "C"], [(0, 1), (0, 2), (0, 3)]),
        "aldehyde": (["C", "O", "C", "H"], [(0, 1), (0, 2), (0, 3)]),
        "urea": (["C", "O", "N", "N"], [(0, 1), (0, 2), (0, 3)]),
        "carbamate": (["C", "O", "N", "O", "C"], [(0, 1), (0, 2), (0, 3), (3, 4)]),
        "ether": (["C", "O", "C"], [(0, 1), (1, 2)]),
        "alcohol": (["C", "O", "H"], [(0, 1), (1, 2)]),
        "amine": (["N", "H", "H", "H"], [(0, 1), (0, 2), (0, 3)]),
    }
    for name, molecule in cases.items():
        system = box(molecule)
        assert system.bonds is not None
        groups = set(functional_groups(system.numbers, system.bonds)) - {"carbonyl"}
        assert name in groups
        assert groups <= {name, "amide"}
