"""What a suite found: one `Check` for each property, together a `Report`."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike


@dataclass(frozen=True)
class Tolerances:
    """How far numbers may lie apart, relative to the largest of them or to one if they are small.

    Args:
        exact: for what differs by rounding alone (symmetries, batches, references).
        derivative: for finite differences.
        cutoff: how much of force and energy 0.01 Å within the cutoff may be left at 0.0001 Å.
        conservation: what may be left of the error of the total energy when the time step is
            halved (a quarter is right for velocity Verlet).
        reversal: distance from the start after a run there and back, Å; rounding grows in it as
            in any chaotic motion.
    """

    exact: float = 1e-9
    derivative: float = 1e-5
    cutoff: float = 0.5
    conservation: float = 0.4
    reversal: float = 1e-5

    @classmethod
    def single(cls) -> Tolerances:
        """Return tolerances for potentials that compute in single precision."""
        return cls(exact=1e-4, derivative=1e-2, reversal=1e-3)


@dataclass(frozen=True)
class Check:
    """One property of a potential, tested.

    Args:
        name: of the property.
        deviation: the largest found; nan when there was nothing to measure.
        tolerance: what it may be.
        note: where it was found, or why the check does not apply.
        applies: False when the potential does not have what is tested.
    """

    name: str
    deviation: float
    tolerance: float
    note: str = ""
    applies: bool = True

    @property
    def passed(self) -> bool:
        """Whether the potential has the property, as far as it applies."""
        return not self.applies or self.deviation <= self.tolerance

    def __str__(self) -> str:
        if not self.applies:
            return f"–     {self.name}: {self.note}"
        verdict = "ok   " if self.passed else "FAILED"
        note = f" ({self.note})" if self.note else ""
        return f"{verdict} {self.name}: {self.deviation:.2e}, at most {self.tolerance:.0e}{note}"


@dataclass(frozen=True)
class Report:
    """All checks of one potential."""

    checks: tuple[Check, ...]

    @property
    def passed(self) -> bool:
        """Whether all checks that apply have passed."""
        return not self.failures

    @property
    def failures(self) -> tuple[Check, ...]:
        """The checks that have not passed."""
        return tuple(check for check in self.checks if not check.passed)

    def __iter__(self) -> Iterator[Check]:
        return iter(self.checks)

    def __getitem__(self, name: str) -> Check:
        return next(check for check in self.checks if check.name == name)

    def __str__(self) -> str:
        return "\n".join(str(check) for check in self.checks)

    def require(self) -> None:
        """Raise AssertionError with all failures if there are any."""
        if self.failures:
            raise AssertionError("\n" + "\n".join(str(check) for check in self.failures))


def not_applicable(name: str, reason: str) -> Check:
    """Return a check of something that the potential does not have."""
    return Check(name, math.nan, math.nan, reason, applies=False)


def failed(name: str, note: str) -> Check:
    """Return a check that failed without a number."""
    return Check(name, math.inf, 0.0, note)


def difference(found: ArrayLike, expected: ArrayLike) -> float:
    """Return max |found − expected| / max(1, max |expected|); infinite for shapes or nan apart."""
    a, b = np.asarray(found, dtype=float), np.asarray(expected, dtype=float)
    if a.shape != b.shape or not (np.isfinite(a).all() and np.isfinite(b).all()):
        return math.inf
    if a.size == 0:
        return 0.0
    return float(np.abs(a - b).max() / max(1.0, np.abs(b).max()))


class Worst:
    """Collects deviations and remembers where the largest was."""

    def __init__(self) -> None:
        self.deviation, self.note = 0.0, ""

    def add(self, found: ArrayLike, expected: ArrayLike, note: str) -> None:
        """Compare two arrays."""
        self.add_value(difference(found, expected), note)

    def add_value(self, deviation: float, note: str) -> None:
        """Take a deviation as it stands; nan counts as infinite."""
        value = math.inf if math.isnan(deviation) else deviation
        if value > self.deviation:
            self.deviation, self.note = value, note

    def check(self, name: str, tolerance: float) -> Check:
        """Return what was found."""
        return Check(name, self.deviation, tolerance, self.note)
