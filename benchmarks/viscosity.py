"""Shear viscosity of the Lennard-Jones liquid at its triple point: `benchmarks/viscosity.py`.

ρσ³ = 0.8442, kT = 0.722 ε, 864 atoms: the pressure tensor of native dynamics through the analysis.
Known: ησ²/√(mε) = 3.24 ± 0.04 (doi:10.1103/PhysRevA.44.6936).
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
from ase.units import _amu, _e

from elyte._native import dynamics as native
from elyte.analysis.recorded import symmetric_tensor
from elyte.analysis.transport.viscosity import viscosity
from elyte.core.frame import Frame
from elyte.core.units import BAR, BOLTZMANN
from elyte.dynamics import RunSettings, simulate

EPSILON, SIGMA, MASS = 0.0103, 3.405, 39.948  # eV, Å, u: argon
DENSITY, TEMPERATURE = 0.8442, 0.722  # in reduced units
TIMESTEP, EVERY = 4.0, 5  # fs, steps between rows


def crystal(side: int = 6) -> Frame:
    """Return a cubic face-centred crystal of the density of the liquid."""
    edge = (4 / DENSITY) ** (1 / 3) * SIGMA
    corners = np.stack(np.meshgrid(*[np.arange(side)] * 3, indexing="ij"), -1).reshape(-1, 1, 3)
    base = np.array([[0, 0, 0], [1, 1, 0], [1, 0, 1], [0, 1, 1]]) / 2
    positions = ((corners + base) * edge).reshape(-1, 3)
    return Frame(np.full(len(positions), 18), positions, np.eye(3) * edge * side, True)


def stress(kelvin: float, steps: int, seed: int) -> tuple[np.ndarray, float]:
    """Return the pressure tensor along a run, eV/Å³, (T, 3, 3), and the volume, Å³."""
    # switched off beyond 2.64 σ
    field = native.lennard_jones(EPSILON, SIGMA, 3.3 * SIGMA, 1.0)
    frame = crystal()
    for temperature, count in ((2 * kelvin, 3000), (kelvin, 10_000)):
        settings = RunSettings("NVT", temperature, steps=count, timestep=TIMESTEP)
        frame = simulate(frame, field, settings, seed=seed).state.frame
    settings = RunSettings(
        "NVT", kelvin, steps=steps, timestep=TIMESTEP, series_every=EVERY, thermostat_time=500.0
    )
    series = simulate(frame, field, settings, seed=seed + 100).series
    return BAR * symmetric_tensor(series, "p"), frame.volume


def main() -> None:
    """Run, print, write JSON."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--picoseconds", type=float, default=300.0, help="of each run")
    parser.add_argument("--runs", type=int, default=2)
    chosen = parser.parse_args()
    kelvin = TEMPERATURE * EPSILON / BOLTZMANN
    steps = round(1000 * chosen.picoseconds / TIMESTEP)
    runs = [stress(kelvin, steps, seed) for seed in range(chosen.runs)]
    found, _ = viscosity([s for s, _ in runs], EVERY * TIMESTEP, runs[0][1], kelvin)
    unit = np.sqrt(MASS * _amu * EPSILON * _e) / (SIGMA * 1e-10) ** 2  # Pa s
    rows = {"value": found.value / unit, "error": found.error / unit}
    print(found)
    print(f"in √(mε)/σ²: {rows['value']:.2f} ± {rows['error']:.2f}; known: 3.24 ± 0.04")
    output = Path(__file__).parent / "results" / "viscosity.json"
    output.parent.mkdir(exist_ok=True)
    output.write_text(json.dumps(rows) + "\n")


if __name__ == "__main__":
    main()
