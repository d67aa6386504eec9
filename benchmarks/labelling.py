"""Throughput of `label_frames` against bare tblite loops with the same linear algebra.

    python benchmarks/labelling.py [FRAMES.extxyz] [--frames 500] [--workers 2] [--repeats 3]

Without a file, boxes of three ethylene carbonates (30 atoms) are packed. Labels, the isolated
atoms, the strain test of a new level, the firewall and the ledger are all in elyte's time.

Prints wall and processor time of both; the processor time is what a busy machine can compare. The
driver's own share of it, per label, is what the workers on as many cores have to make room for.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from ase.io import write

from elyte.chemistry import pack_box
from elyte.core.formats import read_frames
from elyte.core.frame import Frame, LabelledFrame
from elyte.reference import EngineSettings, label_frames, xtb
from elyte.workflow import Ledger

BARE = """
import sys
import numpy as np
from ase.io import read
from tblite.interface import Calculator
first, workers, path, count = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], int(sys.argv[4])
for atoms in read(path, ":", format="extxyz")[:count][first::workers]:
    cell = np.array(atoms.cell) / 0.529177210903 if atoms.pbc.all() else None
    pbc = atoms.pbc if atoms.pbc.all() else None
    calculator = Calculator(
        "GFN1-xTB", atoms.numbers, atoms.positions / 0.529177210903, 0.0, None, cell, pbc
    )
    calculator.set("verbosity", 0)
    result = calculator.singlepoint()
    result.get("energy"), result.get("gradient"), result.get("virial"), result.get("charges")
"""


def bare(path: Path, count: int, workers: int) -> None:
    """Run the loops."""
    environment = {**os.environ, **xtb.environment()}
    loops = [
        subprocess.Popen(
            [sys.executable, "-c", BARE, str(i), str(workers), str(path), str(count)],
            env=environment,
        )
        for i in range(workers)
    ]
    if any(loop.wait() for loop in loops):
        raise SystemExit("a bare loop failed")


def labelled(frames: list[Frame], workers: int) -> None:
    """Label through the ledger."""
    with tempfile.TemporaryDirectory() as folder, Ledger(folder) as ledger:
        results = label_frames(frames, EngineSettings(), ledger, workers=workers)
    if not all(isinstance(item, LabelledFrame) for item in results):
        raise SystemExit("some frames were refused: choose others")


def timed(work: Callable[[], None]) -> tuple[float, float, float]:
    """Return wall seconds, processor seconds of driver and children, and of the driver alone."""

    def processor() -> list[float]:
        uses = [resource.getrusage(w) for w in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
        return [use.ru_utime + use.ru_stime for use in uses]

    wall, (own, others) = time.monotonic(), processor()
    work()
    wall, (own_after, others_after) = time.monotonic() - wall, processor()
    return wall, own_after - own + others_after - others, own_after - own


def main() -> None:
    """Measure alternately and print the ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("path", type=Path, nargs="?")
    parser.add_argument("--frames", type=int, default=500)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=3)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = chosen.path or packed(Path(folder) / "frames.extxyz", chosen.frames)
        compare(path, chosen)


def packed(path: Path, count: int) -> Path:
    """Write rattled boxes of three ethylene carbonates."""
    boxes = [pack_box({"EC": 3}, 1.1, seed=seed) for seed in range(8)]
    rng = np.random.default_rng(0)
    images = []
    for index in range(count):
        box = boxes[index % len(boxes)]
        shift = rng.normal(0, 0.03, box.positions.shape)
        images.append(box.moved(box.positions + shift).to_ase())
    write(path, images, format="extxyz")
    return path


def compare(path: Path, chosen: argparse.Namespace) -> None:
    """Time both, alternately."""
    frames = read_frames(path)[: chosen.frames]
    print(f"{len(frames)} frames of {len(frames[0])} atoms, {chosen.workers} workers")
    for _ in range(chosen.repeats):
        b = timed(lambda: bare(path, len(frames), chosen.workers))
        e = timed(lambda: labelled(frames, chosen.workers))
        print(
            f"bare {b[0]:.2f} s wall, {b[1]:.2f} s processor; elyte {e[0]:.2f} s, {e[1]:.2f} s; "
            f"throughput {b[0] / e[0]:.3f} by wall, {b[1] / e[1]:.3f} by processor time; driver "
            f"{1e3 * e[2] / len(frames):.2f} ms a label"
        )


if __name__ == "__main__":
    main()
