"""From a recipe to boxes of molecules: species, composition, packing, bond graphs."""

from elyte.chemistry.bonds import BondWatch, bond_graph, census, molecule_ids
from elyte.chemistry.composition import Box, Composition, plan_composition
from elyte.chemistry.conformers import conformer, sites
from elyte.chemistry.determined import Determination, completed, determine
from elyte.chemistry.packing import (
    pack_box,
    pack_templates,
    scaled_and_rattled,
    template_bonds,
)
from elyte.chemistry.recipe import Recipe
from elyte.chemistry.solids import read_structure
from elyte.chemistry.species import SPECIES, find_species
from elyte.chemistry.species_table import Species
from elyte.chemistry.volumes import estimate_density

__all__ = [
    "SPECIES",
    "BondWatch",
    "Box",
    "Composition",
    "Determination",
    "Recipe",
    "Species",
    "bond_graph",
    "census",
    "completed",
    "conformer",
    "determine",
    "estimate_density",
    "find_species",
    "molecule_ids",
    "pack_box",
    "pack_templates",
    "plan_composition",
    "read_structure",
    "scaled_and_rattled",
    "sites",
    "template_bonds",
]
