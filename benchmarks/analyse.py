"""`analyse` on a made-up electrolyte: 10 000 atoms × 1000 frames, time and memory by step.

python benchmarks/analyse.py [--atoms 10000] [--frames 1000] [--velocities]
"""

from __future__ import annotations

import argparse
import resource
import time
from itertools import pairwise

import numpy as np
from ase.build import molecule

from elyte.analysis import SystemDescription, analyse
from elyte.core.trajectory import Trajectory

DENSITY = 0.09  # atoms per Å³


def rotations(rng: np.random.Generator, frames: int, count: int, angle: float) -> np.ndarray:
    """Return random walks on the sphere of rotations, (frames, count, 3, 3), single precision."""
    result = np.empty((frames, count, 3, 3), dtype=np.float32)
    turn = np.linalg.qr(rng.normal(size=(count, 3, 3)))[0]
    for t in range(frames):
        a = rng.normal(scale=angle, size=(count, 3))
        skew = np.zeros((count, 3, 3))
        skew[:, 0, 1], skew[:, 0, 2], skew[:, 1, 2] = -a[:, 2], a[:, 1], -a[:, 0]
        skew -= skew.transpose(0, 2, 1)
        turn = np.linalg.qr(turn @ (np.eye(3) + skew))[0]
        result[t] = turn
    return result


def walk(
    rng: np.random.Generator, frames: int, count: int, length: float, step: float
) -> np.ndarray:
    """Return Brownian centres, (frames, count, 3)."""
    side = int(np.ceil(count ** (1 / 3)))
    cells = rng.permutation(side**3)[:count]
    start = (np.array(np.unravel_index(cells, (side,) * 3)).T + 0.5) * length / side
    return start + np.cumsum(rng.normal(scale=step, size=(frames, count, 3)), axis=0)


def electrolyte(
    atoms: int = 10000, frames: int = 1000, velocities: bool = False
) -> tuple[Trajectory, SystemDescription]:
    """Return Li+ and PF6- in acetonitrile whose molecules walk and turn at random."""
    rng = np.random.default_rng(0)
    nitrile = molecule("CH3CN")
    shapes = {
        "Li": ([3], np.zeros((1, 3))),
        "PF6": ([15] + [9] * 6, np.vstack([np.zeros(3), 1.6 * np.eye(3), -1.6 * np.eye(3)])),
        "AN": (nitrile.numbers.tolist(), nitrile.positions - nitrile.get_center_of_mass()),
    }
    salts = max(atoms // 125, 2)
    counts = {"Li": salts, "PF6": salts, "AN": (atoms - 8 * salts) // 6}
    total = sum(counts.values())
    length = (sum(counts[k] * len(shapes[k][0]) for k in counts) / DENSITY) ** (1 / 3)
    centres = walk(rng, frames, total, length, 0.35)
    numbers: list[int] = []
    molecules: list[int] = []
    bonds: list[tuple[int, int]] = []
    parts, first = [], 0
    links = {"Li": [], "PF6": [(0, k) for k in range(1, 7)],
             "AN": [(0, 1), (0, 2), (1, 3), (1, 4), (1, 5)]}  # fmt: skip
    for name, count in counts.items():
        z, shape = shapes[name]
        here = centres[:, first : first + count]
        turns = rotations(rng, frames, count, 0.12)
        whole = here[:, :, None] + np.einsum("tkij,mj->tkmi", turns, shape.astype(np.float32))
        parts.append(whole.reshape(frames, -1, 3))
        for k in range(count):
            at = len(numbers)
            bonds += [(at + i, at + j) for i, j in links[name]]
            numbers += z
            molecules += [first + k] * len(z)
        first += count
    positions = np.concatenate(parts, axis=1)
    trajectory = Trajectory(
        np.array(numbers),
        positions,
        np.broadcast_to(np.eye(3) * length, (frames, 3, 3)),
        100.0 * np.arange(frames),
        np.gradient(positions, 100.0, axis=0) if velocities else None,
        np.array(molecules),
    )
    system = SystemDescription.from_molecules(numbers, molecules, bonds)
    return trajectory, system


def main() -> None:
    """Print the time of each step, the whole, and the largest memory."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--atoms", type=int, default=10000)
    parser.add_argument("--frames", type=int, default=1000)
    parser.add_argument("--velocities", action="store_true")
    chosen = parser.parse_args()
    trajectory, system = electrolyte(chosen.atoms, chosen.frames, chosen.velocities)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    marks = [("read", time.perf_counter(), time.process_time())]
    analyse(
        trajectory,
        system,
        300.0,
        progress=lambda k, n, name: marks.append((name, time.perf_counter(), time.process_time())),
    )
    for (name, wall, used), (_, later, more) in pairwise(marks):
        print(f"{name:14s} {later - wall:7.2f} s wall {more - used:7.2f} s of processors")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    wall, used = marks[-1][1] - marks[0][1], marks[-1][2] - marks[0][2]
    print(
        f"{len(trajectory.numbers)} atoms, {len(trajectory)} frames: {wall:.1f} s wall, "
        f"{used:.1f} s of processors; memory {peak:.2f} GiB ({before:.2f} GiB is the input)"
    )


if __name__ == "__main__":
    main()
