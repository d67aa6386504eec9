"""Moment tensor potentials: tables, files, NumPy reference, native kernel."""

from elyte.potentials.mtp.potential import MTP
from elyte.potentials.mtp.repulsion import RepulsiveCore

__all__ = ["MTP", "RepulsiveCore"]
