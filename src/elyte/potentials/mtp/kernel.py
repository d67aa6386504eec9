"""The native kernel: energies, forces and stresses in C++ (csrc/mtp)."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any, Literal

import numpy as np
from ase.data import chemical_symbols
from numpy.typing import NDArray

from elyte._native import mtp as _native
from elyte.core.errors import CloseContact, InputError, UnknownSpecies
from elyte.core.frame import Frame
from elyte.potentials.protocol import Evaluation

Precision = Literal["double", "single"]


def instruction_sets() -> list[str]:
    """Return the instruction sets that this processor can run, the fastest first.

    The environment variable ELYTE_ISA chooses one of them ("avx512", "avx2", "portable").
    """
    return list(_native.instruction_sets())


SKIN = 0.7
"""How far a Verlet list reaches beyond the cutoff where nothing else is said, Å."""


class Kernel:
    """A potential prepared for the native kernel.

    Args:
        arrays: `MTP.native_arrays()`.
        isa: instruction set; the fastest when empty.
        precision: of the arithmetic on each neighbourhood, "double" or "single". Positions,
            radial functions, and the sums of energies, forces and stress are always in double.

    Raises:
        InputError: tables that cannot be used, an instruction set or precision that is not there.
    """

    def __init__(
        self, arrays: dict[str, Any], isa: str = "", precision: Precision = "double"
    ) -> None:
        self.species = [int(z) for z in arrays["species"]]
        try:
            self.native = _native.Potential(arrays, isa, precision)
        except ValueError as error:
            raise InputError(f"the potential cannot be prepared: {error}") from error

    def evaluate(self, frame: Frame, threads: int = 1) -> Evaluation:
        """Return energy, forces and stress of a frame; warns of a `CloseContact`.

        Raises:
            UnknownSpecies: an element that the potential does not know.
            InputError: two atoms at one point, or a box that has collapsed.
        """
        return _evaluate(frame, self.species, self.native.evaluate, threads)

    def evaluate_all(self, frames: Sequence[Frame], threads: int = 1) -> list[Evaluation]:
        """Return what `evaluate` does of each frame, with the threads shared out over frames."""
        if not frames:
            return []
        try:
            energies, forces, gradients, of_atoms, closest = self.native.evaluate_all(
                [_arrays(frame) for frame in frames], threads
            )
        except ValueError as error:
            for frame in frames:
                check_species(frame, self.species)
            raise InputError(str(error)) from error
        for k, pair in closest:
            _warn_of(frames[k], pair, 3, " of one of the frames")
        stresses = _stresses(gradients, np.array([frame.cell for frame in frames]))
        ends = np.cumsum([len(frame) for frame in frames]).tolist()
        return [
            Evaluation(energy, forces[begin:end], stress, of_atoms[begin:end])
            for energy, begin, end, stress in zip(
                energies.tolist(), [0, *ends], ends, stresses, strict=False
            )
        ]

    def follower(self, skin: float = SKIN, threads: int = 1) -> Follower:
        """Return what evaluates the frames of one run one after the other, keeping its list."""
        return Follower(self.native.follower(skin, threads), self.species)

    def force_field(self, skin: float = SKIN, threads: int = 1) -> object:
        """Return a capsule "elyte::ForceField" (csrc/forcefield.hpp)."""
        if skin < 0 or threads < 1:
            raise InputError("the skin must not be negative, and there must be a thread")
        return self.native.force_field(skin, threads)


class Follower:
    """Evaluates frames that differ little from one to the next, with a Verlet list.

    Made by `Kernel.follower`; any frame may follow on any other, then the list is built anew.
    """

    def __init__(self, native: _native.Follower, species: list[int]) -> None:
        self._native = native
        self._species = species

    @property
    def builds(self) -> int:
        """How often the neighbour list was built."""
        return self._native.builds

    def evaluate(self, frame: Frame) -> Evaluation:
        """Return energy, forces and stress of a frame; raises as `Kernel.evaluate` does."""
        return _evaluate(frame, self._species, self._native.evaluate)

    def rows(
        self, frame: Frame, kind: str = "atoms", only: Sequence[int] | None = None
    ) -> NDArray[np.float64]:
        """Return the rows ∂E_i/∂θ of `MTP.site_rows`, (n, W), made along with the forces.

        Args:
            frame: atoms.
            kind: "atoms", or "species" for the sums of rows over the atoms of each species, (s, W).
            only: atoms, ascending, of which rows are made, (len(only), W); sums are of all.
        """
        return np.asarray(_found(frame, self._species, self._native.evaluate, kind, only)[5])

    def grades(
        self, frame: Frame, maps: dict[str, Any], only: Sequence[int] | None = None
    ) -> NDArray[np.float64]:
        """Return grades as a run makes them: of atoms, (n,), those in `only` if given, or one.

        Args:
            frame: atoms.
            maps: from rows to grades, `GradeFunction.maps`.
            only: atoms, ascending.
        """
        return np.asarray(_found(frame, self._species, self._native.grades, maps, only))


def _arrays(frame: Frame) -> tuple[Any, ...]:
    return frame.numbers, frame.positions, frame.cell, tuple(frame.pbc.tolist())


def _evaluate(
    frame: Frame, species: list[int], native: Callable[..., Any], *options: Any
) -> Evaluation:
    return _result(frame, _found(frame, species, native, *options))


def _found(frame: Frame, species: list[int], native: Callable[..., Any], *options: Any) -> Any:
    """Return what a function of the kernel finds for a frame."""
    try:
        return native(*_arrays(frame), *options)
    except ValueError as error:
        check_species(frame, species)
        raise InputError(str(error)) from error


def _result(frame: Frame, values: tuple[Any, ...]) -> Evaluation:
    energy, forces, gradient, energies, closest, _ = values
    if closest is not None:
        _warn_of(frame, closest, 5)
    [stress] = _stresses(gradient, frame.cell[None])
    return Evaluation(energy, forces, stress, energies)


def _warn_of(frame: Frame, closest: tuple[int, int, float], level: int, where: str = "") -> None:
    i, j, distance = closest
    pair = f"atoms {i} ({frame.symbols[i]}) and {j} ({frame.symbols[j]})"
    message = f"{pair}{where} are {distance:.3f} Å apart, nearer than the potential is made for"
    warnings.warn(message, CloseContact, stacklevel=level)


def _stresses(gradients: NDArray[np.float64], cells: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return ∂E/∂ε over the volume, or zeros where there is no box, (frames, 3, 3)."""
    volumes = np.abs(np.linalg.det(cells))
    volumes[volumes == 0] = np.inf
    return np.asarray(gradients.reshape(-1, 3, 3) / volumes[:, None, None])


def check_species(frame: Frame, species: list[int]) -> None:
    """Raise UnknownSpecies for elements of the frame that are not among `species`."""
    unknown = sorted(set(np.unique(frame.numbers).tolist()) - set(species))
    if unknown:
        names = ", ".join(chemical_symbols[z] for z in unknown)
        known = ", ".join(chemical_symbols[z] for z in species)
        raise UnknownSpecies(f"the potential does not know {names}; it knows {known}")
