"""Extrapolation grades and selection by D-optimality (MaxVol).

γ_i = max_j |c_ij|,  c_i = b_i A⁻¹,  b_i = ∂E_i/∂θ,
where A holds the rows of the training set whose |det| is largest: the energy of an environment
is, to first order, the sum of c_ij times the energies of the active ones. γ ≤ 1 interpolates.
Podryabinkin and Shapeev 2017, doi:10.1016/j.commatsci.2017.08.031.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from os import PathLike
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import ThreadpoolController

from elyte.core import Frame, InputError
from elyte.selection import storage
from elyte.selection.derivatives import (
    Differentiable,
    Pool,
    Rows,
    fingerprint,
    frame_rows,
    gather,
    parameter_spread,
)
from elyte.selection.grader import UNTRAINED, site_grader
from elyte.selection.greedy import choose
from elyte.selection.maxvol import Basis, largest, maximise

Mode = Literal["neighbourhood", "configuration"]

FLOOR: dict[str, float] = {"neighbourhood": 0.02, "configuration": 0.002}
"""Default uncertainty of the energy of an atom, eV, and of a frame, eV/atom."""

# Rows of a set before stay, though a pseudo row in their place were so many times larger: pivoting
# among them alone takes too many pseudo rows, whose places then go to other rows than before.
_FAVOUR = 10.0


@dataclass(frozen=True, eq=False)
class Block:
    """The active rows of one block: those of one central species, or all.

    Args:
        columns: parameters the rows depend on, (K,).
        basis: the active rows and their inverse.
        frames: digest of the frame of each active row, (K,); "" for a pseudo row.
        atoms: atom of each active row in its frame, (K,); −1 for a configuration or pseudo row.
    """

    columns: NDArray[np.int64]
    basis: Basis
    frames: NDArray[np.str_]
    atoms: NDArray[np.int64]

    def grades(self, rows: Rows, pseudo: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return γ of rows (m,), given the pseudo rows of all parameters (P,)."""
        places = np.minimum(np.searchsorted(self.columns, rows.columns), len(self.columns) - 1)
        known = self.columns[places] == rows.columns
        # spreading a few rows costs less than gathering the same columns of the inverse
        values = np.zeros((len(rows.values), len(self.columns)))
        values[:, places[known]] = rows.values if known.all() else rows.values[:, known]
        grades = largest(self.basis.coefficients(values))
        if not known.all():
            far = np.abs(rows.values[:, ~known]) / (UNTRAINED * pseudo[rows.columns[~known]])
            grades = np.maximum(grades, far.max(axis=1))
        return grades


@dataclass(frozen=True, eq=False)
class ActiveSet:
    """Active rows of one potential, and what they say of other structures.

    Args:
        mode: "neighbourhood" (rows are ∂E_i/∂θ of atoms) or "configuration" (their mean over
            the atoms of a frame, so that a supercell has the grade of its cell).
        by_species: one set for the atoms of each species, or one common set of P rows.
        floor: ε, eV: how well an energy is known. Places that no training row fills are held by
            pseudo rows (ε/σ_j) e_j with σ_j the spread of parameter j, so that what lies outside
            the span of the training rows is graded by the energy it may be wrong by, in units
            of ε: see docs/theory/selection.md.
        tolerance: rows enter when |c| exceeds 1 + tolerance.
        potential: fingerprint of the potential that the rows belong to.
        pseudo: ε/σ_j of all parameters, (P,).
        blocks: by atomic number of the central atom, or 0 for a common set.
    """

    mode: Mode
    by_species: bool
    floor: float
    tolerance: float
    potential: str
    pseudo: NDArray[np.float64]
    blocks: Mapping[int, Block]

    @classmethod
    def build(
        cls,
        potential: Differentiable,
        frames: Sequence[Frame],
        mode: Mode = "neighbourhood",
        previous: ActiveSet | None = None,
        *,
        by_species: bool = True,
        floor: float | None = None,
        tolerance: float = 0.01,
    ) -> ActiveSet:
        """Find the rows of maximal volume among the training frames.

        Args:
            potential: its `atom_gradients` give the rows.
            frames: the training set.
            mode: see the class.
            previous: an active set of an earlier potential; its rows are where the search starts
                (found by the frames' content), which saves time and changes little.
            by_species, tolerance: see the class.
            floor: see the class; the mode's entry of `FLOOR` when None.

        Raises:
            InputError: no frames, an unknown mode, or a floor or tolerance out of range.
        """
        _check(frames, mode, floor, tolerance)
        epsilon = FLOOR[mode] if floor is None else float(floor)
        pseudo = epsilon / parameter_spread(potential)
        by_species = by_species and mode == "neighbourhood"
        digests = [frame.digest() for frame in frames]
        blocks = {
            block: _build_block(pool, pseudo, digests, _start(previous, block), tolerance)
            for block, pool in gather(potential, frames, mode, by_species).items()
        }
        return cls(mode, by_species, epsilon, tolerance, fingerprint(potential), pseudo, blocks)

    def grades(self, potential: Differentiable, frame: Frame) -> NDArray[np.float64]:
        """Return γ of every atom, (n,); in configuration mode all have the frame's value.

        Atoms of a species without any training row have an infinite grade.

        Raises:
            InputError: the active set was built for another potential.
        """
        self.require(potential)
        grades = np.full(len(frame), np.inf)
        for rows in frame_rows(potential, frame, self.mode, self.by_species):
            if rows.block in self.blocks:
                where = slice(None) if self.mode == "configuration" else rows.atoms
                grades[where] = self.blocks[rows.block].grades(rows, self.pseudo)
        return grades

    def grade_function(self, potential: Differentiable, threads: int = 1) -> GradeFunction:
        """Return frame → grades (n,), for use during dynamics, with BLAS held to `threads`.

        With a potential that makes its rows along with the forces (`MTP`), `simulate` asks it
        for them, and a grade costs no evaluation of its own.

        Raises:
            InputError: the active set was built for another potential.
        """
        self.require(potential)
        return GradeFunction(self, potential, threads)

    def select(
        self,
        potential: Differentiable,
        candidates: Sequence[Frame],
        limit: int | None = None,
        threshold: float | None = None,
    ) -> list[int]:
        """Return the candidates that enter the active set, those that extrapolate most first.

        The frame with the largest grade enters with all of its rows (they will all be
        training data), the grades of the others are brought up to date, and so on. Frames
        whose rows have all been displaced by later ones are left out at the end.

        Args:
            potential: the one the set was built for.
            candidates: frames to choose from.
            limit: stop after so many.
            threshold: stop when no grade exceeds it; 1 + tolerance when None.

        Raises:
            InputError: the active set was built for another potential, or a negative limit.
        """
        self.require(potential)
        if limit is not None and limit < 0:
            raise InputError(f"limit is {limit}; the number of frames to select is not negative")
        if not candidates:
            return []
        least = 1.0 + self.tolerance if threshold is None else max(threshold, 1.0 + self.tolerance)
        pools = gather(potential, candidates, self.mode, self.by_species)
        bases = {block: self._working_basis(block, pool) for block, pool in pools.items()}
        return choose(bases, len(candidates), 1.0 + self.tolerance, least, limit)

    def require(self, potential: Differentiable) -> None:
        """Raise InputError unless the set was built for this potential with these parameters."""
        if fingerprint(potential) != self.potential:
            raise InputError(
                "the active set belongs to a potential with other parameters, so its grades mean "
                "nothing for this one; build it again with ActiveSet.build(potential, frames)"
            )

    @property
    def unfilled(self) -> dict[int, int]:
        """Places that no training row fills, by atomic number of the central atom (0: all)."""
        return {z: int((block.frames == "").sum()) for z, block in self.blocks.items()}

    def save(self, path: str | PathLike[str]) -> None:
        """Write the active rows as a numpy archive (.npz)."""
        facts = {
            "mode": self.mode,
            "by_species": self.by_species,
            "floor": self.floor,
            "tolerance": self.tolerance,
            "potential": self.potential,
        }
        arrays = {
            block: {
                "columns": b.columns,
                "rows": b.basis.matrix,
                "frames": b.frames,
                "atoms": b.atoms,
            }
            for block, b in self.blocks.items()
        }
        storage.write(path, facts, self.pseudo, arrays)

    @classmethod
    def load(cls, path: str | PathLike[str], potential: Differentiable | None = None) -> ActiveSet:
        """Read what `save` wrote, and check that it belongs to `potential` when one is given.

        Raises:
            FormatError: not such a file.
            InputError: the active set was built for another potential.
        """
        facts, pseudo, arrays = storage.read(path)
        blocks = {
            block: Block(
                a["columns"],
                Basis.of(a["rows"], pseudo[a["columns"]], a["frames"] != ""),
                a["frames"],
                a["atoms"],
            )
            for block, a in arrays.items()
        }
        active = cls(pseudo=pseudo, blocks=blocks, **facts)
        if potential is not None:
            active.require(potential)
        return active

    def _working_basis(self, block: int, pool: Pool) -> tuple[Basis, Pool]:
        """Return a copy of a block's basis, and the pool, both in the columns of both."""
        if block not in self.blocks:
            return Basis(UNTRAINED * self.pseudo[pool.columns]), pool
        known = self.blocks[block]
        basis = known.basis.copy()
        new = np.setdiff1d(pool.columns, known.columns)
        basis.extend(UNTRAINED * self.pseudo[new])
        columns = np.concatenate([known.columns, new])
        order = np.argsort(columns)
        values = np.zeros((len(pool.values), len(columns)))
        values[:, order[np.searchsorted(columns, pool.columns, sorter=order)]] = pool.values
        return basis, Pool(columns, values, pool.frames, pool.atoms)


class GradeFunction:
    """Frame → γ of each atom, (n,); made by `ActiveSet.grade_function`."""

    def __init__(self, active: ActiveSet, potential: Differentiable, threads: int) -> None:
        self.potential = potential
        self._active, self._threads = active, threads
        controller = ThreadpoolController()
        # changing the number of threads takes as long as a small product: only where it must be
        held = all(
            library["num_threads"] <= threads
            for library in controller.info()
            if library["user_api"] == "blas"
        )
        self._controller = None if held else controller
        blocks = {z: (block.columns, block.basis) for z, block in active.blocks.items()}
        self._sites = site_grader(potential, blocks, active.pseudo, active.mode)

    def __call__(self, frame: Frame) -> NDArray[np.float64]:
        """Return the grades of a frame's atoms."""
        with self._limited():
            if self._sites is not None:
                return self._sites(frame)
            return self._active.grades(self.potential, frame)

    @property
    def maps(self) -> dict[str, Any]:
        """What a run needs to make grades along with the forces; nothing where that cannot be."""
        return {} if self._sites is None else self._sites.maps

    def _limited(self) -> AbstractContextManager[Any]:
        if self._controller is None:
            return nullcontext()
        return self._controller.limit(limits=self._threads, user_api="blas")


def _check(frames: Sequence[Frame], mode: str, floor: float | None, tolerance: float) -> None:
    if not frames:
        raise InputError("an active set needs at least one training frame")
    if mode not in get_args(Mode):
        raise InputError(f"mode is {mode!r}; it is one of {', '.join(get_args(Mode))}")
    if floor is not None and not floor > 0:
        raise InputError(f"floor is {floor} eV; it is positive")
    if not tolerance > 0:
        raise InputError(f"tolerance is {tolerance}; it is positive")


def _start(previous: ActiveSet | None, block: int) -> set[tuple[str, int]]:
    """Sources of the active rows of an earlier set."""
    if previous is None or block not in previous.blocks:
        return set()
    old = previous.blocks[block]
    return {(str(f), int(a)) for f, a in zip(old.frames, old.atoms, strict=True) if f}


def _build_block(
    pool: Pool,
    pseudo: NDArray[np.float64],
    digests: Sequence[str],
    start: set[tuple[str, int]],
    tolerance: float,
) -> Block:
    basis = Basis(pseudo[pool.columns])
    sources = [(digests[f], int(a)) for f, a in zip(pool.frames, pool.atoms, strict=True)]
    first = np.array([i for i, source in enumerate(sources) if source in start], dtype=np.int64)
    if len(first):
        basis.start(pool.values[first], first, _FAVOUR)
    else:
        basis.start(pool.values, np.arange(len(sources)))
    maximise(basis, pool.values, 1.0 + tolerance)
    true = basis.holders >= 0
    frames = np.array([sources[i][0] if i >= 0 else "" for i in basis.holders], dtype="U64")
    atoms = np.where(true, pool.atoms[basis.holders], -1)
    return Block(pool.columns, basis, frames, atoms)
