"""Conformers: constructed molecules, mirror images, atoms found from bonds, coverage."""

from __future__ import annotations

import numpy as np
import pytest

from elyte.analysis.structure.conformers import (
    PYR14,
    TFSI,
    conformer_populations,
    conformers,
    pyr14_atoms,
    pyr14_conformers,
    pyr14_distances,
    tfsi_angles,
    tfsi_atoms,
    tfsi_conformers,
)
from elyte.core.errors import InputError
from elyte.core.quantity import Quantity
from elyte.testing.coverage import coverage
from elyte.testing.synthetic import exchange

TFSI_BONDS = [(0, 1), (1, 2), (2, 3), (3, 4)]
# N 0; ring 1 2 3 4; methyl 5; tail 6 7 8 9
PYR_BONDS = [(0, 1), (1, 2), (2, 3), (3, 4), (4, 0), (0, 5), (0, 6), (6, 7), (7, 8), (8, 9)]


def tfsi(phi: float, psi: float) -> np.ndarray:
    """C, S, N, S, C with S–S along z and C and N at given angles around it."""
    a, b = np.radians([phi, psi])
    return np.array([
        [1.7, 0, -0.6], [0, 0, 0], [0.7 * np.cos(b), 0.7 * np.sin(b), 1.4], [0, 0, 2.8],
        [1.7 * np.cos(a), 1.7 * np.sin(a), 3.4],
    ])  # fmt: skip


@pytest.mark.parametrize("mirror", [1, -1])
@pytest.mark.parametrize(
    ("phi", "psi", "name"),
    [(40, 20, "Cis"), (40, -160, "aCis"), (40, 70, "aCis"), (170, 80, "Trans"),
     (170, -100, "aTrans"), (91, 10, "Trans"), (89, 10, "Cis")],
)  # fmt: skip
def test_tfsi(phi: float, psi: float, name: str, mirror: int) -> None:
    angles = tfsi_angles(tfsi(mirror * phi, mirror * psi)[None], [[0, 1, 2, 3, 4]])
    assert angles[0][0, 0] == pytest.approx(mirror * phi)
    assert angles[1][0, 0] == pytest.approx(mirror * psi)
    assert TFSI[tfsi_conformers(*angles)[0, 0]] == name
    swapped = tfsi_angles(tfsi(mirror * phi, mirror * psi)[None], [[4, 3, 2, 1, 0]])
    assert TFSI[tfsi_conformers(*swapped)[0, 0]] == name  # from the other end


def test_tfsi_atoms_from_bonds() -> None:
    numbers = np.tile([6, 16, 7, 16, 6, 8], 2)
    bonds = [*TFSI_BONDS, (1, 5)]
    both = np.array(bonds + [(i + 6, j + 6) for i, j in bonds])
    np.testing.assert_array_equal(tfsi_atoms(numbers, both), [[0, 1, 2, 3, 4], [6, 7, 8, 9, 10]])
    with pytest.raises(InputError, match="of TFSI"):
        tfsi_atoms([6, 8], [[0, 1]])


def test_pyr14() -> None:
    numbers = [7] + [6] * 9
    atoms = pyr14_atoms(numbers, PYR_BONDS)
    np.testing.assert_array_equal(atoms, [[9, 5, 1, 4]])
    x = np.zeros((2, 10, 3))
    x[:, 5], x[:, 1], x[:, 4] = [0, 1.5, 0], [0, 0, 1.5], [0, 0, -1.4]
    x[0, 9], x[1, 9] = [0, -5, 0], [4.5, 0, 0]
    r1, r2 = pyr14_distances(x, atoms)
    np.testing.assert_allclose(r2[:, 0], [6.5, np.hypot(4.5, 1.5)])
    np.testing.assert_allclose(r1[:, 0], [np.hypot(5, 1.4), np.hypot(4.5, 1.4)])
    assert [PYR14[k] for k in pyr14_conformers(r2)[:, 0]] == ["anti", "gauche"]
    wrapped = x % 8.0
    cell = 8.0 * np.eye(3)
    near = np.linalg.norm((x[1, 9] - x[1, 5] + 4) % 8 - 4)
    assert pyr14_distances(wrapped, atoms, cell)[1][1, 0] == pytest.approx(near)
    with pytest.raises(InputError, match="pyrrolidinium"):
        pyr14_atoms(numbers, PYR_BONDS[:-1])


def test_own_regions() -> None:
    angle = np.array([[170.0, -170, 60, -60, 10]])
    regions = {"trans": [(120, -120)], "g+": [(30, 90)], "g-": [(-90, -30)]}
    np.testing.assert_array_equal(conformers([angle], regions, 360), [[0, 0, 1, 2, -1]])
    r1, r2 = np.array([[3.0, 5.0]]), np.array([[4.0, 4.0]])
    found = conformers([r1, r2], {"scorpion": [(0, 4.5), (0, 6)], "rest": [(0, 9), (0, 9)]})
    np.testing.assert_array_equal(found, [[0, 1]])


@pytest.mark.parametrize(("frames", "molecules", "lifetime"), [(150, 24, 30.0), (600, 1, 4.0)])
def test_coverage_of_a_fraction(frames: int, molecules: int, lifetime: float) -> None:
    def draw(rng: np.random.Generator) -> Quantity:
        states = exchange(rng, frames, molecules, 0.4, lifetime).astype(int)
        return conformer_populations([states], PYR14, "PYR14")[1]

    found = coverage(draw, 0.4, runs=70)
    assert 0.54 < found.inside_68 < 0.82
    assert 0.88 < found.inside_95 <= 1.0


def test_withheld_alone_in_vacuum_without_a_change() -> None:
    found = conformer_populations([np.zeros((500, 1), dtype=int)], PYR14, "PYR14")
    assert found[0].withheld == "none of 1 molecules ever leaves it"
    assert found[1].withheld == "none of 1 molecules ever enters it"
    assert found[1].species == "PYR14 gauche"


def test_bad_input() -> None:
    with pytest.raises(InputError, match="has shape"):
        tfsi_conformers(np.zeros((2, 1)), np.zeros((2, 2)))
    with pytest.raises(InputError, match="not finite"):
        tfsi_conformers([[np.nan]], [[0.0]])
    with pytest.raises(InputError, match="not finite"):
        pyr14_conformers([[np.nan]])
    with pytest.raises(InputError, match="region 'a' bounds 2 of 1"):
        conformers([np.zeros((1, 1))], {"a": [(0, 1), (0, 1)]})
    with pytest.raises(InputError, match="of one shape"):
        conformers([], {"a": []})
    with pytest.raises(InputError, match="that none of anti, gauche has"):
        conformer_populations([np.full((2, 2), 2)], PYR14)
    with pytest.raises(InputError, match="as indices"):
        conformer_populations([np.zeros((2, 2))], PYR14)
    with pytest.raises(InputError, match=r"expected \(m, 2\)"):
        tfsi_atoms([6], [1, 2])
