"""Potentials with one fault each, for the checks that must find it."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from elyte.core import Frame
from elyte.potentials.ase_calculator import PotentialCalculator
from elyte.potentials.protocol import Evaluation
from elyte.testing import FakePotential
from elyte.testing.structures import repeated

SPECIES = (1, 8)
Change = Callable[[Frame, Evaluation], Evaluation]


def sound() -> FakePotential:
    """Return the potential that the faults are put into."""
    return FakePotential.initial(SPECIES, cutoff=3.5, seed=2)


class Changed:
    """A sound potential whose results are changed."""

    def __init__(self, change: Change, base: FakePotential | None = None) -> None:
        self.base = base or sound()
        self.change = change
        self.species, self.cutoff = self.base.species, self.base.cutoff

    def evaluate(self, frames: Sequence[Frame]) -> list[Evaluation]:
        return [self.change(f, self.base.evaluate([f])[0]) for f in frames]

    def calculator(self) -> PotentialCalculator:
        return PotentialCalculator(self)


def plus(result: Evaluation, frame: Frame, energy: float, forces: np.ndarray) -> Evaluation:
    """Add a term to energy and forces, shared by the atoms."""
    return replace(
        result,
        energy=result.energy + energy,
        energies=result.energies + energy / len(frame),
        forces=result.forces + forces,
    )


def wrong_stress_sign() -> Changed:
    return Changed(lambda f, e: replace(e, stress=-e.stress))


def swapped_shears() -> Changed:
    def change(frame: Frame, e: Evaluation) -> Evaluation:
        stress = e.stress.copy()
        stress[1, 2], stress[0, 1] = stress[0, 1], stress[1, 2]
        stress[2, 1], stress[1, 0] = stress[1, 0], stress[2, 1]
        return replace(e, stress=stress)

    return Changed(change)


def asymmetric_stress() -> Changed:
    return Changed(lambda f, e: replace(e, stress=e.stress + np.eye(3, k=1) * 1e-3 * f.pbc.all()))


def wrong_force_factor() -> Changed:
    return Changed(lambda f, e: replace(e, forces=1.001 * e.forces))


def net_force() -> Changed:
    return Changed(lambda f, e: replace(e, forces=e.forces + [1e-6, 0, 0]))


def tied_to_the_origin() -> Changed:
    def change(frame: Frame, e: Evaluation) -> Evaluation:
        forces = -2e-4 * frame.positions
        return plus(e, frame, 1e-4 * float((frame.positions**2).sum()), forces)

    return Changed(change)


def prefers_an_axis() -> Changed:
    def change(frame: Frame, e: Evaluation) -> Evaluation:
        spread = frame.positions[:, 2] - frame.positions[:, 2].mean()
        forces = np.zeros_like(e.forces)
        forces[:, 2] = -2e-4 * spread
        return plus(e, frame, 1e-4 * float((spread**2).sum()), forces)

    return Changed(change)


def handed() -> Changed:
    def change(frame: Frame, e: Evaluation) -> Evaluation:
        r = frame.positions[:4] - frame.positions[0]
        chirality = float(np.linalg.det(r[1:4])) if len(r) == 4 else 0.0
        return replace(e, energy=e.energy + 1e-4 * chirality)

    return Changed(change)


def minds_the_order() -> Changed:
    def change(frame: Frame, e: Evaluation) -> Evaluation:
        energies = e.energies + 1e-5 * np.arange(len(frame))
        return replace(e, energies=energies, energy=float(energies.sum()))

    return Changed(change)


class WrapsWrongly(Changed):
    """Looks for images one cell away only, and does not wrap atoms into the cell first."""

    def __init__(self, cutoff: float = 3.5) -> None:
        super().__init__(lambda f, e: e, FakePotential.initial(SPECIES, cutoff))

    def evaluate(self, frames: Sequence[Frame]) -> list[Evaluation]:
        return [self._nearest_cells(frame) for frame in frames]

    def _nearest_cells(self, frame: Frame) -> Evaluation:
        if not frame.pbc.any():
            return self.base.evaluate([frame])[0]
        n, counts = len(frame), np.where(frame.pbc, 3, 1)
        large = repeated(frame, counts)
        alone = self.base.evaluate([Frame(large.numbers, large.positions)])[0]
        middle = int(np.ravel_multi_index(tuple(counts // 2), tuple(counts)))
        part = slice(middle * n, (middle + 1) * n)
        stress = self.base.evaluate([frame])[0].stress
        energies = alone.energies[part]
        return Evaluation(float(energies.sum()), alone.forces[part], stress, energies)


class MinimumImage(Changed):
    """Sees only the nearest image of each atom."""

    def __init__(self) -> None:
        super().__init__(lambda f, e: e)

    def evaluate(self, frames: Sequence[Frame]) -> list[Evaluation]:
        return [self._minimum_image(frame) for frame in frames]

    def _minimum_image(self, frame: Frame) -> Evaluation:
        whole = self.base.evaluate([frame])[0]
        if not frame.pbc.any():
            return whole
        energies = np.zeros(len(frame))
        shifts = np.array(list(itertools.product((-1, 0, 1), repeat=3))) * frame.pbc
        for i, here in enumerate(frame.positions):
            delta = frame.positions - here
            images = delta[:, None] + (shifts @ frame.cell)[None]
            nearest = images[np.arange(len(delta)), np.linalg.norm(images, axis=-1).argmin(axis=1)]
            alone = self.base.evaluate([Frame(frame.numbers, nearest)])[0]
            energies[i] = alone.energies[i]
        return replace(whole, energy=float(energies.sum()), energies=energies)


class CutStep(Changed):
    """Pairs are dropped at a distance where their energy is not zero."""

    def __init__(self) -> None:
        super().__init__(lambda f, e: e)
        self.cutoff = 0.9 * self.base.cutoff

    def evaluate(self, frames: Sequence[Frame]) -> list[Evaluation]:
        whole = self.base.evaluate(frames)
        return [self._cut(f, e) for f, e in zip(frames, whole, strict=True)]

    def _cut(self, frame: Frame, e: Evaluation) -> Evaluation:
        if len(frame) < 2 or frame.pbc.any():
            return e
        distances = np.linalg.norm(frame.positions[:, None] - frame.positions, axis=-1)
        np.fill_diagonal(distances, np.inf)
        alone = distances.min(axis=1) > self.cutoff
        kinds = [self.species.index(z) for z in frame.numbers]
        energies = np.where(alone, self.base.parameters[kinds], e.energies)
        forces = np.where(alone[:, None], 0.0, e.forces)
        return replace(e, energy=float(energies.sum()), energies=energies, forces=forces)


class LongTail(Changed):
    """Adds a force that ends in a step at the cutoff, with an energy that does not."""

    def __init__(self) -> None:
        super().__init__(self._tail)

    def _tail(self, frame: Frame, e: Evaluation) -> Evaluation:
        if frame.pbc.any():
            return e
        delta = frame.positions[None] - frame.positions[:, None]
        r = np.linalg.norm(delta, axis=-1) + 1e9 * np.eye(len(frame))
        inside = r < self.cutoff
        energies = e.energies + 0.5 * (np.where(inside, self.cutoff - r, 0.0)).sum(axis=1)
        pull = np.where(inside, -1.0 / r, 0.0)[..., None] * delta
        forces = e.forces + pull.sum(axis=1)
        return replace(e, energy=float(energies.sum()), energies=energies, forces=forces)


class ReachesFurther(Changed):
    """Fragments attract one another at any distance."""

    def __init__(self) -> None:
        super().__init__(self._reach)

    def _reach(self, frame: Frame, e: Evaluation) -> Evaluation:
        pairs = 1e-4 * len(frame) * (len(frame) - 1)
        return plus(e, frame, pairs, np.zeros_like(e.forces))


class Remembers(Changed):
    """The second frame of a batch is influenced by the first."""

    def __init__(self) -> None:
        super().__init__(lambda f, e: e)

    def evaluate(self, frames: Sequence[Frame]) -> list[Evaluation]:
        results = super().evaluate(frames)
        return [
            plus(e, f, 1e-6 * i, 0 * e.forces)
            for i, (f, e) in enumerate(zip(frames, results, strict=True))
        ]


class Stale(Changed):
    """Its calculator does not notice that atoms have moved."""

    def __init__(self) -> None:
        super().__init__(lambda f, e: e)

    def calculator(self) -> PotentialCalculator:
        calculator = PotentialCalculator(self)
        calculator.check_state = lambda atoms, tol=0: [] if calculator.results else ["positions"]
        return calculator


class VoigtMixedUp(Changed):
    """Its calculator gives the shears as xy, xz, yz."""

    def __init__(self) -> None:
        super().__init__(lambda f, e: e)

    def calculator(self) -> PotentialCalculator:
        calculator = PotentialCalculator(self)
        inner = calculator.calculate

        def calculate(*arguments: object, **options: object) -> None:
            inner(*arguments, **options)
            if "stress" in calculator.results:
                calculator.results["stress"] = calculator.results["stress"][[0, 1, 2, 5, 4, 3]]

        calculator.calculate = calculate
        return calculator


class TakesAnyElement(Changed):
    """Treats an unknown element as its first one."""

    def __init__(self) -> None:
        super().__init__(lambda f, e: e)

    def evaluate(self, frames: Sequence[Frame]) -> list[Evaluation]:
        known = [
            Frame(
                np.where(np.isin(f.numbers, self.species), f.numbers, self.species[0]),
                f.positions,
                f.cell,
                f.pbc,
            )
            for f in frames
        ]
        return super().evaluate(known)


class LosesBits(FakePotential):
    """Writes its parameters with ten digits."""

    def save(self, path) -> None:
        self.with_parameters([float(f"{x:.9e}") for x in self.parameters]).keep(path)

    def keep(self, path) -> None:
        super().save(path)


class WrongParameterDerivative(FakePotential):
    """One column of ∂E_i/∂θ is off by a percent."""

    def atom_gradients(self, frame: Frame, threads: int = 1) -> np.ndarray:
        rows = super().atom_gradients(frame)
        rows[:, 5] *= 1.01
        return rows


class ForceOnSingleAtoms(Changed):
    """A single atom feels something."""

    def __init__(self) -> None:
        super().__init__(lambda f, e: replace(e, forces=e.forces + 1e-6) if len(f) == 1 else e)


class ForgetsEnergies(Changed):
    """The energies of the atoms do not add up to that of the frame."""

    def __init__(self) -> None:
        super().__init__(lambda f, e: replace(e, energies=e.energies - 1e-6))


class SinglePrecision(Changed):
    """Declares forces of single precision."""

    def __init__(self) -> None:
        super().__init__(lambda f, e: replace(e, forces=e.forces.astype(np.float32)))


class Noisy(Changed):
    """Forces with a random part, as of a calculation that is not converged."""

    def __init__(self) -> None:
        self.random = np.random.default_rng(0)
        super().__init__(
            lambda f, e: replace(
                e, forces=e.forces + 1e-3 * self.random.normal(size=e.forces.shape)
            )
        )


class ReadsStridesWrongly(Changed):
    """Its calculator takes the memory of non-contiguous positions as it lies."""

    def __init__(self) -> None:
        super().__init__(lambda f, e: e)

    def calculator(self) -> PotentialCalculator:
        calculator = PotentialCalculator(self)
        inner = calculator.calculate

        def calculate(atoms, *arguments: object, **options: object) -> None:
            positions = atoms.arrays["positions"]
            if not positions.flags.c_contiguous:
                atoms = atoms.copy()
                raw = np.nan_to_num(np.asarray(positions.base).ravel()[: positions.size])
                atoms.arrays["positions"] = raw.reshape(-1, 3)
            inner(atoms, *arguments, **options)

        calculator.calculate = calculate
        return calculator


def subclassed(kind: type[FakePotential]) -> FakePotential:
    base = sound()
    return kind(base.species, base.cutoff, base.parameters, base.size)


FAULTS: dict[str, tuple[Callable[[], object], str]] = {
    "wrong stress sign": (wrong_stress_sign, "stress"),
    "swapped shears": (swapped_shears, "stress"),
    "asymmetric stress": (asymmetric_stress, "outputs"),
    "energies that do not add up": (ForgetsEnergies, "outputs"),
    "single precision": (SinglePrecision, "outputs"),
    "wrong force factor": (wrong_force_factor, "forces"),
    "net force": (net_force, "net_force"),
    "tied to the origin": (tied_to_the_origin, "translation"),
    "prefers an axis": (prefers_an_axis, "rotation"),
    "handed": (handed, "inversion"),
    "minds the order": (minds_the_order, "permutation"),
    "wraps wrongly": (WrapsWrongly, "lattice_shifts"),
    "images one cell away only": (lambda: WrapsWrongly(5.0), "small_cells"),
    "images one cell away only, skewed": (WrapsWrongly, "cell_choice"),
    "nearest image only": (MinimumImage, "small_cells"),
    "nearest image only, in supercells": (MinimumImage, "supercells"),
    "step at the cutoff": (CutStep, "cutoff"),
    "step of the force at the cutoff": (LongTail, "cutoff"),
    "fragments that feel one another": (ReachesFurther, "fragments"),
    "force on single atoms": (ForceOnSingleAtoms, "isolated_atoms"),
    "memory of the batch": (Remembers, "batch"),
    "stale calculator": (Stale, "calculator"),
    "Voigt order": (VoigtMixedUp, "calculator"),
    "any element": (TakesAnyElement, "unknown_species"),
    "bits lost in files": (lambda: subclassed(LosesBits), "save_load"),
    "wrong parameter derivative": (
        lambda: subclassed(WrongParameterDerivative),
        "parameter_derivatives",
    ),
    "forces that are no derivative": (wrong_force_factor, "energy_conservation"),
    "noise": (Noisy, "reversibility"),
    "memory read as it lies": (ReadsStridesWrongly, "strided_input"),
}
"""Fault → (potential, the check that must find it)."""
