"""The native kernel: energies, forces and stresses in C++ (csrc/mtp)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from ase.data import chemical_symbols

from elyte._native import mtp as _native
from elyte.core.errors import InputError, UnknownSpecies
from elyte.core.frame import Frame
from elyte.potentials.protocol import Evaluation


def instruction_sets() -> list[str]:
    """Return the instruction sets that this processor can run, the fastest first.

    The environment variable ELYTE_ISA chooses one of them ("avx512", "avx2", "portable").
    """
    return list(_native.instruction_sets())


class Kernel:
    """A potential prepared for the native kernel.

    Args:
        arrays: `MTP.native_arrays()`.
        isa: instruction set; the fastest when empty.
    """

    def __init__(self, arrays: dict[str, Any], isa: str = "") -> None:
        self.species = [int(z) for z in arrays["species"]]
        try:
            self.native = _native.Potential(arrays, isa)
        except ValueError as error:
            raise InputError(f"the potential cannot be prepared: {error}") from error

    def evaluate(self, frame: Frame, threads: int = 1) -> Evaluation:
        """Return energy, forces and stress of a frame.

        Raises:
            UnknownSpecies: an element that the potential does not know.
            InputError: two atoms at one point, or a box that has collapsed.
        """
        return _evaluate(frame, self.species, self.native.evaluate, threads)

    def follower(self, skin: float = 0.5, threads: int = 1) -> Follower:
        """Return what evaluates the frames of one run one after the other, keeping its list."""
        return Follower(self.native.follower(skin, threads), self.species)

    def force_field(self, skin: float = 0.5, threads: int = 1) -> object:
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


def _evaluate(
    frame: Frame, species: list[int], native: Callable[..., tuple[Any, ...]], *options: int
) -> Evaluation:
    check_species(frame, species)
    pbc = tuple(map(bool, frame.pbc))
    try:
        energy, forces, strain_gradient, energies = native(
            frame.numbers, frame.positions, frame.cell, pbc, *options
        )
    except ValueError as error:
        raise InputError(str(error)) from error
    stress = strain_gradient / frame.volume if frame.volume > 0 else np.zeros((3, 3))
    return Evaluation(energy, forces, stress, energies)


def check_species(frame: Frame, species: list[int]) -> None:
    """Raise UnknownSpecies for elements of the frame that are not among `species`."""
    unknown = sorted(set(np.unique(frame.numbers).tolist()) - set(species))
    if unknown:
        names = ", ".join(chemical_symbols[z] for z in unknown)
        known = ", ".join(chemical_symbols[z] for z in species)
        raise UnknownSpecies(f"the potential does not know {names}; it knows {known}")
