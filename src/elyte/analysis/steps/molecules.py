"""What molecules look like: dihedrals, conformers, combined and spatial distributions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elyte.analysis.curve import Curve
from elyte.analysis.functional import neighbour_lists
from elyte.analysis.internal import (
    Chain,
    molecular_plane,
    parse_chain,
    rotatable_dihedrals,
)
from elyte.analysis.maps import Cloud, Map
from elyte.analysis.pairs import half_box
from elyte.analysis.steps.context import Context, Findings
from elyte.analysis.structure.combined import (
    CombinedDistribution,
    angle_curve,
    combined_distribution,
)
from elyte.analysis.structure.conformers import (
    PYR14,
    TFSI,
    conformer_populations,
    conformers,
    pyr14_atoms,
    pyr14_conformers,
    pyr14_distances,
    tfsi_angles,
    tfsi_atoms,
    tfsi_conformers,
)
from elyte.analysis.structure.dihedrals import (
    dihedral_distribution,
    dihedral_over_time,
    dihedral_population,
    dihedrals,
)
from elyte.analysis.structure.solvation import Solvation
from elyte.analysis.structure.spatial import spatial_distribution
from elyte.analysis.system import SpeciesGroup
from elyte.core.errors import InputError
from elyte.core.quantity import Quantity

Array = NDArray[np.float64]

_DIHEDRAL_FRAMES = 1000
_COMBINED_FRAMES = 100
_SPATIAL_FRAMES = 60
_SPATIAL_PAIRS = 4_000_000  # pairs of molecule and target over all frames
_EXTENT = 6.0  # Å, half of the edge of a spatial distribution
_ANGLE_REACH = 6.0  # Å
_TORSIONS = {"gauche+": (0.0, 120.0), "anti": (120.0, 240.0), "gauche−": (240.0, 360.0)}


def _angles(context: Context, chain: Chain) -> list[Array]:
    """Return the dihedral of a chain in each run, degrees, (frames, k)."""
    atoms, rows = compact(chain.rows)
    return [
        dihedrals(o.positions[part, atoms], rows) for o, part in context.sampled(_DIHEDRAL_FRAMES)
    ]


def compact(rows: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the atoms that rows name, and the rows as places among these."""
    atoms, places = np.unique(rows, return_inverse=True)
    return atoms, places.reshape(rows.shape)


def dihedrals_step(context: Context) -> Findings:
    """Dihedral distributions and populations, of all rotatable bonds or those asked for."""
    species = context.system.species
    chains = [parse_chain(t, context.system, 4) for t in context.options.dihedrals]
    if not chains and context.system.bonds is None:
        reason = "the bonds of molecules are not known"
        return Findings([Quantity.withhold("dihedral population", "1", reason)])
    chains = chains or [c for g in species for c in rotatable_dihedrals(g, context.system)]
    found = Findings()
    for chain in chains:
        runs = _angles(context, chain)
        quantities = [
            dihedral_population(runs, low, high, f"{chain.label} {name}", context.temperature)
            for name, (low, high) in _TORSIONS.items()
        ]
        curves = [dihedral_distribution(runs, species=chain.label)]
        found += Findings(quantities, curves + _over_time(context, chain, runs))
    return found


def _over_time(context: Context, chain: Chain, runs: Sequence[Array]) -> list[Curve]:
    """The distribution over growing times: only where there is time, and enough of it."""
    if context.no_dynamics or max(map(len, runs)) < 64:
        return []
    stride = -(-max(len(o) for o in context.runs) // max(map(len, runs)))
    curves = dihedral_over_time(runs, context.timestep * stride, times=4, species=chain.label)
    group = f"Dihedral distribution over growing times: {chain.label}"
    return [
        Curve(**{**c.__dict__, "group": group, "label": f"first {c.details['time_ps']:.4g} ps"})
        for c in curves
    ]


def conformers_step(context: Context) -> Findings:
    """Conformers of TFSI and PYR14 where they are there, and those of the user."""
    found = Findings()
    for group in context.system.species:
        found += _tfsi(context, group) + _pyr14(context, group)
    for text in context.options.conformers:
        chain = parse_chain(text, context.system, 4)
        if not chain.regions:
            raise InputError(f"'{text}' names no conformers; add ': gauche 0..120, anti 120..240'")
        regions = {name: [bounds] for name, bounds in chain.regions.items()}
        states = [conformers([a], regions, 360.0) for a in _angles(context, chain)]
        found += Findings(
            conformer_populations(states, list(regions), chain.label, context.temperature)
        )
    return found


def _own_bonds(context: Context, group: SpeciesGroup) -> NDArray[np.int64]:
    bonds = context.system.bonds
    if bonds is None:
        return np.zeros((0, 2), dtype=np.int64)
    inside = np.zeros(len(context.system.numbers), dtype=bool)
    inside[group.atoms] = True
    return bonds[inside[bonds].all(axis=1)]


def _tfsi(context: Context, group: SpeciesGroup) -> Findings:
    if 16 not in context.system.numbers[group.atoms[0]]:
        return Findings()
    try:
        rows = tfsi_atoms(context.system.numbers, _own_bonds(context, group))
    except InputError:
        return Findings()
    angles = [tfsi_angles(o.positions[part], rows) for o, part in context.sampled(_DIHEDRAL_FRAMES)]
    states = [tfsi_conformers(*pair) for pair in angles]
    phi, psi = (np.concatenate([pair[k].ravel() for pair in angles]) for k in (0, 1))
    turned = np.where(phi < 0, -1, 1)
    edges = np.linspace(0, 180, 37), np.linspace(-180, 180, 73)
    density = np.histogram2d(phi * turned, psi * turned, edges, density=True)[0]
    plot = Map(
        "probability density", _middles(edges[0]), _middles(edges[1]), density, "φ (C–S–S–C)",
        "ψ (C–S–S–N)", "°", "°", "1/°²", label=group.name, group="Conformers",
    )  # fmt: skip
    populations = conformer_populations(states, TFSI, group.name, context.temperature)
    return Findings(populations, [], [plot])


def _pyr14(context: Context, group: SpeciesGroup) -> Findings:
    if 7 not in context.system.numbers[group.atoms[0]]:
        return Findings()
    try:
        rows = pyr14_atoms(context.system.numbers, _own_bonds(context, group))
    except InputError:
        return Findings()
    atoms, places = compact(rows)
    lengths = [
        pyr14_distances(o.positions[part, atoms], places)
        for o, part in context.sampled(_DIHEDRAL_FRAMES)
    ]
    states = [pyr14_conformers(r2) for _, r2 in lengths]
    r1, r2 = (np.concatenate([pair[k].ravel() for pair in lengths]) for k in (0, 1))
    edges = np.linspace(2.5, 7.5, 51), np.linspace(2.5, 7.5, 51)
    density = np.histogram2d(r1, r2, edges, density=True)[0]
    plot = Map(
        "probability density", _middles(edges[0]), _middles(edges[1]), density, "r₁", "r₂",
        "Å", "Å", "1/Å²", label=group.name, group="Conformers",
    )  # fmt: skip
    populations = conformer_populations(states, PYR14, group.name, context.temperature)
    return Findings(populations, [], [plot])


def _middles(edges: Array) -> Array:
    return np.asarray((edges[1:] + edges[:-1]) / 2)


# ---------------------------------------------------------------- distance and angle


def combined_step(context: Context) -> Findings:
    """g(r, φ) of the ions around each donor atom that binds them, φ from its bond."""
    found = Findings()
    if context.system.bonds is None:
        return found
    around = neighbour_lists(len(context.system.numbers), context.system.bonds)
    for solvation in context.solvations:
        for site in solvation.sites:
            if not site.centres and not solvation.shells[site.label].reason:
                found += _combined(context, solvation, site.label, site.atoms, around)
    return found


def _combined(
    context: Context,
    solvation: Solvation,
    label: str,
    atoms: NDArray[np.int64],
    around: list[list[int]],
) -> Findings:
    bonded = [k for k in atoms.tolist() if around[k]]
    if not bonded:
        return Findings()
    partner = [max(around[k], key=lambda j: (context.system.numbers[j], -j)) for k in bonded]
    samples = context.sampled(_COMBINED_FRAMES)
    reach = min(_ANGLE_REACH, context.reach)
    x = np.concatenate([o.positions[part, bonded] for o, part in samples])
    y = np.concatenate([o.positions[part, partner] for o, part in samples])
    of = np.concatenate([c[part] for c, (_, part) in zip(solvation.centres, samples, strict=True)])
    cells = np.concatenate([np.asarray(o.cells)[part] for o, part in samples])
    found = combined_distribution(x, y - x, of, cells, reach, (60, 30))
    name = f"{solvation.cation.name}–{label}"
    end = solvation.shells[label].minimum
    cut = angle_curve(found, 0.0, end, f"{name}, r <")
    short = Curve(**{**cut.__dict__, "label": f"{name}, r < {end:.2f} Å"})
    return Findings([], [short], _maps(found, name))


def _maps(found: CombinedDistribution, label: str) -> list[Map]:
    shared: dict[str, Any] = {
        "x_name": "distance r",
        "y_name": "angle φ",
        "x_unit": "Å",
        "y_unit": "°",
    }
    return [
        Map(
            "g(r, φ)", found.r, found.angle, found.g, z_unit="1", z_error=found.g_error,
            label=label, group="Combined distributions", **shared,
        ),
        Map(
            "P(r, φ) − P(r) P(φ)", found.r, found.angle, found.correlation, z_unit="1/(Å °)",
            z_error=found.correlation_error, label=label,
            group="Correlation of distance and angle", centred=True, **shared,
        ),
    ]  # fmt: skip


# ---------------------------------------------------------------- in space


def spatial_step(context: Context) -> Findings:
    """The density of ions around each kind of molecule, in the molecule's own axes."""
    clouds = []
    positions = context.first_frame.positions
    extent = min(_EXTENT, min(half_box(o.cells) for o in context.runs) / np.sqrt(3) * 0.999)
    for group in context.system.species:
        axes = molecular_plane(group, context.system, positions)
        if axes is None:
            continue
        for cation in context.centres:
            if cation is not group:
                clouds.append(_cloud(context, group, axes, cation, extent))
    return Findings(clouds=[c for c in clouds if c is not None])


def _cloud(
    context: Context,
    group: SpeciesGroup,
    axes: tuple[int, int, int],
    cation: SpeciesGroup,
    extent: float,
) -> Cloud | None:
    most = int(min(_SPATIAL_FRAMES, max(_SPATIAL_PAIRS // (len(group) * len(cation)), 8)))
    samples = context.sampled(most)
    target = cation.atoms[:, 0] if cation.monatomic else cation.molecules
    size = group.atoms.shape[1]
    own = group.atoms.ravel()
    parts = []
    for o, part in samples:
        at = o.positions if cation.monatomic else o.places
        parts.append(np.concatenate([o.positions[part, own], at[part, target]], axis=1))
    cells = np.concatenate([np.asarray(o.cells)[part] for o, part in samples])
    rows = np.arange(len(own)).reshape(-1, size)
    numbers = np.concatenate([context.system.numbers[own], np.zeros(len(cation), dtype=np.int64)])
    try:
        found = spatial_distribution(
            np.concatenate(parts),
            numbers,
            rows,
            np.arange(len(own), len(numbers)),
            cells,
            axes,
            extent,
        )
    except InputError:  # three atoms that come to lie on a line define no axes
        return None
    return Cloud(f"{cation.name} around {group.name}", group.name, cation.name, found)
