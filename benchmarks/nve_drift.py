"""Energy drift of a trained potential at constant energy.

    python benchmarks/nve_drift.py POTENTIAL STRUCTURE [--picoseconds 50] [--timestep 0.5]

Equilibrates with a thermostat, runs at constant energy, and fits a line to the total energy:
the drift in kcal/mol per atom and nanosecond with its standard error from blocks.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
from ase.data import chemical_symbols
from rich.console import Console
from rich.table import Table

import elyte
from elyte.core.formats import read_frames
from elyte.core.trajectory import read_h5md
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


def main() -> None:
    """Run, print a table, and write JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("potential")
    parser.add_argument("structure")
    parser.add_argument("--temperature", type=float, default=350.0)
    parser.add_argument("--picoseconds", type=float, default=50.0)
    parser.add_argument("--timestep", type=float, default=0.5)
    chosen = parser.parse_args()
    path = chosen.structure
    frame = read_h5md(path)[-1] if path.endswith(".h5") else read_frames(path)[-1]
    # elyte's own potentials order their elements by atomic number
    species = [chemical_symbols[z] for z in np.unique(frame.numbers)]
    potential = elyte.load(chosen.potential, species=species)
    steps = round(2000 / chosen.timestep)
    warm = RunSettings("NVT", chosen.temperature, steps=steps, timestep=chosen.timestep)
    begin = simulate(frame, potential, warm, seed=1)
    steps = round(1000 * chosen.picoseconds / chosen.timestep)
    free = RunSettings("NVE", steps=steps, timestep=chosen.timestep, series_every=20)
    run = simulate(begin.state.frame, potential, free, velocities=begin.state.velocities)
    time, energy = run.series["time"], run.series["conserved"]
    slope, error = drift(time, energy, len(frame))
    table = Table("atoms", "ps", "time step, fs", "drift, kcal/mol per atom and ns", "spread, eV")
    table.add_row(
        str(len(frame)), f"{chosen.picoseconds:g}", f"{chosen.timestep:g}",
        f"{slope:.5f} ± {error:.5f}", f"{energy.std():.4f}",
    )  # fmt: skip
    Console().print(table)
    output = Path(__file__).parent / "results" / "nve_drift.json"
    output.parent.mkdir(exist_ok=True)
    output.write_text(json.dumps({"drift": slope, "error": error, "atoms": len(frame)}))


if __name__ == "__main__":
    main()
