"""Densities of liquids by the classical force field, against published ones.

    python benchmarks/classical_density.py EC EMIM-BF4 --time 120

Each liquid is packed at 0.85 of its density, annealed, and run at constant pressure with bonds to
hydrogen rigid (2 fs) and a cutoff of 9 Å with the tail; the mean over the second half is printed
with the standard error of its blocks. Published values that it is compared with:

- EC at 328 K: measured 1.305 g/cm³ (the species library's line of its liquid);
- EMIM-BF4 and BMIM-BF4 at 298 K: measured 1.28 and 1.20 g/cm³;
- PYR14-BF4 at 423 K: 1.0345 g/cm³ by CL&P (Park et al. 2025);
- methyl acetate at 298 K: measured 0.928 g/cm³. It has no table: GAFF2, by antechamber.
"""

from __future__ import annotations

import argparse
import time

import numpy as np

from elyte.chemistry import pack_box
from elyte.core.frame import Frame
from elyte.reference.classical import without_tables
from elyte.reference.classical.dynamics import ClassicalRun, run_classical

LIQUIDS = {
    "EC": ({"EC": 64}, 328.0, 1.305),
    "EMIM-BF4": ({"EMIM+": 27, "BF4-": 27}, 298.0, 1.28),
    "BMIM-BF4": ({"BMIM+": 22, "BF4-": 22}, 298.0, 1.20),
    "PYR14-BF4": ({"PYR14+": 20, "BF4-": 20}, 423.0, 1.0345),
    "methyl-acetate": ({"smiles:COC(C)=O": 56}, 298.0, 0.928),
}


def settings(
    temperature: float | tuple[float, float],
    time_ps: float,
    scale: float,
    molecules: tuple[str, ...],
) -> ClassicalRun:
    """Return a run of so many ps at constant pressure."""
    return ClassicalRun(
        temperature=temperature,
        steps=int(time_ps * 500),
        timestep=2.0,
        frames_every=0,
        series_every=250,
        charge_scale=scale,
        cutoff=9.0,
        rigid_hydrogens=True,
        molecules=molecules,
    )


def density(
    frame: Frame, temperature: float, time_ps: float, scale: float, molecules: tuple[str, ...]
) -> tuple[float, float]:
    """Return the mean density of the second half, g/cm³, and its standard error."""
    ramp = (temperature + 150.0, temperature)
    hot = run_classical(frame, settings(ramp, time_ps / 3, scale, molecules))
    run = run_classical(hot.frames[-1], settings(temperature, time_ps, scale, molecules), seed=1)
    values = run.series["density"]
    blocks = np.array_split(values[len(values) // 2 :], 5)
    means = np.array([block.mean() for block in blocks])
    return float(means.mean()), float(means.std(ddof=1) / np.sqrt(len(means)))


def main() -> None:
    """Print one line for each liquid."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("liquids", nargs="*", default=list(LIQUIDS))
    parser.add_argument("--time", type=float, default=120.0, help="ps at the temperature")
    parser.add_argument("--size", type=float, default=1.0, help="factor on the molecules")
    parser.add_argument("--scale", type=float, default=1.0, help="factor on the charges")
    arguments = parser.parse_args()
    for name in arguments.liquids:
        counts, temperature, known = LIQUIDS[name]
        begin = time.monotonic()
        counts = {species: max(1, round(arguments.size * n)) for species, n in counts.items()}
        frame = pack_box(counts, 0.85 * known, seed=0)
        value, error = density(
            frame, temperature, arguments.time, arguments.scale, without_tables(counts)
        )
        print(
            f"{name:10s} {temperature:.0f} K  {value:.4f} ± {error:.4f} g/cm³, known {known}"
            f" ({100 * (value / known - 1):+.1f} %), {len(frame)} atoms, "
            f"{time.monotonic() - begin:.0f} s",
            flush=True,
        )


if __name__ == "__main__":
    main()
