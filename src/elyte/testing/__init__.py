"""Public test suites for potentials, and fakes of what is slow."""

from elyte.testing.fake_potential import FakePotential

__all__ = ["FakePotential"]
