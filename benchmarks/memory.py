"""Memory of a long run of 1000 atoms: it must stay flat.

    python benchmarks/memory.py [--picoseconds 100] [--level 8]

Runs native dynamics with a thermostat, extrapolation grades and frames that go to a file, and
prints as it goes on the memory of the process, and what of it is allocated (glibc's mallinfo2). A
leak would show in the latter; the former also grows with the gaps that lists of changing length
leave in the heap. The crystal is cold, so that its lists keep their
length. The least allocated in the last third of the run may not exceed that of the
second by more than 0.5 MiB.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from elyte.core import Frame
from elyte.core.h5md import TrajectoryWriter
from elyte.dynamics import GradeWatch, RunSettings, simulate
from elyte.potentials.mtp import MTP
from elyte.selection import ActiveSet

ALLOWED = 0.5  # MiB


class _Heap(ctypes.Structure):
    """Struct mallinfo2: `uordblks` and `hblkhd` are the bytes allocated in heap and in maps."""

    _fields_ = (
        *((name, ctypes.c_size_t) for name in ("arena", "ordblks", "smblks", "hblks", "hblkhd")),
        *((name, ctypes.c_size_t) for name in ("usmblks", "fsmblks", "uordblks", "fordblks")),
        ("keepcost", ctypes.c_size_t),
    )


def allocated() -> float:
    """Return what the process has allocated, MiB."""
    report = ctypes.CDLL(None).mallinfo2
    report.restype = _Heap
    heap = report()
    return float(heap.uordblks + heap.hblkhd) / 2**20


def resident() -> float:
    """Return the memory of this process, MiB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096 / 2**20


def crystal(side: int = 8) -> Frame:
    """Return a rock salt of 2 × side³ ions on a cubic body-centred lattice."""
    corners = np.stack(np.meshgrid(*[np.arange(side)] * 3, indexing="ij"), -1).reshape(-1, 3)
    positions = np.concatenate([corners, corners + 0.5]) * 4.0
    numbers = np.repeat([3, 17], side**3)
    return Frame(numbers, positions, np.eye(3) * 4.0 * side, True)


class Meter:
    """Notes time and memory."""

    def __init__(self, every: int) -> None:
        self.every = every
        self.rows: list[tuple[float, float, float]] = []

    def __call__(self, moment: Any) -> None:
        self.rows.append((moment.time / 1000, resident(), allocated()))


def main() -> int:
    """Run, print a table, write JSON; return 1 when memory has grown."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--picoseconds", type=float, default=100.0)
    parser.add_argument("--level", type=int, default=8)
    chosen = parser.parse_args()
    frame = crystal()
    potential = MTP.initial(chosen.level, ["Li", "Cl"], cutoff=4.5, min_distance=1.5, seed=1)
    active = ActiveSet.build(potential, [frame.moved(frame.positions + 0.01, frame.cell)])
    watch = GradeWatch(active.grade_function(potential), 1e8, 1e9, every=200)
    steps = round(500 * chosen.picoseconds)
    settings = RunSettings(
        "NVT", 2.0, steps=steps, timestep=2.0, series_every=100, frames_every=5000
    )
    meter = Meter(max(steps // 20, 1))
    with tempfile.TemporaryDirectory() as folder:
        writer = TrajectoryWriter(Path(folder) / "run.h5", frame)
        with writer:
            run = simulate(
                frame, potential, settings, observers=[meter], stop_rules=[watch], writer=writer
            )
    if not run.outcome.done:
        raise SystemExit(f"the run ended: {run.outcome.reason}")
    print(f"{len(frame)} atoms, level {chosen.level}, {run.speed:.0f} steps/s")
    print("       ps   resident  allocated, MiB")
    for row in meter.rows:
        print("{:9.1f} {:10.2f} {:10.2f}".format(*row))
    parts = np.array_split(np.array(meter.rows)[:, 2], 3)
    growth = float(parts[2].min() - parts[1].min())
    print(f"growth from the second to the last third: {growth:.3f} MiB, allowed {ALLOWED} MiB")
    output = Path(__file__).parent / "results" / "memory.json"
    output.parent.mkdir(exist_ok=True)
    output.write_text(json.dumps({"atoms": len(frame), "growth_mib": growth, "rows": meter.rows}))
    return int(growth > ALLOWED)


if __name__ == "__main__":
    sys.exit(main())
