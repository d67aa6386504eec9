"""From the amounts of a recipe to whole numbers of molecules in its boxes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from elyte.chemistry.amounts import check_neutral, component_mass, density_of, mole_fractions
from elyte.chemistry.components import Component
from elyte.chemistry.recipe import Recipe
from elyte.chemistry.recipe_types import Size
from elyte.chemistry.solids import SolidCell, solid_cells
from elyte.chemistry.species import atom_count, element_counts, find_species, mass
from elyte.chemistry.species_table import Species
from elyte.chemistry.whole_numbers import Candidate, nearest, smallest_within
from elyte.core.errors import RecipeError
from elyte.core.units import AVOGADRO, DENSITY_TO_G_PER_CM3


@dataclass(frozen=True)
class Box:
    """What a box holds, and what concentrations that makes.

    Args:
        counts: species name → molecules.
        atoms: number of atoms.
        molecules: number of molecules and ions.
        mass: u.
        charge: e.
        density: as estimated, g/cm³.
        mole_fractions: component → x.
        molarity: component → mol/L at the estimated density.
        molality: component → mol per kg of solvent; empty without a neutral solvent.
        deviation: largest relative deviation of a mole fraction from the recipe.
    """

    counts: dict[str, int]
    atoms: int
    molecules: int
    mass: float
    charge: int
    density: float
    mole_fractions: dict[str, float]
    molarity: dict[str, float]
    molality: dict[str, float]
    deviation: float = 0.0

    @property
    def volume(self) -> float:
        """Å³ at the estimated density."""
        return self.mass * DENSITY_TO_G_PER_CM3 / self.density

    @property
    def edge(self) -> float:
        """Edge of the cubic box at the estimated density, Å."""
        return float(self.volume ** (1 / 3))

    def __str__(self) -> str:
        return " + ".join(f"{n} {name}" for name, n in self.counts.items())


@dataclass(frozen=True)
class Composition:
    """What a recipe is realised as.

    Args:
        species: species name → species.
        targets: component → mole fraction that the recipe asks for.
        label: the box that is labelled.
        production: the box from which the properties come.
        density: estimate at the lowest temperature, g/cm³.
        temperature: K, of the estimate.
        notes: what a person should know.
        solid: the supercells, when the recipe names a structure file.
    """

    species: dict[str, Species]
    targets: dict[str, float]
    label: Box
    production: Box
    density: float
    temperature: float
    notes: tuple[str, ...] = ()
    solid: tuple[SolidCell, SolidCell] | None = None

    @property
    def elements(self) -> tuple[str, ...]:
        """Chemical symbols that occur, alphabetically."""
        if not self.species:
            return tuple(sorted(self.production.counts))
        return tuple(sorted({e for s in self.species.values() for e in element_counts(s)}))


def plan_composition(recipe: Recipe) -> Composition:
    """Return the whole numbers of molecules that realise a recipe.

    Raises:
        RecipeError: amounts that contradict each other, a composition that is not neutral, no
            whole numbers within the box that meet the amounts, or a box too small for the cutoff.
    """
    temperature = min(recipe.temperatures)
    if recipe.structure:
        return _plan_solid(recipe, temperature)
    components = recipe.components
    fractions = mole_fractions(components, temperature, recipe.density)
    check_neutral(components, fractions)
    density = recipe.density or density_of(components, fractions, temperature)
    production = _production_box(recipe, fractions, density)
    label = _label_box(recipe, fractions, density)
    notes = [*_check_cutoff(recipe, production, label), *_label_note(label, components)]
    names = dict.fromkeys(s for c in components for s in c.units)
    return Composition(
        species={name: find_species(name) for name in names},
        targets={c.name: float(x) for c, x in zip(components, fractions, strict=True)},
        label=label,
        production=production,
        density=density,
        temperature=temperature,
        notes=tuple(notes),
    )


# ── whole numbers ─────────────────────────────────────────────────────────────────────────────


def _sizes(components: Sequence[Component], unit: str) -> list[int]:
    if unit == "molecules":
        return [sum(c.units.values()) for c in components]
    return [sum(atom_count(find_species(s)) * n for s, n in c.units.items()) for c in components]


def _production_box(recipe: Recipe, fractions: Sequence[float], density: float) -> Box:
    components = recipe.components
    if components[0].kind == "molecules":
        counts = tuple(int(c.amount) for c in components)
        return _box(components, Candidate(counts, 0, 0.0), density)
    sizes = _sizes(components, recipe.box.unit)
    charges = [c.charge for c in components]
    best = nearest(fractions, sizes, charges, recipe.box.number)
    if best is None or best.deviation > recipe.tolerance:
        raise RecipeError(_no_whole_numbers(recipe, fractions, sizes, best, density))
    return _box(components, best, density)


def _no_whole_numbers(
    recipe: Recipe,
    fractions: Sequence[float],
    sizes: Sequence[int],
    best: Candidate | None,
    density: float,
) -> str:
    components, charges = recipe.components, [c.charge for c in recipe.components]
    text = (
        f"components: no whole numbers of molecules in a box of about {recipe.box} meet the "
        f"amounts within {100 * recipe.tolerance:g} %"
    )
    if best is not None:
        box = _box(components, best, density)
        text += f"; the nearest are {box} ({describe(box, components)})"
    enough = smallest_within(fractions, sizes, charges, recipe.tolerance, recipe.box.number)
    if enough is not None:
        text += f"; a box of {enough.size} {recipe.box.unit} would do"
    return text


def _label_box(recipe: Recipe, fractions: Sequence[float], density: float) -> Box:
    components = recipe.components
    size: Size = recipe.learning.label_box
    best = nearest(
        fractions,
        _sizes(components, size.unit),
        [c.charge for c in components],
        size.number,
        slack=0.12,
        size_weight=0.5,
    )
    if best is None:
        raise RecipeError(
            f"learning.label_box: {size} cannot hold one unit of each component; make it larger"
        )
    return _box(components, best, density)


def _box(components: Sequence[Component], found: Candidate, density: float) -> Box:
    counts: dict[str, int] = {}
    for component, n in zip(components, found.counts, strict=True):
        for name, m in component.units.items():
            counts[name] = counts.get(name, 0) + n * m
    units = dict(zip([c.name for c in components], found.counts, strict=True))
    weight = sum(n * mass(find_species(s)) for s, n in counts.items())
    litres = weight / AVOGADRO / density / 1000.0
    kilograms = sum(
        n * component_mass(c) for n, c in zip(found.counts, components, strict=True) if c.is_solvent
    ) / (1000.0 * AVOGADRO)
    return Box(
        counts=counts,
        atoms=sum(n * atom_count(find_species(s)) for s, n in counts.items()),
        molecules=sum(counts.values()),
        mass=weight,
        charge=sum(n * find_species(s).charge for s, n in counts.items()),
        density=density,
        mole_fractions={name: n / sum(units.values()) for name, n in units.items()},
        molarity={name: n / AVOGADRO / litres for name, n in units.items()},
        molality={
            c.name: units[c.name] / AVOGADRO / kilograms
            for c in components
            if kilograms > 0 and not c.is_solvent
        },
        deviation=found.deviation,
    )


def describe(box: Box, components: Sequence[Component]) -> str:
    """Return the concentrations of a box in the units of the recipe, in a few words."""
    words = []
    for c in components:
        if c.kind == "mol/L":
            words.append(f"{c.name} {box.molarity[c.name]:.3g} mol/L")
        elif c.kind == "mol/kg":
            words.append(f"{c.name} {box.molality[c.name]:.3g} mol/kg")
        elif not any(k.kind in ("mol/L", "mol/kg") for k in components):
            words.append(f"{c.name} {100 * box.mole_fractions[c.name]:.3g} mol%")
    return ", ".join(words)


# ── checks ────────────────────────────────────────────────────────────────────────────────────


def _check_cutoff(recipe: Recipe, production: Box, label: Box) -> list[str]:
    """Refuse boxes in which an atom would meet its own image; say where pairs meet twice."""
    cutoff = recipe.potential.cutoff
    needed = int(np.ceil(production.atoms * (2 * cutoff / production.edge) ** 3))
    if production.edge < 2 * cutoff:
        raise RecipeError(
            f"box: {production.atoms} atoms make an edge of {production.edge:.1f} Å, below two "
            f"cutoffs of {cutoff:g} Å; take at least about {needed} atoms or a shorter cutoff"
        )
    if label.edge < cutoff:
        raise RecipeError(
            f"learning.label_box: {label.atoms} atoms make an edge of {label.edge:.1f} Å, below "
            f"the cutoff of {cutoff:g} Å; take a larger box or a shorter cutoff"
        )
    if label.edge < 2 * cutoff:
        return [
            f"the labelled box ({label.edge:.1f} Å) is smaller than two cutoffs: an atom meets "
            "some neighbours twice, which the potential and the reference treat alike"
        ]
    return []


def _label_note(label: Box, components: Sequence[Component]) -> list[str]:
    if label.deviation <= 0.1:
        return []
    return [
        f"the labelled box holds {label} ({describe(label, components)}): as near to the recipe "
        "as its size allows"
    ]


# ── solids ────────────────────────────────────────────────────────────────────────────────────


def _plan_solid(recipe: Recipe, temperature: float) -> Composition:
    label, production = solid_cells(
        recipe.structure, recipe.learning.label_box.number, recipe.box.number
    )
    boxes = [_solid_box(cell) for cell in (label, production)]
    if production.width < 2 * recipe.potential.cutoff:
        raise RecipeError(
            f"box: {production.atoms} atoms are {production.width:.1f} Å thick, below two cutoffs "
            f"of {recipe.potential.cutoff:g} Å; make the box larger"
        )
    return Composition(
        species={},
        targets=boxes[1].mole_fractions,
        label=boxes[0],
        production=boxes[1],
        density=boxes[1].density,
        temperature=temperature,
        solid=(label, production),
    )


def _solid_box(cell: SolidCell) -> Box:
    counts = cell.counts
    weight = cell.mass
    total = sum(counts.values())
    return Box(
        counts=counts,
        atoms=total,
        molecules=total,
        mass=weight,
        charge=0,
        density=weight * DENSITY_TO_G_PER_CM3 / cell.volume,
        mole_fractions={s: n / total for s, n in counts.items()},
        molarity={},
        molality={},
    )
