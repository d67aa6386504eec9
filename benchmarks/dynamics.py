"""What a step of dynamics costs beyond the forces: `python benchmarks/dynamics.py`.

The loop is timed without forces (an ideal gas), through `simulate` with its records; the forces
are those of moment tensor potentials on a box of liquid density. Limits: 30 % at 100 atoms and
10 % at 1000 atoms, of the forces of a level-8 potential; thermostat, barostat, frames and an
observer included.

Then whole steps of a run, neighbour lists included, on one thread and on two: atoms in free flight
at 400 K, whose lists last the shortest time, under forces too weak to matter, which are no cheaper.

Then what extrapolation grades cost in a run: the time of a step with them over one without. Limit:
25 % for those of every step.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from mtp_kernel import standard_box

from elyte._native import dynamics as native
from elyte.core.frame import Frame
from elyte.dynamics import Evaluator, GradeWatch, RunSettings, simulate
from elyte.dynamics.state import fresh_state, maxwell_boltzmann
from elyte.potentials.mtp import MTP
from elyte.selection import ActiveSet

LIMITS = {100: 0.30, 1000: 0.10}
GRADE_LIMIT = 0.25
RUNS = [
    ("NVE", "bussi", "scr"),
    ("NVT", "bussi", "scr"),
    ("NVT", "nose-hoover", "scr"),
    ("NVT", "langevin", "scr"),
    ("NPT", "bussi", "scr"),
    ("NPT", "nose-hoover", "mtk"),
]


def box(n: int, seed: int = 0) -> Frame:
    """Carbon, oxygen and hydrogen on a disturbed lattice of 0.1 atoms/Å³."""
    rng = np.random.default_rng(seed)
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


class Glance:
    """An observer that does next to nothing."""

    every = 100

    def __call__(self, moment: Any) -> None:
        self.last = moment.temperature


def step_time(frame: Frame, ensemble: str, thermostat: str, barostat: str) -> float:
    """Return the least processor time of a step without forces, s."""
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
        start = time.process_time()
        simulate(frame, native.ideal_gas(), settings, observers=[Glance()])
        times.append((time.process_time() - start) / steps)
    return min(times)


def whole_step_times(
    frame: Frame, level: int, thermostat: str, rounds: int = 25, steps: int = 60
) -> dict[int, float]:
    """Return the mean time of a step with its forces and lists, s, by the number of threads.

    Of each step the least time of all rounds, in which the numbers of threads take turns, so that
    other programs on the cores matter as little as can be.
    """
    potential = MTP.initial(level, ["H", "C", "O"], cutoff=5.0, min_distance=0.8)
    potential = replace(potential, moment_coefficients=1e-12 * potential.moment_coefficients)
    settings = RunSettings("NVT", 400.0, steps=steps, timestep=0.5, thermostat=thermostat)
    velocities = maxwell_boltzmann(frame, 400.0, 1, True)
    targets = settings.targets(1)
    least = {threads: np.full(steps, np.inf) for threads in (1, 2)}
    for _ in range(rounds):
        for threads, times in least.items():
            run = native.Simulation(
                potential.native(threads=threads),
                fresh_state(frame, velocities, 1, settings.chain_length),
                settings.native(frame, steps),
            )
            run.evaluate()
            for step in range(steps):
                start = time.perf_counter()
                run.run(1, *targets, {}, False)
                times[step] = min(times[step], time.perf_counter() - start)
    return {threads: float(times.mean()) for threads, times in least.items()}


def threads() -> list[dict[str, Any]]:
    """Print and return what a second thread brings to whole runs of 1000 atoms."""
    rows = []
    for level in (8, 16):
        for thermostat in ("bussi", "langevin"):
            one, two = whole_step_times(standard_box(), level, thermostat).values()
            print(
                f"  whole step, level {level}, NVT {thermostat}: {1e6 * one:.0f} µs on one thread, "
                f"{1e6 * two:.0f} µs on two, {one / two:.2f} times faster",
                flush=True,
            )
            rows.append({"level": level, "thermostat": thermostat, "one": one, "two": two})
    return rows


def watches(active: ActiveSet, potential: MTP) -> dict[str, Callable[[], list[GradeWatch]]]:
    """Return what makes the stop rules of each variant."""
    grade = active.grade_function(potential)
    made: dict[str, Callable[[], list[GradeWatch]]] = {
        "none": list,
        "every step": lambda: [GradeWatch(grade, 1e8, 1e9)],
        "every 10 steps": lambda: [GradeWatch(grade, 1e8, 1e9, 10)],
    }
    if active.mode == "neighbourhood":
        made["all atoms"] = lambda: [GradeWatch(grade, 1e8, 1e9, rotation=1)]
        made["as in production"] = lambda: [GradeWatch(grade, 1e8, 1e9, rotation=32, margin=2.0)]
    return made


def graded_times(
    frame: Frame, potential: MTP, active: ActiveSet, steps: int = 100, rounds: int = 6
) -> dict[str, float]:
    """Return the least processor time of a step of each variant, s.

    The variants take turns, so that all meet the same other programs on the cores.
    """
    settings = RunSettings("NVE", 300.0, steps=steps, timestep=0.1, series_every=0)
    variants = watches(active, potential)
    least = dict.fromkeys(variants, np.inf)
    for _ in range(rounds):
        for name, rules in variants.items():
            start = time.process_time()
            run = simulate(frame, potential, settings, seed=1, stop_rules=rules())
            assert run.outcome.done, run.outcome
            least[name] = min(least[name], (time.process_time() - start) / steps)
    return least


def grades_of(frame: Frame, potential: MTP, mode: str, count: int, floor: float) -> dict[str, Any]:
    """Print and return what grades cost on one frame."""
    random = np.random.default_rng(0)
    moves = random.normal(0, 0.05, (count, *frame.positions.shape))
    training = [frame.moved(frame.positions + move) for move in moves]
    active = ActiveSet.build(potential, training, mode, floor=floor)
    places = sum(len(block.columns) for block in active.blocks.values())
    filled = places - sum(active.unfilled.values())
    least = graded_times(frame, potential, active)
    without = least.pop("none")
    shares = {name: taken / without - 1 for name, taken in least.items()}
    shown = ", ".join(f"{name} {100 * share:+.1f} %" for name, share in shares.items())
    print(
        f"  {len(frame)} atoms, {mode} ({filled} of {places} places filled): "
        f"{1e6 * without:.0f} µs/step without; {shown}",
        flush=True,
    )
    return {
        "atoms": len(frame), "mode": mode, "places": places, "filled": filled,
        "step_us": 1e6 * without, "share": shares,
    }  # fmt: skip


def grades() -> list[dict[str, Any]]:
    """Print and return what grades cost at level 16, in both forms."""
    potential = MTP.initial(16, ["H", "C", "O"], cutoff=5.0, min_distance=0.8)
    # so many frames and so small a floor that true rows fill as many places as in a trained set;
    # the potential is not trained, and its energies are small
    forms = (("configuration", 60, 1e-6), ("neighbourhood", 2, 5e-4))
    print("grades, processor time of a step over one without")
    return [
        grades_of(frame, potential, *form)
        for frame in (box(100), box(400), standard_box())
        for form in forms
    ]


def main() -> int:
    """Print the table; return 1 when a limit is missed."""
    missed = 0
    rows = []
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
            rows.append({"atoms": n, "run": run, "us": 1e6 * own, "of_level_8": own / forces[8]})
    graded = grades()
    missed += sum(row["share"]["every step"] > GRADE_LIMIT for row in graded)
    result = {"loop": rows, "threads": threads(), "grades": graded}
    output = Path(__file__).parent / "results" / "dynamics.json"
    output.parent.mkdir(exist_ok=True)
    output.write_text(json.dumps(result, indent=1) + "\n")
    return int(missed > 0)


if __name__ == "__main__":
    sys.exit(main())
