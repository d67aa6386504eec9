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
from elyte.potentials.ase_calculator import PotentialCalculator
from elyte.potentials.mtp import MTP, reference
from elyte.potentials.protocol import Evaluation
from elyte.testing import CHECKS, FakePotential, check_potential
from elyte.testing.structures import cluster, liquid, samples, small_cell


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


def moment_tensor(level: int, species: Sequence[int] = (1, 6, 8), **options: float) -> MTP:
    """Return an untrained potential whose energies and forces are of the usual size."""
    start = MTP.initial(level, species, min_distance=1.2, seed=level, **options)
    theta = start.parameters
    s, a = len(start.species), len(start.moment_coefficients)
    random = np.random.default_rng(level)
    theta[:s] = np.linspace(-3, 2, s)
    theta[s : s + a] = random.uniform(-0.5, 0.5, a)
    theta[s + a :] = random.uniform(-1, 1, len(theta) - s - a)
    return start.with_parameters(theta)


@pytest.mark.parametrize("check", CHECKS)
def test_moment_tensor_kernel(check):
    check_potential(moment_tensor(12, cutoff=4.0), only=[check]).require()


class Readable:
    """The NumPy reference of a moment tensor potential."""

    def __init__(self, potential: MTP) -> None:
        self.potential = potential
        self.species, self.cutoff = potential.species, potential.cutoff

    def evaluate(self, frames: Sequence[Frame]) -> list[Evaluation]:
        return [reference.evaluate(self.potential, frame) for frame in frames]

    @property
    def parameters(self) -> np.ndarray:
        return self.potential.parameters

    def with_parameters(self, theta: np.ndarray) -> Readable:
        return Readable(self.potential.with_parameters(theta))

    def atom_gradients(self, frame: Frame) -> np.ndarray:
        return reference.atom_gradients(self.potential, frame)

    def calculator(self) -> PotentialCalculator:
        return PotentialCalculator(self)


@pytest.mark.parametrize("check", CHECKS)
def test_moment_tensor_reference(check):
    readable = Readable(moment_tensor(8, (3, 8), cutoff=3.0))
    frames = [liquid((3, 8), (2, 2, 3)), small_cell((3, 8)), cluster((3, 8))]
    check_potential(readable, frames, only=[check]).require()


@pytest.mark.parametrize("level", [2, 8, 16])
def test_moment_tensor_kernel_equals_the_reference(level):
    potential = moment_tensor(level, cutoff=4.0)
    check_potential(potential, reference=Readable(potential), only=[]).require()


@pytest.mark.parametrize("level", [2, 8, 16, 20])
def test_moment_tensor_kernel_at_other_levels(level):
    chosen = ["forces", "stress", "rotation", "small_cells", "lattice_shifts", "cutoff"]
    potential = moment_tensor(level, (3, 8), cutoff=3.5)
    check_potential(potential, only=chosen).require()
