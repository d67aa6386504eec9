"""Public test suites for potentials, and fakes of what is slow."""

from elyte.testing.fake import FakePotential, fake_engine
from elyte.testing.report import Check, Report, Tolerances
from elyte.testing.suite import CHECKS, check_potential

__all__ = [
    "CHECKS",
    "Check",
    "FakePotential",
    "Report",
    "Tolerances",
    "check_potential",
    "fake_engine",
]
