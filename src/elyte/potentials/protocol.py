"""What every potential gives: `Evaluation`, and the `Potential` protocol."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from ase.calculators.calculator import Calculator
from numpy.typing import NDArray

from elyte.core.frame import Frame


@dataclass(frozen=True, eq=False)
class Evaluation:
    """Energy of a frame and its derivatives.

    Args:
        energy: eV.
        forces: −∂E/∂r, eV/Å, (n, 3).
        stress: ASE's sign σ = (1/V) ∂E/∂ε (tension positive), eV/Å³, (3, 3); zeros without a box.
        energies: energy of each atom where the potential has such, eV, (n,).
    """

    energy: float
    forces: NDArray[np.float64]
    stress: NDArray[np.float64]
    energies: NDArray[np.float64]


@runtime_checkable
class Potential(Protocol):
    """A machine-learned or classical potential."""

    @property
    def species(self) -> tuple[int, ...]:
        """Atomic numbers that the potential knows."""

    @property
    def cutoff(self) -> float:
        """Largest distance at which two atoms see each other, Å."""

    def evaluate(self, frames: Sequence[Frame]) -> list[Evaluation]:
        """Return energy, forces and stress of each frame."""

    def calculator(self) -> Calculator:
        """Return an ASE calculator (energy, forces, stress)."""
