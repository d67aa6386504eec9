"""Forces, stress and parameter derivatives against finite differences of the energy."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from elyte.core import Frame
from elyte.potentials.protocol import Potential
from elyte.testing.report import Check, Tolerances, Worst, not_applicable
from elyte.testing.structures import TRICLINIC

_STEP = 2e-4  # Å or strain; small, since second derivatives may jump at the cutoff
_COMPONENTS = 12  # force components tested in each frame


def slope(energy: Callable[[float], float], step: float = _STEP) -> float:
    """Return dE/dx at 0 by central differences of fourth order."""
    near = energy(step) - energy(-step)
    far = energy(2 * step) - energy(-2 * step)
    return (8 * near - far) / (12 * step)


def distorted(frame: Frame) -> Frame:
    """Return the frame in a triclinic, distorted cell (as it stands without a box)."""
    turn = TRICLINIC if frame.pbc.any() else np.eye(3)
    return frame.moved(frame.positions @ turn, frame.cell @ turn)


def check_forces(potential: Potential, frames: Sequence[Frame], tolerances: Tolerances) -> Check:
    """F = −∂E/∂r, for some components and along one direction of all atoms together."""
    worst = Worst()
    for index, given in enumerate(frames):
        frame = distorted(given)
        forces = potential.evaluate([frame])[0].forces
        for direction in _directions(frame.positions.size, index):
            move = direction.reshape(-1, 3)
            found = -float(np.vdot(forces, move))
            expected = slope(lambda x, f=frame, m=move: _energy(potential, f, x * m))  # type: ignore[misc]
            worst.add(found, expected, f"frame {index}, atom {np.argmax(np.abs(move)) // 3}")
    return worst.check("forces are −dE/dr", tolerances.derivative)


def check_stress(potential: Potential, frames: Sequence[Frame], tolerances: Tolerances) -> Check:
    """σ = (1/V) ∂E/∂ε, tension positive, for the six strains of distorted triclinic cells."""
    worst = Worst()
    for index, given in enumerate(f for f in frames if f.pbc.all()):
        frame = distorted(given)
        stress = potential.evaluate([frame])[0].stress
        worst.add(stress, stress.T, f"symmetry, periodic frame {index}")
        for a, b in ((0, 0), (1, 1), (2, 2), (1, 2), (0, 2), (0, 1)):
            strain = np.zeros((3, 3))
            strain[a, b] = strain[b, a] = 0.5 if a != b else 1.0
            expected = slope(lambda x, f=frame, e=strain: _strained(potential, f, x * e))  # type: ignore[misc]
            found = frame.volume * np.vdot(stress, strain)
            worst.add(found, expected, f"periodic frame {index}, σ{'xyz'[a]}{'xyz'[b]}")
    return worst.check("stress is dE/dε / V", tolerances.derivative)


def check_net_force(potential: Potential, frames: Sequence[Frame], tolerances: Tolerances) -> Check:
    """ΣF = 0; without a box Σ r × F = 0 too."""
    worst = Worst()
    for index, frame in enumerate(frames):
        forces = potential.evaluate([frame])[0].forces
        size = max(1.0, float(np.abs(forces).max()))
        worst.add(forces.sum(axis=0) / size, np.zeros(3), f"frame {index}")
        if not frame.pbc.any():
            torque = np.cross(frame.positions - frame.positions.mean(axis=0), forces).sum(axis=0)
            worst.add(torque / size, np.zeros(3), f"torque, frame {index}")
    return worst.check("no net force", tolerances.exact)


def check_parameter_derivatives(
    potential: Potential, frames: Sequence[Frame], tolerances: Tolerances
) -> Check:
    """∂E_i/∂θ of `atom_gradients`, along random directions of θ."""
    name = "parameter derivatives are dE_i/dθ"
    if not (hasattr(potential, "atom_gradients") and hasattr(potential, "with_parameters")):
        return not_applicable(name, "no atom_gradients or with_parameters")
    worst = Worst()
    theta = np.array(potential.parameters)  # type: ignore[attr-defined]
    scale = 1e-3 * np.maximum(np.abs(theta), np.sqrt(np.mean(theta**2)))
    for index, frame in enumerate(frames):
        gradients = potential.atom_gradients(frame)
        for seed in range(3):
            move = scale * np.random.default_rng(seed).choice([-1.0, 1.0], theta.shape)

            def energies(x: float, f: Frame = frame, m: NDArray[np.float64] = move) -> np.ndarray:
                moved = potential.with_parameters(theta + x * m)  # type: ignore[attr-defined]
                return np.asarray(moved.evaluate([f])[0].energies)

            near, far = energies(0.5) - energies(-0.5), energies(1.0) - energies(-1.0)
            # in units of the scale that the direction has, so that small steps do not hide errors
            expected = (8 * near - far) / 6
            size = max(float(np.abs(expected).max()), 1e-12)
            worst.add(gradients @ move / size, expected / size, f"frame {index}")
    return worst.check(name, tolerances.derivative)


def _energy(potential: Potential, frame: Frame, move: NDArray[np.float64]) -> float:
    return float(potential.evaluate([frame.moved(frame.positions + move)])[0].energy)


def _strained(potential: Potential, frame: Frame, strain: NDArray[np.float64]) -> float:
    turn = np.eye(3) + strain
    moved = frame.moved(frame.positions @ turn, frame.cell @ turn)
    return float(potential.evaluate([moved])[0].energy)


def _directions(size: int, seed: int) -> list[NDArray[np.float64]]:
    """Return unit moves of some components, and one random direction of all."""
    random = np.random.default_rng(seed)
    chosen = random.choice(size, min(size, _COMPONENTS), replace=False)
    together = random.normal(size=size)
    return [*np.eye(size)[chosen], together / np.linalg.norm(together)]
