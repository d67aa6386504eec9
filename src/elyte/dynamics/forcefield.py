"""Any potential as a native force field."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
from ase.calculators.calculator import BaseCalculator
from numpy.typing import NDArray

from elyte._native import dynamics as native
from elyte.core.errors import InputError
from elyte.core.frame import Frame
from elyte.potentials.combine import Sum


def force_field(potential: Any, frame: Frame, threads: int = 1) -> Any:
    """Return a capsule "elyte::ForceField" for the atoms of `frame`.

    Args:
        potential: with `native()` (used as it is), or with `evaluate(frames)`, or an ASE
            calculator; the latter two are called once for each step.
        frame: atoms, periodicity.
        threads: of a native force field that is made here.

    Raises:
        InputError: none of these.
    """
    if is_capsule(potential):
        return potential
    if hasattr(potential, "native"):
        return potential.native(threads=threads) if threads > 1 else potential.native()
    cutoff = float(getattr(potential, "cutoff", 0.0) or 0.0)
    if isinstance(potential, Sum):
        return native.python_field(_BySum(potential, frame), cutoff)
    if hasattr(potential, "evaluate"):
        return native.python_field(_ByEvaluate(potential, frame), cutoff)
    if isinstance(potential, BaseCalculator):
        return native.python_field(_ByCalculator(potential, frame), cutoff)
    raise InputError(
        f"{type(potential).__name__} is no potential: it needs `native()` or `evaluate(frames)`, "
        "or must be an ASE calculator"
    )


def is_capsule(potential: Any) -> bool:
    """Return whether this is a capsule, as `native()` of a potential gives it."""
    return type(potential).__name__ == "PyCapsule"


_Result = tuple[float, NDArray[np.float64], NDArray[np.float64]]


class _ByEvaluate:
    """Positions and cell → energy, forces, ∂E/∂ε through `potential.evaluate`."""

    def __init__(self, potential: Any, frame: Frame) -> None:
        self._potential = potential
        self._frame = frame

    def __call__(self, positions: NDArray[np.float64], cell: NDArray[np.float64]) -> _Result:
        frame = self._frame.moved(positions, cell)
        result = self._potential.evaluate([frame])[0]
        strain = np.zeros((3, 3))
        if frame.volume > 0 and result.stress is not None:
            strain = np.asarray(result.stress) * frame.volume
        return (
            float(result.energy),
            np.ascontiguousarray(result.forces, dtype=float),
            np.ascontiguousarray(strain, dtype=float),
        )


class _BySum:
    """The same of a sum, each part by its fastest way: native parts keep their neighbour lists.

    Copies of a run go side by side in threads, so each thread has lists of its own.
    """

    def __init__(self, potential: Sum, frame: Frame) -> None:
        self._parts = potential.potentials
        self._frame = frame
        self._own = threading.local()

    def __call__(self, positions: NDArray[np.float64], cell: NDArray[np.float64]) -> _Result:
        if not hasattr(self._own, "parts"):
            self._own.parts = [Evaluator(part, self._frame) for part in self._parts]
        results = [part(positions, cell) for part in self._own.parts]
        energies, forces, strains = zip(*results, strict=True)
        return float(sum(energies)), np.sum(forces, axis=0), np.sum(strains, axis=0)


class _ByCalculator:
    """The same through an ASE calculator; a stress that it lacks counts as zero in no box."""

    def __init__(self, calculator: BaseCalculator, frame: Frame) -> None:
        self._atoms = frame.to_ase()
        self._atoms.calc = calculator
        self._stress = bool(frame.pbc.all()) and "stress" in calculator.implemented_properties

    def __call__(self, positions: NDArray[np.float64], cell: NDArray[np.float64]) -> _Result:
        atoms = self._atoms
        atoms.set_cell(cell)
        atoms.set_positions(positions)
        strain = np.full((3, 3), np.nan)
        if self._stress:
            strain = atoms.get_stress(voigt=False) * atoms.get_volume()
        return (
            float(atoms.get_potential_energy()),
            np.ascontiguousarray(atoms.get_forces(), dtype=float),
            np.ascontiguousarray(strain, dtype=float),
        )


class Evaluator:
    """Evaluate frames of the same atoms again and again, keeping the neighbour list."""

    def __init__(self, potential: Any, frame: Frame) -> None:
        self._field = native.Field(force_field(potential, frame))
        self._numbers = np.ascontiguousarray(frame.numbers, dtype=np.int64)
        self._pbc = [bool(p) for p in frame.pbc]

    def __call__(self, positions: NDArray[np.float64], cell: NDArray[np.float64]) -> _Result:
        """Return energy (eV), forces (n, 3) and ∂E/∂ε (3, 3, eV) at positions and cell."""
        result: _Result = self._field.evaluate(
            self._numbers, np.ascontiguousarray(positions), np.ascontiguousarray(cell), self._pbc
        )
        return result


def evaluate(potential: Any, frame: Frame) -> _Result:
    """Return energy (eV), forces (n, 3) and ∂E/∂ε (3, 3, eV) of one frame."""
    return Evaluator(potential, frame)(frame.positions, frame.cell)
