"""Rows of the active set's equations: derivatives of site energies by the parameters."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from elyte.core import Frame

EVERY_SPECIES = 0  # the block that holds rows of all species


@runtime_checkable
class Differentiable(Protocol):
    """What a potential must offer to be graded by MaxVol."""

    @property
    def species(self) -> tuple[int, ...]:
        """Atomic numbers it knows."""

    @property
    def parameters(self) -> NDArray[np.float64]:
        """θ, (P,)."""

    def atom_gradients(self, frame: Frame) -> NDArray[np.float64]:
        """Return ∂E_i/∂θ, (n, P)."""


def fingerprint(potential: Differentiable) -> str:
    """Hash of what a grade depends on: the parameters, species and cutoffs."""
    hasher = hashlib.sha256(np.ascontiguousarray(potential.parameters, "<f8").tobytes())
    facts: list[Any] = [tuple(int(z) for z in potential.species)]
    for name in ("cutoff", "min_distance", "max_distance", "scaling"):
        value = getattr(potential, name, None)
        facts.append(float(value) if isinstance(value, int | float) else value)
    hasher.update(repr(facts).encode())
    return hasher.hexdigest()


def parameter_spread(potential: Differentiable) -> NDArray[np.float64]:
    """Return σ_j, how far each parameter may lie from what is believed, (P,).

    σ_j² = θ_j² + (0.1 × root mean square of its group)²: as unsure as it is large, and no
    parameter is sure because it happens to be small. The groups of a moment tensor potential
    are its species, moment and radial coefficients; other potentials are one group.
    """
    theta = np.asarray(potential.parameters, dtype=float)
    parts = ("species_coefficients", "moment_coefficients")
    sizes = [len(getattr(potential, name)) for name in parts if hasattr(potential, name)]
    spread = np.empty_like(theta)
    for group in np.split(np.arange(len(theta)), np.cumsum(sizes)):
        size = float(np.sqrt(np.mean(theta[group] ** 2))) if len(group) else 0.0
        spread[group] = np.sqrt(theta[group] ** 2 + (0.1 * size or 1.0) ** 2)
    return spread


@dataclass(frozen=True)
class Rows:
    """Rows of one block from one frame, without the columns that are zero in all of them.

    Args:
        block: atomic number of the central atoms, or `EVERY_SPECIES`.
        atoms: index of each row's atom in the frame, (m,); −1 for a whole configuration.
        columns: parameters with a non-zero derivative, (k,), ascending.
        values: ∂E_i/∂θ, (m, k).
    """

    block: int
    atoms: NDArray[np.int64]
    columns: NDArray[np.int64]
    values: NDArray[np.float64]


def frame_rows(
    potential: Differentiable, frame: Frame, mode: str, by_species: bool
) -> Iterator[Rows]:
    """Yield the rows of a frame, one `Rows` for each block."""
    gradients = potential.atom_gradients(frame)
    if mode == "configuration":
        # per atom, so that a supercell has the grade of its cell
        mean = gradients.mean(axis=0, keepdims=True)
        yield _compact(EVERY_SPECIES, np.array([-1]), mean)
        return
    for z in np.unique(frame.numbers):
        atoms = np.flatnonzero(frame.numbers == z)
        yield _compact(int(z) if by_species else EVERY_SPECIES, atoms, gradients[atoms])


def _compact(block: int, atoms: NDArray[np.int64], values: NDArray[np.float64]) -> Rows:
    columns = np.flatnonzero(values.any(axis=0))
    return Rows(block, atoms, columns, np.ascontiguousarray(values[:, columns]))


@dataclass(frozen=True)
class Pool:
    """Rows of one block from many frames in common columns.

    Args:
        columns: (K,), ascending.
        values: (m, K).
        frames: index of the frame each row is from, (m,).
        atoms: index of the atom each row is of, (m,).
    """

    columns: NDArray[np.int64]
    values: NDArray[np.float64]
    frames: NDArray[np.int64]
    atoms: NDArray[np.int64]


def gather(
    potential: Differentiable, frames: Sequence[Frame], mode: str, by_species: bool
) -> dict[int, Pool]:
    """Collect the rows of all frames, block by block."""
    found: dict[int, list[tuple[int, Rows]]] = {}
    for index, frame in enumerate(frames):
        for rows in frame_rows(potential, frame, mode, by_species):
            found.setdefault(rows.block, []).append((index, rows))
    return {block: _pool(found[block]) for block in sorted(found)}


def _pool(parts: list[tuple[int, Rows]]) -> Pool:
    columns = union(rows.columns for _, rows in parts)
    return Pool(
        columns,
        np.concatenate([spread(rows, columns) for _, rows in parts]),
        np.concatenate([np.full(len(rows.atoms), index) for index, rows in parts]),
        np.concatenate([rows.atoms for _, rows in parts]),
    )


def union(columns: Iterable[NDArray[np.int64]]) -> NDArray[np.int64]:
    """Return the columns that occur in any of the sets, ascending."""
    return np.unique(np.concatenate(list(columns)))


def spread(rows: Rows, columns: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the values of `rows` in `columns`, which must hold all of the rows' own."""
    values = np.zeros((len(rows.values), len(columns)))
    values[:, np.searchsorted(columns, rows.columns)] = rows.values
    return values
