"""Vectors, planes and rotatable bonds of molecules, and how a user names them."""

from __future__ import annotations

import numpy as np
import pytest

from elyte.analysis.internal import (
    molecular_plane,
    molecular_vector,
    parse_chain,
    rotatable_dihedrals,
)
from elyte.core.errors import InputError, UnknownSpecies
from small_molecules import ACETAMIDE, ACETAMIDE_PLACES, BUTYRONITRILE, DMC, LITHIUM, TFSI, box

SYSTEM = box(LITHIUM, ACETAMIDE, DMC, DMC, TFSI, BUTYRONITRILE)


@pytest.mark.parametrize(
    ("species", "vector"),
    [("acetamide", (1, 2)), ("DMC", (0, 1)), ("C4H7N", (1, 0))],
)
def test_the_vector_of_a_molecule(species: str, vector: tuple[int, int]) -> None:
    names = [g.name for g in SYSTEM.species]
    chosen = species if species in names else {"acetamide": "C2H5NO", "C4H7N": "BN"}[species]
    chain = molecular_vector(SYSTEM[chosen], SYSTEM)
    assert chain is not None
    assert chain.places == (vector,)
    assert "→" in chain.label


def test_atoms_have_no_vector_and_lines_no_plane() -> None:
    assert molecular_vector(SYSTEM["Li+"], SYSTEM) is None
    water = box((["O", "H", "H"], [(0, 1), (0, 2)]))
    line = np.array([[0.0, 0, 0], [1, 0, 0], [-1, 0, 0]])
    assert molecular_plane(water.species[0], water, line) is None
    bent = np.array([[0.0, 0, 0], [1, 0, 0], [0, 1, 0]])
    assert molecular_plane(water.species[0], water, bent) == (0, 1, 2)
    amide = box(ACETAMIDE)
    axes = molecular_plane(amide.species[0], amide, ACETAMIDE_PLACES)
    assert axes is not None
    assert axes[:2] == (1, 2)
    assert amide.numbers[axes[2]] > 1


def test_rotatable_bonds() -> None:
    (carbonate,) = rotatable_dihedrals(SYSTEM["DMC"], SYSTEM)  # both ester bonds are of one kind
    assert len(carbonate.places) == 2
    assert carbonate.rows.shape == (4, 4)
    assert {p[0] for p in carbonate.places} | {p[3] for p in carbonate.places} >= {4, 5}
    (backbone,) = rotatable_dihedrals(SYSTEM["TFSI-"], SYSTEM)  # C–S–N–S, twice
    assert backbone.label == "C–S–N–S(TFSI-)"
    assert len(backbone.places) == 2
    nitrile = next(g for g in SYSTEM.species if g.atoms.shape[1] == 12 and g.name != "DMC")
    (chain,) = rotatable_dihedrals(nitrile, SYSTEM)  # not through the linear C–C≡N
    assert chain.label.startswith("C–C–C–C")
    ring = box((["C", "C", "C", "C", "C", "C"], [(0, 1), (1, 2), (2, 3), (3, 4), (4, 5), (5, 0)]))
    assert rotatable_dihedrals(ring.species[0], ring) == []


def test_chains_as_a_user_writes_them() -> None:
    chain = parse_chain("DMC: 5-3-1-2: cis -60..60, trans 120..240", SYSTEM, 4)
    assert chain.places == ((4, 2, 0, 1),)
    assert chain.label == "C5–O3–C1–O2(DMC)"
    assert chain.regions == {"cis": (-60.0, 60.0), "trans": (120.0, 240.0)}
    np.testing.assert_array_equal(chain.rows, SYSTEM["DMC"].atoms[:, [4, 2, 0, 1]])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("DMC 1-2-3-4", "not of the form"),
        ("DMC: 1-2-3", "4 places"),
        ("DMC: 1-2-3-99", "from 1 to 12"),
        ("DMC: 1-1-2-3", "different"),
        ("DMC: 1-2-3-4: gauche", "is written as"),
    ],
)
def test_chains_that_make_no_sense(text: str, words: str) -> None:
    with pytest.raises(InputError, match=words):
        parse_chain(text, SYSTEM, 4)


def test_a_chain_of_no_species() -> None:
    with pytest.raises(UnknownSpecies, match="it has"):
        parse_chain("EC: 1-2", SYSTEM, 2)
