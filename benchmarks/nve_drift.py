"""Energy drift of a trained potential at constant energy.

    python benchmarks/nve_drift.py POTENTIAL STRUCTURE [--picoseconds 50] [--timestep 0.5]

Equilibrates with a thermostat, runs at constant energy from there in double and in single
precision, and fits a line to the total energy: the drift in kcal/mol per atom and nanosecond with
its standard error from blocks. Wanted: below 0.002, and in single no worse than twice double's.

The total energy of a run also wanders by itself (a finite time step keeps a nearby energy, not
this one), differently in each trajectory. So what single precision adds is measured on its own, on
the path of a run in double precision: how much of the forces' error lasts from one step to the
next, the work that it does, and the heat that noise of its size brings, Σ |δF_i|² Δt / 2m_i.
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
from elyte.core.units import KCAL_PER_MOL, MASS_VELOCITY2_TO_EV
from elyte.dynamics import Evaluator, RunSettings, simulate
from elyte.potentials.mtp import MTP


def drift(
    time: np.ndarray, energy: np.ndarray, atoms: int, blocks: int = 10
) -> tuple[float, float]:
    """Return slope and its error, kcal/mol per atom and ns, from times (fs) and energies (eV)."""
    scale = 1e6 / (KCAL_PER_MOL * atoms)
    means = [chunk.mean() for chunk in np.array_split(energy, blocks)]
    centres = [chunk.mean() for chunk in np.array_split(time, blocks)]
    (slope, _), covariance = np.polyfit(centres, means, 1, cov=True)
    return float(slope * scale), float(np.sqrt(covariance[0, 0]) * scale)


def rounding(
    potential: MTP, begin: Frame, velocities: np.ndarray, timestep: float, steps: int = 600
) -> dict[str, float]:
    """Return what rounding of forces does along a run in double precision.

    error: root mean square of single minus double, eV/Å; lasting: part of its square that is left
    a step later; work: what it has done by the end, eV for all atoms; scatter: what it would be
    with a sign drawn at each step; heat: kcal/mol per atom and ns.
    """
    settings = RunSettings("NVE", steps=steps, timestep=timestep, frames_every=1, series_every=0)
    path = simulate(begin, potential, settings, velocities=velocities).trajectory
    assert path is not None
    both = [Evaluator(potential.with_precision(p), begin) for p in ("double", "single")]
    double, single = (np.array([field(x, begin.cell)[1] for x in path.positions]) for field in both)
    error = single - double
    square = float((error**2).mean())
    works = ((error[1:] + error[:-1]) / 2 * np.diff(path.positions, axis=0)).sum(axis=(1, 2))
    power = (error**2).mean(axis=0).sum(axis=1) * timestep / (2 * begin.masses)
    return {
        "error": square**0.5,
        "lasting": float((error[1:] * error[:-1]).mean()) / square,
        "work": float(works.sum()),
        "scatter": float(np.sqrt((works**2).sum())),
        "heat": float(power.mean()) / MASS_VELOCITY2_TO_EV * 1e6 / KCAL_PER_MOL,
    }


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
    noise = rounding(
        potential.with_precision("double"), begin.state.frame, begin.state.velocities,
        chosen.timestep,
    )  # fmt: skip
    print(
        f"Rounding of forces in single precision: {noise['error']:.2g} eV/Å, of whose square "
        f"{noise['lasting']:.3f} is left a step later; work on all atoms {noise['work']:.2g} eV, "
        f"by chance {noise['scatter']:.2g}; heat {noise['heat']:.2g} kcal/mol per atom and ns"
    )
    output = Path(__file__).parent / "results" / "nve_drift.json"
    output.parent.mkdir(exist_ok=True)
    facts = {"atoms": len(frame), "ps": chosen.picoseconds, "timestep": chosen.timestep}
    result = {**facts, "level": potential.level, "rows": rows, "rounding": noise}
    output.write_text(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
