"""The steps of an analysis in their order: what `--properties` chooses from."""

from __future__ import annotations

from elyte.analysis.steps.charge import conduction_step
from elyte.analysis.steps.context import Options, Step
from elyte.analysis.steps.dynamics import (
    diffusion_step,
    finite_size_step,
    mechanism_step,
    rotation_step,
    van_hove_step,
    velocity_step,
    viscosity_step,
)
from elyte.analysis.steps.molecules import (
    combined_step,
    conformers_step,
    dihedrals_step,
    spatial_step,
)
from elyte.analysis.steps.speciation import lifetimes_step, markov_step, speciation_step
from elyte.analysis.steps.structure import pairs_step, static_factor_step, structure_step
from elyte.analysis.steps.thermo import density_step, dielectric_step, heat_capacity_step
from elyte.core.errors import InputError, did_you_mean

STEPS = (
    Step("density", density_step, "density, compressibility at constant pressure"),
    Step("heat-capacity", heat_capacity_step, "heat capacity, from a series of energies"),
    Step("dielectric", dielectric_step, "dielectric constant of a liquid without ions"),
    Step("structure", structure_step, "g(r), coordination and ligand numbers, SSIP/CIP/AGG"),
    Step("pairs", pairs_step, "g(r) and coordination numbers of the sites of --pairs"),
    Step("static-factor", static_factor_step, "structure factors S(q)"),
    Step("combined", combined_step, "g(r, φ) around donor atoms, and its correlation"),
    Step("spatial", spatial_step, "density of ions around molecules in space"),
    Step("dihedrals", dihedrals_step, "dihedral distributions, also over growing times"),
    Step("conformers", conformers_step, "TFSI, PYR14, and those of --conformer"),
    Step("speciation", speciation_step, "multidentate ligands, clusters, networks"),
    Step("lifetimes", lifetimes_step, "lifetimes of pairs and states"),
    Step("markov", markov_step, "Markov state model of clusters, implied time scales"),
    Step("viscosity", viscosity_step, "shear viscosity, from a series of the stress"),
    Step("diffusion", diffusion_step, "MSD, self-diffusion, diffusive regime"),
    Step("finite-size", finite_size_step, "self-diffusion in an infinite box"),
    Step("van-hove", van_hove_step, "van Hove functions, non-Gaussian parameter"),
    Step("velocity", velocity_step, "VACF, VCCF within the first shell"),
    Step("rotation", rotation_step, "rotational relaxation, orders 1 and 2"),
    Step("mechanism", mechanism_step, "pair lifetime over rotation time"),
    Step("conduction", conduction_step, "conductivity, ionicity, transference"),
)
"""Later steps use what earlier ones have found."""

WITHOUT_NUMBERS = frozenset(
    {"static-factor", "combined", "spatial", "dihedrals", "finite-size", "velocity"}
)
"""Steps whose results are curves and maps, or of several runs."""

NAMES = tuple(step.name for step in STEPS)
_NEEDS = {
    "finite-size": ("viscosity", "diffusion"),
    "mechanism": ("lifetimes", "rotation"),
    "conduction": ("diffusion",),
}


def chosen_steps(options: Options) -> list[Step]:
    """Return the steps that the options choose, with those that they need.

    Raises:
        InputError: a name that is no step.
    """
    for name in (*options.properties, *options.without):
        if name not in NAMES:
            raise InputError(
                f"there is no property '{name}'{did_you_mean(name, list(NAMES))}; "
                f"there are {', '.join(NAMES)}"
            )
    wanted = set(options.properties or NAMES)
    for name in list(wanted):
        wanted |= set(_NEEDS.get(name, ()))
    return [s for s in STEPS if s.name in wanted and s.name not in options.without]
