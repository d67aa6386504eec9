"""Sums of potentials (a learned short range and what is added at run time), means of ensembles."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from elyte.core.errors import InputError
from elyte.core.frame import Frame
from elyte.potentials.ase_calculator import PotentialCalculator
from elyte.potentials.protocol import Evaluation, Potential


@dataclass(frozen=True)
class Sum:
    """E = Σ_k E_k of several potentials, for the elements that all of them know.

    Args:
        potentials: one at least.

    Raises:
        InputError: no potential, or no element in common.
    """

    potentials: tuple[Potential, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "potentials", tuple(self.potentials))
        if not self.potentials:
            raise InputError("a sum of potentials needs one at least")
        if not self.species:
            raise InputError("the potentials of a sum have no element in common")

    @property
    def species(self) -> tuple[int, ...]:
        """Atomic numbers that every part knows, in the order of the first part."""
        first, *others = self.potentials
        return tuple(z for z in first.species if all(z in part.species for part in others))

    @property
    def cutoff(self) -> float:
        """Largest cutoff of the parts, Å."""
        return max(part.cutoff for part in self.potentials)

    def evaluate(self, frames: Sequence[Frame]) -> list[Evaluation]:
        """Return the sums of energies, forces, stresses and atomic energies."""
        parts = [potential.evaluate(frames) for potential in self.potentials]
        return [_add(of_frame) for of_frame in zip(*parts, strict=True)]

    def calculator(self) -> PotentialCalculator:
        """Return an ASE calculator (energy, energies, forces, stress)."""
        return PotentialCalculator(self)


@dataclass(frozen=True)
class Mean:
    """E = (1/n) Σ_k E_k of the members of an ensemble; their spread is a measure of doubt.

    Args:
        members: two at least, for the same elements.

    Raises:
        InputError: fewer members, or members for different elements.
    """

    members: tuple[Potential, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "members", tuple(self.members))
        if len(self.members) < 2:
            raise InputError("an ensemble needs two potentials at least")
        if len({frozenset(member.species) for member in self.members}) > 1:
            raise InputError("the potentials of an ensemble know different elements")

    @property
    def species(self) -> tuple[int, ...]:
        """Atomic numbers, in the order of the first member."""
        return self.members[0].species

    @property
    def cutoff(self) -> float:
        """Largest cutoff of the members, Å."""
        return max(member.cutoff for member in self.members)

    def evaluate(self, frames: Sequence[Frame]) -> list[Evaluation]:
        """Return the means of energies, forces, stresses and atomic energies."""
        parts = [member.evaluate(frames) for member in self.members]
        return [_mean(of_frame) for of_frame in zip(*parts, strict=True)]

    def calculator(self) -> PotentialCalculator:
        """Return an ASE calculator (energy, energies, forces, stress)."""
        return PotentialCalculator(self)


def _mean(parts: Sequence[Evaluation]) -> Evaluation:
    whole, n = _add(parts), len(parts)
    return Evaluation(whole.energy / n, whole.forces / n, whole.stress / n, whole.energies / n)


def _add(parts: Sequence[Evaluation]) -> Evaluation:
    return Evaluation(
        energy=float(sum(part.energy for part in parts)),
        forces=np.sum([part.forces for part in parts], axis=0),
        stress=np.sum([part.stress for part in parts], axis=0),
        energies=np.sum([part.energies for part in parts], axis=0),
    )
