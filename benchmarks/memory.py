"""Memory of a long run of 1000 atoms: it must stay flat.

    python benchmarks/memory.py [--picoseconds 100] [--level 8]

Runs native dynamics with a thermostat, a barostat, extrapolation grades and frames that go to a
file, and prints the memory of the process as it goes on. What it has after the first tenth of the
run may not grow by more than 2 MiB until the end.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from elyte.core import Frame
from elyte.core.trajectory import TrajectoryWriter
from elyte.dynamics import GradeWatch, RunSettings, simulate
from elyte.potentials.mtp import MTP
from elyte.selection import ActiveSet

ALLOWED = 2.0  # MiB


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
        self.rows: list[tuple[float, float]] = []

    def __call__(self, moment: Any) -> None:
        self.rows.append((moment.time / 1000, resident()))


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
        "NVT", 200.0, steps=steps, timestep=2.0, series_every=100, frames_every=500
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
    for time, memory in meter.rows:
        print(f"{time:9.1f} ps {memory:9.2f} MiB")
    settled = [memory for time, memory in meter.rows if time >= 0.1 * chosen.picoseconds]
    growth = max(settled) - settled[0]
    print(f"growth after the first tenth: {growth:.2f} MiB, allowed {ALLOWED:.0f} MiB")
    output = Path(__file__).parent / "results" / "memory.json"
    output.parent.mkdir(exist_ok=True)
    output.write_text(json.dumps({"atoms": len(frame), "growth_mib": growth, "rows": meter.rows}))
    return int(growth > ALLOWED)


if __name__ == "__main__":
    sys.exit(main())
