"""Cost of energy, forces and stress of moment tensor potentials: `python benchmarks/mtp_kernel.py`.

On a box of 1000 atoms at 0.1 atoms/Å³ (the EC/EMC box of `shared/data` where that is there, else
a random one), cutoff 5 Å, with random coefficients: microseconds per atom for each level,
instruction set, precision and number of threads, the neighbour list apart (with a skin, so that the
filter is in it), and what list and filter add to the forces; the share of the
multiply-add peak (of double precision) that the same run measures; a batch of boxes of 100 atoms;
and on the same structure motep's C engine on the same potentials, and a classical force field
with particle-mesh electrostatics (OpenMM), where they are installed. Other builds of motep are
given by `--motep NAME=FOLDER`.

Times are the least of several; those of motep and OpenMM are processor time.
Other programs on the same cores make them longer: see `load`.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import classical_cost
import numpy as np
from ase.data import chemical_symbols

from elyte._native import mtp as native
from elyte.core.frame import Frame
from elyte.core.neighbours import neighbours
from elyte.dynamics.state import maxwell_boltzmann
from elyte.potentials.mtp import MTP
from elyte.potentials.mtp.kernel import SKIN, Kernel

SPECIES = [1, 6, 8]
DATA = Path(os.environ.get("ELYTE_DATA", Path(__file__).resolve().parents[2] / "shared" / "data"))


def standard_box() -> Frame:
    """Return the 1000-atom box of EC and EMC, or a random one like it."""
    path = DATA / "oracles" / "mtp_liquid" / "s3.cfg"
    if not path.exists():
        return random_box(1000)
    lines = [line.split() for line in path.read_text().splitlines()]
    at = next(k for k, line in enumerate(lines) if line[:1] == ["AtomData:"])
    table = np.array([line for line in lines[at + 1 :] if len(line) == 5], dtype=float)
    cell = next(k for k, line in enumerate(lines) if line == ["Supercell"])
    numbers = np.array(SPECIES)[table[:, 1].astype(int)]
    return Frame(numbers, table[:, 2:], np.array(lines[cell + 1 : cell + 4], dtype=float), True)


def random_box(n: int, density: float = 0.1, seed: int = 0) -> Frame:
    """Return atoms on a disturbed lattice."""
    random = np.random.default_rng(seed)
    edge, side = (n / density) ** (1 / 3), int(np.ceil(n ** (1 / 3)))
    sites = np.stack(np.meshgrid(*[np.arange(side)] * 3), -1).reshape(-1, 3)
    positions = random.permutation(sites)[:n] * edge / side + random.normal(0, 0.15, (n, 3))
    return Frame(random.choice(SPECIES, n), positions, edge * np.eye(3), True)


def least_time(call: Callable[[], Any], seconds: float = 1.0) -> float:
    """Return the least time of a call, s, over so many seconds and three calls at least."""
    times: list[float] = []
    while len(times) < 3 or sum(times) < seconds:
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return min(times)


def multiply_adds(mtp: MTP, neighbours_per_atom: float) -> float:
    """Return the multiply-adds per atom that the kernel cannot do without (docs/theory/mtp.md)."""
    counts = native.Potential(mtp.native_arrays()).operations()
    return counts["per_neighbour"] * neighbours_per_atom + counts["per_atom"]


def steps_of_a_list(
    frame: Frame, temperature: float = 400.0, timestep: float = 0.5, steps: int = 300
) -> float:
    """Return how many steps (fs) a list with the default skin lasts in free flight (K).

    Atoms of a liquid, which vibrate and collide, take longer to use the skin up.
    """
    velocities = maxwell_boltzmann(frame, temperature, 0, True)
    weak = MTP.initial(2, [chemical_symbols[z] for z in SPECIES], cutoff=5.0, min_distance=1e-3)
    follower = Kernel(weak.native_arrays()).follower()
    for step in range(steps):
        follower.evaluate(frame.moved(frame.positions + step * timestep * velocities))
    return steps / follower.builds


def measure(
    frame: Frame, mtp: MTP, isa: str, precision: str, threads: int, options: argparse.Namespace
) -> dict[str, Any]:
    """Return one row of the table."""
    potential = native.Potential(mtp.native_arrays(), isa, precision)
    pbc = tuple(map(bool, frame.pbc))
    structure = (frame.numbers, frame.positions, frame.cell, pbc)
    # small levels, of which an evaluation is short, more often: it can be disturbed whole
    list_time, forces_time = potential.time(*structure, threads, 3, SKIN)
    repeats = max(10, round(options.seconds / (list_time + 3 * forces_time)))
    list_time, forces_time = potential.time(*structure, threads, repeats, SKIN)
    bare_time = potential.time(*structure, threads, repeats, 0.0)[1]
    n = len(frame)
    pairs = len(neighbours(frame, mtp.cutoff)) / n
    peak = native.multiply_adds_per_second(isa) * threads
    return {
        "code": f"elyte ({isa}, {precision})",
        "level": mtp.level,
        "threads": threads,
        "atoms": n,
        "neighbours": pairs,
        "us_per_atom": 1e6 * forces_time / n,
        "list_us_per_atom": 1e6 * list_time / n,
        # of the forces without a skin: what a skin adds to each step, and a list in so many steps
        "list_and_filter": (forces_time + list_time / options.steps_of_a_list) / bare_time - 1,
        "peak_gflops": peak / 1e9,
        "share_of_peak": 2 * multiply_adds(mtp, pairs) * n / forces_time / peak,
    }


def measure_batch(mtp: MTP, threads: int, boxes: int = 64) -> dict[str, Any]:
    """Return the row of a batch of boxes of 100 atoms, neighbour lists and Python included."""
    frames = [random_box(100, seed=k) for k in range(boxes)]
    mtp.evaluate(frames, threads)
    seconds = least_time(lambda: mtp.evaluate(frames, threads))
    return {
        "code": f"{boxes} boxes of 100",
        "level": mtp.level,
        "threads": threads,
        "atoms": 100 * boxes,
        "us_per_atom": 1e6 * seconds / (100 * boxes),
    }


_MOTEP = """
import json, sys, time
from ase.io import read
from motep.io.mlip.mtp import read_mtp
from motep.calculator import make_mtp_engine
data = read_mtp(sys.argv[1])
data.species = json.loads(sys.argv[3])
engine, atoms, times = make_mtp_engine("cext")(data, mode="run"), read(sys.argv[2]), []
energy = engine.calculate(atoms)["energy"]
while len(times) < 3 or sum(times) < 1.5:
    start = time.process_time()
    engine.calculate(atoms)
    times.append(time.process_time() - start)
print(json.dumps([float(energy), min(times)]))
"""


def measure_motep(frame: Frame, mtp: MTP, name: str, folder: str) -> dict[str, Any]:
    """Return the row of a build of motep, in a process of its own."""
    with tempfile.TemporaryDirectory() as place:
        mtp.save(Path(place) / "potential.mtp")
        frame.to_ase().write(Path(place) / "box.traj")
        paths = [str(Path(place) / file) for file in ("potential.mtp", "box.traj")]
        search = os.pathsep.join(filter(None, [folder, os.environ.get("PYTHONPATH", "")]))
        command = [sys.executable, "-c", _MOTEP, *paths, json.dumps(list(mtp.species))]
        done = subprocess.run(
            command, env={**os.environ, "PYTHONPATH": search}, capture_output=True, check=True
        )
    energy, seconds = json.loads(done.stdout)
    return {
        "code": f"motep 0.2 ({name})",
        "level": mtp.level,
        "threads": 1,
        "atoms": len(frame),
        "us_per_atom": 1e6 * seconds / len(frame),
        "energy_difference": abs(energy - mtp.evaluate([frame])[0].energy),
    }


def line(row: dict[str, Any], motep: float | None) -> str:
    """Return a row as text."""
    both = f"{100 * row['list_and_filter']:11.0f} %" if "list_and_filter" in row else " " * 13
    share = f"{100 * row['share_of_peak']:5.0f} %" if "share_of_peak" in row else " " * 7
    listed = f"{row['list_us_per_atom']:7.2f}" if "list_us_per_atom" in row else " " * 7
    faster = f"{motep / row['us_per_atom']:6.1f}" if motep else " " * 6
    return (
        f"{row['level']:5d}  {row['code']:24s} {row['threads']:7d} {row['us_per_atom']:9.3f} "
        f"{listed} {both} {share} {faster}"
    )


def of_level(level: int, frame: Frame, options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """Yield the rows of a level: motep's builds, then the kernels."""
    symbols = [chemical_symbols[z] for z in SPECIES]
    mtp = MTP.initial(level, symbols, cutoff=5.0, min_distance=0.95)
    if find_spec("motep") is not None:
        for name, folder in options.motep.items():
            yield measure_motep(frame, mtp, name, folder)
    for isa in options.isa:
        for precision in ("double", "single"):
            for threads in options.threads:
                yield measure(frame, mtp, isa, precision, threads, options)
    for threads in options.threads:
        yield measure_batch(mtp, threads)


def main() -> None:
    """Measure, print, and keep everything as JSON."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--levels", type=int, nargs="*", default=[8, 12, 16, 20, 24])
    parser.add_argument("--threads", type=int, nargs="*", default=[1, 2])
    parser.add_argument("--isa", nargs="*", default=native.instruction_sets())
    parser.add_argument("--seconds", type=float, default=1.0, help="of each measurement, about")
    parser.add_argument("--motep", nargs="*", default=["C="], metavar="NAME=FOLDER")
    parser.add_argument("--json", type=Path, default=Path("benchmarks/results/mtp_kernel.json"))
    options = parser.parse_args()
    options.motep = dict(build.split("=", 1) for build in options.motep)

    frame, rows = standard_box(), []
    options.steps_of_a_list = steps_of_a_list(frame)
    print(f"{len(frame)} atoms, load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    print(f"a list lasts {options.steps_of_a_list:.1f} steps of 0.5 fs in free flight at 400 K")
    print(
        "level  code                     threads   µs/atom    list  +list+filter    peak   × motep"
    )
    if find_spec("openmm") is not None:
        rows.append(classical_cost.measure(frame))
        print(line(rows[-1], None), flush=True)
    for level in options.levels:
        motep: float | None = None
        for row in of_level(level, frame, options):
            if row["code"].startswith("motep"):
                motep = min(motep or row["us_per_atom"], row["us_per_atom"])
            rows.append(row)
            print(line(row, motep), flush=True)
    options.json.parent.mkdir(parents=True, exist_ok=True)
    result = {
        "machine": platform.processor() or platform.machine(),
        "steps_of_a_list": options.steps_of_a_list,
        "rows": rows,
    }
    options.json.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
