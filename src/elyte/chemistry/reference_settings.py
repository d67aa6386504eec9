"""What may be said of each reference engine: one model of settings for each, checked.

The recipe's `reference` group is one of these models, chosen by its `engine`; the labels' own
settings (`elyte.reference.EngineSettings`) hold the same fields. A recipe writes quantities with
their unit; stored settings are plain numbers in internal units (K, Å, eV, s) and are read with
the validation context `PLAIN`.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationInfo, model_validator
from pydantic import WithJsonSchema as Schema

from elyte.chemistry import quantities as q
from elyte.chemistry.recipe_types import quantity_schema
from elyte.chemistry.reference_presets import PRESETS, expand_preset
from elyte.core.errors import RecipeError, did_you_mean

PLAIN = {"plain": True}
"""Validation context in which a quantity may be a number in its internal unit."""


def _quantity(dimension: q.Dimension) -> Any:
    def read(value: Any, info: ValidationInfo) -> Any:
        plain = bool((info.context or {}).get("plain")) and not isinstance(value, str)
        return value if plain else q.parse(value, dimension)

    return Annotated[float, BeforeValidator(read), Schema(quantity_schema(dimension))]


Temperature: Any = _quantity(q.TEMPERATURE)
Length: Any = _quantity(q.LENGTH)
Energy: Any = _quantity(q.ENERGY)
Duration: Any = _quantity(q.DURATION)
Dispersion = Literal["none", "d3zero", "d3bj"]


def _schema_of_presets(schema: dict[str, Any], model: type[BaseModel]) -> None:
    """Say in a JSON schema which presets an engine has, and that one or the other chooses it."""
    engine = model.model_fields["engine"].default if "engine" in model.model_fields else "xtb"
    if engine == "xtb":
        return  # the default engine need not be named
    names = [name for name, preset in PRESETS.items() if engine in preset.engines]
    own = [name for name in names if next(iter(PRESETS[name].engines)) == engine]
    if not own:
        schema["required"] = [*schema.get("required", []), "engine"]
    else:
        chosen = {"properties": {"preset": {"enum": own}}, "required": ["preset"]}
        schema["anyOf"] = [{"required": ["engine"]}, chosen]
    if names:
        text = "a paper's level of theory; the other keys replace parts of it"
        schema["properties"]["preset"] = {"enum": names, "description": text}


class ReferenceSettings(BaseModel):
    """What all engines share.

    `resources` names the fields that say how a label is computed, not what it is: they are
    neither in the key of a label nor in its level of theory.
    """

    model_config = ConfigDict(
        frozen=True, extra="forbid", validate_default=True, json_schema_extra=_schema_of_presets
    )
    resources: ClassVar[frozenset[str]] = frozenset({"engine", "workers", "cores", "time_limit"})
    hidden: ClassVar[frozenset[str]] = frozenset()
    """Fields that a level of theory does not list: long ones, or paths."""

    workers: int = Field(default=2, ge=1, description="labels computed side by side")
    cores: int = Field(default=1, ge=1, description="processes (MPI) that share one label")
    time_limit: Duration = Field(default="30 min", description="longest time of one label")

    @property
    def name(self) -> str:
        """The engine."""
        return str(type(self).model_fields["engine"].default)

    def physics(self) -> dict[str, Any]:
        """Return the fields that change the numbers of a label, as plain values."""
        return self.model_dump(mode="json", exclude=set(self.resources))


def _engine(name: str) -> Any:
    return Field(default=name, description="the reference engine; `elyte doctor` lists them")


def _max_iterations(default: int = 250) -> Any:
    return Field(default=default, ge=1, description="largest number of SCF iterations")


def _dispersion() -> Any:
    return Field(
        default="d3bj",
        description="none, d3zero (zero damping) or d3bj (Becke and Johnson's damping)",
    )


def _three_body(default: bool = False) -> Any:
    return Field(default=default, description="the three-body (C9) term of the dispersion, too")


def _vacuum(default: str) -> Any:
    return Field(default=default, description="empty space around a molecule without a box")


def _electronic_temperature(default: str) -> Any:
    return Field(default=default, description="temperature of the electrons' Fermi distribution")


class XtbSettings(ReferenceSettings):
    """GFN-xTB tight binding by tblite."""

    engine: Literal["xtb"] = _engine("xtb")
    method: Literal["GFN1-xTB", "GFN2-xTB", "IPEA1-xTB"] = Field(
        default="GFN1-xTB", description="parametrisation"
    )
    accuracy: float = Field(
        default=1.0, gt=0, description="numerical accuracy of xTB; smaller is tighter"
    )
    electronic_temperature: Temperature = _electronic_temperature("300 K")
    max_iterations: int = _max_iterations()


class ClassicalSettings(ReferenceSettings):
    """The classical force field OPLS-AA and CL&P, and GAFF2 beside it, by OpenMM."""

    engine: Literal["classical"] = _engine("classical")
    method: str = Field(
        default="OPLS-AA", description="force field; OPLS-AA/0.8 scales all charges by 0.8"
    )
    molecules: tuple[str, ...] = Field(
        default=(),
        description="species that GAFF2 describes; a recipe's are added where elyte has no table",
    )

    def physics(self) -> dict[str, Any]:
        """Return the fields that change the numbers of a label, as plain values."""
        values = super().physics()
        return values if self.molecules else {k: v for k, v in values.items() if k != "molecules"}


class GpawSettings(ReferenceSettings):
    """Density functional theory by GPAW: projector augmented waves, plane waves, Γ point."""

    engine: Literal["gpaw"] = _engine("gpaw")
    method: Literal["PBE", "revPBE", "RPBE"] = Field(default="PBE", description="functional")
    cutoff: Energy = Field(default="600 eV", description="of the plane waves")
    dispersion: Dispersion = _dispersion()
    three_body: bool = _three_body()
    electronic_temperature: Temperature = _electronic_temperature("300 K")
    convergence: float = Field(
        default=1e-5, gt=0, description="of the density, electrons per valence electron"
    )
    max_iterations: int = _max_iterations()
    pulay_correction: bool = Field(
        default=True, description="make the stress that of a fixed cutoff, as the energy is"
    )
    vacuum: Length = _vacuum("4 Å")


class Cp2kSettings(ReferenceSettings):
    """Density functional theory by CP2K: Gaussians and plane waves, orbital transformation."""

    engine: Literal["cp2k"] = _engine("cp2k")
    method: Literal["PBE", "r2SCAN", "B97-3c"] = Field(default="PBE", description="functional")
    basis: str = Field(
        default="TZVP-MOLOPT",
        description="family of basis sets, such as TZVP-MOLOPT, DZVP-MOLOPT-SR or TZV2P-MOLOPT",
    )
    cutoff: Energy = Field(default="600 Ry", description="of the finest grid")
    relative_cutoff: Energy = Field(default="60 Ry", description="of a Gaussian on its grid")
    dispersion: Dispersion = _dispersion()
    three_body: bool = _three_body(True)
    dispersion_cutoff: Length = Field(default="20 Å", description="of the dispersion's pairs")
    convergence: float = Field(default=1e-6, gt=0, description="of the orbitals' gradient")
    max_iterations: int = _max_iterations(300)
    vacuum: Length = _vacuum("5 Å")


class EspressoSettings(ReferenceSettings):
    """Density functional theory by Quantum ESPRESSO: plane waves, Γ point."""

    engine: Literal["espresso"] = _engine("espresso")
    hidden: ClassVar[frozenset[str]] = frozenset({"pseudopotentials"})
    method: str = Field(default="PBE", description="functional; that of all pseudopotentials")
    pseudopotentials: str = Field(
        default="", description="folder of .UPF files; default: the variable ESPRESSO_PSEUDO"
    )
    cutoff: Energy = Field(default="50 Ry", description="of the plane waves")
    density_cutoff: Energy = Field(default="500 Ry", description="of the density")
    dispersion: Dispersion = _dispersion()
    three_body: bool = _three_body()
    electronic_temperature: Temperature = _electronic_temperature("0 K")
    convergence: Energy = Field(default="1e-10 Ry", description="of the SCF's energy")
    max_iterations: int = _max_iterations()
    vacuum: Length = _vacuum("5 Å")


class VaspSettings(ReferenceSettings):
    """Density functional theory by VASP: projector augmented waves, plane waves, Γ point."""

    engine: Literal["vasp"] = _engine("vasp")
    hidden: ClassVar[frozenset[str]] = frozenset({"pseudopotentials"})
    method: Literal["PBE", "SCAN", "r2SCAN"] = Field(default="PBE", description="functional")
    pseudopotentials: str = Field(
        default="", description="folder with a POTCAR of each element; default: VASP_PP_PATH"
    )
    cutoff: Energy = Field(default="450 eV", description="of the plane waves")
    dispersion: Dispersion = _dispersion()
    smearing: Literal["gaussian", "fermi"] = Field(
        default="gaussian", description="how the occupation is smeared"
    )
    smearing_width: Energy = Field(default="0.05 eV", description="width of the smearing")
    energy: Literal["free_energy", "energy_without_entropy", "energy_sigma_0"] = Field(
        default="free_energy",
        description="which of VASP's energies is the label; forces belong to the free energy",
    )
    convergence: Energy = Field(default="1e-6 eV", description="of the SCF's energy")
    max_iterations: int = _max_iterations()
    vacuum: Length = _vacuum("5 Å")


class AseSettings(ReferenceSettings):
    """Any ASE calculator, by the import path of its class."""

    engine: Literal["ase"] = _engine("ase")
    hidden: ClassVar[frozenset[str]] = frozenset({"method"})
    method: str = Field(
        default="", description="name of the level of theory; default: that of the calculator"
    )
    calculator: str = Field(description="import path of the class, `package.module:Class`")
    arguments: dict[str, Any] = Field(default={}, description="keyword arguments of the class")
    charge_argument: str = Field(default="", description="the class's keyword for the charge")
    spin_argument: str = Field(
        default="", description="the class's keyword for the number of unpaired electrons"
    )
    vacuum: Length = _vacuum("0 Å")

    @model_validator(mode="before")
    @classmethod
    def _name(cls, values: Any) -> Any:
        """Name the level of theory after the class when it has no name."""
        path = str(values.get("calculator", "")) if isinstance(values, dict) else ""
        if path and not values.get("method"):
            return {**values, "method": path.replace(":", ".").rpartition(".")[2]}
        return values


class FoundationSettings(ReferenceSettings):
    """A foundation model as a cheap teacher, in an environment of its own."""

    engine: Literal["foundation"] = _engine("foundation")
    hidden: ClassVar[frozenset[str]] = frozenset({"package"})
    method: str = Field(
        default="7net-0", description="checkpoint: a name that the package knows, or a file"
    )
    package: Literal["sevenn", "chgnet"] = Field(
        default="sevenn", description="package that brings the model"
    )
    dispersion: Dispersion = Field(
        default="none", description="D3 of PBE on top: none, d3zero or d3bj"
    )
    three_body: bool = _three_body()


SETTINGS: dict[str, type[ReferenceSettings]] = {
    "xtb": XtbSettings,
    "classical": ClassicalSettings,
    "gpaw": GpawSettings,
    "cp2k": Cp2kSettings,
    "espresso": EspressoSettings,
    "vasp": VaspSettings,
    "ase": AseSettings,
    "foundation": FoundationSettings,
}
"""By engine. A further engine has its settings here and its record in `reference.ENGINES`."""


def read_reference(values: Any) -> Any:
    """Return the `reference` group of a recipe with its preset expanded and its engine named.

    Raises:
        RecipeError: an engine or a preset that does not exist.
    """
    if not isinstance(values, dict):
        return values
    expanded = expand_preset(values)
    engine = expanded.setdefault("engine", "xtb")
    if engine not in SETTINGS:
        known = list(SETTINGS)
        hint = did_you_mean(str(engine), known)
        raise RecipeError(f"unknown engine '{engine}'{hint}: elyte has {', '.join(known)}")
    return expanded


Reference: Any = Annotated[
    XtbSettings
    | ClassicalSettings
    | GpawSettings
    | Cp2kSettings
    | EspressoSettings
    | VaspSettings
    | AseSettings
    | FoundationSettings,
    Field(discriminator="engine"),
]
"""The `reference` group of a recipe, after `read_reference`."""
