"""Symmetries that every potential has: of space, of equal atoms, of the choice of the cell."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from elyte.core import Frame
from elyte.potentials.protocol import Evaluation, Potential
from elyte.testing.report import Check, Tolerances, Worst, not_applicable
from elyte.testing.structures import random_rotation, repeated, small_cell

_SKEW = np.array(
    [[1, 0, 0], [1, 1, 0], [-1, 2, 1]]
)  # of determinant one: another cell, same crystal


def check_translation(
    potential: Potential, frames: Sequence[Frame], tolerances: Tolerances
) -> Check:
    """Moving all atoms changes nothing."""
    worst = Worst()
    for index, frame in enumerate(frames):
        moved = frame.moved(frame.positions + np.array([0.73, -1.91, 12.4]))
        _compare(worst, _one(potential, moved), _one(potential, frame), f"frame {index}")
    return worst.check("translation", tolerances.exact)


def check_rotation(potential: Potential, frames: Sequence[Frame], tolerances: Tolerances) -> Check:
    """Turning atoms and cell turns forces and stress: F R, Rᵀ σ R for rows r R."""
    worst = Worst()
    for index, frame in enumerate(frames):
        _turn(worst, potential, frame, random_rotation(index), f"frame {index}")
    return worst.check("rotation", tolerances.exact)


def check_inversion(potential: Potential, frames: Sequence[Frame], tolerances: Tolerances) -> Check:
    """Inverting atoms and cell inverts forces and keeps energy and stress."""
    worst = Worst()
    for index, frame in enumerate(frames):
        _turn(worst, potential, frame, -np.eye(3), f"frame {index}")
    return worst.check("inversion", tolerances.exact)


def check_permutation(
    potential: Potential, frames: Sequence[Frame], tolerances: Tolerances
) -> Check:
    """The order of the atoms does not matter."""
    worst = Worst()
    for index, frame in enumerate(frames):
        order = np.random.default_rng(index).permutation(len(frame))
        shuffled = Frame(frame.numbers[order], frame.positions[order], frame.cell, frame.pbc)
        usual = _one(potential, frame)
        expected = Evaluation(
            usual.energy, usual.forces[order], usual.stress, usual.energies[order]
        )
        _compare(worst, _one(potential, shuffled), expected, f"frame {index}")
    return worst.check("permutation", tolerances.exact)


def check_lattice_shifts(
    potential: Potential, frames: Sequence[Frame], tolerances: Tolerances
) -> Check:
    """Single atoms moved by lattice vectors, far out of the cell too, change nothing."""
    worst = Worst()
    for index, frame in enumerate(_periodic(frames)):
        shifts = np.random.default_rng(index).integers(-3, 4, (len(frame), 3)) * frame.pbc
        moved = frame.moved(frame.positions + shifts @ frame.cell)
        _compare(worst, _one(potential, moved), _one(potential, frame), f"periodic frame {index}")
    return worst.check("lattice shifts", tolerances.exact)


def check_cell_choice(
    potential: Potential, frames: Sequence[Frame], tolerances: Tolerances
) -> Check:
    """Other lattice vectors of the same lattice, left-handed ones too, change nothing."""
    worst = Worst()
    for index, frame in enumerate(f for f in frames if f.pbc.all()):
        for cell, name in ((_SKEW @ frame.cell, "skewed"), (frame.cell[[1, 0, 2]], "left-handed")):
            other = _one(potential, frame.moved(frame.positions, cell))
            _compare(worst, other, _one(potential, frame), f"periodic frame {index}, {name} cell")
    return worst.check("choice of the cell", tolerances.exact)


def check_supercells(
    potential: Potential, frames: Sequence[Frame], tolerances: Tolerances
) -> Check:
    """A supercell has the forces, stress and energy per atom of its cell."""
    worst = Worst()
    for index, frame in enumerate(_periodic(frames)):
        counts = [c if periodic else 1 for c, periodic in zip((2, 1, 3), frame.pbc, strict=True)]
        _repeat(worst, potential, frame, counts, f"periodic frame {index}")
    return worst.check("supercells", tolerances.exact)


def check_small_cells(
    potential: Potential, frames: Sequence[Frame], tolerances: Tolerances
) -> Check:
    """Cells smaller than the cutoff see all of their images, as in a larger supercell."""
    if not np.isfinite(potential.cutoff):
        return not_applicable("cells smaller than the cutoff", "no cutoff")
    worst = Worst()
    for seed in range(2):
        frame = small_cell(potential.species, seed)
        heights = frame.volume / np.linalg.norm(
            np.cross(frame.cell[[1, 2, 0]], frame.cell[[2, 0, 1]]), axis=1
        )
        counts = [int(c) for c in np.ceil(2.05 * potential.cutoff / heights)]
        _repeat(worst, potential, frame, counts, f"{len(frame)} atoms × {counts}")
    return worst.check("cells smaller than the cutoff", tolerances.exact)


def _one(potential: Potential, frame: Frame) -> Evaluation:
    return potential.evaluate([frame])[0]


def _periodic(frames: Sequence[Frame]) -> list[Frame]:
    return [frame for frame in frames if frame.pbc.any()]


def _compare(worst: Worst, found: Evaluation, expected: Evaluation, where: str) -> None:
    for name in ("energy", "energies", "forces", "stress"):
        worst.add(getattr(found, name), getattr(expected, name), f"{name}, {where}")


def _turn(
    worst: Worst, potential: Potential, frame: Frame, turn: NDArray[np.float64], where: str
) -> None:
    usual = _one(potential, frame)
    turned = _one(potential, frame.moved(frame.positions @ turn, frame.cell @ turn))
    expected = Evaluation(
        usual.energy, usual.forces @ turn, turn.T @ usual.stress @ turn, usual.energies
    )
    _compare(worst, turned, expected, where)


def _repeat(
    worst: Worst, potential: Potential, frame: Frame, counts: Sequence[int], where: str
) -> None:
    usual, large = _one(potential, frame), _one(potential, repeated(frame, counts))
    copies = int(np.prod(counts))
    # energy and stress as those of one cell, so that errors do not hide in a large total
    found = Evaluation(large.energy / copies, large.forces, large.stress, large.energies)
    expected = Evaluation(
        usual.energy,
        np.tile(usual.forces, (copies, 1)),
        usual.stress,
        np.tile(usual.energies, copies),
    )
    _compare(worst, found, expected, where)
