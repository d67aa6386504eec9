"""Diffusion, van Hove functions, velocities, rotation, mechanism, viscosity, size of the box."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from elyte.analysis.curve import Curve
from elyte.analysis.internal import Chain, molecular_vector, parse_chain
from elyte.analysis.steps.context import NO_TEMPERATURE, Context, Findings
from elyte.analysis.steps.thermo import recorded
from elyte.analysis.structure.solvation import Solvation
from elyte.analysis.system import SpeciesGroup
from elyte.analysis.transport.finite_size import NAME as INFINITE
from elyte.analysis.transport.finite_size import corrected_for_size
from elyte.analysis.transport.mechanism import NAME as MECHANISM
from elyte.analysis.transport.mechanism import mechanism
from elyte.analysis.transport.regime import log_log_slope
from elyte.analysis.transport.report import diffusion, moving_frame, resolved
from elyte.analysis.transport.rotation import rotational_relaxation
from elyte.analysis.transport.van_hove import (
    non_gaussian_curve,
    non_gaussian_parameter,
    van_hove_self,
)
from elyte.analysis.transport.velocity import shell_cross_correlation, velocity_autocorrelation
from elyte.analysis.transport.viscosity import viscosity
from elyte.core.errors import InputError
from elyte.core.quantity import Quantity

Array = NDArray[np.float64]

EINSTEIN = "self-diffusion coefficient"
VACF_ROW = "velocity autocorrelation"
VCCF_ROW = "velocity cross-correlation within the first shell"
NO_VELOCITIES = (
    "no velocities in the trajectory; `elyte md --velocities --save-every 5fs` stores them"
)
TOO_COARSE = "velocities are stored too rarely to integrate them; store every few fs"
_TIMES = (0.01, 0.1, 0.3)  # of the run, at which van Hove's function is shown
_LEAST_FRAMES = 30
_MOST_PARTICLES = 400  # of a species, for what costs much and is known well from fewer


def _each_species(context: Context, name: str, unit: str, reason: str) -> Findings:
    kelvin = context.temperature
    return Findings(
        [
            Quantity.withhold(name, unit, reason, species=g.name, temperature=kelvin)
            for g in context.system.species
        ]
    )


def _walks(context: Context, group: SpeciesGroup, most: int | None = None) -> list[Array]:
    """Return centres of mass in the frame of the whole box, (T, n, 3) each run."""
    chosen = _some(group.molecules, most)
    return [
        moving_frame(o.centres, context.system, "barycentric")[:, chosen] for o in context.timed
    ]


def _some(indices: NDArray[np.int64], most: int | None) -> NDArray[np.int64]:
    return indices if most is None else indices[:: -(-len(indices) // most)]


def diffusion_step(context: Context) -> Findings:
    """Self-diffusion by Einstein and by Green–Kubo, and whether the regime is diffusive."""
    if context.no_dynamics:
        return _each_species(context, EINSTEIN, "m²/s", context.no_dynamics)
    kelvin = context.temperature
    coefficients, curves = diffusion(context.timed, context.system, kelvin)
    quantities = [q for (_, how), q in coefficients.items() if how == "einstein"]
    for group in context.system.species:
        known = coefficients.get((group.name, "green-kubo"))
        quantities.append(known or _no_green_kubo(context, group))
    for group in context.system.species:
        window = coefficients[group.name, "einstein"].details.get("fit_window_ps")
        lag = None if window is None else round(window[0] * 1000 / context.timestep)
        walks = _walks(context, group)
        quantities.append(log_log_slope(walks, context.timestep, lag, group.name, kelvin))
    return Findings(quantities, curves)


def _no_green_kubo(context: Context, group: SpeciesGroup) -> Quantity:
    missing = any(o.velocities is None for o in context.timed)
    return Quantity.withhold(
        EINSTEIN,
        "m²/s",
        f"Green–Kubo: {NO_VELOCITIES if missing else TOO_COARSE}",
        method="Green–Kubo",
        species=group.name,
        temperature=context.temperature,
    )


def van_hove_step(context: Context) -> Findings:
    """Van Hove's self function at a few times, and the non-Gaussian parameter."""
    name = "non-Gaussian parameter"
    if context.no_dynamics:
        return _each_species(context, name, "1", context.no_dynamics)
    frames = min(map(len, context.timed))
    if frames < _LEAST_FRAMES:
        return _each_species(
            context, name, "1", f"only {frames} frames of at least {_LEAST_FRAMES}"
        )
    step = context.timestep
    lags = sorted({max(int(part * frames), 1) for part in _TIMES})
    found = Findings()
    for group in context.system.species:
        walks = _walks(context, group, _MOST_PARTICLES)
        at = step * max(frames // 10, 1)
        alpha = non_gaussian_parameter(walks, step, at, group.name, context.temperature)
        curves = [_labelled(c, group) for c in van_hove_self(walks, step, [k * step for k in lags])]
        found += Findings([alpha], [*curves, non_gaussian_curve(walks, step, 20, group.name)])
    return found


def _labelled(curve: Curve, group: SpeciesGroup) -> Curve:
    title = f"Van Hove function, {group.name}"
    return Curve(**{**curve.__dict__, "species": group.name, "group": title})


def velocity_step(context: Context) -> Findings:
    """Velocity autocorrelations of all species, cross-correlations of ions with their shell."""
    everywhere = [g.name for g in context.system.species]
    shells = [
        (s, name)
        for s in (context.solvations if context.no_dynamics else context.timed_solvations)
        for name, bound in s.ligands.items()
        if any(len(b.frame) for b in bound)
    ]
    reason = context.no_dynamics
    if not reason and any(o.velocities is None for o in context.timed):
        reason = NO_VELOCITIES
    if reason:
        return _no_velocities(context, reason, everywhere, [_pair(*p) for p in shells])
    speeds = [
        moving_frame(o.velocities, context.system, "barycentric")
        for o in context.timed
        if o.velocities is not None
    ]
    step = context.timestep
    fine = {g.name for g in context.system.species if resolved(speeds, g)}
    curves = [
        velocity_autocorrelation([v[:, g.molecules] for v in speeds], step, species=g.name)
        for g in context.system.species
        if g.name in fine
    ]
    for around, name in shells:
        if around.cation.name in fine:
            ions = [v[:, around.cation.molecules] for v in speeds]
            ligands = [v[:, context.system[name].molecules] for v in speeds]
            label, bound = _pair(around, name), around.ligands[name]
            curves.append(shell_cross_correlation(ions, ligands, bound, step, species=label))
    coarse = [name for name in everywhere if name not in fine]
    pairs = [_pair(*p) for p in shells if p[0].cation.name not in fine]
    return _no_velocities(context, TOO_COARSE, coarse, pairs) + Findings([], curves)


def _pair(around: Solvation, ligand: str) -> str:
    return f"{around.cation.name}–{ligand}"


def _no_velocities(
    context: Context, reason: str, species: Sequence[str], pairs: Sequence[str]
) -> Findings:
    """Say which velocity correlations are not shown, in one row of each kind."""
    kelvin = context.temperature
    rows = ((VACF_ROW, species), (VCCF_ROW, pairs))
    return Findings(
        [
            Quantity.withhold(name, "1", reason, species=", ".join(of), temperature=kelvin)
            for name, of in rows
            if of
        ]
    )


# ---------------------------------------------------------------- rotation and mechanism


def chosen_vectors(context: Context) -> list[Chain]:
    """Return the vectors of the options, and one for each other species."""
    asked = [parse_chain(t, context.system, 2) for t in context.options.vectors]
    named = {c.group.name for c in asked}
    others = [molecular_vector(g, context.system) for g in context.system.species]
    return asked + [c for c in others if c is not None and c.group.name not in named]


def rotation_step(context: Context) -> Findings:
    """Rotational relaxation, orders 1 and 2, of a vector of each molecule."""
    name = "rotational relaxation time, order 1"
    reason = context.no_dynamics
    frames = min((len(o) for o in context.timed), default=0)
    if not reason and frames < _LEAST_FRAMES:
        reason = f"only {frames} frames of at least {_LEAST_FRAMES}"
    if context.system.bonds is None and not context.options.vectors:
        reason = "the bonds of molecules are not known"
        return Findings([Quantity.withhold(name, "ps", reason, temperature=context.temperature)])
    quantities, curves = [], []
    for chain in chosen_vectors(context):
        if reason:
            fields = {"species": chain.label, "temperature": context.temperature}
            quantities.append(Quantity.withhold(name, "ps", reason, **fields))
            continue
        rows = _some(np.arange(len(chain.rows)), _MOST_PARTICLES)
        start, end = chain.rows[rows].T
        vectors = [o.positions[:, end] - o.positions[:, start] for o in context.timed]
        for order in (1, 2):
            quantity, curve = rotational_relaxation(
                vectors, context.timestep, order, chain.label, context.temperature
            )
            quantities.append(quantity)
            curves.append(Curve(**{**curve.__dict__, "group": f"Rotation, order {order}"}))
    return Findings(quantities, curves)


def mechanism_step(context: Context) -> Findings:
    """τ_pair/τ_rot for each ligand of each ion."""
    if context.no_dynamics:
        pairs = [_pair(s, ligand) for s in context.solvations for ligand in s.ligands]
        row = Quantity.withhold(
            MECHANISM,
            "1",
            context.no_dynamics,
            species=", ".join(pairs),
            temperature=context.temperature,
        )
        return Findings([row] if pairs else [])
    vectors = {c.group.name: c.label for c in chosen_vectors(context)}
    quantities = []
    for around in context.timed_solvations:
        for ligand in around.ligands:
            label = _pair(around, ligand)
            pair = context.find("intermittent pair lifetime", label)
            rotation = context.find("rotational relaxation time, order 1", vectors.get(ligand, ""))
            if pair is not None and rotation is not None:
                quantities.append(mechanism(pair, rotation, label))
    return Findings(quantities)


# ---------------------------------------------------------------- viscosity and size


def viscosity_step(context: Context) -> Findings:
    """Shear viscosity from the stress that was recorded with the runs."""
    name, unit = "shear viscosity", "Pa s"
    stress, steps = recorded(context, "stress"), recorded(context, "timestep")
    reason = ""
    if stress is None or steps is None:
        reason = "no series of the stress was given"
    elif context.temperature is None:
        reason = NO_TEMPERATURE
    elif len({round(float(s), 6) for s in steps}) > 1:
        reason = "the series of the runs have different time steps"
    if reason or stress is None or steps is None or context.temperature is None:
        return Findings([Quantity.withhold(name, unit, reason, temperature=context.temperature)])
    quantity, curve = viscosity(stress, float(steps[0]), context.volume, context.temperature)
    return Findings([quantity], [curve])


def finite_size_step(context: Context) -> Findings:
    """Self-diffusion in an infinite box, by the viscosity of the run or one that was given."""
    found = [context.find(EINSTEIN, g.name) for g in context.system.species]
    known = [q for q in found if q is not None]
    eta, reason = _known_viscosity(context)
    length = context.volume ** (1 / 3)
    if not reason and not _cubic(context):
        reason = "the box is not a cube"
    reason = context.no_dynamics or reason
    if reason or eta is None:
        names = ", ".join(q.species for q in known)
        row = Quantity.withhold(
            INFINITE, "m²/s", reason, species=names, temperature=context.temperature
        )
        return Findings([row] if known else [])
    return Findings([corrected_for_size(q, eta, length) for q in known])


def _known_viscosity(context: Context) -> tuple[Quantity | None, str]:
    if context.temperature is None:
        return None, NO_TEMPERATURE
    given = context.options.viscosity
    if given is not None:
        if not (np.isfinite(given) and given > 0):
            raise InputError(f"the viscosity is {given} Pa s; it must be a positive number")
        return Quantity("shear viscosity", given, np.nan, "Pa s", source="the user"), ""
    own = context.find("shear viscosity")
    if own is None or own.withheld:
        return None, "no viscosity: give it, or the series of the stress, or boxes of two sizes"
    return own, ""


def _cubic(context: Context) -> bool:
    cells = [np.asarray(o.cells).mean(axis=0) for o in context.runs]
    gram = [c @ c.T for c in cells]
    return all(
        np.allclose(g, np.eye(3) * np.trace(g) / 3, rtol=0.03, atol=0.03 * g[0, 0]) for g in gram
    )
