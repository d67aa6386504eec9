"""The recipe: one YAML file that says which electrolyte, by what means, to what end."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator
from pydantic import WithJsonSchema as Schema

from elyte.chemistry.components import COMPONENTS_SCHEMA, Component, read_components
from elyte.chemistry.quantities import format_time
from elyte.chemistry.recipe_errors import explain_all, read_yaml
from elyte.chemistry.recipe_types import (
    BoxSize,
    Density,
    Duration,
    Force,
    Length,
    Lengths,
    Pair,
    Pressure,
    Samplers,
    Temperatures,
    Time,
)
from elyte.chemistry.reference_settings import Reference, XtbSettings, read_reference
from elyte.core.errors import RecipeError


class _Group(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)


class PotentialSettings(_Group):
    """The machine-learned potential."""

    family: Literal["mtp"] = Field(default="mtp", description="mtp: moment tensor potential")
    level: int = Field(
        default=16, ge=2, le=28, description="level of the moment tensor potential, even"
    )
    cutoff: Length = Field(default="5 Å", description="radius of the neighbourhood of an atom")
    radial_size: int = Field(
        default=8, ge=2, le=32, description="Chebyshev polynomials of each radial function"
    )

    @model_validator(mode="after")
    def _even(self) -> PotentialSettings:
        if self.level % 2:
            raise ValueError(f"level {self.level} is odd; levels are even numbers from 2 to 28")
        if not 2.0 <= self.cutoff <= 12.0:
            raise ValueError(f"cutoff {self.cutoff:g} Å is outside 2 to 12 Å")
        return self


class Dispersion(_Group):
    """London dispersion (D3): whether the labels hold it, and who is to give it at run time."""

    method: Literal["none", "d3bj", "d3zero"] = Field(
        default="none", description="none; d3bj: damping of Becke and Johnson; d3zero: to zero"
    )
    functional: str = Field(
        default="PBE", description="whose damping parameters: PBE, r2SCAN, GFN1-xTB, …"
    )
    labels: Literal["without", "with"] = Field(
        default="without", description="whether the engine's labels already hold this dispersion"
    )
    potential: Literal["added", "learned", "omitted"] = Field(
        default="added",
        description="added: E = E_MLP + E_D3 at run time; learned: by the potential; omitted",
    )
    cutoff: Length = Field(default="12 Å", description="largest distance of a pair")
    smoothing: Length = Field(
        default="1 Å", description="length over which pairs are switched off before it"
    )
    three_body: bool = Field(default=False, description="with the Axilrod-Teller-Muto term")

    @model_validator(mode="after")
    def _sensible(self) -> Dispersion:
        if not 4.0 <= self.cutoff <= 50.0:
            raise ValueError(f"cutoff {self.cutoff:g} Å is outside 4 to 50 Å")
        if not 0.0 <= self.smoothing < self.cutoff:
            raise ValueError("smoothing must lie between 0 Å and cutoff")
        if (self.labels, self.potential) == ("without", "omitted") and self.method != "none":
            raise ValueError(
                "labels without dispersion and a potential that omits it: say method: none"
            )
        return self


class Weights(_Group):
    """Weights of the squared errors in the loss (eV², (eV/Å)², eV² for the virial)."""

    energy: float = Field(default=1.0, ge=0)
    force: float = Field(default=0.01, ge=0)
    stress: float = Field(default=0.3, ge=0)
    config_types: dict[str, Annotated[float, Field(ge=0)]] = Field(
        default_factory=dict,
        description="factors of frames by where they came from (start, round-1, …); 1 if not named",
    )


class Learning(_Group):
    """How the potential learns."""

    label_box: BoxSize = Field(
        default="90 atoms", description="about how large the boxes are that are labelled"
    )
    start_frames: int = Field(default=56, ge=2, description="different packings in the start set")
    start_densities: Pair = Field(
        default=(0.75, 1.0),
        description="range of densities of the start set, relative to the estimate",
    )
    start_scale: Pair = Field(
        default=(0.97, 1.12), description="range by which distances between molecules are scaled"
    )
    start_rattle: Lengths = Field(
        default=("0.02 Å", "0.07 Å"),
        description="range of the random displacements (standard deviation) of atoms",
    )
    start: Samplers = Field(
        default_factory=dict,
        description="further samplers of the start set, with their numbers of frames",
    )
    start_engine: Literal["auto", "classical", "reference"] = Field(
        default="auto",
        description="what drives their dynamics: the classical force field, or the reference",
    )
    start_time: Time = Field(default="10 ps", description="length of the samplers' dynamics")
    compositions: Literal["richer", "determined"] = Field(
        default="richer",
        description="compositions that are labelled beside the recipe's own",
    )
    trajectories: int = Field(default=6, ge=1, description="exploring trajectories of one round")
    trajectory_time: Time = Field(default="20 ps", description="length of each of them")
    temperatures: Temperatures = Field(
        default=(),
        description="of the exploring trajectories; default: T − 25, T + 50 and T + 150 K",
    )
    timestep: Time = Field(default="1 fs", description="time step of the exploring trajectories")
    grade_every: int = Field(
        default=0, ge=0, description="steps between two extrapolation grades; 0: every one if cheap"
    )
    grade_save: float = Field(
        default=2.0, gt=1, description="save a frame above this extrapolation grade"
    )
    grade_stop: float = Field(default=10.0, gt=1, description="stop a trajectory above this grade")
    mode: Literal["neighbourhood", "configuration"] = Field(
        default="neighbourhood",
        description="what extrapolation is measured for: an atom's surroundings, or a frame",
    )
    selection: Literal["maxvol", "random"] = Field(
        default="maxvol",
        description="how frames are chosen for labelling; random is for comparison",
    )
    reactions: bool = Field(
        default=False, description="whether molecules may break and merge in labelled frames"
    )
    labels_per_round: int = Field(default=24, ge=1, description="new labels of a round, at most")
    max_rounds: int = Field(default=12, ge=0, description="rounds of learning, at most")
    refinements: int = Field(
        default=3,
        ge=0,
        description="times that the potential learns from the production boxes before they are "
        "believed, at most: until their density stays",
    )
    max_labels: int = Field(default=400, ge=2, description="labels in all, at most")
    force_error_target: Force = Field(
        default="120 meV/Å",
        description="root mean square force error on frames of its own trajectories",
    )
    weights: Weights = Field(
        default_factory=Weights, description="of energy, force and stress in the loss"
    )
    train_time: Duration = Field(default="120 s", description="longest time of one training")


class Production(_Group):
    """The dynamics from which the properties come."""

    timestep: Time = Field(default="1 fs", description="time step")
    npt_time: Time = Field(
        default="50 ps", description="at constant pressure, for equilibration and density"
    )
    nvt_time: Time = Field(default="100 ps", description="at constant volume, for transport")
    trajectories: int = Field(
        default=2, ge=1, description="independent trajectories at each temperature"
    )
    segment_time: Time = Field(
        default="10 ps", description="length of the pieces in which a run is kept"
    )
    thermostat: Literal["bussi", "nose-hoover", "langevin"] = Field(
        default="bussi", description="bussi: stochastic velocity rescaling; nose-hoover: chains"
    )
    barostat: Literal["scr", "mtk"] = Field(
        default="scr", description="scr: stochastic cell rescaling; mtk: Martyna, Tobias, Klein"
    )
    save_every: Time = Field(default="50 fs", description="time between two saved frames")
    relabelled: int = Field(
        default=3,
        ge=0,
        description="frames of the production, at each temperature, that are labelled as a check",
    )


class Recipe(_Group):
    """An electrolyte, the conditions, and the means.

    The fields hold internal units (K, bar, fs, Å, eV/Å); the file gives each with its unit.
    """

    name: str = Field(
        default="", description="a title for the report; made from the components if absent"
    )
    components: Annotated[
        tuple[Component, ...],
        BeforeValidator(read_components),
        Schema(COMPONENTS_SCHEMA),
    ] = Field(default=(), description="what the liquid consists of, and how much of each")
    structure: str = Field(
        default="",
        description="a structure file (CIF, POSCAR, extxyz) instead of components: a solid",
    )
    temperatures: Temperatures = Field(alias="temperature", description="one, or a list")
    pressure: Pressure = Field(default="1 bar", description="of the runs at constant pressure")
    box: BoxSize = Field(default="400 atoms", description="about how large the production box is")
    density: Density | None = Field(
        default=None, description="an estimate to begin with; default: from the library"
    )
    tolerance: float = Field(
        default=0.05,
        gt=0,
        lt=1,
        description="largest relative deviation of an amount that whole molecules may cause",
    )
    reference: Annotated[Reference, BeforeValidator(read_reference)] = Field(
        default_factory=XtbSettings, description="the reference engine"
    )
    potential: PotentialSettings = Field(
        default_factory=PotentialSettings, description="the potential"
    )
    dispersion: Dispersion = Field(
        default_factory=Dispersion, description="London dispersion (D3), by itself or learned"
    )
    learning: Learning = Field(default_factory=Learning, description="the learning loop")
    production: Production = Field(
        default_factory=Production, description="the dynamics for the properties"
    )
    seed: int = Field(default=0, ge=0, description="of everything that is random")

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
        if self.density is not None and self.density <= 0:
            raise ValueError(f"density {self.density:g} g/cm³ is not positive")
        if self.pressure < 0:
            raise ValueError(f"pressure {self.pressure:g} bar is negative: a liquid would boil")
        self._check_ranges()
        self._check_dispersion()
        return self

    def _check_ranges(self) -> None:
        learning = self.learning
        for name in ("start_densities", "start_scale", "start_rattle"):
            low, high = getattr(learning, name)
            if not 0 <= low <= high:
                raise ValueError(f"learning.{name}: [{low:g}, {high:g}] is not a range")
            if low == 0 and name != "start_rattle":
                raise ValueError(f"learning.{name}: [0, {high:g}] is not a range above zero")
        if learning.grade_stop < learning.grade_save:
            raise ValueError("learning.grade_stop is below learning.grade_save")
        if learning.max_labels < learning.start_frames + sum(learning.start.values()):
            raise ValueError(
                "learning.max_labels is below learning.start_frames and learning.start"
            )
        if learning.train_time <= 0:
            raise ValueError(f"learning.train_time {learning.train_time:g} s is not positive")
        self._check_times("learning", "trajectory_time")
        self._check_times("production", "npt_time", "nvt_time", "segment_time", "save_every")

    def _check_times(self, group: str, *names: str) -> None:
        times = getattr(self, group)
        if times.timestep <= 0:
            raise ValueError(f"{group}.timestep is not positive")
        for name in names:
            if getattr(times, name) < times.timestep:
                step = format_time(times.timestep)
                raise ValueError(f"{group}.{name} is shorter than one time step of {step}")

    def _check_dispersion(self) -> None:
        """Tight binding has a dispersion of its own: nobody may add a second one unknowingly."""
        chosen, method = self.dispersion, self.reference.method
        if chosen.method == "none":
            return
        self._check_functional_dispersion()
        if self.reference.engine != "xtb":
            return
        if (method, chosen.labels, chosen.method) != ("GFN1-xTB", "with", "d3bj"):
            raise ValueError(
                f"dispersion: the labels of {method} have a dispersion of their own in them; only "
                "that of GFN1-xTB is a D3 (labels: with, method: d3bj, functional: GFN1-xTB)"
            )
        if chosen.functional.lower() != "gfn1-xtb":
            raise ValueError("dispersion.functional: labels of GFN1-xTB hold that of 'GFN1-xTB'")

    def _check_functional_dispersion(self) -> None:
        """What `dispersion` says of the labels is what their engine is told to do."""
        own = getattr(self.reference, "dispersion", None)
        if own is None or (own != "none") == (self.dispersion.labels == "with"):
            return
        if own == "none":
            raise ValueError("dispersion.labels: with, but reference.dispersion is none")
        raise ValueError(
            f"dispersion.labels: without, but reference.dispersion puts {own} into them: set "
            "reference.dispersion: none, or dispersion.labels: with"
        )

    @property
    def title(self) -> str:
        """The recipe's name, or one made from its components."""
        names = [c.name for c in self.components] or [Path(self.structure).stem]
        return self.name or "-".join(names)

    @property
    def workers(self) -> int:
        """How many tasks run side by side."""
        return int(self.reference.workers)

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
            lines = (f"{source}: {line}" for line in explain_all(error.errors(), cls))
            raise RecipeError("\n".join(lines)) from None

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
