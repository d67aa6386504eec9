"""Structures that are worth labelling: samplers from boxes to frames, each with a seed."""

from elyte.sampling.clusters import (
    conformers,
    dimers,
    isolated_atoms,
    neutral_cluster,
    vacuum_conformers,
)
from elyte.sampling.potential import EnginePotential, cheap_engine, sampling_potential
from elyte.sampling.registry import Request, sample
from elyte.sampling.rigid import at_density, density_of, volume_scan
from elyte.sampling.runs import (
    Samples,
    distorted,
    equilibrium,
    ladder,
    modified,
    nonequilibrium,
    optimised,
    refined,
)
from elyte.sampling.solvation import ion_pair_box, possible_states

__all__ = [
    "EnginePotential",
    "Request",
    "Samples",
    "at_density",
    "cheap_engine",
    "conformers",
    "density_of",
    "dimers",
    "distorted",
    "equilibrium",
    "ion_pair_box",
    "isolated_atoms",
    "ladder",
    "modified",
    "neutral_cluster",
    "nonequilibrium",
    "optimised",
    "possible_states",
    "refined",
    "sample",
    "sampling_potential",
    "vacuum_conformers",
    "volume_scan",
]
