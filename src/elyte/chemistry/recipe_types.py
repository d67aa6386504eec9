"""Types of recipe fields: quantities that are written with their unit and held without it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict
from pydantic import WithJsonSchema as Schema

from elyte.chemistry import quantities as q
from elyte.core.errors import RecipeError, did_you_mean


def _quantity(dimension: q.Dimension) -> Any:
    """Return the type of a field that is written with its unit and held without it."""
    read = BeforeValidator(lambda text: q.parse(text, dimension))
    return Annotated[float, read, Schema(quantity_schema(dimension))]


def quantity_schema(dimension: q.Dimension) -> dict[str, Any]:
    """Return the JSON schema of a number with its unit."""
    units = "|".join(re.escape(unit) for unit in q.spellings(dimension))
    return {
        "type": "string",
        "pattern": rf"^\s*[-+]?[0-9.]+([eE][-+]?[0-9]+)?\s*({units})\s*$",
        "examples": [dimension.example],
    }


def _listed(value: Any) -> Any:
    return value if isinstance(value, list | tuple) else [value]


Temperature: Any = _quantity(q.TEMPERATURE)
Pressure: Any = _quantity(q.PRESSURE)
Time: Any = _quantity(q.TIME)
Length: Any = _quantity(q.LENGTH)
Pair: Any = tuple[float, float]
Lengths: Any = tuple[Length, Length]
Force: Any = _quantity(q.FORCE)
Density: Any = _quantity(q.DENSITY)
Duration: Any = _quantity(q.DURATION)
Temperatures: Any = Annotated[
    tuple[Temperature, ...],
    BeforeValidator(_listed),
    Schema(
        {
            "anyOf": [
                {"type": "string", "examples": ["330 K"]},
                {"type": "array", "items": {"type": "string", "examples": ["330 K"]}},
            ]
        }
    ),
]


SAMPLERS = (
    "ladder",
    "equilibrium",
    "nonequilibrium",
    "modifiers",
    "distorted",
    "refined",
    "volume_scan",
    "optimised",
    "ion_pairs",
    "conformers",
    "dimers",
    "isolated_atoms",
)
"""Samplers of the start set, by name."""


def _samplers(value: Any) -> Any:
    if not isinstance(value, Mapping):
        raise RecipeError("give samplers with their numbers of frames, such as 'dimers: 8'")
    for name, number in value.items():
        if name not in SAMPLERS:
            known = list(SAMPLERS)
            raise RecipeError(
                f"unknown sampler '{name}'{did_you_mean(str(name), known)}: "
                f"there are {', '.join(known)}"
            )
        if isinstance(number, bool) or not isinstance(number, int) or number < 0:
            raise RecipeError(f"'{name}: {number}' is not a whole number of frames")
    return {str(name): int(number) for name, number in value.items()}


Samplers: Any = Annotated[
    dict[str, int],
    BeforeValidator(_samplers),
    Schema(
        {
            "type": "object",
            "additionalProperties": False,
            "properties": {name: {"type": "integer", "minimum": 0} for name in SAMPLERS},
            "examples": [{"equilibrium": 16, "volume_scan": 8, "dimers": 8}],
        }
    ),
]


class Size(BaseModel):
    """How large a box is: about so many atoms, or molecules."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    number: int
    unit: Literal["atoms", "molecules"] = "atoms"

    def __str__(self) -> str:
        return f"{self.number} {self.unit}"


def _size(value: Any) -> Any:
    if isinstance(value, Size):
        return value
    number, unit = q.split(value, q.SIZE)
    if number < 1 or number != int(number):
        raise RecipeError(f"'{value}' is not a whole number of {unit}")
    return Size(number=int(number), unit=unit)  # type: ignore[arg-type]


BoxSize: Any = Annotated[
    Size,
    BeforeValidator(_size),
    Schema({"type": "string", "pattern": r"^[0-9]+ (atoms|molecules)$", "examples": ["400 atoms"]}),
]
