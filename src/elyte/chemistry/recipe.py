"""The recipe: one YAML file that says which electrolyte, by what means, to what end."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic import WithJsonSchema as Schema
from pydantic import model_validator

from elyte.chemistry import quantities as q
from elyte.chemistry.components import COMPONENTS_SCHEMA, Component, read_components
from elyte.chemistry.recipe_errors import explain, read_yaml
from elyte.core.errors import RecipeError


def _quantity(dimension: q.Dimension) -> Any:
    """Return the type of a field that is written with its unit and held without it."""
    units = "|".join(u.replace("/", r"\/") for u in dimension.units)
    schema = {
        "type": "string",
        "pattern": rf"^\s*[-+]?[0-9.]+([eE][-+]?[0-9]+)?\s*({units})\s*$",
        "examples": [dimension.example],
    }
    read = BeforeValidator(lambda text: q.parse(text, dimension))
    return Annotated[float, read, Schema(schema)]


def _listed(value: Any) -> Any:
    return value if isinstance(value, list | tuple) else [value]


def _pair(dimension: q.Dimension | None = None) -> Any:
    """Return the type of a [low, high] pair."""
    item = float if dimension is None else _quantity(dimension)
    return tuple[item, item]  # type: ignore[valid-type]


Temperature: Any = _quantity(q.TEMPERATURE)
Pressure: Any = _quantity(q.PRESSURE)
Time: Any = _quantity(q.TIME)
Length: Any = _quantity(q.LENGTH)
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


class _Group(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Reference(_Group):
    """The reference engine that labels frames, and its settings."""

    engine: str = Field(
        "xtb", description="xtb (tblite), or another engine that `elyte doctor` lists"
    )
    method: str = Field(
        "GFN1-xTB", description="GFN1-xTB or GFN2-xTB; a functional for DFT engines"
    )
    accuracy: float = Field(1.0, gt=0, description="numerical accuracy of xTB; smaller is tighter")
    electronic_temperature: Temperature = Field(
        300.0, description="temperature of the electrons' Fermi distribution"
    )
    max_iterations: int = Field(250, ge=1, description="largest number of SCF iterations")
    workers: int = Field(2, ge=1, description="labels computed side by side")


class PotentialSettings(_Group):
    """The machine-learned potential."""

    family: Literal["mtp"] = Field("mtp", description="mtp: moment tensor potential")
    level: int = Field(16, ge=2, le=28, description="level of the moment tensor potential, even")
    cutoff: Length = Field(5.0, description="radius of the neighbourhood of an atom")
    radial_size: int = Field(
        8, ge=2, le=32, description="Chebyshev polynomials of each radial function"
    )

    @model_validator(mode="after")
    def _even(self) -> PotentialSettings:
        if self.level % 2:
            raise ValueError(f"level {self.level} is odd; levels are even numbers from 2 to 28")
        if not 2.0 <= self.cutoff <= 12.0:
            raise ValueError(f"cutoff {self.cutoff:g} Å is outside 2 to 12 Å")
        return self


class Weights(_Group):
    """Weights of the squared errors in the loss (eV², (eV/Å)², eV² for the virial)."""

    energy: float = Field(1.0, ge=0)
    force: float = Field(0.01, ge=0)
    stress: float = Field(0.001, ge=0)


class Learning(_Group):
    """How the potential learns."""

    label_box: BoxSize = Field(
        Size(number=90), description="about how large the boxes are that are labelled"
    )
    start_frames: int = Field(56, ge=2, description="different packings in the start set")
    start_densities: _pair() = Field(
        (0.75, 1.0), description="range of densities of the start set, relative to the estimate"
    )
    start_scale: _pair() = Field(
        (0.97, 1.12), description="range by which distances between molecules are scaled"
    )
    start_rattle: _pair(q.LENGTH) = Field(
        (0.02, 0.07), description="range of the random displacements (standard deviation) of atoms"
    )
    trajectories: int = Field(6, ge=1, description="exploring trajectories of one round")
    trajectory_time: Time = Field(20000.0, description="length of each of them")
    temperatures: Temperatures = Field(
        (), description="of the exploring trajectories; default: T − 25, T + 50 and T + 150 K"
    )
    timestep: Time = Field(1.0, description="time step of the exploring trajectories")
    grade_every: int = Field(20, ge=1, description="steps between two extrapolation grades")
    grade_save: float = Field(2.0, gt=1, description="save a frame above this extrapolation grade")
    grade_stop: float = Field(10.0, gt=1, description="stop a trajectory above this grade")
    mode: Literal["neighbourhood", "configuration"] = Field(
        "neighbourhood",
        description="what extrapolation is measured for: an atom's surroundings, or a frame",
    )
    selection: Literal["maxvol", "random"] = Field(
        "maxvol", description="how frames are chosen for labelling; random is for comparison"
    )
    labels_per_round: int = Field(24, ge=1, description="new labels of a round, at most")
    max_rounds: int = Field(12, ge=0, description="rounds of learning, at most")
    max_labels: int = Field(400, ge=2, description="labels in all, at most")
    force_error_target: Force = Field(
        0.120, description="root mean square force error on frames of its own trajectories"
    )
    weights: Weights = Field(Weights(), description="of energy, force and stress in the loss")
    train_time: Duration = Field(120.0, description="longest time of one training")


class Production(_Group):
    """The dynamics from which the properties come."""

    timestep: Time = Field(1.0, description="time step")
    npt_time: Time = Field(
        50_000.0, description="at constant pressure, for equilibration and density"
    )
    nvt_time: Time = Field(100_000.0, description="at constant volume, for transport")
    trajectories: int = Field(2, ge=1, description="independent trajectories at each temperature")
    segment_time: Time = Field(10_000.0, description="length of the pieces in which a run is kept")
    thermostat: Literal["bussi", "nose-hoover", "langevin"] = Field(
        "bussi", description="bussi: stochastic velocity rescaling; nose-hoover: chains"
    )
    barostat: Literal["scr", "mtk"] = Field(
        "scr", description="scr: stochastic cell rescaling; mtk: Martyna, Tobias, Klein"
    )
    save_every: Time = Field(50.0, description="time between two saved frames")
    relabelled: int = Field(
        3,
        ge=0,
        description="frames of the production, at each temperature, that are labelled as a check",
    )


class Recipe(_Group):
    """An electrolyte, the conditions, and the means.

    The fields hold internal units (K, bar, fs, Å, eV/Å); the file gives each with its unit.
    """

    name: str = Field("", description="a title for the report; made from the components if absent")
    components: Annotated[
        tuple[Component, ...],
        BeforeValidator(read_components),
        Schema(COMPONENTS_SCHEMA),
    ] = Field((), description="what the liquid consists of, and how much of each")
    structure: str = Field(
        "", description="a structure file (CIF, POSCAR, extxyz) instead of components: a solid"
    )
    temperatures: Temperatures = Field(alias="temperature", description="one, or a list")
    pressure: Pressure = Field(1.0, description="of the runs at constant pressure")
    box: BoxSize = Field(Size(number=400), description="about how large the production box is")
    density: Density | None = Field(
        None, description="an estimate to begin with; default: from the library"
    )
    tolerance: float = Field(
        0.05,
        gt=0,
        lt=1,
        description="largest relative deviation of an amount that whole molecules may cause",
    )
    reference: Reference = Field(Reference(), description="the reference engine")
    potential: PotentialSettings = Field(PotentialSettings(), description="the potential")
    learning: Learning = Field(Learning(), description="the learning loop")
    production: Production = Field(Production(), description="the dynamics for the properties")
    seed: int = Field(0, ge=0, description="of everything that is random")

    @model_validator(mode="after")
    def _sensible(self) -> Recipe:
        if bool(self.components) == bool(self.structure):
            raise ValueError("give either 'components' (a liquid) or 'structure' (a solid)")
        if not self.temperatures:
            raise ValueError("temperature: give one, such as '330 K'")
        for temperature in (*self.temperatures, *self.learning.temperatures):
            if temperature <= 0:
                raise ValueError(f"temperature {temperature:g} K is not above absolute zero (0 K)")
        if len(set(self.temperatures)) != len(self.temperatures):
            raise ValueError("temperature: the same temperature is named twice")
        self._check_ranges()
        return self

    def _check_ranges(self) -> None:
        learning = self.learning
        for name in ("start_densities", "start_scale", "start_rattle"):
            low, high = getattr(learning, name)
            if not 0 <= low <= high:
                raise ValueError(f"learning.{name}: [{low:g}, {high:g}] is not a range")
        if learning.grade_stop < learning.grade_save:
            raise ValueError("learning.grade_stop is below learning.grade_save")
        if learning.max_labels < learning.start_frames:
            raise ValueError("learning.max_labels is below learning.start_frames")
        for group, name in ((learning, "trajectory_time"), (self.production, "nvt_time")):
            if getattr(group, name) < group.timestep or group.timestep <= 0:
                raise ValueError(f"{name} is shorter than one time step, or the step not positive")

    @property
    def title(self) -> str:
        """The recipe's name, or one made from its components."""
        names = [c.name for c in self.components] or [Path(self.structure).stem]
        return self.name or "-".join(names)

    @property
    def exploration_temperatures(self) -> tuple[float, ...]:
        """Temperatures of the exploring trajectories, K."""
        low, high = min(self.temperatures), max(self.temperatures)
        return self.learning.temperatures or (max(low - 25.0, 0.5 * low), high + 50.0, high + 150.0)

    @classmethod
    def read(cls, data: Any, source: str = "recipe") -> Recipe:
        """Return the recipe of a mapping as YAML gives it.

        Raises:
            RecipeError: one clear line for each thing that is wrong.
        """
        if not isinstance(data, Mapping):
            raise RecipeError(f"{source}: a recipe is a mapping of keys such as 'components:'")
        try:
            return cls.model_validate(dict(data))
        except ValidationError as error:
            lines = [f"{source}: {explain(e, cls)}" for e in error.errors()]
            raise RecipeError("\n".join(dict.fromkeys(lines))) from None

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Recipe:
        """Read and check a recipe file; a structure file is sought beside it.

        Raises:
            RecipeError: a file that is not there, is not YAML, or says what cannot be done.
        """
        path = Path(path)
        data = read_yaml(path)
        if isinstance(data, dict) and isinstance(data.get("structure"), str):
            structure = path.parent / data["structure"]
            if not structure.is_file():
                raise RecipeError(f"{path.name}: structure file '{structure}' is not there")
            data = {**data, "structure": str(structure.resolve())}
        return cls.read(data, path.name)
