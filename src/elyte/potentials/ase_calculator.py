"""Any potential as an ASE calculator."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from ase import Atoms
from ase.calculators.calculator import Calculator, all_changes
from ase.stress import full_3x3_to_voigt_6_stress

from elyte.core.frame import Frame
from elyte.potentials.protocol import Evaluation


class _Evaluates(Protocol):
    @property
    def evaluate(self) -> Callable[..., list[Evaluation]]: ...


class PotentialCalculator(Calculator):
    """ASE calculator of a potential: energy, free_energy, energies, forces, stress (Voigt).

    Args:
        potential: what evaluates frames.
        evaluate: evaluates one frame; `potential.evaluate` where it is not given.
    """

    implemented_properties = ["energy", "free_energy", "energies", "forces", "stress"]  # noqa: RUF012

    def __init__(
        self, potential: _Evaluates, evaluate: Callable[[Frame], Evaluation] | None = None
    ) -> None:
        super().__init__()
        self.potential = potential
        self._evaluate = evaluate or (lambda frame: potential.evaluate([frame])[0])

    def calculate(
        self,
        atoms: Atoms | None = None,
        properties: list[str] | None = None,
        system_changes: list[str] = all_changes,
    ) -> None:
        """Evaluate the potential; called by ASE."""
        super().calculate(atoms, properties, system_changes)
        structure: Atoms = self.atoms  # type: ignore[assignment]
        result = self._evaluate(Frame.from_ase(structure))
        self.results = {
            "energy": result.energy,
            "free_energy": result.energy,
            "energies": result.energies,
            "forces": result.forces,
        }
        if structure.cell.rank == 3:
            self.results["stress"] = full_3x3_to_voigt_6_stress(result.stress)
