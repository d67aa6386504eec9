"""A classical force field (OPLS-AA and CL&P, GAFF2) in OpenMM: an engine, and a cheap sampler."""

from elyte.reference.classical.species import (
    parameter_notes,
    species_table,
    species_topology,
    without_parameters,
    without_tables,
)
from elyte.reference.classical.tables import covered, find_table
from elyte.reference.classical.topology import Topology

__all__ = [
    "Topology",
    "covered",
    "find_table",
    "parameter_notes",
    "species_table",
    "species_topology",
    "without_parameters",
    "without_tables",
]
