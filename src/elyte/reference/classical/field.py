"""Energy, forces and stress of the force field for any cell, small and oblique ones included."""

from __future__ import annotations

from functools import lru_cache
from itertools import combinations_with_replacement, product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elyte.core.errors import InputError
from elyte.core.frame import Frame, Labels
from elyte.reference.classical.cells import reduced_cell, repeats, whole_molecules
from elyte.reference.classical.recognise import recognise
from elyte.reference.classical.species import species_topology
from elyte.reference.classical.system import NM, library, make_system
from elyte.reference.classical.topology import KJ_PER_MOL, Topology, join

CUTOFF = 9.0
"""Å, of labels and of small boxes; a smaller box is repeated until it is two cutoffs wide."""
STRAIN = 1e-4
Floats = NDArray[np.float64]


def frame_topology(frame: Frame, molecules: tuple[str, ...] = ()) -> Topology:
    """Return the topology of a frame.

    Args:
        frame: of molecules.
        molecules: names of the species in it that GAFF2 is to describe.

    Raises:
        UnknownSpecies: a molecule that has no parameters.
        MissingDependency: GAFF2 is needed, and antechamber is not installed.
    """
    parts = [(species_topology(name), atoms) for name, atoms in recognise(frame, molecules)]
    return join(parts, len(frame))


class ClassicalPotential:
    """The force field as a potential: frames of the same atoms → energy, forces, stress.

    Args:
        charge_scale: factor on all charges.
        cutoff: Å.
        platform: OpenMM's "Reference" (double precision) or "CPU" (single, faster).
        stress: "full" by finite differences of six strains, "pressure" (isotropic, of one), or
            "none".
        threads: of the platform "CPU".
        tail: add the mean Lennard-Jones interaction beyond the cutoff.
        molecules: names of the species without a table of elyte's, which GAFF2 describes.

    Raises:
        InputError: values that cannot be used.
        MissingDependency: OpenMM is not installed.
    """

    def __init__(
        self,
        charge_scale: float = 1.0,
        cutoff: float = CUTOFF,
        platform: str = "CPU",
        stress: str = "full",
        threads: int = 1,
        tail: bool = False,
        molecules: tuple[str, ...] = (),
    ) -> None:
        if not 0 <= charge_scale <= 2 or not cutoff > 0:
            raise InputError("charge_scale must lie in 0 to 2 and the cutoff be positive")
        if stress not in ("full", "pressure", "none"):
            raise InputError(f"stress is 'full', 'pressure' or 'none', not '{stress}'")
        library()
        self.charge_scale = charge_scale
        self.cutoff = cutoff
        self.platform = platform
        self.stress = stress
        self.threads = threads
        self.tail = tail
        self.molecules = tuple(molecules)
        self._context = lru_cache(maxsize=4)(self._new_context)
        self._topology = lru_cache(maxsize=16)(self._new_topology)
        self._known: dict[tuple[bytes, bytes], Frame] = {}

    def evaluate(self, frames: list[Frame]) -> list[Labels]:
        """Return energy (eV), forces (eV/Å), stress (eV/Å³) and charges of each frame.

        Raises:
            UnknownSpecies: a molecule without parameters.
            InputError: a frame periodic in one or two directions.
        """
        return [self._evaluate(frame) for frame in frames]

    def _evaluate(self, frame: Frame) -> Labels:
        if frame.pbc.any() and not frame.pbc.all():
            raise InputError("the force field takes frames periodic in all directions or in none")
        identity = self._identity(frame)
        topology = self._topology(identity)
        cell = np.array(frame.cell) if frame.pbc.all() else None
        positions = np.array(frame.positions)
        energy, forces = self._at(identity, positions, cell, with_forces=True)
        stress = None
        if cell is not None and self.stress != "none":
            stress = self._strain_gradient(identity, positions, cell) / frame.volume
        return Labels(energy, forces, stress, np.array(topology.charges))

    def _identity(self, frame: Frame) -> tuple[bytes, bytes]:
        """Return what tells systems of different atoms apart: elements and molecule ids."""
        ids = frame.molecules
        if ids is None:  # bonds may differ from frame to frame
            key = (frame.numbers.tobytes(), frame.positions.tobytes())
        else:
            key = (frame.numbers.tobytes(), ids.tobytes())
        if key not in self._known:
            if len(self._known) > 16:
                self._known.clear()
            self._known[key] = frame
        return key

    def _new_topology(self, identity: tuple[bytes, bytes]) -> Topology:
        return frame_topology(self._known[identity], self.molecules).scaled(self.charge_scale)

    def _at(
        self,
        identity: tuple[bytes, bytes],
        positions: Floats,
        cell: Floats | None,
        with_forces: bool = False,
    ) -> tuple[float, Floats]:
        """Return energy and forces, computed in a reduced, rotated, repeated cell."""
        topology = self._topology(identity)
        if cell is None:
            context = self._context(identity, None)
            context.setPositions(NM * positions)
            return _read(context, 1, len(positions), np.eye(3), with_forces)
        counts = repeats(cell, 2.0 * self.cutoff)
        context = self._context(identity, counts)
        shifts = np.array(list(product(*(range(c) for c in counts)))) @ cell
        whole = whole_molecules(positions, cell, topology.bonds)
        lower, turn = reduced_cell(cell * np.array(counts)[:, None])
        context.setPeriodicBoxVectors(*(NM * row for row in lower))
        context.setPositions(NM * ((whole[None] + shifts[:, None]).reshape(-1, 3) @ turn))
        return _read(context, len(shifts), len(positions), turn, with_forces)

    def _strain_gradient(
        self, identity: tuple[bytes, bytes], positions: Floats, cell: Floats
    ) -> Floats:
        """∂E/∂ε, eV, (3, 3), by central differences of the energy."""

        def slope(direction: Floats) -> float:
            ends = []
            for sign in (1, -1):
                strain = np.eye(3) + sign * STRAIN * direction
                ends.append(self._at(identity, positions @ strain, cell @ strain)[0])
            return (ends[0] - ends[1]) / (2 * STRAIN)

        if self.stress == "pressure":
            return slope(np.eye(3)) / 3 * np.eye(3)
        gradient = np.zeros((3, 3))
        for a, b in combinations_with_replacement(range(3), 2):
            direction = np.zeros((3, 3))
            direction[a, b] += 0.5
            direction[b, a] += 0.5
            gradient[a, b] = gradient[b, a] = slope(direction)
        return gradient

    def _new_context(
        self, identity: tuple[bytes, bytes], counts: tuple[int, int, int] | None
    ) -> Any:
        mm = library()
        frame = self._known[identity]
        topology = self._topology(identity)
        copies = 1 if counts is None else int(np.prod(counts))
        n = len(frame)
        whole = join([(topology, np.arange(k * n, (k + 1) * n)) for k in range(copies)], n * copies)
        lower = None
        if counts is not None:
            lower, _ = reduced_cell(frame.cell * np.array(counts)[:, None])
        system = make_system(
            whole,
            np.tile(frame.masses, copies),
            lower,
            self.cutoff,
            tail=self.tail,
            ewald_tolerance=1e-6 if self.platform == "Reference" else 1e-5,
        )
        platform = mm.Platform.getPlatformByName(self.platform)
        options = {"Threads": str(self.threads)} if self.platform == "CPU" else {}
        return mm.Context(system, mm.VerletIntegrator(0.001), platform, options)


def _read(
    context: Any, copies: int, n: int, turn: Floats, with_forces: bool
) -> tuple[float, Floats]:
    state = context.getState(getEnergy=True, getForces=with_forces)
    energy = state.getPotentialEnergy()._value * KJ_PER_MOL / copies
    if not with_forces:
        return energy, np.zeros((0, 3))
    forces = np.asarray(state.getForces(asNumpy=True)._value)[:n] @ turn.T
    return energy, forces * (KJ_PER_MOL * NM)
