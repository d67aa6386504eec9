"""Moment tensor potentials: tables, files, NumPy reference, native kernel."""

from elyte.potentials.mtp.potential import MTP

__all__ = ["MTP"]
