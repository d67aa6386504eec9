"""Boxes for what has none, and the spin of what is in them: shared by the DFT engines."""

from __future__ import annotations

import numpy as np
from ase.data import ground_state_magnetic_moments

from elyte.core.errors import InputError
from elyte.core.frame import Frame
from elyte.reference.settings import EngineSettings

_UNEQUAL = np.array([0.0, 0.11, 0.23])  # Å: no symmetry that would mix degenerate orbitals


def boxed(frame: Frame, vacuum: float) -> Frame:
    """Return a periodic frame as it is, and another in the middle of an orthorhombic box.

    Args:
        frame: periodic in all directions or in none.
        vacuum: empty space on each side, Å.
    """
    if frame.pbc.all():
        return frame
    low, high = frame.positions.min(axis=0), frame.positions.max(axis=0)
    edges = high - low + 2 * vacuum + _UNEQUAL
    return Frame(frame.numbers, frame.positions - 0.5 * (low + high) + 0.5 * edges, np.diag(edges),
                 np.ones(3, dtype=bool))  # fmt: skip


def check_periodicity(frame: Frame, engine: str) -> None:
    """Refuse slabs and wires.

    Raises:
        InputError: a frame that is periodic in one or two directions.
    """
    if frame.pbc.any() and not frame.pbc.all():
        raise InputError(
            f"the engine '{engine}' takes frames that are periodic in all directions or in none, "
            f"not pbc = {frame.pbc.tolist()}"
        )


def unpaired_electrons(frame: Frame, settings: EngineSettings) -> int:
    """Return the number of unpaired electrons: the one asked for, or 0 or 1 by parity.

    Raises:
        InputError: a charge that is not whole, or a spin that the number of electrons forbids.
    """
    charge = round(settings.charge)
    if charge != settings.charge:
        raise InputError(f"the charge {settings.charge:g} e is not a whole number of electrons")
    electrons = int(frame.numbers.sum()) - charge
    if settings.unpaired_electrons is None:
        return electrons % 2
    unpaired = int(settings.unpaired_electrons)
    if unpaired < 0 or unpaired > electrons or (electrons - unpaired) % 2:
        raise InputError(f"{electrons} electrons cannot have {unpaired} unpaired ones")
    return unpaired


def is_ground_state_atom(frame: Frame, unpaired: int) -> bool:
    """Whether the frame is one atom with the spin of its ground state (Hund's rule)."""
    moments = ground_state_magnetic_moments[frame.numbers]
    return len(frame) == 1 and round(float(moments[0])) == unpaired
