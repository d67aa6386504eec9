"""Does an engine's stress belong to its energy? Finite differences tell, and say what is wrong."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from elyte.core.errors import Outcome
from elyte.core.frame import Frame, LabelledFrame
from elyte.core.units import BAR, BOLTZMANN, GPA

NAME = "strain"
"""Under which the ledger keeps the outcome."""
STRAIN = 1e-3
"""Long enough that the noise of a self-consistent energy does not matter."""
DIRECTION = np.array([[1.0, 0.4, -0.3], [0.4, -0.6, 0.5], [-0.3, 0.5, 0.8]])
"""Has all six components, different ones, so that a wrong order or sign of any shows."""
ABSOLUTE, RELATIVE = 2e-4, 0.02  # eV/Å³; share of the stress
_COMPONENTS = ((0, 0), (1, 1), (2, 2), (1, 2), (0, 2), (0, 1))
_UNITS = {"GPa": 1 / GPA, "kbar": 1 / (1000 * BAR), "Hartree/bohr³": 5.4458e-3}
_COLDEST, _HOTTEST = 20.0, 5000.0  # K

Energies = Callable[[Sequence[Frame]], list[float] | Outcome]
"""Labels frames, and returns their energies (eV), or why one could not be labelled."""


def compare(
    item: LabelledFrame,
    level: str,
    energies: Energies,
    step: float = STRAIN,
    absolute: float = ABSOLUTE,
) -> Outcome:
    """Compare the stress of one label with the change of the energy under a strain.

    σ : d = [E(+h d) − E(−h d)] / (2 h V), with a fixed symmetric direction d and h = `step`.

    Args:
        item: a periodic frame with its label.
        level: what the engine and its settings are called.
        energies: labels the strained frames by the same settings.
        step: size of the strain.
        absolute: difference that is always allowed, eV/Å³; a plane-wave code needs more of both,
            since plane waves come and go with the box.

    Returns:
        "done", or "stress_wrong" with both numbers; "failed" when a strained frame has no label.
    """
    if item.labels.stress is None or not item.frame.pbc.all():
        return Outcome("failed", "the strain test needs a periodic frame with a stress")
    found = energies([strained(item.frame, sign * step) for sign in (1, -1)])
    if isinstance(found, Outcome):
        return Outcome("failed", f"a strained frame could not be labelled: {found.reason}")
    numeric = (found[0] - found[1]) / (2 * step * item.frame.volume)
    given = float((item.labels.stress * DIRECTION).sum())
    size = float(np.abs(item.labels.stress * DIRECTION).sum())
    if abs(given - numeric) <= absolute + RELATIVE * max(size, abs(numeric)):
        return Outcome("done", details={"given": given, "numeric": numeric})
    return Outcome(
        "stress_wrong",
        f"the stress of {level} along a strain is {given:.4g} eV/Å³, but the energy says "
        f"{numeric:.4g}",
        {"given": given, "numeric": numeric},
    )


def diagnosed(item: LabelledFrame, outcome: Outcome, energies: Energies) -> Outcome:
    """Return a "stress_wrong" with the likely cause in its reason, from all six components."""
    frames = [
        strained(item.frame, sign * STRAIN, _unit_strain(i, j))
        for i, j in _COMPONENTS
        for sign in (1, -1)
    ]
    found = energies(frames)
    if isinstance(found, Outcome):
        return outcome
    pairs = np.array(found).reshape(6, 2)
    slopes = (pairs[:, 0] - pairs[:, 1]) / (2 * STRAIN * item.frame.volume)
    numeric = np.zeros((3, 3))
    for (i, j), slope in zip(_COMPONENTS, slopes, strict=True):
        numeric[i, j] = numeric[j, i] = slope
    words = cause(np.asarray(item.labels.stress), numeric, item.frame)
    details = {**outcome.details, "numeric_stress": numeric.tolist()}
    return Outcome(outcome.kind, f"{outcome.reason}: {words}" if words else outcome.reason, details)


def cause(given: NDArray[np.float64], right: NDArray[np.float64], frame: Frame) -> str:
    """Return in words what turns the right stress into the given one, or "" if nothing known does.

    Args:
        given, right: eV/Å³, (3, 3).
        frame: its atoms and volume.
    """
    if not given.any():
        return "it is zero"
    size = max(float(np.abs(right).max()), float(np.abs(given).max()))
    found = [(float(np.abs(given + right).max()), "its sign is the opposite one")]
    found += [
        (float(np.abs(given - changed).max()), f"its components are in another order ({name})")
        for changed, name in _orders(right)
    ]
    found += [*_scaled(given, right, frame), *_moving(given, right, frame)]
    left, words = min(found)
    return words if left < ABSOLUTE + 2 * RELATIVE * size else ""


def _scaled(
    given: NDArray[np.float64], right: NDArray[np.float64], frame: Frame
) -> list[tuple[float, str]]:
    """Return what a factor leaves of the difference, and which unit it speaks of."""
    factor = float((given * right).sum() / max(float((right**2).sum()), 1e-30))
    if 0.9 < factor < 1.1 or -1.1 < factor < -0.9:
        return []
    units = {**_UNITS, "the volume multiplied in": frame.volume}
    near = [n for n, u in units.items() if 0.9 < abs(factor) / u < 1.1]
    sign = ", with the opposite sign" if factor < 0 else ""
    unit = f", as if it were in {near[0]}" if near and " " not in near[0] else ""
    unit = f", as if it had {near[0]}" if near and not unit else unit
    words = f"it is {abs(factor):.4g} times the right one{sign}{unit}"
    return [(float(np.abs(given - factor * right).max()), words)]


def _moving(
    given: NDArray[np.float64], right: NDArray[np.float64], frame: Frame
) -> list[tuple[float, str]]:
    """Return what −N k T/V on the diagonal, of atoms that move, leaves of the difference."""
    extra = given - right
    level = float(np.trace(extra)) / 3
    temperature = -level * frame.volume / (BOLTZMANN * len(frame))
    if not _COLDEST < temperature < _HOTTEST:
        return []
    left = float(np.abs(extra - level * np.eye(3)).max())
    # of one frame the kinetic tensor is not round: it scatters by √(2/N) and more off it
    scatter = 3.0 * abs(level) * float(np.sqrt(2.0 / len(frame)))
    words = f"the motion of atoms at about {temperature:.0f} K is in it"
    return [(left if left > scatter else 0.3 * left, words)]


def _orders(stress: NDArray[np.float64]) -> list[tuple[NDArray[np.float64], str]]:
    """Return what the stress becomes when its off-diagonal components are taken for others."""
    yz, xz, xy = stress[1, 2], stress[0, 2], stress[0, 1]
    names = {"xy yz zx for yz xz xy": (xy, yz, xz), "xy xz yz for yz xz xy": (xy, xz, yz)}
    found = []
    for name, (a, b, c) in names.items():
        changed = np.diag(np.diag(stress)).astype(float)
        for (i, j), value in zip(_COMPONENTS[3:], (a, b, c), strict=True):
            changed[i, j] = changed[j, i] = value
        found.append((changed, name))
    found.append((stress[::-1, ::-1], "z y x for x y z"))
    return found


def strained(frame: Frame, size: float, direction: NDArray[np.float64] = DIRECTION) -> Frame:
    """Return a frame with cell and positions strained by `size` along a direction."""
    deformation = np.eye(3) + size * direction
    return frame.moved(frame.positions @ deformation, frame.cell @ deformation)


def _unit_strain(i: int, j: int) -> NDArray[np.float64]:
    """Return the symmetric strain whose energy slope is V σ_ij."""
    strain = np.zeros((3, 3))
    strain[i, j] += 0.5
    strain[j, i] += 0.5
    return strain
