"""How many atoms bind a ligand."""

from __future__ import annotations

import numpy as np
import pytest

from elyte.analysis.speciation.multidentate import denticity
from elyte.analysis.speciation.shells import Contacts
from elyte.core.errors import InputError
from elyte.core.quantity import Quantity
from elyte.testing.coverage import coverage


def bound(atoms: np.ndarray) -> Contacts:
    """One ligand at each ion in each frame, bound by so many atoms, (frames, ions); 0: none."""
    frame, ion = np.nonzero(atoms)
    return Contacts(*atoms.shape, atoms.shape[1], frame, ion, ion, atoms[frame, ion])


def test_shares_of_one_two_three_atoms() -> None:
    atoms = np.array([[1, 2, 1, 3, 0, 1], [1, 2, 2, 3, 0, 1]])
    found, curve = denticity([bound(atoms)], "Li+–TFSI-", 300.0)
    assert found.value == pytest.approx(5 / 10)
    np.testing.assert_allclose(curve.y, [5 / 10, 3 / 10, 2 / 10])
    assert curve.details["categories"] == ["1", "2", "3"]
    assert found.species == "Li+–TFSI-"


def test_none_bound_or_none_multidentate() -> None:
    assert "never" not in denticity([bound(np.ones((4, 8), dtype=np.int64))])[0].method
    assert "none among 8" in denticity([bound(np.ones((4, 8), dtype=np.int64))])[0].withheld
    assert "ever bound" in denticity([bound(np.zeros((4, 8), dtype=np.int64))])[0].withheld
    with pytest.raises(InputError, match="at least one run"):
        denticity([])


def test_coverage_of_the_multidentate_fraction() -> None:
    def draw(rng: np.random.Generator) -> Quantity:
        own = rng.beta(2, 4, size=40)  # ions differ from each other, and keep their habits
        atoms = 1 + (rng.random((30, 40)) < own)
        return denticity([bound(atoms.astype(np.int64))])[0]

    found = coverage(draw, 1 / 3, runs=300)
    assert 0.60 < found.inside_68 < 0.76
    assert 0.91 < found.inside_95 < 0.985
