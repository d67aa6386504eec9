"""Energy drift of a trained potential at constant energy.

    python benchmarks/nve_drift.py POTENTIAL STRUCTURE [--picoseconds 50] [--timestep 0.5]

Equilibrates with a thermostat, runs at constant energy from there in double and in single
precision, and fits a line to the total energy: the drift in kcal/mol per atom and nanosecond with
its standard error from blocks. Wanted: below 0.002, and in single no worse than twice double's.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

import elyte
from elyte.core import Frame
from elyte.core.formats import read_frames
from elyte.core.h5md import read_h5md
from elyte.core.units import KCAL_PER_MOL
from elyte.dynamics import RunSettings, simulate


def drift(
    time: np.ndarray, energy: np.ndarray, atoms: int, blocks: int = 10
) -> tuple[float, float]:
    """Return slope and its error, kcal/mol per atom and ns, from times (fs) and energies (eV)."""
    scale = 1e6 / (KCAL_PER_MOL * atoms)
    means = [chunk.mean() for chunk in np.array_split(energy, blocks)]
    centres = [chunk.mean() for chunk in np.array_split(time, blocks)]
    (slope, _), covariance = np.polyfit(centres, means, 1, cov=True)
    return float(slope * scale), float(np.sqrt(covariance[0, 0]) * scale)


def structure(path: str) -> Frame:
    """Return the last frame of a trajectory or of any file of frames."""
    return read_h5md(path)[-1] if path.endswith(".h5") else read_frames(path)[-1]


def main() -> None:
    """Run, print a table, and write JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("potential")
    parser.add_argument("structure")
    parser.add_argument("--species", nargs="*", help="elements of the file's types, in order")
    parser.add_argument("--temperature", type=float, default=350.0)
    parser.add_argument("--picoseconds", type=float, default=50.0)
    parser.add_argument("--timestep", type=float, default=0.5)
    chosen = parser.parse_args()
    frame = structure(chosen.structure)
    potential = elyte.load(chosen.potential, species=chosen.species)
    steps = round(2000 / chosen.timestep)
    warm = RunSettings("NVT", chosen.temperature, steps=steps, timestep=chosen.timestep)
    begin = simulate(frame, potential, warm, seed=1)
    steps = round(1000 * chosen.picoseconds / chosen.timestep)
    free = RunSettings("NVE", steps=steps, timestep=chosen.timestep, series_every=20)
    table = Table("precision", "atoms", "ps", "step, fs", "drift, kcal/mol per atom and ns", "eV")
    rows = []
    for precision in ("double", "single"):
        run = simulate(
            begin.state.frame,
            potential.with_precision(precision),
            free,
            velocities=begin.state.velocities,
        )
        if not run.outcome.done:
            raise SystemExit(f"{precision}: {run.outcome.kind}: {run.outcome.reason}")
        time, energy = run.series["time"], run.series["conserved"]
        slope, error = drift(time, energy, len(frame))
        spread = float(energy.std())
        table.add_row(
            precision, str(len(frame)), f"{chosen.picoseconds:g}", f"{chosen.timestep:g}",
            f"{slope:.5f} ± {error:.5f}", f"{spread:.4f}",
        )  # fmt: skip
        rows.append({"precision": precision, "drift": slope, "error": error, "spread": spread})
    Console().print(table)
    output = Path(__file__).parent / "results" / "nve_drift.json"
    output.parent.mkdir(exist_ok=True)
    facts = {"atoms": len(frame), "ps": chosen.picoseconds, "timestep": chosen.timestep}
    output.write_text(json.dumps({**facts, "level": potential.level, "rows": rows}, indent=1))


if __name__ == "__main__":
    main()
