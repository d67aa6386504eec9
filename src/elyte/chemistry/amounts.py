"""From amounts as a person writes them to mole fractions of the components."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from elyte.chemistry.components import Component
from elyte.chemistry.species import find_species, mass
from elyte.chemistry.volumes import molar_volume
from elyte.core.errors import RecipeError


def mole_fractions(
    components: Sequence[Component], temperature: float, density: float | None = None
) -> list[float]:
    """Return the mole fractions of the components, whatever their amounts are given in.

    A salt in mol/L fills one litre with solvent: n = (1000 cm³ − Σ c_i V_i) / V_solvent with
    additive molar volumes, or n = (1000 ρ − Σ c_i M_i) / M_solvent where the recipe gives the
    density ρ. A salt in mol/kg is per kilogram of all solvents together.

    Raises:
        RecipeError: units that cannot stand beside each other, or more salt than there is room.
    """
    solutes = [c for c in components if c.kind in ("mol/L", "mol/kg")]
    solvents = [c for c in components if c.kind not in ("mol/L", "mol/kg")]
    kinds = {c.kind for c in solvents}
    if len({c.kind for c in solutes}) > 1:
        raise RecipeError("components: give all salts in mol/L, or all in mol/kg")
    if len(kinds) > 1:
        listed = ", ".join(f"'{c.name}' in {c.kind}" for c in solvents)
        raise RecipeError(f"components: amounts in different units ({listed}); use one of them")
    if not solvents:
        raise RecipeError(
            f"components: amounts in {solutes[0].kind} need a solvent, such as 'EC: 1'"
        )
    if solutes and "molecules" in kinds:
        raise RecipeError("components: numbers of molecules cannot stand beside concentrations")
    moles = _relative_moles(solvents, temperature)
    if not solutes:
        return _normalised(components, dict(zip([c.name for c in solvents], moles, strict=True)))
    amounts = {c.name: c.amount for c in solutes}
    scale = _solvent_moles(solutes, solvents, moles, temperature, density)
    amounts.update({c.name: scale * n for c, n in zip(solvents, moles, strict=True)})
    return _normalised(components, amounts)


def _normalised(components: Sequence[Component], amounts: Mapping[str, float]) -> list[float]:
    total = sum(amounts.values())
    return [amounts[c.name] / total for c in components]


def _relative_moles(components: Sequence[Component], temperature: float) -> list[float]:
    kind = components[0].kind
    total = sum(c.amount for c in components)
    if kind.endswith("%") and len(components) > 1 and abs(total - 1.0) > 0.005:
        raise RecipeError(f"components: the amounts in {kind} add up to {100 * total:.4g}, not 100")
    if kind == "wt%":
        return [c.amount / component_mass(c) for c in components]
    if kind == "vol%":
        return [c.amount / component_volume(c, temperature) for c in components]
    return [c.amount for c in components]


def _solvent_moles(
    solutes: Sequence[Component],
    solvents: Sequence[Component],
    moles: Sequence[float],
    temperature: float,
    density: float | None,
) -> float:
    """Return by what the relative moles of solvent must be scaled, per litre or per kilogram."""
    weight = sum(n * component_mass(c) for n, c in zip(moles, solvents, strict=True))
    if solutes[0].kind == "mol/kg":
        return 1000.0 / weight
    if density is not None:
        room = 1000.0 * density - sum(c.amount * component_mass(c) for c in solutes)
        scale = room / weight
    else:
        volume = sum(
            n * component_volume(c, temperature) for n, c in zip(moles, solvents, strict=True)
        )
        room = 1000.0 - sum(c.amount * component_volume(c, temperature) for c in solutes)
        scale = room / volume
    if scale <= 0:
        raise RecipeError("components: the concentrations leave no room for the solvent")
    return scale


def component_mass(component: Component) -> float:
    """Return the mass of one unit of a component, g/mol."""
    return sum(mass(find_species(s)) * n for s, n in component.units.items())


def component_volume(component: Component, temperature: float) -> float:
    """Return the molar volume of one unit of a component in a liquid, cm³/mol."""
    if component.density is not None:
        return component_mass(component) / component.density
    return sum(molar_volume(s, temperature) * n for s, n in component.units.items())


def density_of(
    components: Sequence[Component], fractions: Sequence[float], temperature: float
) -> float:
    """Return the density, g/cm³, of a mixture with additive volumes."""
    weight = sum(x * component_mass(c) for x, c in zip(fractions, components, strict=True))
    volume = sum(
        x * component_volume(c, temperature) for x, c in zip(fractions, components, strict=True)
    )
    return weight / volume


def check_neutral(components: Sequence[Component], fractions: Sequence[float]) -> None:
    """Refuse a composition with a net charge.

    Raises:
        RecipeError: names the charged components and the excess.
    """
    charges = np.array([c.charge for c in components])
    x = np.array(fractions)
    if abs(charges @ x) > 1e-3 * max(float(np.abs(charges) @ x), 1e-12):
        excess = float(charges @ x)
        listed = ", ".join(f"{c.name} {c.charge:+d}" for c in components if c.charge)
        raise RecipeError(
            f"components: the composition is not neutral: {excess:+.3g} e per molecule ({listed}); "
            "change the amounts or add a counter-ion"
        )
