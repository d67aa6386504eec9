"""Memory of a long run of 1000 atoms: it must stay flat.

    python benchmarks/memory.py [--picoseconds 1000] [--level 8]

Runs native dynamics of liquid argon (a potential trained on the spot on Lennard-Jones labels) with
a thermostat, extrapolation grades and frames that go to a file, and prints as it goes on the
memory of the process, and what of it is allocated (glibc's mallinfo2). A leak would show in the
latter; the former also grows with the gaps that lists of changing length leave in the heap. The
least allocated in the last third of the run may not exceed that of the second by more than 0.5 MiB.
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
from ase import units
from ase.build import bulk
from ase.calculators.lj import LennardJones
from ase.md.verlet import VelocityVerlet

from elyte.core.frame import Dataset, Frame, LabelledFrame, Labels
from elyte.core.h5md import TrajectoryWriter
from elyte.dynamics import GradeWatch, RunSettings, simulate
from elyte.potentials.mtp import MTP
from elyte.potentials.mtp.training import train
from elyte.selection import ActiveSet

ALLOWED = 0.5  # MiB
SIGMA, EPSILON, CUTOFF = 3.405, 0.0103, 8.0  # Å, eV, Å: argon


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


def labels() -> Dataset:
    """Return frames of hot argon on its way from crystals of three densities to liquids."""
    random, found = np.random.default_rng(0), []
    for edge in (5.4, 5.6, 5.9):
        atoms = bulk("Ar", "fcc", a=edge, cubic=True) * (3, 3, 3)
        atoms.calc = LennardJones(sigma=SIGMA, epsilon=EPSILON, rc=CUTOFF, smooth=True)
        speeds = np.sqrt(units.kB * 400.0 / atoms.get_masses())[:, None]
        atoms.set_velocities(speeds * random.normal(size=(len(atoms), 3)))
        dynamics = VelocityVerlet(atoms, 4 * units.fs)
        for _ in range(9):
            dynamics.run(25)
            frame = Frame(atoms.numbers, atoms.positions, np.array(atoms.cell), True)
            energy, stress = atoms.get_potential_energy(), atoms.get_stress(voigt=False)
            found.append(LabelledFrame(frame, Labels(energy, atoms.get_forces(), stress)))
    return Dataset(found)


def box(side: int = 10, spacing: float = 3.65) -> Frame:
    """Return side³ atoms of argon on a simple cubic lattice, which melts at once."""
    corners = np.stack(np.meshgrid(*[np.arange(side)] * 3, indexing="ij"), -1).reshape(-1, 3)
    return Frame(np.full(side**3, 18), corners * spacing, np.eye(3) * spacing * side, True)


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
    parser.add_argument("--picoseconds", type=float, default=1000.0)
    parser.add_argument("--level", type=int, default=8)
    chosen = parser.parse_args()
    data, frame = labels(), box()
    start = MTP.initial(chosen.level, ["Ar"], cutoff=CUTOFF, min_distance=2.6, seed=1)
    potential = train(start, data, threads=1).potential
    active = ActiveSet.build(potential, data.frames)
    watch = GradeWatch(active.grade_function(potential), 1e8, 1e9, every=200)
    steps = round(500 * chosen.picoseconds)
    settings = RunSettings(
        "NVT", 110.0, steps=steps, timestep=2.0, series_every=100, frames_every=5000
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
