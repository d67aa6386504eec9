"""Density, compressibility, heat capacity, dielectric constant."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from elyte.analysis.steps.context import NO_TEMPERATURE, Context, Findings
from elyte.analysis.thermo.density import density, density_curve, density_series, fixed_density
from elyte.analysis.thermo.dielectric import box_dipole, dielectric_constant
from elyte.analysis.thermo.fluctuations import compressibility
from elyte.analysis.thermo.heat_capacity import heat_capacity
from elyte.core.errors import InputError
from elyte.core.quantity import Quantity

Array = NDArray[np.float64]


def recorded(context: Context, name: str) -> list[Array] | None:
    """Return a series that every run has recorded, or None."""
    if context.series is None or not all(name in s for s in context.series):
        return None
    return [np.asarray(s[name], dtype=float) for s in context.series]


def density_step(context: Context) -> Findings:
    """Density, and compressibility at constant pressure."""
    mass = float(context.system.masses.sum())
    kelvin = context.temperature
    if context.ensemble == "NVT":
        reason = "the volume is constant"
        beta = Quantity.withhold("isothermal compressibility", "1/GPa", reason, temperature=kelvin)
        return Findings([fixed_density(context.volume, mass, kelvin), beta])
    volumes = recorded(context, "volume") or [o.volumes for o in context.runs]
    rho = density([density_series(v, mass) for v in volumes], kelvin)
    curves = []
    for k, o in enumerate(context.runs):
        if not o.problem:
            times = o.timestep * np.arange(len(o))
            label = f"run {k + 1}" if len(context.runs) > 1 else ""
            curves.append(density_curve(times, density_series(o.volumes, mass), label))
    return Findings([rho, compressibility(volumes, kelvin)], curves)


def heat_capacity_step(context: Context) -> Findings:
    """Heat capacity from the energies or enthalpies that were recorded with the runs."""
    constant = "volume" if context.ensemble == "NVT" else "pressure"
    wanted = "energy" if constant == "volume" else "enthalpy"
    name = f"specific heat capacity at constant {constant}"
    values = recorded(context, wanted)
    reason = ""
    if values is None:
        reason = f"no series of the {wanted} was given"
    elif context.temperature is None:
        reason = NO_TEMPERATURE
    if reason or values is None or context.temperature is None:
        return _withheld(context, name, "J/(g K)", reason)
    mass = float(context.system.masses.sum())
    return Findings([heat_capacity(values, mass, context.temperature, constant)])


def dielectric_step(context: Context) -> Findings:
    """Dielectric constant of a liquid of neutral molecules whose atoms have charges."""
    name, charges = "dielectric constant", context.options.atom_charges
    if context.system.ions:
        return _withheld(context, name, "1", "a liquid with ions conducts: it has none at ω = 0")
    if charges is None:
        return _withheld(
            context, name, "1", "no charges of atoms are known: give a topology that has them"
        )
    if context.temperature is None:
        return _withheld(context, name, "1", NO_TEMPERATURE)
    dipoles = _dipoles(context, np.asarray(charges, dtype=float))
    if isinstance(dipoles, str):
        return _withheld(context, name, "1", dipoles)
    return Findings([dielectric_constant(dipoles, context.volume, context.temperature)])


def _dipoles(context: Context, charges: Array) -> Sequence[Array] | str:
    try:
        of = context.system.molecules
        return [
            np.concatenate([box_dipole(block, charges, of) for _, block in o.positions.blocks()])
            for o in context.runs
        ]
    except InputError as error:
        return str(error)


def _withheld(context: Context, name: str, unit: str, reason: str) -> Findings:
    return Findings([Quantity.withhold(name, unit, reason, temperature=context.temperature)])
