"""Coverage of every error bar: `python benchmarks/coverage.py [runs]` prints a table."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from functools import partial

import numpy as np

from elyte.analysis.speciation.shells import coordination_number, population
from elyte.analysis.statistics import mean
from elyte.analysis.thermo.density import density
from elyte.analysis.thermo.fluctuations import compressibility
from elyte.analysis.transport.diffusion import green_kubo_diffusion, self_diffusion
from elyte.analysis.transport.nernst_einstein import nernst_einstein, ratio, transport_numbers
from elyte.analysis.transport.onsager import (
    collective,
    conductivity,
    conductivity_from_current,
    onsager,
    onsager_quantities,
)
from elyte.core.quantity import Quantity
from elyte.core.units import BOLTZMANN, CONDUCTIVITY_TO_S_PER_M, GPA
from elyte.testing import synthetic
from elyte.testing.coverage import coverage

Draw = Callable[[np.random.Generator], Quantity]
VOLUME, TEMPERATURE, STEP = 1e4, 300.0, 100.0
SIGMA = CONDUCTIVITY_TO_S_PER_M / (2 * VOLUME * BOLTZMANN * TEMPERATURE * STEP)
L_MATRIX = np.array([[1.0, -0.4], [-0.4, 2.0]])
WEIGHT = 1e-5 / (2 * STEP)  # slope per frame along an axis → m²/s


def series_mean(frames: int, decay: float, runs: int, rng: np.random.Generator) -> Quantity:
    """Mean of a series with exponentially decaying correlations."""
    series = [3 + synthetic.autoregressive(rng, frames, decay) for _ in range(runs)]
    return mean(series).quantity("mean", "1", "")


def relaxing_density(frames: int, decay: float, rng: np.random.Generator) -> Quantity:
    """Density that relaxes from a wrong start."""
    start = 0.2 * np.exp(-np.arange(frames) / (0.03 * frames))
    return density([1.2 + start + 0.02 * synthetic.autoregressive(rng, frames, decay)])


def brownian_d(frames: int, particles: int, runs: int, rng: np.random.Generator) -> Quantity:
    """Self-diffusion of Brownian walkers."""
    walks = [synthetic.brownian(rng, frames, particles, 1.0) for _ in range(runs)]
    return self_diffusion(walks, STEP)[0]


def langevin_d(frames: int, particles: int, tau: float, rng: np.random.Generator) -> Quantity:
    """Self-diffusion of particles with inertia, from positions."""
    return self_diffusion([synthetic.langevin(rng, frames, particles, tau, 0.5)[0]], STEP)[0]


def langevin_gk(frames: int, particles: int, tau: float, rng: np.random.Generator) -> Quantity:
    """Self-diffusion of particles with inertia, from velocities."""
    velocities = synthetic.langevin(rng, frames, particles, tau, 0.5)[1] / STEP
    return green_kubo_diffusion([velocities], STEP)[0]


def caged_d(frames: int, particles: int, rng: np.random.Generator) -> Quantity:
    """Self-diffusion of walkers that rattle in cages of 0.35 Å."""
    walk = synthetic.caged(rng, frames, particles, 0.02, 8.0, 0.35)
    return self_diffusion([walk], STEP)[0]


def current_sigma(frames: int, tau: float, runs: int, rng: np.random.Generator) -> Quantity:
    """Conductivity from a bare series of currents."""
    series = [synthetic.langevin(rng, frames, 1, tau, 0.5)[1][:, 0] / STEP for _ in range(runs)]
    return conductivity_from_current(series, STEP, VOLUME, TEMPERATURE)


def einstein_sigma(frames: int, rng: np.random.Generator) -> Quantity:
    """Conductivity from the collective dipole of correlated ions."""
    walks = synthetic.correlated_walks(rng, frames, L_MATRIX)
    return conductivity([walks.sum(axis=0)], STEP, VOLUME, TEMPERATURE)[0]


def onsager_part(name: str, species: str, frames: int, rng: np.random.Generator) -> Quantity:
    """Parts of the conductivity and transference numbers of correlated ions."""
    walks = synthetic.correlated_walks(rng, frames, L_MATRIX)
    total = collective([walks.sum(axis=0)], STEP, VOLUME, TEMPERATURE)
    parts = onsager([list(walks)], ["a", "b"], STEP, VOLUME, TEMPERATURE, total)
    found = onsager_quantities(parts, TEMPERATURE, "barycentric")
    return next(q for q in found if q.name.startswith(name) and q.species == species)


def independent_ions(what: str, frames: int, ions: int, rng: np.random.Generator) -> Quantity:
    """Nernst–Einstein, transport number and ionicity of ions that do not know each other."""
    plus = synthetic.brownian(rng, frames, ions, 1.0)
    minus = synthetic.brownian(rng, frames, ions, 2.0)
    table = [
        ("a", ions, 1.0, self_diffusion([plus], STEP)[0]),
        ("b", ions, -1.0, self_diffusion([minus], STEP)[0]),
    ]
    free = nernst_einstein(table, VOLUME, TEMPERATURE)
    if what == "number":
        return transport_numbers(table)[0]
    if what == "free":
        return free
    dipole = plus.sum(axis=1) - minus.sum(axis=1)
    sigma = conductivity([dipole], STEP, VOLUME, TEMPERATURE)[0]
    return ratio("ionicity", sigma, free, "")


def volume_fluctuations(frames: int, decay: float, rng: np.random.Generator) -> Quantity:
    """Compressibility from the volume of a barostatted box."""
    volumes = VOLUME + 100 * synthetic.autoregressive(rng, frames, decay)
    return compressibility([volumes], TEMPERATURE)


def bound_fraction(frames: int, ions: int, lifetime: float, rng: np.random.Generator) -> Quantity:
    """Population of a state that ions enter and leave."""
    states = synthetic.exchange(rng, frames, ions, 0.3, lifetime)
    return population([states]).quantity("fraction", "1", "")


def ligands(frames: int, ions: int, lifetime: float, rng: np.random.Generator) -> Quantity:
    """Coordination number of ions with four sites, each filled now and then."""
    sites = [synthetic.exchange(rng, frames, ions, 0.7, lifetime) for _ in range(4)]
    return coordination_number([np.sum(sites, axis=0)]).quantity("number", "1", "")


BETA = 100.0**2 * GPA / (VOLUME * BOLTZMANN * TEMPERATURE)

CASES: list[tuple[str, Draw, float]] = [
    ("mean, 1000 values, 53 independent", partial(series_mean, 1000, 0.9, 1), 3.0),
    ("mean, 200 values, 11 independent", partial(series_mean, 200, 0.9, 1), 3.0),
    ("mean, 3 runs of 100, 16 independent", partial(series_mean, 100, 0.9, 3), 3.0),
    ("density with a relaxing start, 2000 frames", partial(relaxing_density, 2000, 0.9), 1.2),
    ("density with a relaxing start, 300 frames", partial(relaxing_density, 300, 0.8), 1.2),
    ("D, Brownian, 30 particles × 1000", partial(brownian_d, 1000, 30, 1), WEIGHT),
    ("D, Brownian, 1 particle × 100", partial(brownian_d, 100, 1, 1), WEIGHT),
    ("D, Brownian, 3 runs of 4 × 60", partial(brownian_d, 60, 4, 3), WEIGHT),
    ("D, inertia, 20 particles × 500", partial(langevin_d, 500, 20, 5.0), WEIGHT),
    ("D, inertia, 8 particles × 200", partial(langevin_d, 200, 8, 3.0), WEIGHT),
    ("D, inertia, from velocities, 20 × 500", partial(langevin_gk, 500, 20, 5.0), WEIGHT),
    ("D, caged, 20 particles × 1000", partial(caged_d, 1000, 20), 0.02 * WEIGHT),
    ("D, caged, 8 particles × 400", partial(caged_d, 400, 8), 0.02 * WEIGHT),
    ("σ from currents, 2000 values, τ = 5", partial(current_sigma, 2000, 5.0, 1), SIGMA),
    ("σ from currents, 10 runs of 500, τ = 5", partial(current_sigma, 500, 5.0, 10), SIGMA),
    ("σ from currents, 300 values, τ = 3", partial(current_sigma, 300, 3.0, 1), SIGMA),
    ("σ, Einstein, 1000 frames", partial(einstein_sigma, 1000), 2.2 * SIGMA),
    ("σ, Einstein, 60 frames", partial(einstein_sigma, 60), 2.2 * SIGMA),
    ("σ_ab of Onsager, 500 frames", partial(onsager_part, "Onsager", "a, b", 500), -0.4 * SIGMA),
    ("σ_aa of Onsager, 500 frames", partial(onsager_part, "Onsager", "a, a", 500), SIGMA),
    ("transference number, 500 frames", partial(onsager_part, "transf", "a", 500), 0.6 / 2.2),
    ("transference number, 60 frames", partial(onsager_part, "transf", "a", 60), 0.6 / 2.2),
    ("σ_NE, 2 × 8 ions × 200", partial(independent_ions, "free", 200, 8), 24 * SIGMA),
    ("transport number, 2 × 8 ions × 200", partial(independent_ions, "number", 200, 8), 1 / 3),
    ("ionicity, 2 × 8 ions × 200", partial(independent_ions, "ionicity", 200, 8), 1.0),
    ("compressibility, 5000 frames", partial(volume_fluctuations, 5000, 0.95), BETA),
    ("compressibility, 1000 frames", partial(volume_fluctuations, 1000, 0.9), BETA),
    ("bound fraction, 30 ions × 200, lifetime 20", partial(bound_fraction, 200, 30, 20.0), 0.3),
    ("bound fraction, 8 ions × 100, lifetime 500", partial(bound_fraction, 100, 8, 500.0), 0.3),
    ("ligand number, 20 ions × 100, lifetime 50", partial(ligands, 100, 20, 50.0), 2.8),
    ("ligand number, 5 ions × 100, lifetime 500", partial(ligands, 100, 5, 500.0), 2.8),
]


def main() -> None:
    """Print the table, in Markdown."""
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 400
    wanted = sys.argv[2] if len(sys.argv) > 2 else ""
    print("| quantity | 68 % | 95 % | withheld | error / value | bias / error | spread / error |")
    print("|---|---|---|---|---|---|---|")
    start = time.monotonic()
    for name, draw, truth in CASES:
        if wanted in name:
            c = coverage(draw, truth, runs)
            print(
                f"| {name} | {100 * c.inside_68:.0f} | {100 * c.inside_95:.1f} "
                f"| {100 * c.withheld:.0f} % | {100 * c.relative_error:.1f} % "
                f"| {c.bias:+.2f} | {c.spread:.2f} |",
                flush=True,
            )
    print(f"\n{runs} runs each, {time.monotonic() - start:.0f} s")


if __name__ == "__main__":
    main()
