"""What a step of dynamics costs beyond the forces: `python benchmarks/dynamics.py`.

The loop is timed without forces (an ideal gas), through `simulate` with its records; the forces
are those of moment tensor potentials on a box of liquid density. Limits: 30 % at 100 atoms and
10 % at 1000 atoms, of the forces of a level-8 potential.
"""

from __future__ import annotations

import sys
import time

import numpy as np

from elyte._native import dynamics as native
from elyte.core.frame import Frame
from elyte.dynamics import Evaluator, RunSettings, simulate
from elyte.potentials.mtp import MTP

LIMITS = {100: 0.30, 1000: 0.10}
RUNS = [
    ("NVE", "bussi", "scr"),
    ("NVT", "bussi", "scr"),
    ("NVT", "nose-hoover", "scr"),
    ("NVT", "langevin", "scr"),
    ("NPT", "bussi", "scr"),
    ("NPT", "nose-hoover", "mtk"),
]


def box(n: int) -> Frame:
    """Carbon, oxygen and hydrogen on a disturbed lattice of 0.1 atoms/Å³."""
    rng = np.random.default_rng(0)
    edge = (n / 0.1) ** (1 / 3)
    side = int(np.ceil(n ** (1 / 3)))
    points = np.stack(np.meshgrid(*[np.arange(side)] * 3), -1).reshape(-1, 3)
    sites = rng.permutation(points)[:n] * edge / side
    positions = sites + rng.normal(0, 0.15, (n, 3))
    return Frame(np.resize([6, 8, 1, 1], n), positions, np.eye(3) * edge, True)


def force_time(frame: Frame, level: int) -> float:
    """Return the least time of an evaluation, s, atoms at rest."""
    potential = MTP.initial(level, ["H", "C", "O"], cutoff=5.0, min_distance=0.8)
    evaluator = Evaluator(potential, frame)
    times = []
    for _ in range(30):
        start = time.perf_counter()
        evaluator(frame.positions, frame.cell)
        times.append(time.perf_counter() - start)
    return min(times)


def step_time(frame: Frame, ensemble: str, thermostat: str, barostat: str) -> float:
    """Return the least time of a step without forces, s."""
    steps = 4000
    settings = RunSettings(
        ensemble,
        300.0,
        4000.0,
        steps=steps,
        thermostat=thermostat,
        barostat=barostat,
        frames_every=100,
        max_volume_change=10,
    )
    times = []
    for _ in range(5):
        start = time.perf_counter()
        simulate(frame, native.ideal_gas(), settings)
        times.append((time.perf_counter() - start) / steps)
    return min(times)


def main() -> int:
    """Print the table; return 1 when a limit is missed."""
    missed = 0
    for n, limit in LIMITS.items():
        frame = box(n)
        forces = {level: force_time(frame, level) for level in (8, 16)}
        shown = ", ".join(f"level {k}: {1e6 * t:.0f} µs" for k, t in forces.items())
        print(f"{n} atoms; forces on one core: {shown}")
        for run in RUNS:
            own = step_time(frame, *run)
            shares = "  ".join(f"level {k}: {own / t:6.1%}" for k, t in forces.items())
            bad = own / forces[8] > limit
            missed += bad
            mark = f"  above {limit:.0%}" if bad else ""
            print(f"  {' '.join(run):22s} {1e6 * own:7.2f} µs/step   {shares}{mark}")
    return int(missed > 0)


if __name__ == "__main__":
    sys.exit(main())
