"""Molar volumes and densities of liquids, to begin with: additive volumes.

ρ = Σ n_i M_i / Σ n_i V_i(T), with V_i from measured densities of pure liquids, from the additive
volumes of ions, or for other molecules from their van der Waals volume. Good to a few per cent,
which is what a first box needs; the realised density comes from dynamics at constant pressure.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from rdkit import Chem
from rdkit.Chem import AllChem

from elyte.chemistry.conformers import conformer, molecule_of
from elyte.chemistry.species import find_species, mass
from elyte.chemistry.species_table import Species
from elyte.core.units import AVOGADRO

CUBIC_CENTIMETRES_PER_MOLE = AVOGADRO * 1e-24
"""Å³ per molecule in cm³/mol."""
ION_EXPANSION = 6e-4
"""Thermal expansion of ionic liquids, 1/K."""
PACKING_FRACTION = 0.64
"""Van der Waals volume over molar volume: EC 0.65, TFSI- 0.63, EMIM+ 0.65, PF6- 0.67."""


def liquid_density(species: Species | str, temperature: float) -> float:
    """Return the density of a pure liquid of the library, g/cm³ (linear in temperature, K)."""
    species = find_species(species) if isinstance(species, str) else species
    if species.liquid is None:
        return mass(species) / molar_volume(species, temperature)
    density, at, slope = species.liquid
    return max(density + slope * (temperature - at), 0.5 * density)


def molar_volume(species: Species | str, temperature: float) -> float:
    """Return the molar volume of a species in a liquid, cm³/mol, at a temperature in K."""
    species = find_species(species) if isinstance(species, str) else species
    if species.liquid is not None:
        return mass(species) / liquid_density(species, temperature)
    if species.volume is None:
        return _van_der_waals(species) / PACKING_FRACTION
    expansion = 1.0 + ION_EXPANSION * (temperature - 298.15) if species.volume > 0 else 1.0
    return species.volume * expansion


@lru_cache(maxsize=256)
def _van_der_waals(species: Species) -> float:
    molecule = Chem.Mol(molecule_of(species.smiles))
    shape = Chem.Conformer(molecule.GetNumAtoms())
    for i, position in enumerate(conformer(species).positions):
        shape.SetAtomPosition(i, position.tolist())
    molecule.AddConformer(shape)
    return float(AllChem.ComputeMolVolume(molecule)) * CUBIC_CENTIMETRES_PER_MOLE


def estimate_density(
    counts: Mapping[str, float],
    temperature: float = 298.15,
    densities: Mapping[str, float] | None = None,
) -> float:
    """Return an estimate of a liquid's density, g/cm³, from additive molar volumes.

    Args:
        counts: {species name: amount}, in any unit of moles.
        temperature: K.
        densities: g/cm³ of pure liquids that the library does not know, {species name: density}.
    """
    known = densities or {}
    weight = volume = 0.0
    for name, n in counts.items():
        species = find_species(name)
        m = mass(species)
        weight += n * m
        volume += n * (m / known[name] if name in known else molar_volume(species, temperature))
    return weight / volume
