"""Native force fields with known answers, to try dynamics and its watches on.

Each function returns a capsule that `simulate`, `relax` and `evaluate` take as a potential.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from elyte._native import dynamics as native
from elyte.core.errors import InputError
from elyte.dynamics.forcefield import is_capsule


def ideal_gas() -> Any:
    """Return a force field without forces: U = 0."""
    return native.ideal_gas()


def harmonic_wells(centres: ArrayLike, stiffness: float) -> Any:
    """Return wells that are fixed in space: U = ½ k Σ |r_i − c_i|².

    Momentum is not conserved (`RunSettings(free_momentum=True)`), and there is no stress.

    Args:
        centres: c, Å, (n, 3).
        stiffness: k, eV/Å².
    """
    return native.harmonic_wells(np.ascontiguousarray(centres, dtype=float), float(stiffness))


def springs(pairs: ArrayLike, stiffness: float, length: float) -> Any:
    """Return springs between atoms at unwrapped positions: U = ½ k Σ (|r_i − r_j| − l)².

    Args:
        pairs: indices (i, j), (m, 2).
        stiffness: k, eV/Å².
        length: l, Å.

    Raises:
        InputError: pairs of another shape.
    """
    array = np.ascontiguousarray(pairs, dtype=np.int64)
    if array.ndim != 2 or array.shape[1] != 2:
        raise InputError(f"pairs have shape {array.shape}, expected (m, 2)")
    return native.springs(array.reshape(-1), float(stiffness), float(length))


def lennard_jones(epsilon: float, sigma: float, cutoff: float, skin: float = 1.0) -> Any:
    """Return U = Σ 4ε[(σ/r)¹² − (σ/r)⁶] s(r), s going smoothly to 0 in the last fifth.

    Args:
        epsilon: ε, eV.
        sigma: σ, Å.
        cutoff: Å.
        skin: of the Verlet list, Å.
    """
    return native.lennard_jones(float(epsilon), float(sigma), float(cutoff), float(skin))


def faulty(base: Any, good: int, factor: float) -> Any:
    """Return a force field that goes wrong: energy and forces times `factor` after a while.

    Args:
        base: capsule of another force field.
        good: evaluations, of all copies together, that are still right.
        factor: nan makes them not finite.

    Raises:
        InputError: `base` is no capsule.
    """
    if not is_capsule(base):
        raise InputError("only a capsule, such as `potential.native()`, can be made faulty")
    return native.faulty(base, int(good), float(factor))
