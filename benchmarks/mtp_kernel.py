"""Cost of energy, forces and stress of moment tensor potentials: `python benchmarks/mtp_kernel.py`.

On a box of 1000 atoms at 0.1 atoms/Å³ (the EC/EMC box of `shared/data` where that is there, else
a random one), cutoff 5 Å, with random coefficients: microseconds per atom for each level,
instruction set and number of threads, the neighbour list apart; the share of the multiply-add peak
that the same run measures; and motep's C engine on the same potentials and structure where it is
installed.

Times are the least of several. Another program on the same cores makes them longer: see `load`.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import tempfile
import time
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from ase.data import chemical_symbols

from elyte._native import mtp as native
from elyte.core.frame import Frame
from elyte.core.neighbours import neighbours
from elyte.potentials.mtp import MTP

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


def random_box(n: int, density: float = 0.1) -> Frame:
    """Return atoms on a disturbed lattice."""
    random = np.random.default_rng(0)
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


def measure(frame: Frame, mtp: MTP, isa: str, threads: int, repeats: int) -> dict[str, Any]:
    """Return one row of the table."""
    potential = native.Potential(mtp.native_arrays(), isa)
    pbc = tuple(map(bool, frame.pbc))
    list_time, forces_time = potential.time(
        frame.numbers, frame.positions, frame.cell, pbc, threads, repeats, 0.5
    )
    n = len(frame)
    pairs = len(neighbours(frame, mtp.cutoff)) / n
    peak = native.multiply_adds_per_second(isa) * threads
    return {
        "code": f"elyte ({isa})",
        "level": mtp.level,
        "threads": threads,
        "atoms": n,
        "neighbours": pairs,
        "us_per_atom": 1e6 * forces_time / n,
        "list_us_per_atom": 1e6 * list_time / n,
        "peak_gflops": peak / 1e9,
        "share_of_peak": 2 * multiply_adds(mtp, pairs) * n / forces_time / peak,
    }


def measure_motep(frame: Frame, mtp: MTP) -> dict[str, Any] | None:
    """Return motep's row, or None where it is not installed."""
    if find_spec("motep") is None:
        return None
    read = import_module("motep.io.mlip.mtp").read_mtp
    engine_type = import_module("motep.calculator").make_mtp_engine("cext")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "potential.mtp"
        mtp.save(path)
        data = read(path)
    data.species = list(mtp.species)
    engine, atoms = engine_type(data, mode="run"), frame.to_ase()
    energy = engine.calculate(atoms)["energy"]
    difference = abs(energy - mtp.evaluate([frame])[0].energy)
    seconds = least_time(lambda: engine.calculate(atoms))
    return {
        "code": "motep 0.2 (C)",
        "level": mtp.level,
        "threads": 1,
        "atoms": len(frame),
        "us_per_atom": 1e6 * seconds / len(frame),
        "energy_difference": difference,
    }


def line(row: dict[str, Any], motep: float | None) -> str:
    """Return a row as text."""
    share = f"{100 * row['share_of_peak']:5.0f} %" if "share_of_peak" in row else " " * 7
    listed = f"{row['list_us_per_atom']:7.2f}" if "list_us_per_atom" in row else " " * 7
    faster = f"{motep / row['us_per_atom']:6.1f}" if motep else " " * 6
    return (
        f"{row['level']:5d}  {row['code']:18s} {row['threads']:7d} {row['us_per_atom']:9.3f} "
        f"{listed} {share} {faster}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--levels", type=int, nargs="*", default=[8, 12, 16, 20, 24])
    parser.add_argument("--threads", type=int, nargs="*", default=[1, 2])
    parser.add_argument("--isa", nargs="*", default=native.instruction_sets())
    parser.add_argument("--repeats", type=int, default=10)
    parser.add_argument("--no-motep", action="store_true")
    parser.add_argument("--json", type=Path, default=Path("benchmarks/results/mtp_kernel.json"))
    options = parser.parse_args()

    frame, rows = standard_box(), []
    symbols = [chemical_symbols[z] for z in SPECIES]
    print(f"{len(frame)} atoms, load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    print("level  code               threads   µs/atom    list    peak   × motep")
    for level in options.levels:
        mtp = MTP.initial(level, symbols, cutoff=5.0, min_distance=0.95)
        motep = None if options.no_motep else measure_motep(frame, mtp)
        if motep:
            rows.append(motep)
            print(line(motep, None), flush=True)
        for isa in options.isa:
            for threads in options.threads:
                rows.append(measure(frame, mtp, isa, threads, options.repeats))
                print(line(rows[-1], motep["us_per_atom"] if motep else None), flush=True)
    options.json.parent.mkdir(parents=True, exist_ok=True)
    result = {"machine": platform.processor() or platform.machine(), "rows": rows}
    options.json.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
