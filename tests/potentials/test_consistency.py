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
    if check == "supercells":
        pytest.skip("a slab of ASE's Lennard-Jones has no stress")
    check_potential(lennard_jones(), only=[check]).require()


def test_effective_medium_theory_of_ase_has_a_step_at_its_cutoff():
    # EMT ends by a Fermi function, small but not zero: the one thing that it does not pass
    gold = FromASE(EMT, (29, 79), EMT().parameters.get("cutoff", 0) or 5.0)
    report = check_potential(gold, without=["cutoff", "small_cells", "isolated_atoms"])
    assert {check.name for check in report.failures} <= {"conserved energy"}, str(report)
