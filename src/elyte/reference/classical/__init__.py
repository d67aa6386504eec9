"""A classical force field (OPLS-AA and CL&P) in OpenMM: an engine, and a cheap sampler."""

from elyte.reference.classical.tables import covered, find_table
from elyte.reference.classical.topology import Topology, species_topology

__all__ = ["Topology", "covered", "find_table", "species_topology"]
