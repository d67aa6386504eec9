"""The whole of `elyte analyse`: 10 000 atoms × 1000 frames; seconds, processor seconds, memory.

`python benchmarks/analyse.py [threads [frames]]`
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

THREADS = int(sys.argv[1]) if len(sys.argv) > 1 else 2
FRAMES = int(sys.argv[2]) if len(sys.argv) > 2 else 1000
os.environ["OMP_NUM_THREADS"] = str(THREADS)

import numpy as np  # noqa: E402

from elyte.core.frame import Frame  # noqa: E402
from elyte.core.h5md import TrajectoryWriter  # noqa: E402

SIDE, SPACING = 10, 4.7
PAIRS = 144
EC = np.array(
    [
        [0.00, 1.19, 0.0], [0.00, 0.00, 0.0], [1.12, -0.78, 0.0], [-1.12, -0.78, 0.0],
        [0.76, -2.15, 0.0], [-0.76, -2.15, 0.0], [1.15, -2.65, 0.89], [1.15, -2.65, -0.89],
        [-1.15, -2.65, 0.89], [-1.15, -2.65, -0.89],
    ]
)  # fmt: skip
EC_NUMBERS = [8, 6, 8, 8, 6, 6, 1, 1, 1, 1]
PF6 = 1.6 * np.array(
    [[0, 0, 0], [1, 0, 0], [-1, 0, 0], [0, 1, 0], [0, -1, 0], [0, 0, 1], [0, 0, -1]]
)
LITHIUM = np.array([0.0, 3.1, 0.0])  # 1.9 Å beyond the carbonyl O of a carbonate


def liquid() -> tuple[np.ndarray, list[int], np.ndarray]:
    """Molecules on the sites of a lattice: positions, atomic numbers, molecule of each atom."""
    sites = np.stack(np.unravel_index(np.arange(SIDE**3), (SIDE,) * 3), axis=1) * SPACING
    solvent, anions = sites[PAIRS:], sites[:PAIRS]
    parts = [s + EC for s in solvent] + [s + PF6 for s in anions]
    parts += [(s + LITHIUM)[None] for s in solvent[:PAIRS]]
    numbers = EC_NUMBERS * len(solvent) + [15, 9, 9, 9, 9, 9, 9] * PAIRS + [3] * PAIRS
    molecules = np.repeat(np.arange(len(parts)), [len(p) for p in parts])
    return np.concatenate(parts), numbers, molecules


def write(path: Path) -> int:
    """Write a run in which molecules walk slowly and atoms rattle; return the number of atoms."""
    rng = np.random.default_rng(0)
    base, numbers, molecules = liquid()
    frame = Frame(numbers, base, np.eye(3) * SIDE * SPACING, True, molecules)  # type: ignore[arg-type]
    centres = np.zeros((molecules[-1] + 1, 3))
    with TrajectoryWriter(path, frame, flush_every=FRAMES) as writer:
        for k in range(FRAMES):
            centres += rng.normal(size=centres.shape) * 0.12
            writer.append(base + centres[molecules] + 0.05 * rng.normal(size=base.shape),
                          frame.cell, 1000.0 * k, k)  # fmt: skip
    return len(numbers)


def main() -> None:
    """Print what one analysis takes, in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "run.h5"
        atoms = write(path)
        command = [sys.executable, "-c", "from elyte.cli import main; main()", "analyse", str(path),
                   "--temperature", "350 K", "--out", str(Path(folder) / "out")]  # fmt: skip
        start = time.perf_counter()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        seconds = time.perf_counter() - start
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
    print(
        f"{atoms} atoms × {FRAMES} frames, {THREADS} threads: {seconds:.0f} s, "
        f"{used.ru_utime + used.ru_stime:.0f} processor seconds, {used.ru_maxrss / 2**20:.2f} GiB"
    )


if __name__ == "__main__":
    main()
