"""Fakes of what is slow: a reference engine and a potential."""

from elyte.testing.fake_engine import fake_engine
from elyte.testing.fake_potential import FakePotential

__all__ = ["FakePotential", "fake_engine"]
