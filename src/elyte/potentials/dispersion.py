"""D3 as a potential, to be added to a learned one: E = E_MLP + E_D3."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from elyte.core.errors import UnknownSpecies
from elyte.core.frame import Frame
from elyte.potentials.ase_calculator import PotentialCalculator
from elyte.potentials.protocol import Evaluation
from elyte.reference.dispersion import (
    LARGEST_ELEMENT,
    DispersionSettings,
    evaluate_dispersion,
)


@dataclass(frozen=True)
class Dispersion:
    """The dispersion energy of D3, its forces and stress, through `dftd3`.

    Args:
        settings: method, damping, cutoff.
        species: atomic numbers; by default all that D3 has parameters for.
        atomic: whether the energies of atoms are computed, which takes half of the time; without
            them every atom has the same share of the energy.

    Raises:
        MissingDependency: dftd3 is not installed.
    """

    settings: DispersionSettings = field(default_factory=DispersionSettings)
    species: tuple[int, ...] = tuple(range(1, LARGEST_ELEMENT + 1))
    atomic: bool = True

    @property
    def cutoff(self) -> float:
        """Largest distance at which two atoms see each other, Å."""
        return self.settings.reach

    def evaluate(self, frames: Sequence[Frame]) -> list[Evaluation]:
        """Return energy, forces and stress of each frame.

        Raises:
            UnknownSpecies: an element that is not among `species`.
        """
        return [self._evaluate(frame) for frame in frames]

    def calculator(self) -> PotentialCalculator:
        """Return an ASE calculator (energy, energies, forces, stress)."""
        return PotentialCalculator(self)

    def _evaluate(self, frame: Frame) -> Evaluation:
        missing = set(frame.numbers.tolist()) - set(self.species)
        if missing:
            raise UnknownSpecies(f"the dispersion knows no element {sorted(missing)}")
        labels, energies = evaluate_dispersion(frame, self.settings, self.atomic)
        share = np.full(len(frame), labels.energy / max(1, len(frame)))
        return Evaluation(
            energy=labels.energy,
            forces=np.zeros((0, 3)) if labels.forces is None else labels.forces,
            stress=np.zeros((3, 3)) if labels.stress is None else labels.stress,
            energies=share if energies is None else energies,
        )
