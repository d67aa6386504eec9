"""All transport properties of a system from its runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from elyte.analysis.curve import Curve
from elyte.analysis.observation import Observation, barycentre
from elyte.analysis.system import SpeciesGroup, SystemDescription
from elyte.analysis.transport.diffusion import green_kubo_diffusion, self_diffusion
from elyte.analysis.transport.green_kubo import current_curves
from elyte.analysis.transport.nernst_einstein import Ions, nernst_einstein, ratio, transport_numbers
from elyte.analysis.transport.onsager import (
    collective,
    conductivity,
    conductivity_from_current,
    onsager,
    onsager_quantities,
)
from elyte.core.errors import InputError
from elyte.core.quantity import Quantity

Array = NDArray[np.float64]
Coefficients = dict[tuple[str, str], Quantity]

LEAST_ION_DISPLACEMENT = 1.0
"""Å² per ion and e²: the fit of the collective dipole starts beyond the rattling of ions."""


def moving_frame(values: Array, system: SystemDescription, frame: str) -> Array:
    """Return positions or velocities of molecules (T, M, 3) relative to a reference frame.

    Args:
        frame: "barycentric": the centre of mass of everything; "solvent": that of the neutral
            molecules.

    Raises:
        InputError: another frame, or no neutral molecules.
    """
    masses = system.molecular_masses.copy()
    if frame == "solvent":
        masses[system.charges != 0] = 0
        if not masses.any():
            raise InputError("the solvent frame needs neutral molecules; use 'barycentric'")
    elif frame != "barycentric":
        raise InputError(f"there is no frame '{frame}'; use 'barycentric' or 'solvent'")
    return np.asarray(values - barycentre(values, masses))


def diffusion(
    runs: Sequence[Observation], system: SystemDescription, temperature: float | None
) -> tuple[Coefficients, list[Curve]]:
    """Return self-diffusion coefficients by (species, "einstein" or "green-kubo"), and curves."""
    coefficients: Coefficients = {}
    curves: list[Curve] = []
    centres = [moving_frame(o.centres, system, "barycentric") for o in runs]
    velocities = [
        moving_frame(o.velocities, system, "barycentric") for o in runs if o.velocities is not None
    ]
    step = runs[0].timestep
    for group in system.species:
        walks = [c[:, group.molecules] for c in centres]
        quantity, curve = self_diffusion(walks, step, group.name, temperature)
        coefficients[group.name, "einstein"] = quantity
        curves.append(curve)
        if len(velocities) == len(runs) and resolved(velocities, group):
            speeds = [v[:, group.molecules] for v in velocities]
            quantity, curve = green_kubo_diffusion(speeds, step, group.name, temperature)
            coefficients[group.name, "green-kubo"] = quantity
            curves.append(curve)
    return coefficients, curves


def resolved(velocities: Sequence[Array], group: SpeciesGroup) -> bool:
    """Return whether frames follow each other fast enough to integrate velocities."""
    v = velocities[0][:, group.molecules]
    return bool(np.sum(v[1:] * v[:-1]) > 0.8 * np.sum(v[:-1] ** 2))


def transport_withheld(
    system: SystemDescription, reason: str, temperature: float | None
) -> list[Quantity]:
    """Return the transport properties, all withheld for one reason."""
    fields: dict[str, Any] = {"temperature": temperature}
    listed = [
        Quantity.withhold("self-diffusion coefficient", "m²/s", reason, species=g.name, **fields)
        for g in system.species
    ]
    names = ("ionic conductivity", "Nernst–Einstein conductivity")
    if len(system.ions) > 1:
        listed += [Quantity.withhold(name, "S/m", reason, **fields) for name in names]
        listed.append(Quantity.withhold("ionicity", "1", reason, **fields))
    return listed


def charge_transport(
    runs: Sequence[Observation],
    system: SystemDescription,
    temperature: float | None,
    coefficients: Mapping[str, Quantity],
    currents: Sequence[ArrayLike] | None = None,
    current_timestep: float | None = None,
    frame: str = "barycentric",
) -> tuple[list[Quantity], list[Curve]]:
    """Return conductivities, ionicity, transport and transference numbers, Onsager parts."""
    if len(system.ions) < 2:
        return [], []
    if temperature is None:
        reason = "the temperature is not known; give it"
        missing = transport_withheld(system, reason, None)
        return [q for q in missing if q.name != "self-diffusion coefficient"], []
    if abs(system.total_charge) > 1e-6:
        reason = f"the charges add up to {system.total_charge:+g} e, so the current is not defined"
        missing = transport_withheld(system, reason, temperature)
        return [q for q in missing if q.name != "self-diffusion coefficient"], []
    return _conduction(runs, system, temperature, coefficients, currents, current_timestep, frame)


def _conduction(
    runs: Sequence[Observation],
    system: SystemDescription,
    temperature: float,
    coefficients: Mapping[str, Quantity],
    currents: Sequence[ArrayLike] | None,
    current_timestep: float | None,
    frame: str,
) -> tuple[list[Quantity], list[Curve]]:
    volume = float(np.average([o.volumes.mean() for o in runs], weights=[len(o) for o in runs]))
    step, least = runs[0].timestep, LEAST_ION_DISPLACEMENT * float(np.sum(system.charges**2))
    walks = [species_dipoles(moving_frame(o.centres, system, frame), system) for o in runs]
    dipoles = [np.sum(w, axis=0) for w in walks]
    sigma, curve = conductivity(dipoles, step, volume, temperature, least)
    ions: Ions = [(g.name, len(g), g.charge, coefficients[g.name]) for g in system.ions]
    independent = nernst_einstein(ions, volume, temperature)
    quantities = [sigma, independent]
    curves = [curve]
    quantities.append(ratio("ionicity", sigma, independent, "σ/σ_NE", temperature))
    quantities.append(ratio("Haven ratio", independent, sigma, "σ_NE/σ", temperature))
    quantities += transport_numbers(ions, temperature)
    total = collective(dipoles, step, volume, temperature, least)
    names = [g.name for g in system.ions]
    quantities += onsager_quantities(
        onsager(walks, names, step, volume, temperature, total), temperature, frame
    )
    more = _green_kubo(runs, system, temperature, volume, currents, current_timestep)
    return quantities + more[0], curves + more[1]


def _green_kubo(
    runs: Sequence[Observation],
    system: SystemDescription,
    temperature: float,
    volume: float,
    currents: Sequence[ArrayLike] | None,
    current_timestep: float | None,
) -> tuple[list[Quantity], list[Curve]]:
    if currents is not None:
        if current_timestep is None:
            raise InputError("currents need their time step, in fs")
        series, step = [np.asarray(c, dtype=float) for c in currents], current_timestep
    elif all(o.velocities is not None for o in runs):
        speeds = [o.velocities for o in runs if o.velocities is not None]
        series = [np.asarray(np.einsum("tmx,m->tx", v, system.charges)) for v in speeds]
        step = runs[0].timestep
        if np.sum(series[0][1:] * series[0][:-1]) < 0.8 * np.sum(series[0] ** 2):
            return [
                _no_green_kubo("frames are too far apart to integrate a current", temperature)
            ], []
    else:
        return [_no_green_kubo("neither velocities nor currents", temperature)], []
    quantity = conductivity_from_current(series, step, volume, temperature)
    return [quantity], current_curves(series, step, volume, temperature)


def _no_green_kubo(reason: str, temperature: float) -> Quantity:
    name = "ionic conductivity"
    reason = f"Green–Kubo: {reason}"
    return Quantity.withhold(name, "S/m", reason, method="Green–Kubo", temperature=temperature)


def species_dipoles(centres: Array, system: SystemDescription) -> list[Array]:
    """Return z_i R_i(t) = z_i Σ r of each charged species, e Å, (T, 3) each."""
    return [g.charge * centres[:, g.molecules].sum(axis=1) for g in system.ions]
