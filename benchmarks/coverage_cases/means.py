"""Means of series, populations and coordination numbers."""

from __future__ import annotations

from functools import partial

import numpy as np

from coverage_cases import Case
from elyte.analysis.intervals import ONE_SIGMA, with_intervals
from elyte.analysis.speciation.shells import coordination_number, population
from elyte.analysis.statistics import mean
from elyte.analysis.structure.conformers import conformer_populations
from elyte.analysis.structure.dihedrals import dihedral_population
from elyte.analysis.thermo.density import density
from elyte.core.quantity import Quantity
from elyte.testing import synthetic


def series_mean(frames: int, decay: float, runs: int, rng: np.random.Generator) -> Quantity:
    """Mean of a series with exponentially decaying correlations."""
    series = [3 + synthetic.autoregressive(rng, frames, decay) for _ in range(runs)]
    return mean(series).quantity("mean", "1", "")


def relaxing_density(frames: int, decay: float, rng: np.random.Generator) -> Quantity:
    """Density that relaxes from a wrong start."""
    start = 0.2 * np.exp(-np.arange(frames) / (0.03 * frames))
    return density([1.2 + start + 0.02 * synthetic.autoregressive(rng, frames, decay)])


def bound_fraction(frames: int, ions: int, lifetime: float, rng: np.random.Generator) -> Quantity:
    """Population of a state that ions enter and leave."""
    states = synthetic.exchange(rng, frames, ions, 0.3, lifetime)
    return population([states]).quantity("fraction", "1", "")


def any_fraction(frames: int, ions: int, lifetime: float, rng: np.random.Generator) -> Quantity:
    """Population less its truth, another in each run: counts of few ions are coarse."""
    truth = float(rng.uniform(0.1, 0.9))
    found = population([synthetic.exchange(rng, frames, ions, truth, lifetime)])
    ends = [tuple(x - truth for x in found.interval(p)) for p in (ONE_SIGMA, 0.95)]
    return with_intervals("deviation of a fraction", found.value - truth, *ends, "1")


def ligands(frames: int, ions: int, lifetime: float, rng: np.random.Generator) -> Quantity:
    """Coordination number of ions with four sites, each filled now and then."""
    sites = [synthetic.exchange(rng, frames, ions, 0.7, lifetime) for _ in range(4)]
    return coordination_number([np.sum(sites, axis=0)]).quantity("number", "1", "")


def gauche(frames: int, molecules: int, lifetime: float, rng: np.random.Generator) -> Quantity:
    """Population of a conformer that molecules enter and leave."""
    states = synthetic.exchange(rng, frames, molecules, 0.3, lifetime).astype(np.int64)
    return conformer_populations([states], ("anti", "gauche"))[1]


def trans(frames: int, molecules: int, lifetime: float, rng: np.random.Generator) -> Quantity:
    """Population of dihedrals around 180°, besides which they jitter."""
    states = synthetic.exchange(rng, frames, molecules, 0.6, lifetime)
    angles = np.where(states, 180.0, 60.0) + rng.normal(size=states.shape) * 5
    return dihedral_population([(angles + 180) % 360 - 180], 120, -120)


CASES = [
    Case("mean, 1000 values, 53 independent", partial(series_mean, 1000, 0.9, 1), 3.0),
    Case("mean, 200 values, 11 independent", partial(series_mean, 200, 0.9, 1), 3.0),
    Case("mean, 100 values, 5 independent", partial(series_mean, 100, 0.9, 1), 3.0),
    Case("mean, 3 runs of 100, 16 independent", partial(series_mean, 100, 0.9, 3), 3.0),
    Case("density with a relaxing start, 2000 frames", partial(relaxing_density, 2000, 0.9), 1.2),
    Case("density with a relaxing start, 300 frames", partial(relaxing_density, 300, 0.8), 1.2),
    Case("bound fraction, 30 ions × 200, lifetime 20", partial(bound_fraction, 200, 30, 20.0), 0.3),
    Case("bound fraction, 8 ions × 100, lifetime 500", partial(bound_fraction, 100, 8, 500.0), 0.3),
    Case(
        "fraction of 0.1 … 0.9, 8 ions × 100, lifetime 500",
        partial(any_fraction, 100, 8, 500.0),
        0.0,
    ),
    Case("fraction of 0.1 … 0.9, 20 ions × 50, frozen", partial(any_fraction, 50, 20, 1e9), 0.0),
    Case("ligand number, 20 ions × 100, lifetime 50", partial(ligands, 100, 20, 50.0), 2.8),
    Case("ligand number, 5 ions × 100, lifetime 500", partial(ligands, 100, 5, 500.0), 2.8),
    Case("conformer fraction, 40 molecules × 200", partial(gauche, 200, 40, 30.0), 0.3),
    Case("conformer fraction, 3 molecules × 2000", partial(gauche, 2000, 3, 30.0), 0.3),
    Case("conformer fraction, 1 molecule × 600", partial(gauche, 600, 1, 20.0), 0.3),
    Case("dihedral population, 25 molecules × 100", partial(trans, 100, 25, 40.0), 0.6),
    Case("dihedral population, 2 molecules × 1000", partial(trans, 1000, 2, 25.0), 0.6),
]
