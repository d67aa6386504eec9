"""Potentials: one protocol, moment tensor potentials, sums of potentials."""

from elyte.potentials.protocol import Evaluation, Potential

__all__ = ["Evaluation", "Potential"]
