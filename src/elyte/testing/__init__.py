"""Public test suites for potentials, and fakes of what is slow."""

from elyte.testing.fake_potential import FakePotential
from elyte.testing.report import Check, Report, Tolerances
from elyte.testing.suite import CHECKS, check_potential

__all__ = ["CHECKS", "Check", "FakePotential", "Report", "Tolerances", "check_potential"]
