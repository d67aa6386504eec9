"""How far a potential reaches: smooth zero at the cutoff, fragments that add, isolated atoms."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice, product

import numpy as np
from numpy.typing import NDArray

from elyte.core import Frame
from elyte.potentials.protocol import Evaluation, Potential
from elyte.testing.report import Check, Tolerances, Worst, not_applicable
from elyte.testing.structures import cluster

_PAIRS = 16  # pairs of species tested
_WIDE, _NARROW = 1e-2, 1e-4  # Å within the cutoff


def check_cutoff(potential: Potential, frames: Sequence[Frame], tolerances: Tolerances) -> Check:
    """Energy and forces of an atom that leaves the cutoff go to zero without a step.

    The atom leaves a neighbour that has another one, so that terms of many bodies count. What
    is left of its energy and force 10⁻⁴ Å within the cutoff is compared with that at 10⁻² Å:
    a potential with a step keeps all of it, one that ends as (r_c − r)² a hundredth of its force.
    """
    name = "smooth zero at the cutoff"
    if not np.isfinite(potential.cutoff):
        return not_applicable(name, "no cutoff")
    worst = Worst()
    pairs = islice(product(potential.species, potential.species), _PAIRS)
    for near, leaving in pairs:
        apart = _leaving(potential, near, leaving, 4 * potential.cutoff)
        inside, edge, outside = (
            _leaving(potential, near, leaving, potential.cutoff - d)
            for d in (_WIDE, _NARROW, -1e-9)
        )
        where = f"{near}–{leaving}"
        for key in ("energies", "forces"):
            far = getattr(apart, key)
            scale = max(1.0, float(np.abs(far).max()))
            remains, starts, beyond = (
                float(np.abs(getattr(e, key) - far).max()) / scale for e in (edge, inside, outside)
            )
            worst.add_value(remains / max(starts, 1e-3 * tolerances.exact**0.5), f"{key}, {where}")
            worst.add_value(beyond / tolerances.exact * tolerances.cutoff, f"{key} beyond, {where}")
    return worst.check(name, tolerances.cutoff)


def check_fragments(potential: Potential, frames: Sequence[Frame], tolerances: Tolerances) -> Check:
    """Energies and forces of fragments far apart add, in either order."""
    if not np.isfinite(potential.cutoff):
        return not_applicable("separated fragments add", "no cutoff")
    worst = Worst()
    first, second = (cluster(potential.species, (2, 2, 1), seed) for seed in (5, 6))
    shift = np.array([1.0, 0.3, -0.2]) * (10 + 3 * potential.cutoff)
    a, b = potential.evaluate([first, second])
    numbers = np.concatenate([first.numbers, second.numbers])
    positions = np.concatenate([first.positions, second.positions + shift])
    found = potential.evaluate([Frame(numbers, positions)])[0]
    worst.add(found.energy, a.energy + b.energy, "energy")
    worst.add(found.forces, np.concatenate([a.forces, b.forces]), "forces")
    worst.add(found.energies, np.concatenate([a.energies, b.energies]), "energies")
    return worst.check("separated fragments add", tolerances.exact)


def check_isolated_atoms(
    potential: Potential, frames: Sequence[Frame], tolerances: Tolerances
) -> Check:
    """A single atom has a finite energy, no force and no stress, in a large box as in none."""
    worst = Worst()
    for z in potential.species:
        alone = potential.evaluate([_atom(z)])[0]
        worst.add(alone.energy, alone.energy, f"energy of {z}")
        worst.add(alone.forces, np.zeros((1, 3)), f"force on {z}")
        worst.add(alone.stress, np.zeros((3, 3)), f"stress of {z}")
        if np.isfinite(potential.cutoff):
            cell = (5 + 2 * potential.cutoff) * np.eye(3)
            boxed = potential.evaluate([_atom(z, cell)])[0]
            worst.add(boxed.energy, alone.energy, f"energy of {z} in a box")
            worst.add(boxed.stress, np.zeros((3, 3)), f"stress of {z} in a box")
    return worst.check("isolated atoms", tolerances.exact)


def _leaving(potential: Potential, near: int, leaving: int, distance: float) -> Evaluation:
    """Evaluate an atom at a distance from another one that has a neighbour on its far side."""
    direction = np.array([0.6, -0.48, 0.64])
    positions = [np.zeros(3), distance * direction, -1.8 * direction[[1, 0, 2]] * [1, -1, 1]]
    return potential.evaluate([Frame(np.array([near, leaving, near]), np.array(positions))])[0]


def _atom(z: int, cell: NDArray[np.float64] | None = None) -> Frame:
    if cell is None:
        return Frame(np.array([z]), np.zeros((1, 3)))
    return Frame(np.array([z]), np.ones((1, 3)), cell, np.ones(3, bool))
