"""Potentials: one protocol, moment tensor potentials, sums of potentials."""

from elyte.potentials.combine import Sum
from elyte.potentials.protocol import Evaluation, Potential

__all__ = ["Evaluation", "Potential", "Sum"]
