"""Components of a recipe: which species, and how much of each, as a person writes it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from elyte.chemistry import quantities as q
from elyte.chemistry.species import SMILES_PREFIX, find_species, from_smiles, ions_of
from elyte.core.errors import InputError, RecipeError, did_you_mean

AmountKind = Literal["ratio", "mol/L", "mol/kg", "mol%", "wt%", "vol%", "molecules"]

_KEYS = ["amount", "smiles", "charge", "density"]


class Component(BaseModel):
    """One line of a recipe's components.

    Args:
        name: as the person calls it.
        units: what one unit of it dissolves into, {species name: count}.
        amount: in the unit of `kind`; fractions (not per cent) for mol%, wt% and vol%.
        kind: "ratio" (moles), or the unit of the amount.
        density: of the pure liquid, g/cm³, where the library has none.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    name: str
    units: dict[str, int]
    amount: float
    kind: AmountKind
    density: float | None = None

    @property
    def charge(self) -> int:
        """Charge of one unit, e."""
        return sum(find_species(s).charge * n for s, n in self.units.items())

    @property
    def is_solvent(self) -> bool:
        """Whether it consists of a neutral molecule."""
        return all(find_species(s).charge == 0 for s in self.units)


def read_components(value: Any) -> tuple[Component, ...]:
    """Return the components of a mapping {name: amount} or {name: {smiles, charge, amount}}.

    Raises:
        RecipeError: one clear line on what is wrong.
    """
    if isinstance(value, tuple) and all(isinstance(c, Component) for c in value):
        return value
    if not isinstance(value, Mapping) or not value:
        raise RecipeError("give a mapping such as 'LiPF6: 1.0 mol/L' and 'EC: 1', one in a line")
    components = tuple(_component(str(name), entry) for name, entry in value.items())
    _refuse_repeats(components)
    return components


def _component(name: str, entry: Any) -> Component:
    details = dict(entry) if isinstance(entry, Mapping) else {"amount": entry}
    for key in details:
        if key not in _KEYS:
            raise RecipeError(f"'{name}': unknown key '{key}'{did_you_mean(str(key), _KEYS)}")
    if "amount" not in details or details["amount"] is None:
        raise RecipeError(f"'{name}' has no amount; write '1' (mole ratio) or '1.0 mol/L'")
    try:
        units = _units(name, details)
        amount, kind = _amount(details["amount"])
        density = details.get("density")
        density = None if density is None else q.parse(density, q.DENSITY)
    except InputError as error:
        text = str(error)
        raise RecipeError(text if f"'{name}'" in text else f"'{name}': {text}") from error
    return Component(name=name, units=units, amount=amount, kind=kind, density=density)


def _units(name: str, details: Mapping[str, Any]) -> dict[str, int]:
    if "smiles" not in details:
        units = ions_of(name)
        for species in units:
            if find_species(species).role == "element":
                raise RecipeError(
                    f"'{name}' is an element of solids read from a structure file"
                    f"{did_you_mean(name + '+', ['Li+', 'Cl-'])}"
                )
        return units
    charge = details.get("charge")
    if charge is None:
        raise RecipeError(f"'{name}' is given by its SMILES: state its charge too ('charge: 0')")
    if isinstance(charge, bool) or not isinstance(charge, int):
        raise RecipeError(f"'{name}': charge {charge!r} is not a whole number")
    return {from_smiles(str(details["smiles"]), charge).name: 1}


def _amount(value: Any) -> tuple[float, AmountKind]:
    if isinstance(value, int | float) and not isinstance(value, bool):
        amount, kind = float(value), "ratio"
    else:
        amount, kind = _read_amount(value)
    if not 0 < amount < float("inf"):
        raise RecipeError(f"amount '{value}' is not positive")
    if kind == "molecules" and amount != int(amount):
        raise RecipeError(f"'{value}' is not a whole number of molecules")
    return amount, kind  # type: ignore[return-value]


def _read_amount(value: Any) -> tuple[float, str]:
    text = str(value).strip()
    try:
        return float(text), "ratio"
    except ValueError:
        number, unit = q.split(value, q.AMOUNT)
    return number * q.AMOUNT.units[unit][0], unit


def _refuse_repeats(components: tuple[Component, ...]) -> None:
    seen: dict[tuple[str, ...], str] = {}
    for component in components:
        key = tuple(sorted(component.units))
        if key in seen:
            raise RecipeError(f"'{component.name}' and '{seen[key]}' are the same species")
        seen[key] = component.name


COMPONENTS_SCHEMA: dict[str, Any] = {
    "type": "object",
    "minProperties": 1,
    "description": (
        "species or salt of the library → amount; a bare number is a mole ratio, units are "
        + q.AMOUNT.listed
        + "; any other molecule is a mapping with smiles, charge and amount"
    ),
    "additionalProperties": {
        "anyOf": [
            {"type": "number", "exclusiveMinimum": 0},
            {"type": "string", "examples": ["1.0 mol/L", "30 wt%"]},
            {
                "type": "object",
                "required": ["amount"],
                "additionalProperties": False,
                "properties": {
                    "amount": {"type": ["number", "string"]},
                    "smiles": {"type": "string"},
                    "charge": {"type": "integer"},
                    "density": {"type": "string", "examples": ["1.05 g/cm³"]},
                },
            },
        ]
    },
    "examples": [{"LiPF6": "1.0 mol/L", "EC": 3, "EMC": 7}],
}

__all__ = ["COMPONENTS_SCHEMA", "SMILES_PREFIX", "Component", "read_components"]
