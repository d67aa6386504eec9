"""Every potential passes the public suite of elyte.testing."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest
from ase.calculators.calculator import Calculator
from ase.calculators.emt import EMT
from ase.calculators.lj import LennardJones
from ase.stress import voigt_6_to_full_3x3_stress

from elyte.core import Frame, UnknownSpecies
from elyte.potentials.protocol import Evaluation
from elyte.testing import CHECKS, FakePotential, check_potential
from elyte.testing.structures import samples


class FromASE:
    """A calculator of ASE as a potential: what an adapter to another library looks like."""

    def __init__(
        self, make: Callable[[], Calculator], species: Sequence[int], cutoff: float
    ) -> None:
        self.make, self.species, self.cutoff = make, tuple(species), cutoff

    def evaluate(self, frames: Sequence[Frame]) -> list[Evaluation]:
        return [self._evaluate(frame) for frame in frames]

    def calculator(self) -> Calculator:
        return self.make()

    def _evaluate(self, frame: Frame) -> Evaluation:
        if not set(frame.numbers.tolist()) <= set(self.species):
            raise UnknownSpecies(f"knows {self.species}, not {set(frame.numbers.tolist())}")
        atoms = frame.to_ase()
        atoms.calc = self.make()
        stress = np.zeros((3, 3))
        if frame.pbc.all():
            stress = voigt_6_to_full_3x3_stress(atoms.get_stress())
        energies = atoms.get_potential_energies()
        return Evaluation(float(energies.sum()), atoms.get_forces(), stress, energies)


def lennard_jones() -> FromASE:
    """Return argon-like atoms small enough for the suite's distances."""
    return FromASE(
        lambda: LennardJones(sigma=1.9, epsilon=0.05, rc=4.5, ro=3.5, smooth=True), (18,), 4.5
    )


@pytest.mark.parametrize("check", CHECKS)
def test_pair_potential(check):
    check_potential(FakePotential.initial((1, 6, 8), cutoff=3.5), only=[check]).require()


@pytest.mark.parametrize("check", CHECKS)
def test_lennard_jones_of_ase(check):
    # ASE's Lennard-Jones has no stress for slabs
    frames = [frame for frame in samples((18,)) if frame.pbc.all() or not frame.pbc.any()]
    check_potential(lennard_jones(), frames, only=[check]).require()


def test_effective_medium_theory_of_ase():
    check_potential(FromASE(EMT, (29, 79), 7.0), without=["parameter_derivatives"]).require()


def test_a_cutoff_that_is_not_where_the_potential_ends_is_found():
    report = check_potential(FromASE(EMT, (29, 79), 5.0), only=["cutoff"])
    assert "beyond" in report.failures[0].note
